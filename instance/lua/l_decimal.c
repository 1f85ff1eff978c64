/* The module `decimal`. */
#include <string.h>

#include "instance/base/decimal_math.h"
#include "instance/lua/utils.h"

static struct decimal *to_decimal(lua_State *L, int idx)
{
	uint32_t ctid;
	void *payload = luaT_to_cdata(L, idx, &ctid);
	return payload != NULL && ctid == ctid_decimal ? payload : NULL;
}

static int push_decimal(lua_State *L, const struct decimal *dec)
{
	memcpy(luaT_push_cdata(L, ctid_decimal), dec, sizeof(*dec));
	return 1;
}

/* A 64-bit integer cdata; false when it is something else. */
static bool from_integer_cdata(lua_State *L, int idx, struct decimal *ret)
{
	uint64_t u;
	int64_t i;
	if (luaT_to_int64(L, idx, &i))
		decimal_from_int64(i, ret);
	else if (luaT_to_uint64(L, idx, &u))
		decimal_from_uint64(u, ret);
	else
		return false;
	return true;
}

/* The value at idx as a decimal; raises when it is none. */
static void check_value(lua_State *L, int idx, struct decimal *ret)
{
	const struct decimal *dec;
	int rc = 0;
	switch (lua_type(L, idx)) {
	case LUA_TNUMBER:
		rc = decimal_from_double(lua_tonumber(L, idx), ret);
		break;
	case LUA_TSTRING:
		rc = decimal_from_string(lua_tostring(L, idx), ret);
		break;
	case LUA_TCDATA:
		dec = to_decimal(L, idx);
		if (dec != NULL) {
			*ret = *dec;
			break;
		}
		if (from_integer_cdata(L, idx, ret))
			break;
		/* fallthrough */
	default:
		luaL_error(L, "expected decimal, number or string as %d argument", idx);
	}
	if (rc != 0)
		luaL_error(
			L, "incorrect value to convert to decimal as %d argument", idx);
}

static const struct decimal *check_decimal(lua_State *L, int idx)
{
	const struct decimal *dec = to_decimal(L, idx);
	if (dec == NULL)
		luaL_error(L, "expected cdata as %d argument", idx);
	return dec;
}

static int l_decimal_new(lua_State *L)
{
	struct decimal dec;
	if (lua_gettop(L) < 1)
		return luaL_error(L, "usage: decimal.new(value)");
	check_value(L, 1, &dec);
	return push_decimal(L, &dec);
}

typedef int (*binary_fn)(
	const struct decimal *, const struct decimal *, struct decimal *);

static int binary(lua_State *L, binary_fn fn)
{
	struct decimal a, b, result;
	check_value(L, 1, &a);
	check_value(L, 2, &b);
	if (fn(&a, &b, &result) != 0)
		return luaL_error(L, "decimal operation failed");
	return push_decimal(L, &result);
}

typedef int (*unary_fn)(const struct decimal *, struct decimal *);

static int unary(lua_State *L, const char *name, unary_fn fn)
{
	struct decimal a, result;
	if (lua_gettop(L) < 1)
		return luaL_error(L, "usage: decimal.%s(decimal)", name);
	check_value(L, 1, &a);
	if (fn(&a, &result) != 0)
		return luaL_error(L, "decimal operation failed");
	return push_decimal(L, &result);
}

static int l_decimal_add(lua_State *L)
{
	return binary(L, decimal_add);
}

static int l_decimal_sub(lua_State *L)
{
	return binary(L, decimal_sub);
}

static int l_decimal_mul(lua_State *L)
{
	return binary(L, decimal_mul);
}

static int l_decimal_div(lua_State *L)
{
	return binary(L, decimal_div);
}

static int l_decimal_mod(lua_State *L)
{
	return binary(L, decimal_remainder);
}

static int l_decimal_pow(lua_State *L)
{
	return binary(L, decimal_pow);
}

static int negate(const struct decimal *a, struct decimal *ret)
{
	*ret = *a;
	ret->is_negative = !a->is_negative && (a->low != 0 || a->high != 0);
	return 0;
}

static int l_decimal_unm(lua_State *L)
{
	return unary(L, "minus", negate);
}

static int absolute(const struct decimal *a, struct decimal *ret)
{
	*ret = *a;
	ret->is_negative = false;
	return 0;
}

static int l_decimal_abs(lua_State *L)
{
	return unary(L, "abs", absolute);
}

static int l_decimal_exp(lua_State *L)
{
	return unary(L, "exp", decimal_exp);
}

static int l_decimal_ln(lua_State *L)
{
	return unary(L, "ln", decimal_ln);
}

static int l_decimal_log10(lua_State *L)
{
	return unary(L, "log10", decimal_log10);
}

static int l_decimal_sqrt(lua_State *L)
{
	return unary(L, "sqrt", decimal_sqrt);
}

static int compare(lua_State *L)
{
	struct decimal a, b;
	check_value(L, 1, &a);
	check_value(L, 2, &b);
	return decimal_compare(&a, &b);
}

static int l_decimal_eq(lua_State *L)
{
	bool has_nil = luaT_is_null(L, 1) || luaT_is_null(L, 2);
	lua_pushboolean(L, !has_nil && compare(L) == 0);
	return 1;
}

/* `<` and `<=` say so of nil and box.NULL; everything else is converted. */
static void refuse_null(lua_State *L)
{
	if (luaT_is_null(L, 1))
		luaL_error(L, "attempt to compare nil with decimal");
	if (luaT_is_null(L, 2))
		luaL_error(L, "attempt to compare decimal with nil");
}

static int l_decimal_lt(lua_State *L)
{
	refuse_null(L);
	lua_pushboolean(L, compare(L) < 0);
	return 1;
}

static int l_decimal_le(lua_State *L)
{
	refuse_null(L);
	lua_pushboolean(L, compare(L) <= 0);
	return 1;
}

static int l_decimal_tostring(lua_State *L)
{
	char text[DECIMAL_STR_MAX];
	decimal_to_string(check_decimal(L, 1), text);
	lua_pushstring(L, text);
	return 1;
}

static int l_decimal_scale(lua_State *L)
{
	if (lua_gettop(L) < 1)
		return luaL_error(L, "usage: decimal.scale(decimal)");
	const struct decimal *dec = check_decimal(L, 1);
	lua_pushinteger(L, dec->scale > 0 ? dec->scale : 0);
	return 1;
}

static int l_decimal_precision(lua_State *L)
{
	if (lua_gettop(L) < 1)
		return luaL_error(L, "usage: decimal.precision(decimal)");
	const struct decimal *dec = check_decimal(L, 1);
	int digits = decimal_digits(dec);
	if (dec->scale < 0)
		digits -= dec->scale;
	lua_pushinteger(L, dec->scale > digits ? dec->scale : digits);
	return 1;
}

static int l_decimal_trim(lua_State *L)
{
	struct decimal result;
	if (lua_gettop(L) < 1)
		return luaL_error(L, "usage: decimal.trim(decimal)");
	decimal_trim(check_decimal(L, 1), &result);
	return push_decimal(L, &result);
}

static int l_decimal_round(lua_State *L)
{
	struct decimal result;
	if (lua_gettop(L) < 2)
		return luaL_error(L, "usage: decimal.round(decimal, scale)");
	decimal_round(check_decimal(L, 1), (int)lua_tointeger(L, 2), &result);
	return push_decimal(L, &result);
}

static int l_decimal_rescale(lua_State *L)
{
	struct decimal result;
	if (lua_gettop(L) < 2)
		return luaL_error(L, "usage: decimal.rescale(decimal, scale)");
	decimal_rescale(check_decimal(L, 1), (int)lua_tointeger(L, 2), &result);
	return push_decimal(L, &result);
}

static int l_decimal_is_decimal(lua_State *L)
{
	if (lua_gettop(L) < 1)
		return luaL_error(L, "usage: decimal.is_decimal(value)");
	lua_pushboolean(L, to_decimal(L, 1) != NULL);
	return 1;
}

static void make_type(lua_State *L)
{
	static const luaL_Reg meta[] = {
		{"__add", l_decimal_add},
		{"__sub", l_decimal_sub},
		{"__mul", l_decimal_mul},
		{"__div", l_decimal_div},
		{"__mod", l_decimal_mod},
		{"__pow", l_decimal_pow},
		{"__unm", l_decimal_unm},
		{"__eq", l_decimal_eq},
		{"__lt", l_decimal_lt},
		{"__le", l_decimal_le},
		{"__tostring", l_decimal_tostring},
		{NULL, NULL},
	};
	luaT_cdef(L, "struct decimal { uint64_t _low, _high; int32_t _scale;"
		     " uint32_t _is_negative; };");
	ctid_decimal = luaT_ctype(L, "struct decimal");
	lua_newtable(L);
	luaL_register(L, NULL, meta);
	luaT_metatype(L, "struct decimal");
}

int luaopen_decimal(lua_State *L);
int luaopen_decimal(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"new", l_decimal_new},
		{"abs", l_decimal_abs},
		{"exp", l_decimal_exp},
		{"ln", l_decimal_ln},
		{"log10", l_decimal_log10},
		{"sqrt", l_decimal_sqrt},
		{"scale", l_decimal_scale},
		{"precision", l_decimal_precision},
		{"trim", l_decimal_trim},
		{"round", l_decimal_round},
		{"rescale", l_decimal_rescale},
		{"is_decimal", l_decimal_is_decimal},
		{NULL, NULL},
	};
	make_type(L);
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}

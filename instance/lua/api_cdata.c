/* The C API of modules: cdata and 64-bit integers in Lua. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "instance/lua/utils.h"
#include "instance/module/api.h"

/* The integer types that a cdata may have. */
struct integer_type {
	const char *name;
	uint8_t size;
	bool is_signed;
	uint32_t ctid; /* 0: not asked yet */
};

static struct integer_type integer_types[] = {
	{"int64_t", 8, true, 0},
	{"uint64_t", 8, false, 0},
	{"int32_t", 4, true, 0},
	{"uint32_t", 4, false, 0},
	{"int16_t", 2, true, 0},
	{"uint16_t", 2, false, 0},
	{"int8_t", 1, true, 0},
	{"uint8_t", 1, false, 0},
	{"char", 1, true, 0},
	{"signed char", 1, true, 0},
	{"long", sizeof(long), true, 0},
	{"unsigned long", sizeof(long), false, 0},
};

static const struct integer_type *integer_type(lua_State *L, uint32_t ctid)
{
	if (unlikely(integer_types[0].ctid == 0))
		for (size_t i = lengthof(integer_types); i-- > 0;)
			integer_types[i].ctid = luaT_ctype(L, integer_types[i].name);
	for (size_t i = 0; i < lengthof(integer_types); i++)
		if (integer_types[i].ctid == ctid)
			return &integer_types[i];
	return NULL;
}

static bool cdata_to_int64(lua_State *L, int idx, int64_t *ret)
{
	uint32_t ctid;
	const void *payload = luaT_to_cdata(L, idx, &ctid);
	const struct integer_type *type = integer_type(L, ctid);
	if (type == NULL)
		return false;
	uint64_t v = 0;
	memcpy(&v, payload, type->size);
	unsigned shift = 64 - 8 * type->size;
	*ret = type->is_signed ? (int64_t)(v << shift) >> shift : (int64_t)v;
	return true;
}

static int64_t double_to_int64(double v)
{
	if (v >= -9223372036854775808.0 && v < 9223372036854775808.0)
		return (int64_t)v;
	if (v > 0 && v < 18446744073709551616.0)
		return (int64_t)(uint64_t)v;
	return INT64_MIN;
}

/** What follows the digits of a string is ignored, as in Tarantool. */
static bool string_to_int64(const char *s, bool is_unsigned, int64_t *ret)
{
	char *end;
	errno = 0;
	int64_t v = is_unsigned ? (int64_t)strtoull(s, &end, 10) : strtoll(s, &end, 10);
	if (errno != 0 || end == s)
		return false;
	*ret = v;
	return true;
}

static bool convert(lua_State *L, int idx, bool is_unsigned, int64_t *ret)
{
	*ret = 0;
	switch (lua_type(L, idx)) {
	case LUA_TNUMBER:
		*ret = double_to_int64(lua_tonumber(L, idx));
		return true;
	case LUA_TCDATA:
		return cdata_to_int64(L, idx, ret);
	case LUA_TSTRING:
		return string_to_int64(lua_tostring(L, idx), is_unsigned, ret);
	default:
		return false;
	}
}

static void raise_expected(lua_State *L, const char *what, int idx)
{
	lua_pushfstring(L, "expected %s as %d argument", what, idx);
	lua_error(L);
}

void luaL_pushuint64(struct lua_State *L, uint64_t val)
{
	luaT_push_uint64(L, val);
}

void luaL_pushint64(struct lua_State *L, int64_t val)
{
	luaT_push_int64(L, val);
}

uint64_t luaL_checkuint64(struct lua_State *L, int idx)
{
	int64_t v;
	if (!convert(L, idx, true, &v))
		raise_expected(L, "uint64_t", idx);
	return (uint64_t)v;
}

int64_t luaL_checkint64(struct lua_State *L, int idx)
{
	int64_t v;
	if (!convert(L, idx, false, &v))
		raise_expected(L, "int64_t", idx);
	return v;
}

uint64_t luaL_touint64(struct lua_State *L, int idx)
{
	int64_t v;
	convert(L, idx, true, &v);
	return (uint64_t)v;
}

int64_t luaL_toint64(struct lua_State *L, int idx)
{
	int64_t v;
	convert(L, idx, false, &v);
	return v;
}

void *luaL_pushcdata(struct lua_State *L, uint32_t ctypeid)
{
	luaT_know_ctype(L, ctypeid);
	return luaT_push_cdata(L, ctypeid);
}

void *luaL_checkcdata(struct lua_State *L, int idx, uint32_t *ctypeid)
{
	void *payload = luaT_to_cdata(L, idx, ctypeid);
	if (payload == NULL) {
		*ctypeid = 0;
		raise_expected(L, "cdata", idx);
	}
	return payload;
}

uint32_t luaL_ctypeid(struct lua_State *L, const char *ctypename)
{
	return luaT_ctype(L, ctypename);
}

static void push_ffi(lua_State *L, const char *function)
{
	lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
	lua_getfield(L, -1, "ffi");
	lua_getfield(L, -1, function);
	lua_replace(L, -3);
	lua_pop(L, 1);
}

int luaL_cdef(struct lua_State *L, const char *definitions)
{
	push_ffi(L, "cdef");
	lua_pushstring(L, definitions);
	return lua_pcall(L, 1, 0, 0);
}

void luaL_setcdatagc(struct lua_State *L, int idx)
{
	if (idx < 0)
		idx = lua_gettop(L) + idx + 1;
	push_ffi(L, "gc");
	lua_insert(L, -2);
	lua_pushvalue(L, idx);
	lua_insert(L, -2);
	lua_call(L, 2, 0);
}

/* The type that a pointer or a reference leads to, if it has a name. */
static const char target_type[] =
	"local ffi = require('ffi')\n"
	"local name = tostring(ffi.typeof(...)):match('^ctype<(.*) [*&]>$')\n"
	"local ok, ct\n"
	"if name then ok, ct = pcall(ffi.typeof, name) end\n"
	"return ok and tonumber(ct) or nil\n";

/** Has the metatable of a C type the field? `metatypes` is [-ctype id] = metatable. */
static bool metatype_has(lua_State *L, int metatypes, uint32_t ctid, const char *field)
{
	lua_rawgeti(L, metatypes, -(int)ctid);
	bool has = lua_istable(L, -1);
	if (has) {
		lua_pushstring(L, field);
		lua_rawget(L, -2);
		has = !lua_isnil(L, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return has;
}

bool luaT_cdata_has_meta(lua_State *L, int idx, const char *field)
{
	int top = lua_gettop(L);
	uint32_t ctid;
	if (idx < 0)
		idx = top + idx + 1;
	if (luaT_to_cdata(L, idx, &ctid) == NULL)
		return false;
	/* LuaJIT keeps the metatables of C types as the environment of this function. */
	push_ffi(L, "metatype");
	lua_getfenv(L, -1);
	int metatypes = lua_gettop(L);
	bool has = metatype_has(L, metatypes, ctid, field);
	if (!has && luaL_loadstring(L, target_type) == 0) {
		lua_pushvalue(L, idx);
		if (lua_pcall(L, 1, 1, 0) == 0 && lua_isnumber(L, -1))
			has = metatype_has(
				L, metatypes, (uint32_t)lua_tointeger(L, -1), field);
	}
	lua_settop(L, top);
	return has;
}

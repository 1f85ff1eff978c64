/* Lua tables, scalars and tuples to the msgpack of tuples and keys. */
#include "instance/base/diag.h"
#include "instance/box/mp_raw.h"
#include "instance/lua/l_msgpack.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/utils.h"

/* Buffers that are not in use. A fiber may yield with one in its hands. */
static struct lua_buf *free_bufs;

struct lua_buf *lua_buf_take(lua_State *L)
{
	struct lua_buf *b = free_bufs;
	if (b != NULL) {
		free_bufs = b->next;
		buf_reset(&b->buf);
		return b;
	}
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		luaL_error(L, "not enough memory");
	return b;
}

void lua_buf_putp(struct lua_buf **b)
{
	enum { KEEP_MAX = 1 << 16 };
	if (*b == NULL)
		return;
	buf_reset(&(*b)->buf);
	buf_shrink(&(*b)->buf, KEEP_MAX);
	(*b)->next = free_bufs;
	free_bufs = *b;
}

static char *reserve(lua_State *L, struct buf *out, size_t n)
{
	char *p = buf_reserve(out, n);
	if (p == NULL)
		luaL_error(L, "not enough memory");
	return p;
}

static void encode_number(lua_State *L, int idx, struct buf *out)
{
	double v = lua_tonumber(L, idx);
	char *p = reserve(L, out, 9), *end;
	if (v >= -9223372036854775808.0 && v < 9223372036854775808.0 &&
		(double)(int64_t)v == v)
		end = mp_raw_put_int(p, (int64_t)v);
	else if (v >= 0 && v < 18446744073709551616.0 && (double)(uint64_t)v == v)
		end = mp_raw_put_uint(p, (uint64_t)v);
	else
		end = mp_raw_put_double(p, v);
	out->len += (size_t)(end - p);
}

/* One value; what is not plain goes through the codec. */
static void encode_value(lua_State *L, int idx, struct buf *out)
{
	size_t len;
	const char *s;
	char *p;
	switch (lua_type(L, idx)) {
	case LUA_TNUMBER:
		encode_number(L, idx, out);
		return;
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &len);
		if (len > UINT32_MAX)
			luaL_error(L, "string is too long");
		p = reserve(L, out, len + 5);
		out->len += (size_t)(mp_raw_put_str(p, s, (uint32_t)len) - p);
		return;
	case LUA_TBOOLEAN:
		p = reserve(L, out, 1);
		mp_raw_put_bool(p, lua_toboolean(L, idx));
		out->len++;
		return;
	default:
		lua_to_msgpack(L, &lua_codec_msgpack, idx, out);
		return;
	}
}

/*
 * A table whose keys come as 1, 2, 3... and that asks for nothing special. One
 * pass: false (and `out` as before) when it turns out to be something else.
 */
static bool encode_plain_array(lua_State *L, int idx, struct buf *out)
{
	if (lua_getmetatable(L, idx)) {
		lua_pop(L, 1);
		return false;
	}
	size_t len_before = out->len;
	uint32_t expected = (uint32_t)lua_objlen(L, idx), count = 0;
	char *p = reserve(L, out, 5);
	out->len += (size_t)(mp_raw_put_array(p, expected) - p);
	luaL_checkstack(L, 8, "tuple");
	for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
		if (lua_type(L, -2) != LUA_TNUMBER || lua_tonumber(L, -2) != ++count) {
			lua_pop(L, 2);
			out->len = len_before;
			return false;
		}
		encode_value(L, lua_gettop(L), out);
	}
	if (count == expected)
		return true;
	out->len = len_before;
	return false;
}

void luaT_tuple_encode(lua_State *L, int idx, struct buf *out)
{
	if (idx < 0)
		idx = lua_gettop(L) + idx + 1;
	struct tuple *tuple = luaT_is_tuple(L, idx);
	if (tuple != NULL) {
		char *p = reserve(L, out, tuple->size);
		memcpy(p, tuple->data, tuple->size);
		out->len += tuple->size;
		return;
	}
	if (lua_istable(L, idx) && encode_plain_array(L, idx, out))
		return;
	size_t at = out->len;
	lua_to_msgpack(L, &lua_codec_msgpack, idx, out);
	if (out->len > at && mp_raw_type(out->data + at) == MP_ARRAY)
		return;
	out->len = at;
	diag_set_client(ER_TUPLE_NOT_ARRAY);
	luaT_error(L);
}

/* As many elements as the table has up to a hole; what else it holds is not a key. */
static void encode_key_table(lua_State *L, int idx, struct buf *out)
{
	uint32_t count = (uint32_t)lua_objlen(L, idx);
	char *p = reserve(L, out, 5);
	out->len += (size_t)(mp_raw_put_array(p, count) - p);
	luaL_checkstack(L, 8, "key");
	for (uint32_t i = 1; i <= count; i++) {
		lua_rawgeti(L, idx, (int)i);
		encode_value(L, lua_gettop(L), out);
		lua_pop(L, 1);
	}
}

void luaT_key_encode(lua_State *L, int idx, struct buf *out)
{
	if (idx < 0)
		idx = lua_gettop(L) + idx + 1;
	if (lua_istable(L, idx)) {
		encode_key_table(L, idx, out);
		return;
	}
	if (luaT_is_tuple(L, idx) != NULL) {
		luaT_tuple_encode(L, idx, out);
		return;
	}
	bool is_empty = luaT_is_null(L, idx);
	char *p = reserve(L, out, 1);
	mp_raw_put_array(p, !is_empty);
	out->len++;
	if (!is_empty)
		encode_value(L, idx, out);
}

void luaT_push_field(lua_State *L, const char *field)
{
	uint32_t len;
	const char *s;
	switch (mp_raw_type(field)) {
	case MP_UINT:
		luaT_push_uint64(L, mp_raw_uint(&field));
		return;
	case MP_INT:
		luaT_push_int64(L, mp_raw_int(&field));
		return;
	case MP_DOUBLE:
		lua_pushnumber(L, mp_raw_double(&field));
		return;
	case MP_STR:
		s = mp_raw_str(&field, &len);
		lua_pushlstring(L, s, len);
		return;
	case MP_BOOL:
		lua_pushboolean(L, mp_raw_bool(&field));
		return;
	case MP_NIL:
		luaT_push_null(L);
		return;
	default: {
		struct mp_cursor cur;
		mp_cursor_init(&cur, field, mp_raw_next(field));
		msgpack_to_lua(L, &lua_codec_msgpack, &cur);
		return;
	}
	}
}

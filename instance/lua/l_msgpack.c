#include "instance/lua/l_msgpack.h"

#include <lauxlib.h>
#include <string.h>

#include "instance/base/decimal.h"
#include "instance/base/uuid.h"
#include "instance/box/tuple.h"
#include "instance/lua/init.h"
#include "instance/lua/l_error.h"
#include "instance/lua/utils.h"

enum {
	DECODE_DEPTH_MAX = 512, /* C recursion that any fiber's stack bears */
	PREALLOC_MAX = 4096,    /* elements reserved on the word of a header */
};

struct lua_codec lua_codec_msgpack = LUA_CODEC_DEFAULT;

static uint32_t ctid_char_ptr, ctid_const_char_ptr;

static void encode(lua_State *L, const struct lua_codec *codec, int idx, int level,
	msgpack_packer *pk);

static int out_of_memory(lua_State *L)
{
	diag_set(oom, "Failed to allocate memory in msgpack.encode");
	return luaT_error(L);
}

static int encode_uuid(const struct tt_uuid *uuid, msgpack_packer *pk)
{
	char bytes[UUID_LEN];
	uuid_pack(uuid, bytes);
	return msgpack_pack_ext(pk, UUID_LEN, MP_EXT_UUID) |
	       msgpack_pack_ext_body(pk, bytes, UUID_LEN);
}

static int encode_decimal(const struct decimal *dec, msgpack_packer *pk)
{
	char bytes[DECIMAL_MP_LEN_MAX];
	size_t len = decimal_pack(dec, bytes);
	return msgpack_pack_ext(pk, len, MP_EXT_DECIMAL) |
	       msgpack_pack_ext_body(pk, bytes, len);
}

static int encode_tuple(const struct tuple *tuple, msgpack_packer *pk)
{
	uint32_t size;
	const char *data = tuple_data(tuple, &size);
	return mp_buf_write(pk->data, data, size);
}

/* Out of line, as encode_scalar(): their buffers are not in the recursion's frame. */
static __attribute__((noinline)) void pack_header(
	lua_State *L, const struct lua_item *item, msgpack_packer *pk)
{
	int rc = item->kind == LUA_KIND_MAP ? msgpack_pack_map(pk, item->size)
					    : msgpack_pack_array(pk, item->size);
	if (rc != 0)
		out_of_memory(L);
}

static void encode_array(lua_State *L, const struct lua_codec *codec, int idx,
	uint32_t size, int level, msgpack_packer *pk)
{
	for (uint32_t i = 1; i <= size; i++) {
		lua_rawgeti(L, idx, (int)i);
		encode(L, codec, lua_gettop(L), level + 1, pk);
		lua_pop(L, 1);
	}
}

static void encode_map(lua_State *L, const struct lua_codec *codec, int idx,
	uint32_t size, int level, msgpack_packer *pk)
{
	uint32_t count = 0;
	for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
		/* A copy: what __serialize gives must not replace the key of lua_next. */
		lua_pushvalue(L, -2);
		encode(L, codec, lua_gettop(L), level + 1, pk);
		lua_pop(L, 1);
		encode(L, codec, lua_gettop(L), level + 1, pk);
		count++;
	}
	if (count != size)
		luaL_error(L, "the table was changed by __serialize of its element");
}

/* @return false: the level is to be written as nil */
static bool check_level(lua_State *L, const struct lua_codec *codec, int level)
{
	luaL_checkstack(L, 8, "msgpack.encode");
	if (level < codec->encode_max_depth)
		return true;
	if (!codec->encode_deep_as_nil)
		luaL_error(L, "Too high nest level - %d", level + 1);
	return false;
}

static __attribute__((noinline)) void encode_scalar(
	lua_State *L, const struct lua_item *item, msgpack_packer *pk)
{
	int rc = 0;
	switch (item->kind) {
	case LUA_KIND_BOOL:
		rc = item->b ? msgpack_pack_true(pk) : msgpack_pack_false(pk);
		break;
	case LUA_KIND_UINT:
		rc = msgpack_pack_uint64(pk, item->u);
		break;
	case LUA_KIND_INT:
		rc = msgpack_pack_int64(pk, item->i);
		break;
	case LUA_KIND_DOUBLE:
		rc = msgpack_pack_double(pk, item->d);
		break;
	case LUA_KIND_FLOAT:
		rc = msgpack_pack_float(pk, (float)item->d);
		break;
	case LUA_KIND_STR:
		rc = msgpack_pack_str(pk, item->size) |
		     msgpack_pack_str_body(pk, item->s, item->size);
		break;
	case LUA_KIND_DECIMAL:
		rc = encode_decimal(item->payload, pk);
		break;
	case LUA_KIND_UUID:
		rc = encode_uuid(item->payload, pk);
		break;
	case LUA_KIND_TUPLE:
		rc = encode_tuple(item->tuple, pk);
		break;
	default:
		rc = msgpack_pack_nil(pk);
	}
	if (unlikely(rc != 0))
		out_of_memory(L);
}

static void encode(lua_State *L, const struct lua_codec *codec, int idx, int level,
	msgpack_packer *pk)
{
	struct lua_item item;
	lua_classify(L, codec, idx, &item);
	bool is_container = item.kind == LUA_KIND_ARRAY || item.kind == LUA_KIND_MAP;
	if (is_container && !check_level(L, codec, level)) {
		item.kind = LUA_KIND_NIL;
		is_container = false;
	}
	if (!is_container) {
		encode_scalar(L, &item, pk);
		return;
	}
	pack_header(L, &item, pk);
	if (item.kind == LUA_KIND_ARRAY)
		encode_array(L, codec, idx, item.size, level, pk);
	else
		encode_map(L, codec, idx, item.size, level, pk);
}

/* What needs no look at settings or metatables; false when it is something else. */
static bool encode_simple(lua_State *L, int idx, msgpack_packer *pk)
{
	size_t len;
	const char *s;
	double d;
	switch (lua_type(L, idx)) {
	case LUA_TNIL:
		return msgpack_pack_nil(pk) == 0;
	case LUA_TBOOLEAN:
		return (lua_toboolean(L, idx) ? msgpack_pack_true(pk)
					      : msgpack_pack_false(pk)) == 0;
	case LUA_TNUMBER:
		d = lua_tonumber(L, idx);
		return d >= 0 && d < INT32_MAX && (double)(int32_t)d == d &&
		       msgpack_pack_uint32(pk, (uint32_t)d) == 0;
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &len);
		return len < INT32_MAX && (msgpack_pack_str(pk, len) |
						  msgpack_pack_str_body(pk, s, len)) == 0;
	default:
		return false;
	}
}

void lua_to_msgpack(lua_State *L, const struct lua_codec *codec, int idx, struct buf *out)
{
	msgpack_packer pk;
	mp_packer_init(&pk, out);
	size_t len_before = out->len;
	if (likely(encode_simple(L, idx, &pk)))
		return;
	out->len = len_before;
	luaL_checkstack(L, 8, "msgpack.encode");
	if (idx < 0 && idx > LUA_REGISTRYINDEX)
		idx = lua_gettop(L) + idx + 1;
	/* __serialize replaces the value: work on a copy. */
	lua_pushvalue(L, idx);
	encode(L, codec, lua_gettop(L), 0, &pk);
	lua_pop(L, 1);
}

static void decode(
	lua_State *L, const struct lua_codec *codec, struct mp_cursor *cur, int level);

/* Make sure that the module which owns an extension's ctype is there. */
static void need_module(lua_State *L, uint32_t ctid, const char *name)
{
	if (likely(ctid != 0))
		return;
	if (lua_push_builtin(L, name))
		lua_pop(L, 1);
}

static void decode_ext(lua_State *L, struct mp_cursor *cur)
{
	int8_t type;
	uint32_t len;
	const char *data = mp_read_ext(cur, &type, &len);
	if (data == NULL) {
		lua_pushnil(L);
		return;
	}
	switch (type) {
	case MP_EXT_UUID:
		if (len != UUID_LEN)
			break;
		need_module(L, ctid_uuid, "uuid");
		uuid_unpack(data, luaT_push_cdata(L, ctid_uuid));
		return;
	case MP_EXT_DECIMAL: {
		struct decimal dec;
		if (decimal_unpack(data, len, &dec) != 0)
			break;
		need_module(L, ctid_decimal, "decimal");
		memcpy(luaT_push_cdata(L, ctid_decimal), &dec, sizeof(dec));
		return;
	}
	case MP_EXT_ERROR: {
		struct error *e = l_error_unpack(data, len);
		if (e == NULL)
			break;
		luaT_push_error(L, e);
		error_unref(e);
		return;
	}
	default:
		luaL_error(L, "Unsuported MsgPack extension type: %d", type);
	}
	mp_fail(cur, "invalid extension");
	lua_pushnil(L);
}

static int prealloc(uint32_t n)
{
	return (int)(n < PREALLOC_MAX ? n : PREALLOC_MAX);
}

static void decode_array(
	lua_State *L, const struct lua_codec *codec, struct mp_cursor *cur, int level)
{
	uint32_t n = mp_read_array(cur);
	lua_createtable(L, prealloc(n), 0);
	lua_mark_array(L, codec);
	for (uint32_t i = 1; i <= n && cur->error == NULL; i++) {
		decode(L, codec, cur, level + 1);
		lua_rawseti(L, -2, (int)i);
	}
}

static void decode_map(
	lua_State *L, const struct lua_codec *codec, struct mp_cursor *cur, int level)
{
	uint32_t n = mp_read_map(cur);
	lua_createtable(L, 0, prealloc(n));
	lua_mark_map(L, codec);
	for (uint32_t i = 0; i < n && cur->error == NULL; i++) {
		decode(L, codec, cur, level + 1);
		decode(L, codec, cur, level + 1);
		if (cur->error != NULL)
			lua_pop(L, 2);
		else
			lua_settable(L, -3);
	}
}

static void decode_container(
	lua_State *L, const struct lua_codec *codec, struct mp_cursor *cur, int level)
{
	if (level >= DECODE_DEPTH_MAX) {
		mp_fail(cur, "msgpack is nested too deeply");
		lua_pushnil(L);
		return;
	}
	luaL_checkstack(L, 8, "msgpack.decode");
	if (mp_peek(cur) == MP_ARRAY)
		decode_array(L, codec, cur, level);
	else
		decode_map(L, codec, cur, level);
}

static void decode(
	lua_State *L, const struct lua_codec *codec, struct mp_cursor *cur, int level)
{
	uint32_t len;
	const char *s;
	switch (mp_peek(cur)) {
	case MP_NIL:
		mp_read_nil(cur);
		luaT_push_null(L);
		break;
	case MP_UINT:
		luaT_push_uint64(L, mp_read_uint(cur));
		break;
	case MP_INT:
		luaT_push_int64(L, mp_read_int(cur));
		break;
	case MP_STR:
		s = mp_read_str(cur, &len);
		lua_pushlstring(L, s, len);
		break;
	case MP_BIN:
		s = mp_read_bin(cur, &len);
		lua_pushlstring(L, s, len);
		break;
	case MP_BOOL:
		lua_pushboolean(L, mp_read_bool(cur));
		break;
	case MP_FLOAT:
	case MP_DOUBLE:
		lua_pushnumber(L, mp_read_double(cur));
		break;
	case MP_EXT:
		decode_ext(L, cur);
		break;
	case MP_ARRAY:
	case MP_MAP:
		decode_container(L, codec, cur, level);
		break;
	case MP_BAD:
		mp_skip(cur); /* sets the error */
		lua_pushnil(L);
		break;
	}
}

void msgpack_to_lua(lua_State *L, const struct lua_codec *codec, struct mp_cursor *cur)
{
	luaL_checkstack(L, 8, "msgpack.decode");
	decode(L, codec, cur, 0);
}

static int l_msgpack_encode(lua_State *L)
{
	_cleanup_(buf_fini) struct buf out = {0};
	if (lua_gettop(L) < 1)
		return luaL_error(L, "msgpack.encode: a Lua object expected");
	if (lua_gettop(L) > 1)
		return luaL_error(
			L, "msgpack.encode: argument 2 must be of type 'struct ibuf'");
	lua_to_msgpack(L, lua_codec_of(L), 1, &out);
	lua_pushlstring(L, out.data, out.len);
	return 1;
}

/* A `char *` or `const char *` at idx; false when it is something else. */
static bool to_char_ptr(lua_State *L, int idx, const char **ret)
{
	uint32_t ctid;
	void *payload = luaT_to_cdata(L, idx, &ctid);
	if (payload == NULL || (ctid != ctid_char_ptr && ctid != ctid_const_char_ptr))
		return false;
	memcpy(ret, payload, sizeof(*ret));
	return true;
}

static void push_char_ptr(lua_State *L, int like_idx, const char *p)
{
	uint32_t ctid;
	luaT_to_cdata(L, like_idx, &ctid);
	memcpy(luaT_push_cdata(L, ctid), &p, sizeof(p));
}

/* decode(string [, offset]) */
static int decode_string(lua_State *L, const char *name)
{
	size_t len;
	const char *s = lua_tolstring(L, 1, &len);
	lua_Integer offset = 0;
	if (lua_gettop(L) > 1) {
		offset = luaL_checkinteger(L, 2) - 1;
		if (offset < 0 || (size_t)offset >= len)
			return luaL_error(L, "%s: offset is out of bounds", name);
	}
	struct mp_cursor cur;
	mp_cursor_init(&cur, s + offset, s + len);
	msgpack_to_lua(L, lua_codec_of(L), &cur);
	if (cur.error != NULL)
		return luaL_error(L, "%s: invalid MsgPack", name);
	lua_pushinteger(L, cur.pos - s + 1);
	return 2;
}

static int l_msgpack_decode(lua_State *L)
{
	const char *p;
	if (lua_type(L, 1) == LUA_TSTRING)
		return decode_string(L, "msgpack.decode");
	if (!to_char_ptr(L, 1, &p))
		return luaL_error(L, "msgpack.decode: a Lua string or 'char *' expected");
	lua_Integer size = luaL_checkinteger(L, 2);
	if (size < 0)
		return luaL_error(L, "msgpack.decode: size can't be negative");
	struct mp_cursor cur;
	mp_cursor_init(&cur, p, p + size);
	msgpack_to_lua(L, lua_codec_of(L), &cur);
	if (cur.error != NULL)
		return luaL_error(L, "msgpack.decode: invalid MsgPack");
	push_char_ptr(L, 1, cur.pos);
	return 2;
}

/* As decode(); a `char *` comes without a size: the caller vouches for it. */
static int l_msgpack_decode_unchecked(lua_State *L)
{
	const char *p;
	if (lua_type(L, 1) == LUA_TSTRING)
		return decode_string(L, "msgpack.decode_unchecked");
	if (!to_char_ptr(L, 1, &p))
		return luaL_error(
			L, "msgpack.decode_unchecked: a Lua string or 'char *' expected");
	struct mp_cursor cur;
	mp_cursor_init(&cur, p, p + (UINT32_MAX >> 1));
	msgpack_to_lua(L, lua_codec_of(L), &cur);
	if (cur.error != NULL)
		return luaL_error(L, "msgpack.decode_unchecked: invalid MsgPack");
	push_char_ptr(L, 1, cur.pos);
	return 2;
}

/* Bytes of an array's or map's header that begins with c. */
static ptrdiff_t header_len(unsigned char c)
{
	if (c < 0xc0)
		return 1;
	return c == 0xdc || c == 0xde ? 3 : 5;
}

static int decode_header(lua_State *L, const char *name, enum mp_type type)
{
	const char *p;
	if (lua_gettop(L) != 2)
		return luaL_error(L, "Usage: %s(ptr, size)", name);
	if (!to_char_ptr(L, 1, &p))
		return luaL_error(L, "%s: 'char *' expected", name);
	lua_Integer size = luaL_checkinteger(L, 2);
	if (size <= 0)
		return luaL_error(L, "%s: non-positive size", name);
	struct mp_cursor cur;
	mp_cursor_init(&cur, p, p + size);
	if (mp_peek(&cur) != type)
		return luaL_error(L, "%s: unexpected msgpack type", name);
	const unsigned char *u = (const unsigned char *)p;
	ptrdiff_t len = header_len(u[0]);
	if (len > size)
		return luaL_error(L, "%s: unexpected end of buffer", name);
	uint32_t count = len == 1 ? u[0] & 0x0f : 0;
	for (ptrdiff_t i = 1; i < len; i++)
		count = count << 8 | u[i];
	lua_pushinteger(L, count);
	push_char_ptr(L, 1, p + len);
	return 2;
}

static int l_msgpack_decode_array_header(lua_State *L)
{
	return decode_header(L, "msgpack.decode_array_header", MP_ARRAY);
}

static int l_msgpack_decode_map_header(lua_State *L)
{
	return decode_header(L, "msgpack.decode_map_header", MP_MAP);
}

static const luaL_Reg functions[] = {
	{"encode", l_msgpack_encode},
	{"decode", l_msgpack_decode},
	{"decode_unchecked", l_msgpack_decode_unchecked},
	{"decode_array_header", l_msgpack_decode_array_header},
	{"decode_map_header", l_msgpack_decode_map_header},
	{NULL, NULL},
};

int luaopen_msgpack(lua_State *L);
int luaopen_msgpack(lua_State *L)
{
	ctid_char_ptr = luaT_ctype(L, "char *");
	ctid_const_char_ptr = luaT_ctype(L, "const char *");
	lua_codec_open(L, &lua_codec_msgpack, functions);
	return 1;
}

int luaopen_msgpackffi(lua_State *L);
int luaopen_msgpackffi(lua_State *L)
{
	return luaopen_msgpack(L);
}

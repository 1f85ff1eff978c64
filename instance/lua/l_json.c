/* The module `json`, and Lua values to JSON. */
#include "instance/lua/l_json.h"

#include <lauxlib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "instance/base/decimal.h"
#include "instance/base/uuid.h"
#include "instance/box/tuple.h"
#include "instance/lua/l_msgpack.h"
#include "instance/lua/utils.h"
#include "proto/buf.h"

/* One encode() call; on the C stack. */
struct writer {
	lua_State *L;
	const struct lua_codec *codec;
	struct buf out;
	int level;
};

static void write_value(struct writer *w, int idx);

static void writer_fini(struct writer *w)
{
	buf_fini(&w->out);
}

static char *reserve(struct writer *w, size_t n)
{
	char *p = buf_reserve(&w->out, n);
	if (unlikely(p == NULL)) {
		diag_set(oom, "Failed to allocate %zu bytes for json.encode", n);
		luaT_error(w->L);
	}
	return p;
}

static void put(struct writer *w, const char *s, size_t len)
{
	memcpy(reserve(w, len), s, len);
	w->out.len += len;
}

static void put_char(struct writer *w, char c)
{
	*reserve(w, 1) = c;
	w->out.len++;
}

static void put_text(struct writer *w, const char *s)
{
	put(w, s, strlen(s));
}

/* The letter after the backslash; 0: written as it is; 'u': by its code. */
static char escape_of(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return c < 0x20 || c == 0x7f ? 'u' : '\0';
	}
}

static void write_string(struct writer *w, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	/* The longest form of a byte is \u00XX. */
	char *start = reserve(w, 6 * len + 2), *p = start;
	*p++ = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		char escape = escape_of(c);
		if (escape != '\0')
			*p++ = '\\';
		*p++ = escape != '\0' ? escape : (char)c;
		if (escape != 'u')
			continue;
		*p++ = '0';
		*p++ = '0';
		*p++ = hex[c >> 4];
		*p++ = hex[c & 0xf];
	}
	*p++ = '"';
	w->out.len += (size_t)(p - start);
}

static __attribute__((noinline)) void write_double(struct writer *w, double d)
{
	char text[64];
	if (isnan(d))
		put_text(w, "nan");
	else if (isinf(d))
		put_text(w, d > 0 ? "inf" : "-inf");
	else
		put(w, text,
			(size_t)snprintf(text, sizeof(text), "%.*g",
				w->codec->encode_number_precision, d));
}

static __attribute__((noinline)) void write_integer(
	struct writer *w, const struct lua_item *item)
{
	char text[32];
	int len;
	if (item->kind == LUA_KIND_UINT)
		len = snprintf(text, sizeof(text), "%llu", (unsigned long long)item->u);
	else
		len = snprintf(text, sizeof(text), "%lld", (long long)item->i);
	put(w, text, (size_t)len);
}

/* @return false: the level is to be written as null */
static bool enter(struct writer *w)
{
	luaL_checkstack(w->L, LUA_MINSTACK, "json.encode");
	if (w->level >= w->codec->encode_max_depth) {
		if (!w->codec->encode_deep_as_nil)
			luaL_error(w->L, "Too high nest level");
		put_text(w, "null");
		return false;
	}
	w->level++;
	return true;
}

static void write_array(struct writer *w, int idx, uint32_t size)
{
	if (!enter(w))
		return;
	put_char(w, '[');
	for (uint32_t i = 1; i <= size; i++) {
		if (i > 1)
			put_char(w, ',');
		lua_rawgeti(w->L, idx, (int)i);
		write_value(w, lua_gettop(w->L));
		lua_pop(w->L, 1);
	}
	put_char(w, ']');
	w->level--;
}

/* The key at idx (a copy). */
static __attribute__((noinline)) void write_key(struct writer *w, int idx)
{
	struct lua_item item;
	lua_classify(w->L, w->codec, idx, &item);
	switch (item.kind) {
	case LUA_KIND_STR:
		write_string(w, item.s, item.size);
		break;
	case LUA_KIND_UINT:
	case LUA_KIND_INT:
		put_char(w, '"');
		write_integer(w, &item);
		put_char(w, '"');
		break;
	default:
		luaL_error(w->L, "table key must be a number or string");
	}
	put_char(w, ':');
}

static void write_map(struct writer *w, int idx)
{
	lua_State *L = w->L;
	if (!enter(w))
		return;
	bool is_first = true;
	put_char(w, '{');
	for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
		if (!is_first)
			put_char(w, ',');
		is_first = false;
		lua_pushvalue(L, -2);
		write_key(w, lua_gettop(L));
		lua_pop(L, 1);
		write_value(w, lua_gettop(L));
	}
	put_char(w, '}');
	w->level--;
}

static __attribute__((noinline)) void write_tuple(
	struct writer *w, int idx, const struct tuple *tuple)
{
	struct mp_cursor cur;
	uint32_t size;
	const char *data = tuple_data(tuple, &size);
	mp_cursor_init(&cur, data, data + size);
	msgpack_to_lua(w->L, &lua_codec_msgpack, &cur);
	size = (uint32_t)lua_objlen(w->L, -1);
	lua_replace(w->L, idx);
	write_array(w, idx, size);
}

/* Of their own, so that the recursion's frame has no buffer in it. */
static __attribute__((noinline)) void write_decimal(
	struct writer *w, const struct decimal *dec)
{
	char text[DECIMAL_STR_MAX];
	decimal_to_string(dec, text);
	write_string(w, text, strlen(text));
}

static __attribute__((noinline)) void write_uuid(
	struct writer *w, const struct tt_uuid *uuid)
{
	char text[UUID_STR_LEN + 1];
	uuid_to_string(uuid, text);
	write_string(w, text, UUID_STR_LEN);
}

/* The value at idx; it may be replaced. */
static void write_value(struct writer *w, int idx)
{
	struct lua_item item;
	lua_classify(w->L, w->codec, idx, &item);
	switch (item.kind) {
	case LUA_KIND_NIL:
		put_text(w, "null");
		break;
	case LUA_KIND_BOOL:
		put_text(w, item.b ? "true" : "false");
		break;
	case LUA_KIND_UINT:
	case LUA_KIND_INT:
		write_integer(w, &item);
		break;
	case LUA_KIND_DOUBLE:
	case LUA_KIND_FLOAT:
		write_double(w, item.d);
		break;
	case LUA_KIND_STR:
		write_string(w, item.s, item.size);
		break;
	case LUA_KIND_ARRAY:
		write_array(w, idx, item.size);
		break;
	case LUA_KIND_MAP:
		write_map(w, idx);
		break;
	case LUA_KIND_DECIMAL:
		write_decimal(w, item.payload);
		break;
	case LUA_KIND_UUID:
		write_uuid(w, item.payload);
		break;
	case LUA_KIND_TUPLE:
		write_tuple(w, idx, item.tuple);
		break;
	}
}

const struct lua_codec *l_json_settings(lua_State *L, struct lua_codec *own)
{
	int top = lua_gettop(L);
	luaL_argcheck(L, top == 1 || top == 2, 1, "expected 1 or 2 arguments");
	if (top == 1)
		return lua_codec_of(L);
	*own = *lua_codec_of(L);
	lua_codec_read(L, 2, own);
	return own;
}

int l_json_encode(lua_State *L)
{
	struct lua_codec own;
	_cleanup_(writer_fini) struct writer w = {
		.L = L, .codec = l_json_settings(L, &own)};
	lua_pushvalue(L, 1);
	write_value(&w, lua_gettop(L));
	lua_pushlstring(L, w.out.data, w.out.len);
	return 1;
}

int luaopen_json(lua_State *L);
int luaopen_json(lua_State *L)
{
	static struct lua_codec codec = LUA_CODEC_DEFAULT;
	static const luaL_Reg functions[] = {
		{"encode", l_json_encode},
		{"decode", l_json_decode},
		{NULL, NULL},
	};
	lua_codec_open(L, &codec, functions);
	luaT_push_null(L);
	lua_setfield(L, -2, "null");
	return 1;
}

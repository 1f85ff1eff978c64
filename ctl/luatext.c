#include "ctl/luatext.h"

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

enum { LUATEXT_DEPTH_MAX = 16 };

int luatext_string(struct buf *out, const char *text, size_t len)
{
	/* The worst case is four bytes for one. */
	char *start = buf_reserve(out, len * 4 + 2);
	if (start == NULL)
		return -1;
	char *p = start;
	*p++ = '"';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\n') {
			*p++ = '\\';
			*p++ = 'n';
		} else if (c == '"' || c == '\\') {
			*p++ = '\\';
			*p++ = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			*p++ = '\\';
			*p++ = (char)('0' + c / 100);
			*p++ = (char)('0' + c / 10 % 10);
			*p++ = (char)('0' + c % 10);
		} else {
			*p++ = (char)c;
		}
	}
	*p++ = '"';
	out->len += (size_t)(p - start);
	return 0;
}

int luatext_cstring(struct buf *out, const char *text)
{
	return luatext_string(out, text, strlen(text));
}

static const char *write_fields(lua_State *L, int idx, struct buf *out, int depth);

/** The value on the top; it stays there. */
static const char *write_value(lua_State *L, struct buf *out, int depth)
{
	size_t len;
	const char *text, *error;
	double n;
	int rc;

	switch (lua_type(L, -1)) {
	case LUA_TSTRING:
		text = lua_tolstring(L, -1, &len);
		rc = luatext_string(out, text, len);
		break;
	case LUA_TNUMBER:
		n = lua_tonumber(L, -1);
		if (n != n)
			rc = buf_puts(out, "0/0");
		else if (n - n != 0)
			rc = buf_puts(out, n > 0 ? "math.huge" : "-math.huge");
		else
			rc = buf_printf(out, "%.17g", n);
		break;
	case LUA_TBOOLEAN:
		rc = buf_puts(out, lua_toboolean(L, -1) ? "true" : "false");
		break;
	case LUA_TTABLE:
		if (depth >= LUATEXT_DEPTH_MAX)
			return "tables are nested too deeply";
		if (buf_puts(out, "{") != 0)
			return "out of memory";
		error = write_fields(L, lua_gettop(L), out, depth + 1);
		if (error != NULL)
			return error;
		rc = buf_puts(out, "}");
		break;
	default:
		return "only strings, numbers, booleans and tables can be passed on";
	}
	return rc == 0 ? NULL : "out of memory";
}

static const char *write_fields(lua_State *L, int idx, struct buf *out, int depth)
{
	luaL_checkstack(L, 4, "defaults");
	lua_pushnil(L);
	while (lua_next(L, idx) != 0) {
		if (buf_puts(out, "[") != 0)
			return "out of memory";
		lua_insert(L, -2); /* the key on the top */
		const char *error = write_value(L, out, depth);
		lua_insert(L, -2);
		if (error != NULL)
			return error;
		if (buf_puts(out, "] = ") != 0)
			return "out of memory";
		error = write_value(L, out, depth);
		if (error != NULL)
			return error;
		if (buf_puts(out, ", ") != 0)
			return "out of memory";
		lua_pop(L, 1);
	}
	return NULL;
}

const char *luatext_fields(lua_State *L, int idx, struct buf *out)
{
	return write_fields(L, idx, out, 0);
}

/* iconv: text from one character set to another. */
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "instance/lua/utils.h"

int luaopen_iconv(lua_State *L);

#define ICONV_TYPE "iconv"
enum { PIECE_SIZE = 4096 };

/* Owned by its userdata. */
struct converter {
	iconv_t cd;
};

static struct converter *check_converter(lua_State *L)
{
	return luaL_checkudata(L, 1, ICONV_TYPE);
}

/** converter(text): the text in the other character set. */
static int l_iconv_call(lua_State *L)
{
	struct converter *c = check_converter(L);
	size_t left;
	char *in = (char *)luaL_checklstring(L, 2, &left);
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	iconv(c->cd, NULL, NULL, NULL, NULL); /* forget a failed one */
	while (left > 0) {
		char piece[PIECE_SIZE];
		char *p = piece;
		size_t room = sizeof(piece);
		size_t rc = iconv(c->cd, &in, &left, &p, &room);
		int error = errno;
		luaL_addlstring(&out, piece, sizeof(piece) - room);
		if (rc != (size_t)-1 || error == E2BIG)
			continue;
		if (error == EILSEQ)
			return luaL_error(L, "Incomplete multibyte sequence");
		if (error == EINVAL)
			return luaL_error(L, "Invalid multibyte sequence");
		return luaL_error(L, "Unknown conversion error: %s", strerror(error));
	}
	luaL_pushresult(&out);
	return 1;
}

static int l_iconv_gc(lua_State *L)
{
	struct converter *c = check_converter(L);
	if (c->cd != (iconv_t)-1)
		iconv_close(c->cd);
	c->cd = (iconv_t)-1;
	return 0;
}

static int l_iconv_tostring(lua_State *L)
{
	lua_pushfstring(L, "iconv: %p", (void *)check_converter(L));
	return 1;
}

/** new(to, from) */
static int l_iconv_new(lua_State *L)
{
	if (lua_type(L, 1) != LUA_TSTRING || lua_type(L, 2) != LUA_TSTRING)
		return luaL_error(L, "Usage: iconv.new(\"CP1251\", \"KOI8-R\")");
	struct converter *c = lua_newuserdata(L, sizeof(*c));
	c->cd = (iconv_t)-1;
	luaL_getmetatable(L, ICONV_TYPE);
	lua_setmetatable(L, -2);
	c->cd = iconv_open(lua_tostring(L, 1), lua_tostring(L, 2));
	if (c->cd == (iconv_t)-1)
		return luaL_error(L, "iconv: %s", strerror(errno));
	return 1;
}

int luaopen_iconv(lua_State *L)
{
	static const luaL_Reg meta[] = {
		{"__call", l_iconv_call},
		{"__gc", l_iconv_gc},
		{"__tostring", l_iconv_tostring},
		{NULL, NULL},
	};
	static const luaL_Reg no_methods[] = {{NULL, NULL}};
	static const luaL_Reg functions[] = {{"new", l_iconv_new}, {NULL, NULL}};
	luaT_type(L, ICONV_TYPE, meta, no_methods);
	luaT_module(L, "iconv", functions);
	return 1;
}

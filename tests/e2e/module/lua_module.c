/* A Lua module in C whose author lets it be replaced. */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

#define SYMBOL_(kind, name) kind##_##name
#define SYMBOL(kind, name) SYMBOL_(kind, name)

static int is_open;

static int l_version(lua_State *L)
{
	lua_pushinteger(L, is_open ? VERSION : -1);
	return 1;
}

int SYMBOL(luaopen, NAME)(lua_State *L);
int SYMBOL(luaopen, NAME)(lua_State *L)
{
	is_open = 1;
	if (getenv("TEST_OPEN_FAILS") != NULL || OPEN_FAILS)
		return luaL_error(L, "no luck today");
	lua_newtable(L);
	lua_pushcfunction(L, l_version);
	lua_setfield(L, -2, "version");
	lua_pushcfunction(L, l_version);
	lua_setfield(L, -2, VERSION == 1 ? "only_1" : "only_2");
	/* What the old one has handed over. */
	lua_pushvalue(L, 2);
	lua_setfield(L, -2, "inherited");
	return 1;
}

#ifndef NO_CLOSE
int SYMBOL(luaclose, NAME)(lua_State *L);
int SYMBOL(luaclose, NAME)(lua_State *L)
{
	if (CLOSE_FAILS)
		return luaL_error(L, "not now");
	is_open = 0;
	lua_pushinteger(L, VERSION);
	return 1;
}
#endif

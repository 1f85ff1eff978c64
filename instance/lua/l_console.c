/* What the module `console` needs from C: listeners. */
#include "instance/lua/utils.h"
#include "instance/net/net.h"

static const char listener_type[] = "console.listener";

static struct net_listener **check_listener(lua_State *L)
{
	return luaL_checkudata(L, 1, listener_type);
}

static int l_console_listen(lua_State *L)
{
	luaT_may_yield(L);
	const char *uri = luaL_checkstring(L, 1);
	struct net_listener **ref = lua_newuserdata(L, sizeof(struct net_listener *));
	*ref = NULL;
	luaL_getmetatable(L, listener_type);
	lua_setmetatable(L, -2);
	*ref = net_console_listen(uri);
	if (*ref == NULL)
		return luaT_error(L);
	return 1;
}

/* Dropping the handle keeps the listener: it is closed by name only. */
static int l_console_close(lua_State *L)
{
	struct net_listener **ref = check_listener(L);
	lua_pushboolean(L, *ref != NULL);
	if (*ref != NULL)
		net_console_close(TAKE_PTR(*ref));
	return 1;
}

static int l_console_address(lua_State *L)
{
	struct net_listener **ref = check_listener(L);
	if (*ref != NULL)
		lua_pushstring(L, net_console_address(*ref));
	else
		lua_pushnil(L);
	return 1;
}

int luaopen_console(lua_State *L);
int luaopen_console(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"listen", l_console_listen},
		{"close", l_console_close},
		{"address", l_console_address},
		{NULL, NULL},
	};
	luaL_newmetatable(L, listener_type);
	lua_pop(L, 1);
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}

/*
 * The module `internal.reload`: what the reload engine cannot see from Lua. The
 * engine runs without it too, on Tarantool.
 */
#include "instance/lua/utils.h"

static int add_thread(struct fiber *f, void *arg)
{
	lua_State *L = arg;
	if (f->lua == NULL || !lua_checkstack(f->lua, 1))
		return 0;
	lua_pushthread(f->lua);
	lua_xmove(f->lua, L, 1);
	lua_pushnumber(L, (lua_Number)f->id);
	lua_rawset(L, -3);
	return 0;
}

/** threads() -> {Lua thread of a fiber -> its id}, for all fibers that live. */
static int l_reload_threads(lua_State *L)
{
	lua_newtable(L);
	luaL_checkstack(L, 4, "threads");
	fiber_each(add_thread, L);
	return 1;
}

int luaopen_reload(lua_State *L);

int luaopen_reload(lua_State *L)
{
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, l_reload_threads);
	lua_setfield(L, -2, "threads");
	return 1;
}

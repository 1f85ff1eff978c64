/*
 * The module `internal.reload`: what the reload engine cannot see from Lua. The
 * engine runs without it too, on Tarantool.
 */
#include <sys/stat.h>

#include "instance/lua/interrupt.h"
#include "instance/lua/utils.h"

int luaopen_reload(lua_State *L);

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

/** watch(text, seconds): the running fiber's deadline, see interrupt_watch(). */
static int l_reload_watch(lua_State *L)
{
	interrupt_watch(L, luaL_checkstring(L, 1), luaL_checknumber(L, 2));
	return 0;
}

static int l_reload_unwatch(lua_State *L)
{
	interrupt_unwatch();
	return 0;
}

static double seconds(const struct timespec *t)
{
	return (double)t->tv_sec + (double)t->tv_nsec / 1e9;
}

/**
 * stat(path) -> inode, size, mtime, ctime of a file, is it a regular one; nothing when it
 * cannot be asked. Without a hop to a worker thread: for files that are read without one
 * as well.
 */
static int l_reload_stat(lua_State *L)
{
	struct stat st;
	if (stat(luaL_checkstring(L, 1), &st) != 0)
		return 0;
	lua_pushnumber(L, (lua_Number)st.st_ino);
	lua_pushnumber(L, (lua_Number)st.st_size);
	lua_pushnumber(L, seconds(&st.st_mtim));
	lua_pushnumber(L, seconds(&st.st_ctim));
	lua_pushboolean(L, S_ISREG(st.st_mode));
	return 5;
}

int luaopen_reload(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{"stat", l_reload_stat},
		{"threads", l_reload_threads},
		{"watch", l_reload_watch},
		{"unwatch", l_reload_unwatch},
		{NULL, NULL},
	};
	lua_createtable(L, 0, 4);
	luaL_register(L, NULL, funcs);
	return 1;
}

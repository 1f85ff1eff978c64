/* tarantool: which program this is. */
#include <ev.h>
#include <unistd.h>

#include "instance/base/version.h"
#include "instance/lua/utils.h"

int luaopen_tarantool(lua_State *L);

static double started_at;

__attribute__((constructor)) static void remember_start(void)
{
	started_at = ev_time();
}

static int l_tarantool_uptime(lua_State *L)
{
	lua_pushnumber(L, ev_time() - started_at);
	return 1;
}

static int l_tarantool_pid(lua_State *L)
{
	lua_pushinteger(L, getpid());
	return 1;
}

static void set_text(lua_State *L, const char *key, const char *value)
{
	lua_pushstring(L, value);
	lua_setfield(L, -2, key);
}

int luaopen_tarantool(lua_State *L)
{
	lua_createtable(L, 0, 5);
	set_text(L, "version", TARANTOOL_VERSION);
	set_text(L, "package", TARANTELLA_PACKAGE);
	lua_pushcfunction(L, l_tarantool_uptime);
	lua_setfield(L, -2, "uptime");
	lua_pushcfunction(L, l_tarantool_pid);
	lua_setfield(L, -2, "pid");
	lua_createtable(L, 0, 5);
	set_text(L, "target", "Linux-x86_64");
	set_text(L, "options", "meson setup");
	set_text(L, "mod_format", "so");
	set_text(L, "flags", "-std=gnu11 -fexceptions -fno-omit-frame-pointer");
	set_text(L, "compiler", "cc " __VERSION__);
	lua_setfield(L, -2, "build");
	return 1;
}

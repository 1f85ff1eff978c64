/* clock: the kernel's clocks in seconds and in nanoseconds. */
#include <time.h>

#include "instance/lua/utils.h"

int luaopen_clock(lua_State *L);

static int l_clock_seconds(lua_State *L)
{
	struct timespec ts;
	clock_gettime((clockid_t)lua_tointeger(L, lua_upvalueindex(1)), &ts);
	lua_pushnumber(L, (double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
	return 1;
}

static int l_clock_nanoseconds(lua_State *L)
{
	struct timespec ts;
	clock_gettime((clockid_t)lua_tointeger(L, lua_upvalueindex(1)), &ts);
	/* Always a cdata, as in Tarantool. */
	*(uint64_t *)luaT_push_cdata(L, ctid_uint64) =
		(uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	return 1;
}

/* bench(f, ...): {seconds of CPU time, results...} */
static int l_clock_bench(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	struct timespec before, after;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	int count = lua_gettop(L);
	lua_createtable(L, count + 1, 0);
	lua_pushnumber(L, (double)(after.tv_sec - before.tv_sec) +
				  (double)(after.tv_nsec - before.tv_nsec) / 1e9);
	lua_rawseti(L, -2, 1);
	for (int i = 1; i <= count; i++) {
		lua_pushvalue(L, i);
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

static void add_clock(lua_State *L, const char *name, clockid_t id)
{
	lua_pushinteger(L, id);
	lua_pushcclosure(L, l_clock_seconds, 1);
	lua_setfield(L, -2, name);
	lua_pushfstring(L, "%s64", name);
	lua_pushinteger(L, id);
	lua_pushcclosure(L, l_clock_nanoseconds, 1);
	lua_rawset(L, -3);
}

int luaopen_clock(lua_State *L)
{
	lua_createtable(L, 0, 11);
	add_clock(L, "time", CLOCK_REALTIME);
	add_clock(L, "realtime", CLOCK_REALTIME);
	add_clock(L, "monotonic", CLOCK_MONOTONIC);
	add_clock(L, "proc", CLOCK_PROCESS_CPUTIME_ID);
	add_clock(L, "thread", CLOCK_THREAD_CPUTIME_ID);
	lua_pushcfunction(L, l_clock_bench);
	lua_setfield(L, -2, "bench");
	return 1;
}

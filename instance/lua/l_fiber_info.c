/* fiber.info() and fiber.top(). */
#include <string.h>

#include "instance/fiber/top.h"
#include "instance/lua/l_fiber.h"

enum { BACKTRACE_LEVELS_MAX = 64 };

static bool option_is_false(lua_State *L, int idx, const char *name)
{
	lua_getfield(L, idx, name);
	bool is_false = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
	lua_pop(L, 1);
	return is_false;
}

/** Add the rows of one Lua thread, innermost first. @return how many there are now */
static int add_levels(lua_State *L, lua_State *of, int count)
{
	lua_Debug ar;
	for (int i = 0; count < BACKTRACE_LEVELS_MAX; i++) {
		if (!lua_getstack(of, i, &ar) || !lua_getinfo(of, "Sln", &ar))
			break;
		lua_createtable(L, 0, 1);
		lua_pushfstring(L, "%s in %s at line %d",
			ar.name != NULL ? ar.name : "(unnamed)", ar.source,
			ar.currentline);
		lua_setfield(L, -2, "L");
		lua_rawseti(L, -2, ++count);
	}
	return count;
}

/*
 * Rows {L = 'name in @file at line N'}. A fiber that sleeps inside a coroutine
 * shows the coroutine, then the thread that resumed it.
 */
static void push_backtrace(lua_State *L, const struct fiber *f)
{
	lua_newtable(L);
	int count = 0;
	if (f->lua_now != NULL)
		count = add_levels(L, f->lua_now, count);
	if (f->lua != NULL && f->lua != f->lua_now)
		add_levels(L, f->lua, count);
}

struct info_args {
	lua_State *L;
	bool has_backtrace;
};

static void set_number(lua_State *L, const char *name, double value)
{
	lua_pushnumber(L, value);
	lua_setfield(L, -2, name);
}

static int add_fiber(struct fiber *f, void *arg)
{
	struct info_args *args = arg;
	lua_State *L = args->L;
	lua_pushnumber(L, (lua_Number)f->id);
	lua_createtable(L, 0, 6);
	set_number(L, "fid", (double)f->id);
	set_number(L, "csw", (double)f->csw);
	set_number(L, "time", top_cpu_time(f));
	lua_pushstring(L, f->name);
	lua_setfield(L, -2, "name");
	lua_createtable(L, 0, 2);
	set_number(L, "total", (double)(f->stack.size + FIBER_STACK_GUARD));
	set_number(L, "used", 0);
	lua_setfield(L, -2, "memory");
	if (args->has_backtrace) {
		push_backtrace(L, f);
		lua_setfield(L, -2, "backtrace");
	}
	lua_rawset(L, -3);
	return 0;
}

int l_fiber_info(lua_State *L)
{
	luaT_may_yield(L); /* so that our own backtrace is this thread's */
	struct info_args args = {.L = L, .has_backtrace = true};
	if (lua_istable(L, 1))
		args.has_backtrace = !option_is_false(L, 1, "bt") &&
				     !option_is_false(L, 1, "backtrace");
	lua_newtable(L);
	fiber_each(add_fiber, &args);
	return 1;
}

static int add_top(struct fiber *f, void *arg)
{
	lua_State *L = arg;
	struct top_share share;
	top_get(f, &share);
	lua_pushfstring(L, "%d/%s", (int)f->id, f->name);
	lua_createtable(L, 0, 3);
	set_number(L, "instant", share.instant);
	set_number(L, "average", share.average);
	set_number(L, "time", share.time_s);
	lua_rawset(L, -3);
	return 0;
}

int l_fiber_top(lua_State *L)
{
	if (!top_is_on)
		return luaL_error(L, "fiber.top() is disabled. Enable it with"
				     " fiber.top_enable() first");
	lua_newtable(L);
	lua_newtable(L);
	top_each(add_top, L);
	lua_setfield(L, -2, "cpu");
	set_number(L, "cpu_misses", 0);
	return 1;
}

int l_fiber_top_enable(lua_State *L)
{
	top_start();
	return 0;
}

int l_fiber_top_disable(lua_State *L)
{
	top_stop();
	return 0;
}

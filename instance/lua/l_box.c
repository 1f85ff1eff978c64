/* box: the table itself, box.ctl and box.runtime. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "instance/box/box.h"
#include "instance/box/read_only.h"
#include "instance/lua/l_box.h"
#include "instance/lua/l_index.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/shutdown.h"
#include "instance/lua/trigger.h"
#include "instance/lua/utils.h"

int luaopen_box(lua_State *L);

static int wait_read_only(lua_State *L, bool is_wanted)
{
	double timeout = luaL_optnumber(L, 1, TIMEOUT_INFINITY);
	luaT_may_yield(L);
	if (box_wait_read_only(is_wanted, timeout) != 0)
		return luaT_error(L);
	return 0;
}

static int l_ctl_wait_ro(lua_State *L)
{
	return wait_read_only(L, true);
}

static int l_ctl_wait_rw(lua_State *L)
{
	return wait_read_only(L, false);
}

static int l_ctl_is_recovery_finished(lua_State *L)
{
	lua_pushboolean(L, box_is_configured());
	return 1;
}

static int push_nothing(lua_State *L, void *event)
{
	return 0;
}

static int l_ctl_on_shutdown(lua_State *L)
{
	return luaT_trigger_reset(L, 1, &shutdown_triggers, push_nothing);
}

/* Run before the system spaces are there; none is run by a later box.cfg{}. */
static struct list schema_init_triggers = {&schema_init_triggers, &schema_init_triggers};

static int l_ctl_on_schema_init(lua_State *L)
{
	return luaT_trigger_reset(L, 1, &schema_init_triggers, push_nothing);
}

int l_box_run_schema_init(void)
{
	return triggers_run(&schema_init_triggers, NULL);
}

/* What the C heap holds; Lua's own is counted apart. */
static int l_runtime_info(lua_State *L)
{
	struct mallinfo2 heap = mallinfo2();
	double lua_bytes =
		lua_gc(L, LUA_GCCOUNT, 0) * 1024.0 + lua_gc(L, LUA_GCCOUNTB, 0);
	lua_createtable(L, 0, 3);
	lua_pushnumber(L, lua_bytes);
	lua_setfield(L, -2, "lua");
	lua_pushnumber(L, 4398046510080.0);
	lua_setfield(L, -2, "maxalloc");
	lua_pushnumber(L, (double)(heap.uordblks + heap.hblkhd));
	lua_setfield(L, -2, "used");
	return 1;
}

static void set_table(lua_State *L, const char *key, const luaL_Reg *funcs)
{
	lua_newtable(L);
	luaL_register(L, NULL, funcs);
	lua_setfield(L, -2, key);
}

int luaopen_box(lua_State *L)
{
	static const luaL_Reg ctl[] = {
		{"wait_ro", l_ctl_wait_ro},
		{"wait_rw", l_ctl_wait_rw},
		{"is_recovery_finished", l_ctl_is_recovery_finished},
		{"on_shutdown", l_ctl_on_shutdown},
		{"on_schema_init", l_ctl_on_schema_init},
		{NULL, NULL},
	};
	static const luaL_Reg runtime[] = {{"info", l_runtime_info}, {NULL, NULL}};
	lua_getglobal(L, "box");
	set_table(L, "ctl", ctl);
	set_table(L, "runtime", runtime);
	l_tuple_init(L, lua_gettop(L));
	l_index_init(L, lua_gettop(L));
	return 1;
}

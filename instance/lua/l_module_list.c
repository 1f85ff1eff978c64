/*
 * module: the C modules of this instance.
 *
 *   list()                       a row for each loaded version, oldest first
 *   reload(name[, {check = b}])  as box.schema.func.reload(), with a report
 *
 * A row: name, path, build_id, number, state (current, draining, cannot be unloaded),
 * loaded_at, versions (of this module), functions, calls, fibers, tasks, handles,
 * threads, calls_total; stuck: why it can never be unloaded, when it cannot.
 */
#include <string.h>

#include "instance/base/diag.h"
#include "instance/box/access.h"
#include "instance/lua/utils.h"
#include "instance/module/module.h"

int luaopen_module_list(lua_State *L);

static void set_text(lua_State *L, const char *key, const char *text)
{
	lua_pushstring(L, text);
	lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double value)
{
	lua_pushnumber(L, value);
	lua_setfield(L, -2, key);
}

static void set_pins(lua_State *L, const unsigned *pins)
{
	static const char *const names[] = {
		[MODULE_PIN_CALL] = "calls",
		[MODULE_PIN_FIBER] = "fibers",
		[MODULE_PIN_TASK] = "tasks",
		[MODULE_PIN_LIB] = "handles",
	};
	for (int i = 0; i < MODULE_PIN_MAX; i++)
		set_number(L, names[i], pins[i]);
}

static int count_versions(const char *name)
{
	int count = 0;
	list_foreach(v, &module_versions, struct module_version, link) count +=
		strcmp(v->name, name) == 0;
	return count;
}

static void push_version(lua_State *L, const struct module_version *v)
{
	lua_createtable(L, 0, 16);
	set_text(L, "name", v->name);
	set_text(L, "path", v->path);
	set_text(L, "build_id", v->build_id);
	set_text(L, "state", module_state_name(module_version_state(v)));
	set_number(L, "number", (double)v->number);
	set_number(L, "loaded_at", v->loaded_at);
	set_number(L, "versions", count_versions(v->name));
	set_number(L, "functions", v->func_count);
	set_number(L, "threads", v->thread_count);
	set_number(L, "calls_total", (double)v->call_count);
	set_pins(L, v->pins);
	if (module_stuck_reason(v) != NULL)
		set_text(L, "stuck", module_stuck_reason(v));
}

static int l_module_list(lua_State *L)
{
	int n = 0;
	lua_newtable(L);
	list_foreach(v, &module_versions, struct module_version, link)
	{
		push_version(L, v);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

static int l_module_reload(lua_State *L)
{
	size_t len;
	if (lua_type(L, 1) != LUA_TSTRING ||
		(!lua_isnoneornil(L, 2) && !lua_istable(L, 2)))
		return luaL_error(L, "Usage: module.reload(name[, {check = boolean}])");
	const char *name = lua_tolstring(L, 1, &len);
	bool is_check = false;
	if (lua_istable(L, 2)) {
		lua_getfield(L, 2, "check");
		is_check = lua_toboolean(L, -1);
		lua_pop(L, 1);
	}
	struct module_report report = {0};
	luaT_may_yield(L);
	if (access_check_reload() != 0 ||
		module_reload(name, len, is_check, &report) != 0)
		return luaT_error(L);
	lua_createtable(L, 0, 12);
	lua_pushlstring(L, name, len);
	lua_setfield(L, -2, "name");
	set_text(L, "old_build_id", report.old_build_id);
	set_text(L, "new_build_id", report.new_build_id);
	set_number(L, "old_number", (double)report.old_number);
	set_number(L, "new_number", (double)report.new_number);
	set_number(L, "functions", report.func_count);
	set_number(L, "time", report.time_s);
	set_pins(L, report.old_pins);
	if (report.old_stuck != NULL)
		set_text(L, "stuck", report.old_stuck);
	return 1;
}

int luaopen_module_list(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{"list", l_module_list},
		{"reload", l_module_reload},
		{NULL, NULL},
	};
	lua_createtable(L, 0, 2);
	luaL_register(L, NULL, funcs);
	return 1;
}

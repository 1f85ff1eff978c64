/*
 * box.space's objects: tables that show a space's definition, kept up to date as
 * the schema changes; triggers of spaces. The methods are set by lua/box/schema.lua.
 */
#include <stdlib.h>
#include <string.h>

#include "instance/box/func.h"
#include "instance/box/schema.h"
#include "instance/box/session.h"
#include "instance/box/space.h"
#include "instance/box/txn.h"
#include "instance/lua/l_index.h"
#include "instance/lua/l_space.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/trigger.h"
#include "instance/lua/utils.h"

/* Registry references; LUA_NOREF until schema_setup(). */
static int spaces_ref = LUA_NOREF; /* box.space */
static int space_mt_ref = LUA_NOREF;
static int index_mt_ref = LUA_NOREF;
static int func_changed_ref = LUA_NOREF;
static int func_target_ref = LUA_NOREF;

/** The Lua state of whoever changes the schema. */
static lua_State *current_state(void)
{
	return fiber_current->lua_now != NULL ? fiber_current->lua_now : lua_main;
}

static void set_string(lua_State *L, const char *key, const char *value)
{
	lua_pushstring(L, value);
	lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double value)
{
	lua_pushnumber(L, value);
	lua_setfield(L, -2, key);
}

static void set_bool(lua_State *L, const char *key, bool value)
{
	lua_pushboolean(L, value);
	lua_setfield(L, -2, key);
}

static void push_parts(lua_State *L, const struct key_def *def)
{
	lua_createtable(L, (int)def->part_count, 0);
	for (uint32_t i = 0; i < def->part_count; i++) {
		const struct key_part *part = &def->parts[i];
		lua_createtable(L, 0, 4);
		set_string(L, "type", field_type_name[part->type]);
		set_number(L, "fieldno", part->fieldno + 1);
		set_bool(L, "is_nullable", part->is_nullable);
		if (part->coll_id == COLL_BINARY)
			set_string(L, "collation", "binary");
		lua_rawseti(L, -2, (int)i + 1);
	}
}

/** Fill the index object on the top. */
static void fill_index(lua_State *L, const struct index *index)
{
	const struct index_def *def = index->def;
	set_number(L, "id", def->iid);
	set_number(L, "space_id", def->space_id);
	set_string(L, "name", def->name);
	set_string(L, "type", index_type_name[def->type]);
	set_bool(L, "unique", def->is_unique);
	push_parts(L, def->key_def);
	lua_setfield(L, -2, "parts");
}

/** Take out of the table of indexes on the top what the space has no more. */
static void forget_indexes(lua_State *L)
{
	for (lua_pushnil(L); lua_next(L, -2) != 0;) {
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TNUMBER)
			continue;
		lua_pushvalue(L, -1);
		lua_pushnil(L);
		lua_rawset(L, -4); /* a field that exists may be cleared on the way */
	}
}

/** Fill space.index (on the top): the same objects, by number and by name. */
static void fill_indexes(lua_State *L, const struct space *space)
{
	forget_indexes(L);
	for (uint32_t iid = 0; iid < INDEX_ID_MAX; iid++) {
		const struct index *index = space_index(space, iid);
		lua_rawgeti(L, -1, (int)iid);
		if (index == NULL) {
			if (!lua_isnil(L, -1)) {
				lua_pushnil(L);
				lua_rawseti(L, -3, (int)iid);
			}
			lua_pop(L, 1);
			continue;
		}
		if (lua_isnil(L, -1)) {
			lua_pop(L, 1);
			lua_createtable(L, 0, 6);
			lua_rawgeti(L, LUA_REGISTRYINDEX, index_mt_ref);
			lua_setmetatable(L, -2);
			lua_pushvalue(L, -1);
			lua_rawseti(L, -3, (int)iid);
		}
		fill_index(L, index);
		lua_setfield(L, -2, index->def->name);
	}
}

static int l_space_on_replace(lua_State *L);
static int l_space_before_replace(lua_State *L);

/** A new object for a space, on the top. */
static void push_space(lua_State *L)
{
	lua_createtable(L, 0, 13);
	lua_rawgeti(L, LUA_REGISTRYINDEX, space_mt_ref);
	lua_setmetatable(L, -2);
	lua_newtable(L);
	lua_setfield(L, -2, "index");
	lua_newtable(L);
	lua_setfield(L, -2, "ck_constraint");
	lua_pushcfunction(L, l_space_on_replace);
	lua_setfield(L, -2, "on_replace");
	lua_pushcfunction(L, l_space_before_replace);
	lua_setfield(L, -2, "before_replace");
}

/** Fill the space object on the top. */
static void fill_space(lua_State *L, const struct space *space)
{
	const struct space_def *def = space->def;
	set_number(L, "id", def->id);
	set_string(L, "name", def->name);
	set_string(L, "engine", def->engine);
	set_number(L, "field_count", def->exact_field_count);
	set_bool(L, "temporary", def->is_temporary);
	set_bool(L, "is_local", def->is_local);
	set_bool(L, "is_sync", def->is_sync);
	set_bool(L, "enabled", space_primary(space) != NULL);
	lua_getfield(L, -1, "index");
	fill_indexes(L, space);
	lua_pop(L, 1);
}

/** box.space[name] = nil, if it is the object on the top. box.space is below it. */
static void forget_name(lua_State *L)
{
	lua_getfield(L, -1, "name");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	lua_pushvalue(L, -1);
	lua_rawget(L, -4);
	bool is_same = lua_rawequal(L, -1, -3);
	lua_pop(L, 1);
	if (is_same) {
		lua_pushnil(L);
		lua_rawset(L, -4);
	} else {
		lua_pop(L, 1);
	}
}

/** Bring the object of the space with the id at 1 up to date. */
static int refresh_space_protected(lua_State *L)
{
	const uint32_t id = *(const uint32_t *)lua_touserdata(L, 1);
	const struct space *space = space_by_id(id);
	lua_settop(L, 0);
	luaL_checkstack(L, LUA_MINSTACK, "box.space");
	lua_rawgeti(L, LUA_REGISTRYINDEX, spaces_ref);
	lua_rawgeti(L, 1, (int)id);
	if (!lua_isnil(L, -1))
		forget_name(L);
	if (space == NULL) {
		lua_pushnil(L);
		lua_rawseti(L, 1, (int)id);
		return 0;
	}
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		push_space(L);
		lua_pushvalue(L, -1);
		lua_rawseti(L, 1, (int)id);
	}
	fill_space(L, space);
	lua_setfield(L, 1, space_name(space));
	return 0;
}

/**
 * The schema changes inside a statement: an error (out of memory) may not fly
 * through it; the object is as it was then.
 */
static void refresh_space(uint32_t id)
{
	if (spaces_ref == LUA_NOREF)
		return;
	lua_State *L = current_state();
	if (lua_cpcall(L, refresh_space_protected, &id) != 0)
		lua_pop(L, 1);
}

static int refresh_each(struct space *space, void *arg)
{
	refresh_space(space_id(space));
	return 0;
}

/* ---- Triggers of spaces ---- */

static const char *statement_name(const struct txn_stmt *stmt)
{
	switch (stmt->type) {
	case REQUEST_INSERT:
		return "INSERT";
	case REQUEST_REPLACE:
		return "REPLACE";
	case REQUEST_UPDATE:
		return "UPDATE";
	case REQUEST_DELETE:
		return "DELETE";
	case REQUEST_UPSERT:
		return "UPSERT";
	default:
		return "NOP";
	}
}

/** Put what a before_replace trigger returned (on the top) in place of the new tuple. */
static int take_result(lua_State *L, void *event)
{
	struct txn_stmt *stmt = event;
	struct tuple *tuple = NULL;
	if (!luaT_is_null(L, -1)) {
		tuple = luaT_is_tuple(L, -1);
		if (tuple == NULL) {
			diag_set_client(
				ER_BEFORE_REPLACE_RET, lua_typename(L, lua_type(L, -1)));
			return -1;
		}
		tuple_ref(tuple);
	}
	if (stmt->new_tuple != NULL)
		tuple_unref(stmt->new_tuple);
	stmt->new_tuple = tuple;
	return 0;
}

static int push_statement(lua_State *L, void *event)
{
	const struct txn_stmt *stmt = event;
	luaT_push_tuple_or_nil(L, stmt->old_tuple);
	luaT_push_tuple_or_nil(L, stmt->new_tuple);
	lua_pushstring(L, space_name(stmt->space));
	lua_pushstring(L, statement_name(stmt));
	return 4;
}

/** The space of the object at 1. Raises when it is dropped. */
static struct space *arg_space(lua_State *L, const char *method)
{
	if (!lua_istable(L, 1))
		luaL_error(
			L, "usage: space:%s(function | nil, [function | nil])", method);
	lua_getfield(L, 1, "id");
	struct space *space = space_find((uint32_t)lua_tonumber(L, -1));
	lua_pop(L, 1);
	if (space == NULL)
		luaT_error(L);
	return space;
}

static int l_space_on_replace(lua_State *L)
{
	struct space *space = arg_space(L, "on_replace");
	return luaT_trigger_reset(L, 2, &space->on_replace, push_statement);
}

static int l_space_before_replace(lua_State *L)
{
	struct space *space = arg_space(L, "before_replace");
	return luaT_trigger_reset_take(
		L, 2, &space->before_replace, push_statement, take_result);
}

static int l_space_run_triggers(lua_State *L)
{
	if (!lua_istable(L, 1))
		return luaL_error(L, "Use space:run_triggers(...) instead of "
				     "space.run_triggers(...)");
	arg_space(L, "run_triggers")->run_triggers = lua_toboolean(L, 2);
	return 0;
}

/* ---- Functions ---- */

/** Compile a persistent function's body: an expression that is a function. */
static int check_body(const char *name, const char *body, uint32_t len)
{
	lua_State *L = current_state();
	int top = lua_gettop(L);
	luaL_checkstack(L, LUA_MINSTACK, "function");
	lua_pushliteral(L, "return ");
	lua_pushlstring(L, body, len);
	lua_concat(L, 2);
	int rc = -1;
	if (luaL_loadstring(L, lua_tostring(L, -1)) != 0)
		diag_set_client(ER_LOAD_FUNCTION, name, lua_tostring(L, -1));
	else if (lua_pcall(L, 0, 1, 0) != 0)
		diag_set_client(ER_LOAD_FUNCTION, name,
			lua_tostring(L, -1) != NULL ? lua_tostring(L, -1) : "error");
	else if (!lua_isfunction(L, -1))
		diag_set_client(
			ER_LOAD_FUNCTION, name, "given body doesn't define a function");
	else
		rc = 0;
	lua_settop(L, top);
	return rc;
}

static void tell_func_changed(const char *name)
{
	if (func_changed_ref == LUA_NOREF)
		return;
	lua_State *L = current_state();
	luaL_checkstack(L, LUA_MINSTACK, "function");
	lua_rawgeti(L, LUA_REGISTRYINDEX, func_changed_ref);
	lua_pushstring(L, name);
	if (lua_pcall(L, 1, 0, 0) != 0)
		lua_pop(L, 1);
}

static int l_check_call(lua_State *L)
{
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	if (access_check_call(name, (uint32_t)len) != 0)
		return luaT_error(L);
	return 0;
}

void luaT_push_persistent(lua_State *L, const char *name, size_t len)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, func_target_ref);
	lua_pushlstring(L, name, len);
	lua_call(L, 1, 1);
}

/** Raise ER_NO_SUCH_PROC. */
static int l_no_such_procedure(lua_State *L)
{
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	diag_set_client(ER_NO_SUCH_PROC, (int)len, name);
	return luaT_error(L);
}

static int l_has_func(lua_State *L)
{
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	lua_pushboolean(L, func_by_name(name, len) != NULL);
	return 1;
}

/* ---- Setting up ---- */

static int l_schema_version(lua_State *L)
{
	luaT_push_uint64(L, box_schema_version);
	return 1;
}

static int ref_field(lua_State *L, const char *name)
{
	lua_getfield(L, 1, name);
	return luaL_ref(L, LUA_REGISTRYINDEX);
}

/**
 * setup({spaces =, space_mt =, index_mt =, func_changed =, func_target =}): what to keep.
 * Makes an object for each space that exists.
 */
static int l_setup(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	spaces_ref = ref_field(L, "spaces");
	space_mt_ref = ref_field(L, "space_mt");
	index_mt_ref = ref_field(L, "index_mt");
	func_changed_ref = ref_field(L, "func_changed");
	func_target_ref = ref_field(L, "func_target");
	schema_on_space = refresh_space;
	func_check_body = check_body;
	func_changed = tell_func_changed;
	space_each(refresh_each, NULL);
	return 0;
}

static void set_methods(lua_State *L, const char *name, const luaL_Reg *methods)
{
	lua_newtable(L);
	for (; methods->name != NULL; methods++) {
		lua_pushcfunction(L, methods->func);
		lua_setfield(L, -2, methods->name);
	}
	lua_setfield(L, -2, name);
}

int luaopen_space(lua_State *L);

int luaopen_space(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{"setup", l_setup},
		{"schema_version", l_schema_version},
		{"run_triggers", l_space_run_triggers},
		{"check_call", l_check_call},
		{"has_func", l_has_func},
		{"no_such_procedure", l_no_such_procedure},
		{NULL, NULL},
	};
	luaT_module(L, "box.internal.space", funcs);
	set_methods(L, "space_methods", l_space_methods);
	set_methods(L, "index_methods", l_index_methods);
	return 1;
}

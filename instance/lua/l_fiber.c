/*
 * The module `fiber`: fibers as Lua objects.
 *
 * An object holds the id only, so it may outlive its fiber. Every fiber has a Lua
 * thread of its own, made with it and cached with it.
 */
#include "instance/lua/l_fiber.h"

#include <ev.h>
#include <string.h>

#include "instance/base/say.h"
#include "instance/fiber/cond.h"
#include "instance/lua/init.h"

static const char type_name[] = "fiber";
static char objects_key; /* registry: id -> object, weak: a fiber is one object */

static int make_thread(lua_State *L)
{
	struct fiber *f = lua_touserdata(L, 1);
	f->lua = lua_newthread(L);
	f->lua_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

static int on_new(struct fiber *f)
{
	if (lua_cpcall(lua_main, make_thread, f) == 0)
		return 0;
	lua_pop(lua_main, 1);
	diag_set(oom, "can't allocate the Lua thread of a fiber");
	return -1;
}

static void on_free(struct fiber *f)
{
	if (lua_main == NULL)
		return;
	luaL_unref(lua_main, LUA_REGISTRYINDEX, f->lua_ref);
	f->lua_ref = LUA_NOREF;
	f->lua = NULL;
}

static void on_reset(struct fiber *f)
{
	luaL_unref(lua_main, LUA_REGISTRYINDEX, f->storage_ref);
	f->storage_ref = LUA_NOREF;
	if (f->flags & FIBER_IS_DEAD && f->lua != NULL)
		lua_settop(f->lua, 0);
}

/* The death of a fiber that nobody joins is told, unless it was asked for. */
static void on_error(struct fiber *f)
{
	const struct error *e = diag_last();
	if (e == NULL || error_is_a(e, &error_type_cancelled))
		return;
	const char *what =
		error_is_a(e, &error_type_client) ? errcode_name(e->code) : e->type->name;
	say_write(S_ERROR, e->file, (int)e->line, e->message, "%s", what);
}

void lua_fiber_init(lua_State *L)
{
	fiber_upcalls = (struct fiber_upcalls){.on_new = on_new,
		.on_reset = on_reset,
		.on_free = on_free,
		.on_error = on_error};
}

static uint64_t *to_object(lua_State *L, int idx)
{
	uint64_t *id = lua_touserdata(L, idx);
	if (id == NULL || !lua_getmetatable(L, idx))
		return NULL;
	luaL_getmetatable(L, type_name);
	bool is_fiber = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return is_fiber ? id : NULL;
}

/** The fiber of the object at idx; raises for anything else and for a dead one. */
static struct fiber *check_object(lua_State *L, int idx)
{
	uint64_t *id = to_object(L, idx);
	if (id == NULL)
		luaL_typerror(L, idx, type_name);
	struct fiber *f = fiber_find(*id);
	if (f == NULL)
		luaL_error(L, "the fiber is dead");
	return f;
}

/** The same, and an id will do. */
static struct fiber *check_fiber(lua_State *L, int idx)
{
	if (lua_type(L, idx) != LUA_TNUMBER)
		return check_object(L, idx);
	lua_Number id = lua_tonumber(L, idx);
	struct fiber *f = id > 0 ? fiber_find((uint64_t)id) : NULL;
	if (f == NULL)
		luaL_error(L, "the fiber is dead");
	return f;
}

static void push_fiber(lua_State *L, uint64_t id)
{
	lua_pushlightuserdata(L, &objects_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	lua_rawgeti(L, -1, (int)id);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		*(uint64_t *)lua_newuserdata(L, sizeof(id)) = id;
		luaL_getmetatable(L, type_name);
		lua_setmetatable(L, -2);
		lua_pushvalue(L, -1);
		lua_rawseti(L, -3, (int)id);
	}
	lua_remove(L, -2);
}

/* Results stay on the Lua thread until somebody joins the fiber. */
static int run_function(void *arg)
{
	lua_State *L = fiber_current->lua;
	if (luaT_call(L, lua_gettop(L) - 1, LUA_MULTRET) != 0)
		return -1;
	if (!(fiber_current->flags & FIBER_IS_JOINABLE))
		lua_settop(L, 0);
	return 0;
}

/** A fiber with the function and the arguments of this call on its thread. */
static struct fiber *create(lua_State *L)
{
	int top = lua_gettop(L);
	struct fiber *f = fiber_create("lua", run_function, NULL);
	if (f == NULL)
		luaT_error(L);
	if (!lua_checkstack(f->lua, top + 1)) {
		fiber_set_joinable(f, false);
		luaL_error(L, "too many arguments of a fiber");
	}
	lua_pushvalue(L, LUA_GLOBALSINDEX);
	lua_insert(L, 1);
	lua_xmove(L, f->lua, top + 1);
	lua_pushvalue(f->lua, 1);
	lua_replace(f->lua, LUA_GLOBALSINDEX);
	lua_remove(f->lua, 1);
	return f;
}

static int l_fiber_create(lua_State *L)
{
	if (!lua_isfunction(L, 1))
		return luaL_error(L, "fiber.create(function, ...): bad arguments");
	luaT_may_yield(L);
	struct fiber *f = create(L);
	uint64_t id = f->id;
	/* The object comes first: the fiber may be over when we are back. */
	push_fiber(L, id);
	fiber_run_now(f);
	return 1;
}

static int l_fiber_new(lua_State *L)
{
	if (!lua_isfunction(L, 1))
		return luaL_error(L, "fiber.new(function, ...): bad arguments");
	struct fiber *f = create(L);
	fiber_wakeup(f);
	push_fiber(L, f->id);
	return 1;
}

static int l_fiber_self(lua_State *L)
{
	push_fiber(L, fiber_current->id);
	return 1;
}

static int l_fiber_id(lua_State *L)
{
	if (lua_gettop(L) == 0) {
		lua_pushnumber(L, (lua_Number)fiber_current->id);
		return 1;
	}
	uint64_t *id = to_object(L, 1);
	if (id == NULL)
		return luaL_typerror(L, 1, type_name);
	lua_pushnumber(L, (lua_Number)*id);
	return 1;
}

static int l_fiber_find(lua_State *L)
{
	if (lua_gettop(L) != 1)
		return luaL_error(L, "fiber.find(id): bad arguments");
	lua_Number id = lua_tonumber(L, 1);
	struct fiber *f = id > 0 ? fiber_find((uint64_t)id) : NULL;
	if (f == NULL)
		return 0;
	push_fiber(L, f->id);
	return 1;
}

static int l_fiber_sleep(lua_State *L)
{
	if (lua_gettop(L) != 1 || !lua_isnumber(L, 1))
		return luaL_error(L, "fiber.sleep(delay): bad arguments");
	luaT_may_yield(L);
	fiber_sleep(lua_tonumber(L, 1));
	luaT_testcancel(L);
	return 0;
}

static int l_fiber_yield(lua_State *L)
{
	luaT_may_yield(L);
	fiber_sleep(0);
	luaT_testcancel(L);
	return 0;
}

/* As in Tarantool, a fiber that ended is "suspended" until it was joined. */
static const char *status_of(const struct fiber *f)
{
	if (f == NULL)
		return "dead";
	return f == fiber_current ? "running" : "suspended";
}

static int l_fiber_status(lua_State *L)
{
	const struct fiber *f = fiber_current;
	if (lua_gettop(L) > 0) {
		uint64_t *id = to_object(L, 1);
		if (id == NULL)
			return luaL_typerror(L, 1, type_name);
		f = fiber_find(*id);
	}
	lua_pushstring(L, status_of(f));
	return 1;
}

static bool wants_truncate(lua_State *L, int idx)
{
	if (!lua_istable(L, idx))
		return false;
	lua_getfield(L, idx, "truncate");
	bool yes = lua_isboolean(L, -1) && lua_toboolean(L, -1);
	lua_pop(L, 1);
	return yes;
}

/* fiber.name([name [, opts]]) and f:name([name [, opts]]) */
static int l_fiber_name(lua_State *L)
{
	struct fiber *f = fiber_current;
	int at = 1;
	if (to_object(L, 1) != NULL) {
		f = check_object(L, 1);
		at = 2;
	}
	if (lua_gettop(L) < at) {
		lua_pushstring(L, f->name);
		return 1;
	}
	const char *name = luaL_checkstring(L, at);
	if (strlen(name) > FIBER_NAME_MAX && !wants_truncate(L, at + 1))
		return luaL_error(L, "Fiber name is too long");
	fiber_set_name(f, name);
	return 0;
}

static int l_fiber_cancel(lua_State *L)
{
	struct fiber *f = check_fiber(L, 1);
	fiber_cancel(f);
	if (f == fiber_current)
		luaT_testcancel(L);
	return 0;
}

static int l_fiber_testcancel(lua_State *L)
{
	if (lua_gettop(L) != 0)
		return luaL_error(L, "fiber.testcancel(): bad arguments");
	luaT_testcancel(L);
	return 0;
}

static int l_fiber_wakeup(lua_State *L)
{
	fiber_wakeup(check_fiber(L, 1));
	return 0;
}

/** true and the results; false and the error object. */
static int l_fiber_join(lua_State *L)
{
	struct fiber *f = check_fiber(L, 1);
	if (!(f->flags & FIBER_IS_JOINABLE))
		return luaL_error(L, "the fiber is not joinable");
	if (f == fiber_current)
		return luaL_error(L, "the fiber can't join itself");
	luaT_may_yield(L);
	if (fiber_join_wait(f) != 0)
		return luaL_error(L, "the fiber is dead");
	int results = 0;
	lua_pushboolean(L, f->result == 0);
	if (f->result == 0 && f->lua != NULL) {
		results = lua_gettop(f->lua);
		luaL_checkstack(L, results, "too many results of a fiber");
		lua_xmove(f->lua, L, results);
	}
	if (fiber_join(f) != 0) {
		luaT_push_error(L, diag_last());
		results = 1;
	}
	return 1 + results;
}

static int l_fiber_set_joinable(lua_State *L)
{
	if (lua_gettop(L) != 2)
		return luaL_error(L, "fiber.set_joinable(id, yesno): bad arguments");
	fiber_set_joinable(check_fiber(L, 1), lua_toboolean(L, 2));
	return 0;
}

static int l_fiber_serialize(lua_State *L)
{
	struct fiber *f = check_object(L, 1);
	lua_createtable(L, 0, 3);
	lua_pushnumber(L, (lua_Number)f->id);
	lua_setfield(L, -2, "id");
	lua_pushstring(L, f->name);
	lua_setfield(L, -2, "name");
	lua_pushstring(L, status_of(f));
	lua_setfield(L, -2, "status");
	return 1;
}

static int l_fiber_tostring(lua_State *L)
{
	lua_pushfstring(L, "fiber: %d", (int)check_object(L, 1)->id);
	return 1;
}

static int push_storage(lua_State *L, struct fiber *f)
{
	if (f->storage_ref == LUA_NOREF) {
		lua_newtable(L);
		lua_pushvalue(L, -1);
		f->storage_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	} else {
		lua_rawgeti(L, LUA_REGISTRYINDEX, f->storage_ref);
	}
	return 1;
}

/* Methods (the upvalue), and the one field that is computed. */
static int l_fiber_index(lua_State *L)
{
	lua_pushvalue(L, 2);
	lua_rawget(L, lua_upvalueindex(1));
	if (!lua_isnil(L, -1) || lua_type(L, 2) != LUA_TSTRING)
		return 1;
	if (strcmp(lua_tostring(L, 2), "storage") == 0)
		return push_storage(L, check_object(L, 1));
	return 1;
}

static int l_fiber_time(lua_State *L)
{
	lua_pushnumber(L, fiber_time());
	return 1;
}

static int l_fiber_clock(lua_State *L)
{
	lua_pushnumber(L, fiber_clock());
	return 1;
}

/* Microseconds; 64-bit also when they would fit a number. */
static int push_us(lua_State *L, double seconds)
{
	*(uint64_t *)luaT_push_cdata(L, ctid_uint64) = (uint64_t)(seconds * 1e6);
	return 1;
}

static int l_fiber_time64(lua_State *L)
{
	return push_us(L, fiber_time());
}

static int l_fiber_clock64(lua_State *L)
{
	return push_us(L, fiber_clock());
}

static const luaL_Reg functions[] = {
	{"cancel", l_fiber_cancel},
	{"clock", l_fiber_clock},
	{"clock64", l_fiber_clock64},
	{"create", l_fiber_create},
	{"find", l_fiber_find},
	{"id", l_fiber_id},
	{"info", l_fiber_info},
	{"join", l_fiber_join},
	{"kill", l_fiber_cancel},
	{"name", l_fiber_name},
	{"new", l_fiber_new},
	{"self", l_fiber_self},
	{"set_joinable", l_fiber_set_joinable},
	{"sleep", l_fiber_sleep},
	{"status", l_fiber_status},
	{"testcancel", l_fiber_testcancel},
	{"time", l_fiber_time},
	{"time64", l_fiber_time64},
	{"top", l_fiber_top},
	{"top_disable", l_fiber_top_disable},
	{"top_enable", l_fiber_top_enable},
	{"wakeup", l_fiber_wakeup},
	{"yield", l_fiber_yield},
	{NULL, NULL},
};

static const luaL_Reg methods[] = {
	{"__serialize", l_fiber_serialize},
	{"cancel", l_fiber_cancel},
	{"id", l_fiber_id},
	{"join", l_fiber_join},
	{"name", l_fiber_name},
	{"set_joinable", l_fiber_set_joinable},
	{"status", l_fiber_status},
	{"testcancel", l_fiber_testcancel},
	{"wakeup", l_fiber_wakeup},
	{NULL, NULL},
};

static const luaL_Reg meta[] = {{"__tostring", l_fiber_tostring},
	{"__serialize", l_fiber_serialize}, {NULL, NULL}};

static void make_object_table(lua_State *L)
{
	lua_pushlightuserdata(L, &objects_key);
	lua_newtable(L);
	lua_createtable(L, 0, 1);
	lua_pushliteral(L, "v");
	lua_setfield(L, -2, "__mode");
	lua_setmetatable(L, -2);
	lua_rawset(L, LUA_REGISTRYINDEX);
}

int luaopen_fiber(lua_State *L);

int luaopen_fiber(lua_State *L)
{
	make_object_table(L);
	luaT_type(L, type_name, meta, methods);
	luaL_getmetatable(L, type_name);
	lua_getfield(L, -1, "__index");
	lua_pushcclosure(L, l_fiber_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
	luaT_module(L, type_name, functions);
	lua_fiber_sync_open(L);
	return 1;
}

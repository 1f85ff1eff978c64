#include "instance/lua/utils.h"

#include <string.h>

#include "instance/lua/init.h"

lua_State *lua_main;

/* Payload of a `struct error` cdata. */
struct lua_error_ref {
	struct error *error; /* a reference; NULL only between push and fill */
};

static bool error_metatype_is_set;

static int error_gc(lua_State *L)
{
	struct lua_error_ref *ref = (struct lua_error_ref *)lua_topointer(L, 1);
	error_unref(TAKE_PTR(ref->error));
	return 0;
}

static int error_tostring(lua_State *L)
{
	lua_pushstring(L, luaT_is_error(L, 1)->message);
	return 1;
}

void lua_error_metatable(lua_State *L)
{
	error_metatype_is_set = true;
	lua_pushcfunction(L, error_gc);
	lua_setfield(L, -2, "__gc");
}

void luaT_push_error(lua_State *L, struct error *e)
{
	if (unlikely(!error_metatype_is_set)) {
		lua_createtable(L, 0, 2);
		lua_pushcfunction(L, error_tostring);
		lua_setfield(L, -2, "__tostring");
		luaT_metatype(L, "struct error");
	}
	struct lua_error_ref *ref = luaT_push_cdata(L, ctid_error);
	error_ref(e);
	ref->error = e;
}

struct error *luaT_is_error(lua_State *L, int idx)
{
	uint32_t ctid;
	struct lua_error_ref *ref = luaT_to_cdata(L, idx, &ctid);
	return ref != NULL && ctid == ctid_error ? ref->error : NULL;
}

int luaT_error(lua_State *L)
{
	struct error *e = diag_last();
	if (e == NULL) {
		diag_set(luajit, "unknown error");
		e = diag_last();
	}
	luaT_push_error(L, e);
	lua_error(L);
	__builtin_unreachable();
}

/** Push tostring(value at idx), guarded: a failing __tostring gives its type. */
static int call_tostring(lua_State *L)
{
	lua_getglobal(L, "tostring");
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

void luaT_to_diag(lua_State *L)
{
	struct error *e = luaT_is_error(L, -1);
	if (e != NULL) {
		error_ref(e);
		diag_set_error(e);
		lua_pop(L, 1);
		return;
	}
	if (!lua_isstring(L, -1) && lua_checkstack(L, 4)) {
		lua_pushcfunction(L, call_tostring);
		lua_insert(L, -2);
		lua_pcall(L, 1, 1, 0);
	}
	const char *text = lua_tostring(L, -1);
	diag_set(luajit, "%s", text != NULL ? text : "(error object that is no text)");
	lua_pop(L, 1);
}

int luaT_call(lua_State *L, int nargs, int nret)
{
	struct lua_State *before = fiber_current->lua_now;
	fiber_current->lua_now = L;
	int rc = lua_pcall(L, nargs, nret, 0);
	fiber_current->lua_now = before;
	if (rc == 0)
		return 0;
	luaT_to_diag(L);
	return -1;
}

/* Owned by the fiber whose thread it gives back. */
struct thread_hook {
	struct fiber_hook hook;
	struct fiber *fiber;
};

static void thread_release(struct fiber_hook *hook)
{
	struct thread_hook *t = container_of(hook, struct thread_hook, hook);
	luaL_unref(lua_main, LUA_REGISTRYINDEX, t->fiber->lua_ref);
	t->fiber->lua = t->fiber->lua_now = NULL;
	t->fiber->lua_ref = LUA_NOREF;
	list_del(&hook->link);
	free(t);
}

static int thread_new(lua_State *L)
{
	lua_State **ret_thread = lua_touserdata(L, 1);
	*ret_thread = lua_newthread(L);
	fiber_current->lua_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

lua_State *luaT_fiber_state(void)
{
	struct fiber *f = fiber_current;
	if (f->lua != NULL)
		return f->lua;
	struct thread_hook *t = calloc(1, sizeof(*t));
	lua_State *thread = NULL;
	if (t == NULL || lua_cpcall(lua_main, thread_new, &thread) != 0) {
		if (t != NULL)
			lua_pop(lua_main, 1);
		free(t);
		diag_set(oom, "Failed to allocate a Lua thread");
		return NULL;
	}
	t->fiber = f;
	t->hook.run = thread_release;
	list_add_tail(&f->on_stop, &t->hook.link);
	f->lua = f->lua_now = thread;
	return thread;
}

void luaT_testcancel(lua_State *L)
{
	if (fiber_is_cancelled()) {
		diag_set(cancelled, "fiber is cancelled");
		luaT_error(L);
	}
}

static void set_functions(lua_State *L, const luaL_Reg *funcs)
{
	for (; funcs != NULL && funcs->name != NULL; funcs++) {
		lua_pushcfunction(L, funcs->func);
		lua_setfield(L, -2, funcs->name);
	}
}

void luaT_module(lua_State *L, const char *name, const luaL_Reg *funcs)
{
	lua_newtable(L);
	set_functions(L, funcs);
	lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

void luaT_type(
	lua_State *L, const char *type, const luaL_Reg *meta, const luaL_Reg *methods)
{
	luaL_newmetatable(L, type);
	set_functions(L, meta);
	lua_pushstring(L, type);
	lua_setfield(L, -2, "__metatable");
	lua_newtable(L);
	set_functions(L, methods);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}

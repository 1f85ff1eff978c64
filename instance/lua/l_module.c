/*
 * C modules in Lua: calls of functions in C, box.schema.func.reload, box.lib, and
 * what module/ needs from Lua: where files are, and calls that catch what is raised.
 */
#include "instance/lua/l_module.h"

#include <string.h>

#include "instance/base/util.h"
#include "instance/box/access.h"
#include "instance/box/func.h"
#include "instance/lua/init.h"
#include "instance/lua/l_msgpack.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/utils.h"
#include "instance/module/module.h"

int luaopen_box_module(lua_State *L);

enum { NAME_SHOWN = 255 }; /* of a name in a message */

static const char lib_module_type[] = "box.lib.module";
static const char lib_function_type[] = "box.lib.function";

/* ---- Hooks ---- */

/** The state that runs now; the fiber's own when it is in no Lua code. */
static lua_State *running_state(void)
{
	lua_State *L = fiber_current->lua_now;
	return L != NULL ? L : luaT_fiber_state();
}

/** (light userdata: the name, its length) -> a path or nil */
static int search_in_lua(lua_State *L)
{
	lua_push_builtin(L, "loaders");
	lua_getfield(L, -1, "search_c");
	lua_pushlstring(L, lua_touserdata(L, 1), (size_t)lua_tointeger(L, 2));
	lua_call(L, 1, 1);
	return 1;
}

static int search(const char *name, size_t len, char *ret_path, size_t size)
{
	lua_State *L = running_state();
	if (L == NULL || !lua_checkstack(L, LUA_MINSTACK)) {
		diag_set(oom, "Failed to grow the Lua stack");
		return -1;
	}
	lua_pushcfunction(L, search_in_lua);
	lua_pushlightuserdata(L, (void *)name);
	lua_pushinteger(L, (lua_Integer)len);
	if (luaT_call(L, 2, 1) != 0)
		return -1;
	const char *path = lua_tostring(L, -1);
	bool is_found = path != NULL && strlen(path) < size;
	if (is_found)
		strcpy(ret_path, path);
	lua_pop(L, 1);
	if (!is_found)
		diag_set_client(ER_LOAD_MODULE,
			(int)(len < NAME_SHOWN ? len : NAME_SHOWN), name,
			"module not found");
	return is_found ? 0 : -1;
}

struct guarded {
	int (*body)(void *arg);
	void *arg;
	int rc;
};

static int guard_entry(lua_State *L)
{
	struct guarded *g = lua_touserdata(L, 1);
	g->rc = g->body(g->arg);
	return 0;
}

static int guard_ref = LUA_NOREF; /* guard_entry, in the registry */

/*
 * What was raised stands on the top of L; but not when it was raised on another state
 * (luaT_state() is the main one): then that one has it, and L what it had before.
 */
static void fetch_error(lua_State *L, const struct guarded *g)
{
	if (L == lua_main || lua_touserdata(L, -1) != g || lua_gettop(lua_main) == 0)
		return;
	lua_pop(L, 1);
	lua_xmove(lua_main, L, 1);
}

static int guard(int (*body)(void *arg), void *arg)
{
	struct guarded g = {body, arg, -1};
	lua_State *L = running_state();
	if (L == NULL || !lua_checkstack(L, LUA_MINSTACK)) {
		diag_set(oom, "Failed to grow the Lua stack");
		return -1;
	}
	if (unlikely(guard_ref == LUA_NOREF)) {
		lua_pushcfunction(L, guard_entry);
		guard_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, guard_ref);
	lua_pushlightuserdata(L, &g);
	lua_State *before = fiber_current->lua_now;
	fiber_current->lua_now = L;
	int status = lua_pcall(L, 1, 0, 0);
	fiber_current->lua_now = before;
	if (likely(status == 0))
		return g.rc;
	fetch_error(L, &g);
	luaT_to_diag(L);
	return -1;
}

void l_module_init(void)
{
	module_search = search;
	module_guard = guard;
}

/* ---- Calls ---- */

/* What a call uses and gives back, also when something raises. */
struct c_call {
	struct lua_buf *args, *out;
	struct func_result result;
};

static void c_call_end(struct c_call *call)
{
	func_result_fini(&call->result);
	lua_buf_putp(&call->args);
	lua_buf_putp(&call->out);
}

/** The `count` values from `first` on, as a msgpack array. */
static void encode_values(lua_State *L, int first, int count, struct buf *out)
{
	char *p = buf_reserve(out, 5);
	if (p == NULL) {
		diag_set(oom, "Failed to allocate the arguments of a call");
		luaT_error(L);
	}
	out->len += (size_t)(mp_raw_put_array(p, (uint32_t)count) - p);
	for (int i = first; i < first + count; i++)
		lua_to_msgpack(L, &lua_codec_msgpack, i, out);
}

static int push_results(lua_State *L, const struct func_result *result)
{
	int count = (int)result->count;
	luaL_checkstack(L, count + LUA_MINSTACK, "too many results");
	for (uint32_t i = 0; i < result->count; i++) {
		const struct func_value *value = &result->values[i];
		if (value->tuple != NULL) {
			luaT_push_tuple(L, value->tuple);
			continue;
		}
		struct mp_cursor cur;
		mp_cursor_init(&cur, result->out->data + value->begin,
			result->out->data + value->end);
		msgpack_to_lua(L, &lua_codec_msgpack, &cur);
	}
	return count;
}

static void c_call_begin(lua_State *L, struct c_call *call, int first, int count)
{
	call->args = lua_buf_take(L);
	call->out = lua_buf_take(L);
	encode_values(L, first, count, &call->args->buf);
	call->result = (struct func_result){.out = &call->out->buf, .keeps_values = true};
}

/** call(name, args): a function of _func whose language is C; rights are checked. */
static int l_module_call(lua_State *L)
{
	luaT_may_yield(L);
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	int count = (int)lua_objlen(L, 2);
	luaL_checkstack(L, count + LUA_MINSTACK, "too many arguments");
	for (int i = 1; i <= count; i++)
		lua_rawgeti(L, 2, i);
	struct func *func = func_by_name(name, len);
	if (func == NULL || func->language != FUNC_LANGUAGE_C) {
		diag_set_client(ER_NO_SUCH_FUNCTION, name);
		return luaT_error(L);
	}
	_cleanup_(c_call_end) struct c_call call = {NULL};
	c_call_begin(L, &call, 3, count);
	lua_settop(L, 2);
	const struct buf *args = &call.args->buf;
	if (func_c_call(func, args->data, args->data + args->len, &call.result) != 0)
		return luaT_error(L);
	return push_results(L, &call.result);
}

/* ---- Reload ---- */

static void set_string(lua_State *L, const char *key, const char *value)
{
	lua_pushstring(L, value); /* NULL: nil */
	lua_setfield(L, -2, key);
}

/** box.schema.func.reload(name) */
static int l_module_reload(lua_State *L)
{
	luaT_may_yield(L);
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	if (access_check_reload() != 0 || module_reload(name, len, false, NULL) != 0)
		return luaT_error(L);
	return 0;
}

/* ---- box.lib ---- */

/* Userdata. A function that was loaded stays usable when its module is unloaded. */
struct lib_object {
	struct module_version *version; /* pinned; NULL: unloaded */
	module_proc proc;               /* of a function */
};

static int wrong_use(lua_State *L, const char *text)
{
	diag_set(illegal_params, "%s", text);
	return luaT_error(L);
}

static struct lib_object *push_object(lua_State *L, const char *type)
{
	struct lib_object *object = lua_newuserdata(L, sizeof(*object));
	*object = (struct lib_object){NULL, NULL};
	luaL_getmetatable(L, type);
	lua_setmetatable(L, -2);
	return object;
}

/* NULL when the value is something else. */
static struct lib_object *to_object(lua_State *L, int idx, const char *type)
{
	struct lib_object *object = lua_touserdata(L, idx);
	if (object == NULL || !lua_getmetatable(L, idx))
		return NULL;
	luaL_getmetatable(L, type);
	bool is_it = lua_rawequal(L, -1, -2);
	lua_pop(L, 2);
	return is_it ? object : NULL;
}

static void unload(struct lib_object *object)
{
	module_unpin(TAKE_PTR(object->version), MODULE_PIN_LIB);
}

static int l_lib_load(lua_State *L)
{
	luaT_may_yield(L);
	size_t len = 0;
	const char *name = lua_isstring(L, 1) ? lua_tolstring(L, 1, &len) : NULL;
	if (lua_gettop(L) != 1 || len == 0)
		return wrong_use(L, "Expects box.lib.load('name') but no name passed");
	struct lib_object *object = push_object(L, lib_module_type);
	object->version = module_lib_load(name, len);
	return object->version != NULL ? 1 : luaT_error(L);
}

static int l_lib_module_load(lua_State *L)
{
	struct lib_object *module = to_object(L, 1, lib_module_type);
	size_t len = 0;
	const char *name = lua_isstring(L, 2) ? lua_tolstring(L, 2, &len) : NULL;
	if (module == NULL || lua_gettop(L) != 2 || len == 0)
		return wrong_use(L, "Expects module:load('name') but no name passed");
	if (module->version == NULL)
		return wrong_use(L, "The module is unloaded");
	module_proc proc = module_lib_symbol(module->version, name);
	if (proc == NULL)
		return luaT_error(L);
	struct lib_object *function = push_object(L, lib_function_type);
	module_pin(module->version, MODULE_PIN_LIB);
	*function = (struct lib_object){module->version, proc};
	return 1;
}

static int l_lib_module_unload(lua_State *L)
{
	struct lib_object *object = to_object(L, 1, lib_module_type);
	if (object == NULL)
		return wrong_use(L, "Expects module:unload()");
	if (object->version == NULL)
		return wrong_use(L, "The module is unloaded");
	unload(object);
	lua_pushboolean(L, true);
	return 1;
}

static int l_lib_function_unload(lua_State *L)
{
	struct lib_object *object = to_object(L, 1, lib_function_type);
	if (object == NULL)
		return wrong_use(L, "Expects function:unload()");
	if (object->version == NULL)
		return wrong_use(L, "The function is unloaded");
	unload(object);
	lua_pushboolean(L, true);
	return 1;
}

static int l_lib_function_call(lua_State *L)
{
	luaT_may_yield(L);
	struct lib_object *object = to_object(L, 1, lib_function_type);
	if (object == NULL)
		return wrong_use(L, "Expects function(...)");
	if (object->version == NULL)
		return wrong_use(L, "The function is unloaded");
	_cleanup_(c_call_end) struct c_call call = {NULL};
	c_call_begin(L, &call, 2, lua_gettop(L) - 1);
	const struct buf *args = &call.args->buf;
	if (module_lib_call(object->version, object->proc, args->data,
		    args->data + args->len, &call.result) != 0)
		return luaT_error(L);
	return push_results(L, &call.result);
}

static int l_lib_object_gc(lua_State *L)
{
	unload(lua_touserdata(L, 1));
	return 0;
}

/** A module or function as text and in consoles: its file. */
static int l_lib_object_serialize(lua_State *L)
{
	const struct lib_object *object = lua_touserdata(L, 1);
	lua_createtable(L, 0, 1);
	if (object != NULL && object->version != NULL)
		set_string(L, "path", object->version->path);
	else
		set_string(L, "path", "(unloaded)");
	return 1;
}

int luaopen_box_module(lua_State *L)
{
	static const luaL_Reg meta[] = {{"__gc", l_lib_object_gc},
		{"__serialize", l_lib_object_serialize}, {NULL, NULL}};
	static const luaL_Reg function_meta[] = {{"__gc", l_lib_object_gc},
		{"__serialize", l_lib_object_serialize}, {"__call", l_lib_function_call},
		{NULL, NULL}};
	static const luaL_Reg module_methods[] = {{"load", l_lib_module_load},
		{"unload", l_lib_module_unload}, {NULL, NULL}};
	static const luaL_Reg function_methods[] = {
		{"unload", l_lib_function_unload}, {NULL, NULL}};
	static const luaL_Reg funcs[] = {{"call", l_module_call},
		{"reload", l_module_reload}, {"lib_load", l_lib_load}, {NULL, NULL}};
	luaT_type(L, lib_module_type, meta, module_methods);
	luaT_type(L, lib_function_type, function_meta, function_methods);
	luaT_module(L, "box.internal.module", funcs);
	return 1;
}

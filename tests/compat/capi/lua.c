/* The Lua part of the C API: integers, cdata, calls, errors, tuples. */
#include "module.h"

#include <lauxlib.h>
#include <stdlib.h>

LUA_API int luaopen_capi_lua(lua_State *L);

/* Numbers as text: Lua would print 64-bit ones in its own way. */
static int push_text(lua_State *L, const char *format, long long v)
{
	char text[32];
	snprintf(text, sizeof(text), format, v);
	lua_pushstring(L, text);
	return 1;
}

static int push_u64(lua_State *L)
{
	luaL_pushuint64(L, strtoull(luaL_checkstring(L, 1), NULL, 10));
	return 1;
}

static int push_i64(lua_State *L)
{
	luaL_pushint64(L, strtoll(luaL_checkstring(L, 1), NULL, 10));
	return 1;
}

static int check_u64(lua_State *L)
{
	return push_text(L, "%llu", (long long)luaL_checkuint64(L, 1));
}

static int check_i64(lua_State *L)
{
	return push_text(L, "%lld", luaL_checkint64(L, 1));
}

static int to_u64(lua_State *L)
{
	return push_text(L, "%llu", (long long)luaL_touint64(L, 1));
}

static int to_i64(lua_State *L)
{
	return push_text(L, "%lld", luaL_toint64(L, 1));
}

static int cdef(lua_State *L)
{
	int top = lua_gettop(L);
	int rc = luaL_cdef(L, luaL_checkstring(L, 1));
	lua_pushinteger(L, rc);
	lua_pushinteger(L, lua_gettop(L) - top - 1);
	if (rc == 0)
		lua_pushnil(L);
	else
		lua_pushvalue(L, -3);
	return 3;
}

/* A struct that Lua then looks into. */
struct capi_point {
	double x;
	int y;
};

static uint32_t point_id;

static int push_point(lua_State *L)
{
	point_id = luaL_ctypeid(L, "struct capi_point");
	struct capi_point *p = luaL_pushcdata(L, point_id);
	p->x = luaL_checknumber(L, 1);
	p->y = (int)luaL_checkinteger(L, 2);
	return 1;
}

static int read_point(lua_State *L)
{
	uint32_t id = 0;
	struct capi_point *p = luaL_checkcdata(L, 1, &id);
	lua_pushboolean(L, id == luaL_ctypeid(L, "struct capi_point"));
	lua_pushnumber(L, p->x);
	lua_pushinteger(L, p->y);
	return 3;
}

/* A cdata of the same type as the argument, whose number was asked of nobody. */
static int push_same_type(lua_State *L)
{
	uint32_t id = 0;
	int *from = luaL_checkcdata(L, 1, &id);
	int *to = luaL_pushcdata(L, id);
	*to = *from;
	return 1;
}

static int check_cdata(lua_State *L)
{
	uint32_t id = 0;
	luaL_checkcdata(L, 1, &id);
	lua_pushboolean(L, id != 0);
	return 1;
}

static int set_gc(lua_State *L)
{
	lua_settop(L, 2);
	luaL_setcdatagc(L, 1);
	lua_pushinteger(L, lua_gettop(L));
	return 1;
}

static int ctypeids(lua_State *L)
{
	lua_pushboolean(L, luaL_ctypeid(L, "int64_t") == luaL_ctypeid(L, "long long"));
	lua_pushboolean(L, luaL_ctypeid(L, "int64_t") == luaL_ctypeid(L, "uint64_t"));
	return 2;
}

static int tolstring(lua_State *L)
{
	int top = lua_gettop(L);
	size_t len = 0;
	const char *s = luaT_tolstring(L, 1, &len);
	lua_pushlstring(L, s, len);
	lua_pushinteger(L, lua_gettop(L) - top - 1);
	return 2;
}

static int iscallable(lua_State *L)
{
	lua_pushinteger(L, luaL_iscallable(L, 1));
	return 1;
}

static void push_last(lua_State *L)
{
	box_error_t *e = box_error_last();
	if (e == NULL) {
		lua_pushnil(L);
		return;
	}
	lua_pushfstring(L, "%s %d: %s", box_error_type(e), (int)box_error_code(e),
		box_error_message(e));
}

/* call(f, nresults, arguments...) -> rc, values left above the function, last error */
static int call(lua_State *L)
{
	int results = (int)luaL_checkinteger(L, 2);
	lua_remove(L, 2);
	box_error_clear();
	int rc = luaT_call(L, lua_gettop(L) - 1, results);
	int left = lua_gettop(L);
	const char *type = left > 0 ? luaL_typename(L, -1) : "nothing";
	push_last(L);
	lua_pushinteger(L, rc);
	lua_insert(L, 1);
	lua_pushinteger(L, left);
	lua_insert(L, 2);
	lua_pushstring(L, type);
	lua_insert(L, 3);
	return lua_gettop(L);
}

static int cpcall_body(lua_State *L)
{
	const char *how = lua_touserdata(L, 1);
	if (strcmp(how, "lua") == 0)
		return luaL_error(L, "a Lua error");
	if (strcmp(how, "box") == 0) {
		box_error_set(__FILE__, __LINE__, ER_PROC_C, "an error of box");
		return luaT_error(L);
	}
	return 0;
}

static int cpcall(lua_State *L)
{
	box_error_clear();
	int top = lua_gettop(L);
	int rc = luaT_cpcall(L, cpcall_body, (void *)luaL_checkstring(L, 1));
	int left = lua_gettop(L) - top;
	push_last(L);
	lua_pushinteger(L, rc);
	lua_pushinteger(L, left);
	return 3;
}

static int raise(lua_State *L)
{
	box_error_set("file.c", 77, (uint32_t)luaL_checkinteger(L, 1), "raised: %s",
		luaL_checkstring(L, 2));
	return luaT_error(L);
}

static int nil_and_error(lua_State *L)
{
	box_error_set("file.c", 77, ER_PROC_C, "returned");
	int count = luaT_push_nil_and_error(L);
	lua_pushinteger(L, count);
	return 3;
}

static int state(lua_State *L)
{
	lua_State *main = luaT_state();
	lua_getglobal(main, "print");
	bool is_function = lua_isfunction(main, -1);
	lua_pop(main, 1);
	lua_pushboolean(L, is_function);
	return 1;
}

static int istuple(lua_State *L)
{
	box_tuple_t *t = luaT_istuple(L, 1);
	lua_pushboolean(L, t != NULL);
	return 1;
}

static int checktuple(lua_State *L)
{
	box_tuple_t *t = luaT_checktuple(L, 1);
	lua_pushinteger(L, (lua_Integer)box_tuple_field_count(t));
	return 1;
}

static int pushtuple(lua_State *L)
{
	static const char data[] = "\x93\x01\xa3\x61\x62\x63\xc3";
	box_tuple_t *t =
		box_tuple_new(box_tuple_format_default(), data, data + sizeof(data) - 1);
	luaT_pushtuple(L, t);
	return 1;
}

/* Userdata, upvalues, references, buffers: plain Lua in C. */
static int counter_next(lua_State *L)
{
	lua_Integer n = lua_tointeger(L, lua_upvalueindex(1)) + 1;
	lua_pushinteger(L, n);
	lua_replace(L, lua_upvalueindex(1));
	lua_pushinteger(L, n);
	return 1;
}

static int counter(lua_State *L)
{
	lua_pushinteger(L, 10);
	lua_pushcclosure(L, counter_next, 1);
	return 1;
}

static int object_gc(lua_State *L)
{
	int *ref = luaL_checkudata(L, 1, "capi.object");
	luaL_unref(L, LUA_REGISTRYINDEX, *ref);
	return 0;
}

static int object_get(lua_State *L)
{
	int *ref = luaL_checkudata(L, 1, "capi.object");
	lua_rawgeti(L, LUA_REGISTRYINDEX, *ref);
	return 1;
}

static int object(lua_State *L)
{
	luaL_checkany(L, 1);
	int *ref = lua_newuserdata(L, sizeof(*ref));
	lua_pushvalue(L, 1);
	*ref = luaL_ref(L, LUA_REGISTRYINDEX);
	if (luaL_newmetatable(L, "capi.object")) {
		lua_pushcfunction(L, object_gc);
		lua_setfield(L, -2, "__gc");
		lua_pushcfunction(L, object_get);
		lua_setfield(L, -2, "__call");
	}
	lua_setmetatable(L, -2);
	return 1;
}

static int join(lua_State *L)
{
	luaL_Buffer b;
	luaL_buffinit(L, &b);
	int count = (int)lua_objlen(L, 1);
	for (int i = 1; i <= count; i++) {
		lua_rawgeti(L, 1, i);
		luaL_addvalue(&b);
		luaL_addchar(&b, '/');
	}
	luaL_pushresult(&b);
	return 1;
}

/* A thread of its own, with Lua code that yields to other fibers, is left for dead. */
static int on_thread(lua_State *L)
{
	lua_State *thread = lua_newthread(L);
	lua_pushvalue(L, 1);
	lua_xmove(L, thread, 1);
	int rc = lua_pcall(thread, 0, 1, 0);
	lua_xmove(thread, L, 1);
	lua_remove(L, -2);
	lua_pushinteger(L, rc);
	lua_insert(L, -2);
	return 2;
}

int luaopen_capi_lua(lua_State *L)
{
	static const struct luaL_Reg functions[] = {
		{"push_u64", push_u64},
		{"push_i64", push_i64},
		{"check_u64", check_u64},
		{"check_i64", check_i64},
		{"to_u64", to_u64},
		{"to_i64", to_i64},
		{"cdef", cdef},
		{"push_point", push_point},
		{"read_point", read_point},
		{"push_same_type", push_same_type},
		{"check_cdata", check_cdata},
		{"set_gc", set_gc},
		{"ctypeids", ctypeids},
		{"tolstring", tolstring},
		{"iscallable", iscallable},
		{"call", call},
		{"cpcall", cpcall},
		{"raise", raise},
		{"nil_and_error", nil_and_error},
		{"state", state},
		{"istuple", istuple},
		{"checktuple", checktuple},
		{"pushtuple", pushtuple},
		{"counter", counter},
		{"object", object},
		{"join", join},
		{"on_thread", on_thread},
		{NULL, NULL},
	};
	luaL_register(L, "capi_lua", functions);
	return 1;
}

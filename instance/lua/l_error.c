/* box.error and the error object. */
#include "instance/lua/l_error.h"

#include <string.h>

#include "instance/lua/utils.h"

#define NEW_USAGE "Usage: box.error.new(code, args) or box.error.new(type, args)"

/* Where the Lua code at `level` of the stack stands. */
static void set_place(lua_State *L, int level, struct error *e)
{
	lua_Debug info;
	e->file[0] = '\0';
	e->line = 0;
	if (!lua_getstack(L, level, &info) || !lua_getinfo(L, "Sl", &info))
		return;
	snprintf(e->file, sizeof(e->file), "%s", info.short_src);
	e->line = (unsigned)info.currentline;
}

static struct error *make_error(
	lua_State *L, unsigned code, const char *custom_type, const char *message)
{
	const struct error_type *type =
		custom_type != NULL ? &error_type_custom : &error_type_client;
	struct error *e = error_new(type, "", 0, "%s", message);
	e->code = code;
	if (custom_type != NULL)
		e->custom_type = strdup(custom_type);
	set_place(L, 1, e);
	return e;
}

/*
 * The message: string.format(text, values from `first` on). NULL when the text
 * wants values and there are none. Leaves it on the stack.
 */
static const char *format_message(lua_State *L, const char *text, int first)
{
	int top = lua_gettop(L);
	if (top < first) {
		lua_pushstring(L, text);
		return strchr(text, '%') == NULL ? lua_tostring(L, -1) : NULL;
	}
	lua_getglobal(L, "string");
	lua_getfield(L, -1, "format");
	lua_remove(L, -2);
	lua_pushstring(L, text);
	for (int i = first; i <= top; i++)
		lua_pushvalue(L, i);
	lua_call(L, top - first + 2, 1);
	return lua_tostring(L, -1);
}

/* {code=, reason=, type=} at idx. */
static struct error *error_from_table(lua_State *L, int idx)
{
	lua_getfield(L, idx, "type");
	lua_getfield(L, idx, "code");
	lua_getfield(L, idx, "reason");
	const char *reason = lua_tostring(L, -1);
	return make_error(L, (unsigned)lua_tonumber(L, -2), lua_tostring(L, -3),
		reason != NULL ? reason : "");
}

/* An error from the arguments at `first` and after it; NULL when they make none. */
static struct error *error_from_args(lua_State *L, int first)
{
	int top = lua_gettop(L);
	const char *message;
	switch (lua_type(L, first)) {
	case LUA_TNUMBER: {
		unsigned code = (unsigned)lua_tonumber(L, first);
		message = format_message(L, errcode_text(code), first + 1);
		return message != NULL ? make_error(L, code, NULL, message) : NULL;
	}
	case LUA_TSTRING:
		if (top == first || lua_type(L, first + 1) != LUA_TSTRING)
			return NULL;
		message = format_message(L, lua_tostring(L, first + 1), first + 2);
		if (message == NULL)
			return NULL;
		return make_error(L, 0, lua_tostring(L, first), message);
	case LUA_TTABLE:
		return top == first ? error_from_table(L, first) : NULL;
	default:
		return NULL;
	}
}

/* box.error(...): the first argument is box.error itself. */
static int l_error_call(lua_State *L)
{
	int top = lua_gettop(L);
	if (top <= 1)
		return diag_last() != NULL ? luaT_error(L) : 0;
	struct error *e = top == 2 ? luaT_is_error(L, 2) : NULL;
	if (e != NULL)
		error_ref(e);
	else
		e = error_from_args(L, 2);
	if (e == NULL)
		return luaL_error(L, "box.error(): bad arguments");
	diag_set_error(e);
	return luaT_error(L);
}

static int l_error_new(lua_State *L)
{
	struct error *e = lua_gettop(L) > 0 ? error_from_args(L, 1) : NULL;
	if (e == NULL)
		return luaL_error(L, NEW_USAGE);
	luaT_push_error(L, e);
	error_unref(e);
	return 1;
}

static int l_error_last(lua_State *L)
{
	if (lua_gettop(L) != 0)
		return luaL_error(L, "box.error.last(): bad arguments");
	if (diag_last() == NULL)
		lua_pushnil(L);
	else
		luaT_push_error(L, diag_last());
	return 1;
}

static int l_error_clear(lua_State *L)
{
	if (lua_gettop(L) != 0)
		return luaL_error(L, "box.error.clear(): bad arguments");
	diag_clear();
	return 0;
}

static int l_error_set(lua_State *L)
{
	if (lua_gettop(L) == 0)
		return luaL_error(L, "Usage: box.error.set(error)");
	struct error *e = luaT_is_error(L, 1);
	if (e == NULL)
		return luaL_error(L, "Invalid argument #1 (error expected, got %s)",
			luaL_typename(L, 1));
	error_ref(e);
	diag_set_error(e);
	return 0;
}

static struct error *check_error(lua_State *L, const char *usage)
{
	struct error *e = luaT_is_error(L, 1);
	if (e == NULL)
		luaL_error(L, "Usage: %s", usage);
	return e;
}

/* [{file = , line = }] */
static void push_trace(lua_State *L, const struct error *e)
{
	lua_createtable(L, 1, 0);
	if (e->file[0] == '\0')
		return;
	lua_createtable(L, 0, 2);
	lua_pushstring(L, e->file);
	lua_setfield(L, -2, "file");
	lua_pushnumber(L, e->line);
	lua_setfield(L, -2, "line");
	lua_rawseti(L, -2, 1);
}

/* Push one field of the error; false (and nothing pushed) when it has none. */
static bool push_field(lua_State *L, const struct error *e, const char *name)
{
	if (strcmp(name, "type") == 0) {
		lua_pushstring(
			L, e->custom_type != NULL ? e->custom_type : e->type->name);
	} else if (strcmp(name, "message") == 0) {
		lua_pushstring(L, e->message);
	} else if (strcmp(name, "base_type") == 0) {
		lua_pushstring(L, e->type->name);
	} else if (strcmp(name, "trace") == 0) {
		push_trace(L, e);
	} else if (strcmp(name, "code") == 0 && error_is_a(e, &error_type_client)) {
		lua_pushnumber(L, e->code);
	} else if (strcmp(name, "errno") == 0 && e->saved_errno != 0) {
		lua_pushinteger(L, e->saved_errno);
	} else if (strcmp(name, "prev") == 0 && e->cause != NULL) {
		luaT_push_error(L, e->cause);
	} else if (strcmp(name, "custom_type") == 0 && e->custom_type != NULL) {
		lua_pushstring(L, e->custom_type);
	} else if (strcmp(name, "object_type") == 0 && e->object_type != NULL) {
		lua_pushstring(L, e->object_type);
	} else if (strcmp(name, "object_name") == 0 && e->object_name != NULL) {
		lua_pushstring(L, e->object_name);
	} else if (strcmp(name, "access_type") == 0 && e->access_type != NULL) {
		lua_pushstring(L, e->access_type);
	} else {
		return false;
	}
	return true;
}

static int l_error_unpack_method(lua_State *L)
{
	static const char *const fields[] = {"type", "message", "base_type", "trace",
		"code", "errno", "prev", "custom_type", "object_type", "object_name",
		"access_type"};
	const struct error *e = check_error(L, "error:unpack()");
	lua_createtable(L, 0, 6);
	for (size_t i = 0; i < lengthof(fields); i++)
		if (push_field(L, e, fields[i]))
			lua_setfield(L, -2, fields[i]);
	return 1;
}

static int l_error_raise(lua_State *L)
{
	struct error *e = check_error(L, "error:raise()");
	error_ref(e);
	diag_set_error(e);
	lua_settop(L, 1);
	return lua_error(L);
}

/* string.match(message, ...) */
static int l_error_match(lua_State *L)
{
	struct error *e = check_error(L, "error:match()");
	lua_pushstring(L, e->message);
	lua_replace(L, 1);
	lua_getglobal(L, "string");
	lua_getfield(L, -1, "match");
	lua_replace(L, -2);
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

static int l_error_serialize(lua_State *L)
{
	lua_pushstring(L, check_error(L, "error:__serialize()")->message);
	return 1;
}

static int l_error_set_prev(lua_State *L)
{
	struct error *e = luaT_is_error(L, 1);
	struct error *prev = luaT_is_error(L, 2);
	if (e == NULL || (prev == NULL && !lua_isnoneornil(L, 2)))
		return luaL_error(L, "Usage: error1:set_prev(error2)");
	if (error_set_cause(e, prev) != 0)
		return luaL_error(L, "Cycles are not allowed");
	return 0;
}

/* __index; upvalue: the methods. */
static int l_error_index(lua_State *L)
{
	const struct error *e = luaT_is_error(L, 1);
	if (e != NULL && lua_type(L, 2) == LUA_TSTRING &&
		push_field(L, e, lua_tostring(L, 2)))
		return 1;
	lua_pushvalue(L, 2);
	lua_gettable(L, lua_upvalueindex(1));
	return 1;
}

static int l_error_tostring(lua_State *L)
{
	return l_error_serialize(L);
}

static int l_error_eq(lua_State *L)
{
	const struct error *a = luaT_is_error(L, 1), *b = luaT_is_error(L, 2);
	lua_pushboolean(L, a != NULL && a == b);
	return 1;
}

/* Push the text of a side of `..`. */
static void push_side(lua_State *L, int idx)
{
	const struct error *e = luaT_is_error(L, idx);
	if (e != NULL)
		lua_pushstring(L, e->message);
	else if (lua_isstring(L, idx))
		lua_pushvalue(L, idx);
	else
		luaL_error(L, "attempt to concatenate '%s' and '%s'",
			luaT_is_error(L, 1) ? "struct error" : luaL_typename(L, 1),
			luaT_is_error(L, 2) ? "struct error" : luaL_typename(L, 2));
}

static int l_error_concat(lua_State *L)
{
	push_side(L, 1);
	push_side(L, 2);
	lua_concat(L, 2);
	return 1;
}

static void make_metatype(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"unpack", l_error_unpack_method},
		{"raise", l_error_raise},
		{"match", l_error_match},
		{"set_prev", l_error_set_prev},
		{"__serialize", l_error_serialize},
		{NULL, NULL},
	};
	static const luaL_Reg meta[] = {
		{"__tostring", l_error_tostring},
		{"__eq", l_error_eq},
		{"__concat", l_error_concat},
		{NULL, NULL},
	};
	lua_newtable(L);
	luaL_register(L, NULL, meta);
	lua_newtable(L);
	luaL_register(L, NULL, methods);
	lua_pushcclosure(L, l_error_index, 1);
	lua_setfield(L, -2, "__index");
	luaT_metatype(L, "struct error");
}

/* box.error.TIMEOUT and so on in the table on the top. */
static void set_codes(lua_State *L)
{
	for (unsigned code = 0; code < ERRCODE_MAX; code++) {
		const char *name = errcode_name(code);
		if (code != 0 && strcmp(name, "ER_UNKNOWN") == 0)
			continue;
		/* Tarantool takes these for gaps in its list. */
		if (strstr(name, "RESERVED") != NULL)
			continue;
		lua_pushinteger(L, code);
		lua_setfield(L, -2, name + strlen("ER_"));
	}
}

static void set_box_error(lua_State *L)
{
	lua_getglobal(L, "box");
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_setglobal(L, "box");
	}
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, "error");
	lua_pop(L, 1);
}

int luaopen_error(lua_State *L);
int luaopen_error(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"new", l_error_new},
		{"last", l_error_last},
		{"clear", l_error_clear},
		{"set", l_error_set},
		{NULL, NULL},
	};
	make_metatype(L);
	lua_createtable(L, 0, ERRCODE_MAX);
	set_codes(L);
	lua_newtable(L); /* metatable */
	lua_pushcfunction(L, l_error_call);
	lua_setfield(L, -2, "__call");
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
	set_box_error(L);
	return 1;
}

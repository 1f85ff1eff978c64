/* Between Lua and what box.c drives: objects, errors, tuples, keys. For box.c alone. */
#ifndef CAPI_BOX_VALUES_H
#define CAPI_BOX_VALUES_H

#include <lauxlib.h>
#include <lua.h>
#include <module.h>
#include <stdlib.h>

static const char tuple_type[] = "capi.tuple";
static const char key_def_type[] = "capi.key_def";
static const char format_type[] = "capi.format";
static const char iterator_type[] = "capi.iterator";
static const char latch_type[] = "capi.latch";

/* ---- Values ---- */

static void push_object(lua_State *L, void *object, const char *type)
{
	if (object == NULL) {
		lua_pushnil(L);
		return;
	}
	*(void **)lua_newuserdata(L, sizeof(void *)) = object;
	luaL_getmetatable(L, type);
	lua_setmetatable(L, -2);
}

static void *to_object(lua_State *L, int idx, const char *type)
{
	if (lua_isnoneornil(L, idx))
		return NULL;
	return *(void **)luaL_checkudata(L, idx, type);
}

static int push_error(lua_State *L)
{
	box_error_t *e = box_error_last();
	lua_pushnil(L);
	if (e == NULL)
		lua_pushliteral(L, "no error");
	else
		lua_pushfstring(L, "%s %d %s", box_error_type(e), (int)box_error_code(e),
			box_error_message(e));
	return 2;
}

static int push_rc(lua_State *L, int rc)
{
	if (rc != 0)
		return push_error(L);
	lua_pushboolean(L, 1);
	return 1;
}

/* The tuple with a reference of its own, or false for NULL. */
static int push_tuple(lua_State *L, int rc, box_tuple_t *tuple)
{
	if (rc != 0)
		return push_error(L);
	if (tuple == NULL) {
		lua_pushboolean(L, 0);
		return 1;
	}
	box_tuple_ref(tuple);
	push_object(L, tuple, tuple_type);
	return 1;
}

static int push_made_tuple(lua_State *L, box_tuple_t *tuple)
{
	return tuple == NULL ? push_error(L) : push_tuple(L, 0, tuple);
}

static int push_count(lua_State *L, ssize_t n)
{
	if (n < 0)
		return push_error(L);
	lua_pushnumber(L, (lua_Number)n);
	return 1;
}

static box_tuple_t *to_tuple(lua_State *L, int idx)
{
	return to_object(L, idx, tuple_type);
}

static const char *to_mp(lua_State *L, int idx, const char **end)
{
	size_t len;
	const char *s = luaL_optlstring(L, idx, NULL, &len);
	*end = s != NULL ? s + len : NULL;
	return s;
}

static uint32_t to_u32(lua_State *L, int idx)
{
	return (uint32_t)(int64_t)luaL_checknumber(L, idx);
}

/* The bytes of one msgpack value inside a tuple: up to the tuple's end. */
static int push_field(lua_State *L, box_tuple_t *tuple, const char *field)
{
	if (field == NULL) {
		lua_pushboolean(L, 0);
		return 1;
	}
	const char *first = box_tuple_field(tuple, 0);
	const char *data = first - (box_tuple_field_count(tuple) < 16 ? 1 : 3);
	lua_pushlstring(L, field, (size_t)(data + box_tuple_bsize(tuple) - field));
	return 1;
}

#endif

/* The C API of modules: calls into Lua, errors, values in general, tuples. */
#include <string.h>

#include "instance/lua/l_tuple.h"
#include "instance/lua/utils.h"
#include "instance/module/api.h"

/*
 * luaT_call() of modules; the instance's own, which leaves nothing on the stack, has
 * another symbol (utils.h).
 */
_public_ int luaT_call_of_modules(lua_State *L, int nargs, int nreturns) __asm__(
	"luaT_call");

static int push_tolstring(lua_State *L)
{
	luaT_tolstring(L, 1, NULL);
	return 1;
}

/**
 * The value on the top becomes the last error. It stays, with its text above it when
 * it is no error object. @return 1, as luaT_call() does then
 */
static int to_error(lua_State *L)
{
	struct error *e = luaT_is_error(L, -1);
	if (e != NULL) {
		error_ref(e);
		diag_set_error(e);
		return 1;
	}
	/* A __tostring that raises must not end the caller. */
	lua_pushcfunction(L, push_tolstring);
	lua_pushvalue(L, -2);
	if (lua_pcall(L, 1, 1, 0) != 0) {
		lua_pop(L, 1);
		lua_pushfstring(L, "(%s that has no text)", luaL_typename(L, -1));
	}
	const char *text = lua_tostring(L, -1);
	diag_set(luajit, "%s", text != NULL ? text : "nil");
	return 1;
}

static void restore_lua_now(struct lua_State **before)
{
	fiber_current->lua_now = *before;
}

int luaT_call_of_modules(lua_State *L, int nargs, int nreturns)
{
	_cleanup_(restore_lua_now) struct lua_State *before = fiber_current->lua_now;
	fiber_current->lua_now = L;
	return lua_pcall(L, nargs, nreturns, 0) != 0 ? to_error(L) : 0;
}

int luaT_cpcall(lua_State *L, lua_CFunction func, void *ud)
{
	_cleanup_(restore_lua_now) struct lua_State *before = fiber_current->lua_now;
	fiber_current->lua_now = L;
	return lua_cpcall(L, func, ud) != 0 ? to_error(L) : 0;
}

lua_State *luaT_state(void)
{
	return lua_main;
}

const char *luaT_tolstring(lua_State *L, int idx, size_t *ssize)
{
	if (luaL_callmeta(L, idx, "__tostring"))
		return lua_tolstring(L, -1, ssize);
	switch (lua_type(L, idx)) {
	case LUA_TNUMBER:
	case LUA_TSTRING:
		lua_pushvalue(L, idx);
		break;
	case LUA_TBOOLEAN:
		lua_pushstring(L, lua_toboolean(L, idx) ? "true" : "false");
		break;
	case LUA_TNIL:
		lua_pushliteral(L, "nil");
		break;
	default:
		lua_pushfstring(
			L, "%s: %p", luaL_typename(L, idx), lua_topointer(L, idx));
	}
	return lua_tolstring(L, -1, ssize);
}

int luaL_iscallable(lua_State *L, int idx)
{
	if (lua_isfunction(L, idx))
		return 1;
	if (lua_type(L, idx) == LUA_TCDATA)
		return luaT_cdata_has_meta(L, idx, "__call");
	if (!luaL_getmetafield(L, idx, "__call"))
		return 0;
	lua_pop(L, 1);
	return 1;
}

int luaT_push_nil_and_error(lua_State *L)
{
	lua_pushnil(L);
	if (diag_last() != NULL)
		luaT_push_error(L, diag_last());
	else
		lua_pushnil(L);
	return 2;
}

void luaT_pusherror(struct lua_State *L, struct error *e)
{
	luaT_push_error(L, e);
}

void luaT_pushtuple(struct lua_State *L, box_tuple_t *tuple)
{
	luaT_push_tuple(L, tuple);
}

box_tuple_t *luaT_istuple(struct lua_State *L, int idx)
{
	return luaT_is_tuple(L, idx);
}

box_tuple_t *luaT_checktuple(struct lua_State *L, int idx)
{
	struct tuple *tuple = luaT_is_tuple(L, idx);
	if (tuple == NULL)
		luaL_error(L, "Invalid argument #%d (box.tuple expected, got %s)", idx,
			lua_typename(L, lua_type(L, idx)));
	return tuple;
}

#include "instance/lua/l_index_iterator.h"

#include <lauxlib.h>

#include "instance/base/util.h"
#include "instance/box/index.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/utils.h"

static const char type_name[] = "tarantella.iterator";

/* Payload of the userdata. */
struct lua_iterator {
	const char *magic; /* type_name; cheaper to look at than the metatable */
	struct iterator *it;
};

static int l_iterator_gc(lua_State *L)
{
	struct lua_iterator *self = lua_touserdata(L, 1);
	iterator_free(TAKE_PTR(self->it));
	return 0;
}

static int l_iterator_tostring(lua_State *L)
{
	lua_pushliteral(L, "<iterator state>");
	return 1;
}

/* next(param, state): state and a tuple; nothing at the end */
static int l_iterator_next(lua_State *L)
{
	struct lua_iterator *self = lua_touserdata(L, 2);
	if (self == NULL || lua_objlen(L, 2) != sizeof(*self) || self->magic != type_name)
		return luaL_error(L, "usage: next(param, state)");
	struct tuple *tuple = NULL;
	if (self->it != NULL && iterator_next(self->it, &tuple) != 0)
		luaT_error(L);
	if (tuple == NULL)
		return 0;
	lua_settop(L, 2);
	luaT_push_tuple(L, tuple);
	return 2;
}

static int l_iterator_end(lua_State *L)
{
	(void)L;
	return 0;
}

int l_iterator_push(lua_State *L, struct iterator *given)
{
	static int wrap_ref = LUA_NOREF;
	_cleanup_(iterator_freep) struct iterator *it = given;
	static const luaL_Reg meta[] = {{"__gc", l_iterator_gc},
		{"__tostring", l_iterator_tostring}, {NULL, NULL}};
	luaL_checkstack(L, 8, "pairs");
	if (wrap_ref == LUA_NOREF) {
		luaT_type(L, type_name, meta, NULL);
		lua_getglobal(L, "require");
		lua_pushliteral(L, "fun");
		lua_call(L, 1, 1);
		lua_getfield(L, -1, "wrap");
		wrap_ref = luaL_ref(L, LUA_REGISTRYINDEX);
		lua_pop(L, 1);
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, wrap_ref);
	lua_pushcfunction(L, it != NULL ? l_iterator_next : l_iterator_end);
	lua_pushliteral(L, "");
	struct lua_iterator *self = lua_newuserdata(L, sizeof(*self));
	self->magic = type_name;
	self->it = NULL;
	luaL_getmetatable(L, type_name);
	lua_setmetatable(L, -2);
	self->it = TAKE_PTR(it);
	lua_call(L, 3, 3);
	return 3;
}

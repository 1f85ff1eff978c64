/* Tuples in Lua: box.tuple and the tuple cdata. */
#ifndef LUA_L_TUPLE_H
#define LUA_L_TUPLE_H

#include <lauxlib.h>
#include <lua.h>

#include "instance/box/tuple.h"
#include "proto/buf.h"

/** Set box.tuple in the `box` table at idx (loads the module box.tuple). */
void l_tuple_init(lua_State *L, int idx);

/** Push a tuple; the Lua value takes a reference of its own. */
void luaT_push_tuple(lua_State *L, struct tuple *tuple);
/** Push the tuple, or nil for NULL. */
void luaT_push_tuple_or_nil(lua_State *L, struct tuple *tuple);
/** The tuple at idx (borrowed), or NULL when it is none. */
struct tuple *luaT_is_tuple(lua_State *L, int idx);

/**
 * Append the table or tuple at idx as a msgpack array. Raises a Lua error when it
 * cannot be encoded (a map, a scalar: ER_TUPLE_NOT_ARRAY).
 */
void luaT_tuple_encode(lua_State *L, int idx, struct buf *out);
/** A key: nil is an empty one, a scalar one part, a table or tuple its fields. */
void luaT_key_encode(lua_State *L, int idx, struct buf *out);
/** Push a field's value (well-formed msgpack). */
void luaT_push_field(lua_State *L, const char *field);

/* A buffer for the time of a call, also one that yields or raises. */
struct lua_buf {
	struct buf buf;
	struct lua_buf *next;
};

/** Declare the variable with _cleanup_(lua_buf_putp). Raises when out of memory. */
struct lua_buf *lua_buf_take(lua_State *L);
void lua_buf_putp(struct lua_buf **b);

#endif

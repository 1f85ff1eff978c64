/* Tuples in Lua: box.tuple and the tuple cdata. */
#ifndef LUA_L_TUPLE_H
#define LUA_L_TUPLE_H

#include <lauxlib.h>
#include <lua.h>

#include "instance/box/tuple.h"
#include "proto/buf.h"

/** Register the tuple type (ctid_tuple) and set box.tuple in the `box` table at idx. */
void l_tuple_init(lua_State *L, int idx);

/** Push a tuple; the Lua value takes a reference of its own. */
void luaT_push_tuple(lua_State *L, struct tuple *tuple);
/** Push the tuple, or nil for NULL. */
void luaT_push_tuple_or_nil(lua_State *L, struct tuple *tuple);
/** The tuple at idx (borrowed), or NULL when it is none. */
struct tuple *luaT_is_tuple(lua_State *L, int idx);

/**
 * Append the table or tuple at idx as a msgpack array. Raises a Lua error when it
 * cannot be encoded.
 */
void luaT_tuple_encode(lua_State *L, int idx, struct buf *out);
/** A key: nil is an empty one, a scalar one part, a table or tuple its fields. */
void luaT_key_encode(lua_State *L, int idx, struct buf *out);

#endif

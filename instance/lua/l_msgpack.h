/* Lua values to msgpack and back. */
#ifndef LUA_L_MSGPACK_H
#define LUA_L_MSGPACK_H

#include <lua.h>

#include "instance/lua/serializer.h"
#include "proto/buf.h"
#include "proto/mp.h"

/**
 * Append the value at idx under the settings of `codec` (&lua_codec_msgpack for
 * all that goes to clients). Raises when it cannot be encoded; `out` has then a
 * part of it.
 */
void lua_to_msgpack(
	lua_State *L, const struct lua_codec *codec, int idx, struct buf *out);

/**
 * Push the next value. On bad data pushes nil and sets cur->error; raises only
 * when out of memory or stack. The data need not have been checked before.
 */
void msgpack_to_lua(lua_State *L, const struct lua_codec *codec, struct mp_cursor *cur);

#endif

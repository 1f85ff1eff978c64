/* json: what its two halves share. */
#ifndef LUA_L_JSON_H
#define LUA_L_JSON_H

#include <lua.h>

#include "instance/lua/serializer.h"

/** encode(value, [settings]) */
int l_json_encode(lua_State *L);
/** decode(text, [settings]) */
int l_json_decode(lua_State *L);

/**
 * The settings of this call: the codec's, or a copy in *own changed by the table
 * in argument 2. Raises on a wrong number of arguments.
 */
const struct lua_codec *l_json_settings(lua_State *L, struct lua_codec *own);

#endif

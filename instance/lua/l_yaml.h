/* yaml: what its two halves share. */
#ifndef LUA_L_YAML_H
#define LUA_L_YAML_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

enum { YAML_DEPTH_MAX = 512 }; /* C recursion that any fiber's stack bears */

#define YAML_TAG_BINARY "tag:yaml.org,2002:binary"

/** encode(value, [{tag_prefix =, tag_handle =}]) */
int l_yaml_encode(lua_State *L);
/** decode(text, [{tag_only =}]) */
int l_yaml_decode(lua_State *L);

#endif

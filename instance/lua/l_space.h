/* What CALL needs of box.func. */
#ifndef LUA_L_SPACE_H
#define LUA_L_SPACE_H

#include <lua.h>
#include <stddef.h>

/** Push the function that _func holds the body of. Raises when it does not compile. */
void luaT_push_persistent(lua_State *L, const char *name, size_t len);

#endif

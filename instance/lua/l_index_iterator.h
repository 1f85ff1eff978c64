/* What space:pairs() and index:pairs() return. */
#ifndef LUA_L_INDEX_ITERATOR_H
#define LUA_L_INDEX_ITERATOR_H

#include <lua.h>

struct iterator;

/**
 * Push the three values of a generic for, wrapped as an iterator of `fun`. Takes
 * the iterator over, also when it raises.
 * @param it NULL: one that ends at once
 * @return 3
 */
int l_iterator_push(lua_State *L, struct iterator *it);

#endif

/*
 * Data methods of space and index objects.
 *
 * Whoever builds box.space.X puts these C functions into the method tables of
 * its objects; they read the ids from self, so nothing else has to be called
 * per operation:
 *
 *   space object: a table with `id` (number) and `name`
 *   index object: a table with `space_id` and `id` (numbers) and `name`
 */
#ifndef LUA_L_INDEX_H
#define LUA_L_INDEX_H

#include <lauxlib.h>
#include <lua.h>

/* get select pairs insert put replace update upsert delete count len bsize frommap
 * auto_increment */
extern const luaL_Reg l_space_methods[];
/* get select pairs update delete count len bsize min max random */
extern const luaL_Reg l_index_methods[];

/** Set box.index (EQ, GE...) in the `box` table at idx. */
void l_index_init(lua_State *L, int idx);

#endif

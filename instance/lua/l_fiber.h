/* The module `fiber` in three files; what they share. */
#ifndef LUA_L_FIBER_H
#define LUA_L_FIBER_H

#include "instance/lua/utils.h"

/** Add fiber.cond and fiber.channel to the module table on the top. */
void lua_fiber_sync_open(lua_State *L);
/** fiber.info([{backtrace = false}]) */
int l_fiber_info(lua_State *L);
int l_fiber_top(lua_State *L);
int l_fiber_top_enable(lua_State *L);
int l_fiber_top_disable(lua_State *L);

/**
 * The optional timeout at idx: none or nil is infinity.
 * @return false when it is something else than a number >= 0
 */
static inline bool l_fiber_timeout(lua_State *L, int idx, double *ret)
{
	*ret = TIMEOUT_INFINITY;
	if (lua_isnoneornil(L, idx))
		return true;
	if (!lua_isnumber(L, idx))
		return false;
	*ret = lua_tonumber(L, idx);
	return *ret >= 0;
}

#endif

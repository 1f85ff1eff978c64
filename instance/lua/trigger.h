/* Lua functions as triggers: `on_x(new, old)` in all its forms. */
#ifndef LUA_TRIGGER_H
#define LUA_TRIGGER_H

#include <lauxlib.h>
#include <lua.h>

#include "instance/base/trigger.h"

/**
 * Push the event's values as arguments.
 * @return how many
 */
typedef int (*trigger_push_cb)(lua_State *L, void *event);

/**
 * on_x(new, old) with arguments from idx on, for a list of struct trigger.
 * @return how many results were pushed
 */
int luaT_trigger_reset(
	lua_State *L, int idx, struct list *triggers, trigger_push_cb push);

/**
 * Look at what the function returned: its first value is on the top.
 * @return 0, or -1 with diag set
 */
typedef int (*trigger_take_cb)(lua_State *L, void *event);

/** The same; `take` is called when the function returned anything. NULL: never. */
int luaT_trigger_reset_take(lua_State *L, int idx, struct list *triggers,
	trigger_push_cb push, trigger_take_cb take);

#endif

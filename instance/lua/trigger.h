/* Lua functions as triggers: `on_x(new, old)` in all its forms. */
#ifndef LUA_TRIGGER_H
#define LUA_TRIGGER_H

#include <lauxlib.h>
#include <lua.h>

#include "instance/base/trigger.h"

/* What a call on_x(new, old) asks for. Indexes are those of the stack. */
enum trigger_action {
	TRIGGER_LIST,    /* on_x(): the functions, oldest first */
	TRIGGER_ADD,     /* on_x(f) */
	TRIGGER_REPLACE, /* on_x(new, old) */
	TRIGGER_DELETE,  /* on_x(nil, old) */
};

/** Look at the two arguments from idx on. Raises on wrong ones. */
enum trigger_action luaT_trigger_action(lua_State *L, int idx);
/** Raise what an unknown old trigger gets. */
int luaT_trigger_not_found(lua_State *L);

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

#endif

/* Declarations that their owners have not landed yet. */
#ifndef LUA_PENDING_H
#define LUA_PENDING_H

#include <lua.h>

#include "instance/base/list.h"
#include "instance/base/trigger.h"
#include "instance/box/box.h"

extern char box_cluster_uuid[37];
int luaT_trigger_reset(
	lua_State *L, int idx, struct list *triggers, int (*push)(lua_State *, void *));

#endif

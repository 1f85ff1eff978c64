/* Until the data layers are linked: weak stand-ins that say so. */
#include <stdbool.h>

#include "instance/base/diag.h"
#include "instance/base/list.h"
#include "instance/lua/l_index.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/pending.h"
#include "instance/lua/utils.h"

#define PENDING __attribute__((weak))

PENDING char box_instance_uuid[37];
PENDING char box_cluster_uuid[37];
static bool is_configured;

PENDING int box_init(void)
{
	is_configured = true;
	return 0;
}

PENDING bool box_is_configured(void)
{
	return is_configured;
}

PENDING void l_tuple_init(lua_State *L, int idx)
{
}

PENDING void l_index_init(lua_State *L, int idx)
{
}

PENDING int luaT_trigger_reset(
	lua_State *L, int idx, struct list *triggers, int (*push)(lua_State *, void *))
{
	return luaL_error(L, "triggers are not linked");
}

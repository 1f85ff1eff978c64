/*
 * Stand-ins for what other layers have not brought yet, so that the tree links.
 * Each goes when the real one is there.
 */
#include "instance/base/diag.h"
#include "instance/base/say.h"
#include "instance/box/box.h"
#include "instance/lua/utils.h"
#include "instance/net/conn.h"

#define PENDING __attribute__((weak))

PENDING int say_log_level = S_INFO;
PENDING uint32_t box_schema_version;
PENDING char box_instance_uuid[37];

PENDING void say_write(
	int level, const char *file, int line, const char *error, const char *fmt, ...)
{
}

static int pending(const char *what)
{
	diag_set_client(ER_UNSUPPORTED, "tarantella", what);
	return -1;
}

PENDING int box_select(uint32_t space_id, uint32_t index_id, int iterator,
	uint32_t offset, uint32_t limit, const char *key, const char *key_end,
	struct buf *out, uint32_t *ret_count)
{
	return pending("SELECT yet");
}

PENDING lua_State *luaT_fiber_state(void)
{
	struct fiber *f = fiber_current;
	if (f->lua == NULL) {
		lua_checkstack(lua_main, LUA_MINSTACK);
		f->lua = f->lua_now = lua_newthread(lua_main);
		f->lua_ref = luaL_ref(lua_main, LUA_REGISTRYINDEX);
	}
	return f->lua;
}

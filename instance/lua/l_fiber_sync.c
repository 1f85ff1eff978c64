/* fiber.cond and fiber.channel. */
#include <string.h>

#include "instance/fiber/channel.h"
#include "instance/fiber/cond.h"
#include "instance/lua/l_fiber.h"

static const char cond_type[] = "fiber.cond";
static const char channel_type[] = "fiber.channel";

static struct fiber_cond_queue *check_cond(lua_State *L, const char *usage)
{
	if (lua_gettop(L) < 1)
		luaL_error(L, "usage: %s", usage);
	return luaL_checkudata(L, 1, cond_type);
}

static int l_cond_new(lua_State *L)
{
	cond_init(lua_newuserdata(L, sizeof(struct fiber_cond_queue)));
	luaL_getmetatable(L, cond_type);
	lua_setmetatable(L, -2);
	return 1;
}

static int l_cond_signal(lua_State *L)
{
	cond_signal(check_cond(L, "cond:signal()"));
	return 0;
}

static int l_cond_broadcast(lua_State *L)
{
	cond_broadcast(check_cond(L, "cond:broadcast()"));
	return 0;
}

/* A cancel that wakes the fiber counts as a wake-up here, as in Tarantool: only
 * what runs into the time-out raises. */
static int l_cond_wait(lua_State *L)
{
	static const char usage[] = "cond:wait([timeout])";
	struct fiber_cond_queue *c = check_cond(L, usage);
	double timeout;
	if (!l_fiber_timeout(L, 2, &timeout))
		return luaL_error(L, "usage: %s", usage);
	luaT_may_yield(L);
	bool is_over = cond_wait(c, timeout) != 0 &&
		       error_is_a(diag_last(), &error_type_timed_out);
	if (is_over)
		luaT_testcancel(L);
	lua_pushboolean(L, !is_over);
	return 1;
}

static int l_cond_tostring(lua_State *L)
{
	luaL_checkudata(L, 1, cond_type);
	lua_pushliteral(L, "cond");
	return 1;
}

/* An item of a channel is a reference to a Lua value. */
static void *make_item(lua_State *L, int idx)
{
	lua_pushvalue(L, idx);
	return (void *)(intptr_t)luaL_ref(L, LUA_REGISTRYINDEX);
}

static void drop_item(void *item, void *arg)
{
	luaL_unref(lua_main, LUA_REGISTRYINDEX, (int)(intptr_t)item);
}

static struct channel *check_channel(lua_State *L, const char *usage)
{
	if (lua_gettop(L) < 1)
		luaL_error(L, "usage: %s", usage);
	return *(struct channel **)luaL_checkudata(L, 1, channel_type);
}

static int l_channel_new(lua_State *L)
{
	double size = 0;
	if (!lua_isnoneornil(L, 1)) {
		if (!lua_isnumber(L, 1))
			return luaL_error(L, "fiber.channel(size): bad arguments");
		size = lua_tonumber(L, 1);
	}
	if (size < 0)
		return luaL_error(L, "fiber.channel(size): negative size");
	if (!(size < 1 << 28))
		return luaL_error(L, "userdata length overflow");
	struct channel **ch = lua_newuserdata(L, sizeof(*ch));
	*ch = channel_new((uint32_t)size);
	if (*ch == NULL)
		return luaT_error(L);
	luaL_getmetatable(L, channel_type);
	lua_setmetatable(L, -2);
	return 1;
}

static int l_channel_gc(lua_State *L)
{
	struct channel **ch = lua_touserdata(L, 1);
	channel_free(TAKE_PTR(*ch), drop_item, NULL);
	return 0;
}

static int l_channel_put(lua_State *L)
{
	static const char usage[] = "channel:put(var [, timeout])";
	struct channel *ch = check_channel(L, usage);
	double timeout;
	if (lua_gettop(L) < 2 || !l_fiber_timeout(L, 3, &timeout))
		return luaL_error(L, "usage: %s", usage);
	luaT_may_yield(L);
	void *item = make_item(L, 2);
	bool is_done = channel_put(ch, item, timeout) == 0;
	if (!is_done) {
		drop_item(item, NULL);
		luaT_testcancel(L);
	}
	lua_pushboolean(L, is_done);
	return 1;
}

static int l_channel_get(lua_State *L)
{
	static const char usage[] = "channel:get([timeout])";
	struct channel *ch = check_channel(L, usage);
	double timeout;
	if (!l_fiber_timeout(L, 2, &timeout))
		return luaL_error(L, "usage: %s", usage);
	luaT_may_yield(L);
	void *item;
	if (channel_get(ch, &item, timeout) != 0) {
		luaT_testcancel(L);
		lua_pushnil(L);
		return 1;
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, (int)(intptr_t)item);
	drop_item(item, NULL);
	return 1;
}

static int l_channel_close(lua_State *L)
{
	channel_close(check_channel(L, "channel:close()"), drop_item, NULL);
	return 0;
}

static int l_channel_has_readers(lua_State *L)
{
	lua_pushboolean(
		L, channel_has_readers(check_channel(L, "channel:has_readers()")));
	return 1;
}

static int l_channel_has_writers(lua_State *L)
{
	lua_pushboolean(
		L, channel_has_writers(check_channel(L, "channel:has_writers()")));
	return 1;
}

static int l_channel_size(lua_State *L)
{
	lua_pushinteger(L, check_channel(L, "channel:size()")->size);
	return 1;
}

static int l_channel_count(lua_State *L)
{
	lua_pushinteger(L, check_channel(L, "channel:count()")->count);
	return 1;
}

static int l_channel_is_full(lua_State *L)
{
	struct channel *ch = check_channel(L, "channel:is_full()");
	lua_pushboolean(L, ch->count >= ch->size);
	return 1;
}

static int l_channel_is_empty(lua_State *L)
{
	lua_pushboolean(L, check_channel(L, "channel:is_empty()")->count == 0);
	return 1;
}

static int l_channel_is_closed(lua_State *L)
{
	lua_pushboolean(L, check_channel(L, "channel:is_closed()")->is_closed);
	return 1;
}

static int l_channel_tostring(lua_State *L)
{
	struct channel *ch = check_channel(L, "channel:tostring()");
	if (ch->is_closed)
		lua_pushliteral(L, "channel: closed");
	else
		lua_pushfstring(L, "channel: %d", (int)ch->count);
	return 1;
}

void lua_fiber_sync_open(lua_State *L)
{
	static const luaL_Reg cond_meta[] = {
		{"__tostring", l_cond_tostring}, {NULL, NULL}};
	static const luaL_Reg cond_methods[] = {{"broadcast", l_cond_broadcast},
		{"signal", l_cond_signal}, {"wait", l_cond_wait}, {NULL, NULL}};
	static const luaL_Reg channel_meta[] = {
		{"__gc", l_channel_gc}, {"__tostring", l_channel_tostring}, {NULL, NULL}};
	static const luaL_Reg channel_methods[] = {{"close", l_channel_close},
		{"count", l_channel_count}, {"get", l_channel_get},
		{"has_readers", l_channel_has_readers},
		{"has_writers", l_channel_has_writers},
		{"is_closed", l_channel_is_closed}, {"is_empty", l_channel_is_empty},
		{"is_full", l_channel_is_full}, {"put", l_channel_put},
		{"size", l_channel_size}, {NULL, NULL}};
	luaT_type(L, cond_type, cond_meta, cond_methods);
	luaT_type(L, channel_type, channel_meta, channel_methods);
	lua_pushcfunction(L, l_cond_new);
	lua_setfield(L, -2, "cond");
	lua_pushcfunction(L, l_channel_new);
	lua_setfield(L, -2, "channel");
}

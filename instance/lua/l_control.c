/*
 * internal.control: what ctl's launcher and ctl's requests need from C.
 *
 *   listen(path[, mode[, gid]])  open the control socket
 *   cancel(session_id, sync)     cancel the fiber of a request; was there one?
 *   interrupts(path or nil)      see interrupt.h
 *   request_begin(token), request_end(token)
 *   fiber_count()                fibers that live
 *   latency()                    how long requests take; measured from the first call on
 *   fiber_guard(is_on)           see fiber/stack.h; for the fibers made from now on
 */
#include "instance/lua/interrupt.h"
#include "instance/lua/utils.h"
#include "instance/net/net.h"

int luaopen_control(lua_State *L);

enum { CONTROL_MODE = 0600, CONTROL_MODE_GROUP = 0660 };

static int l_control_listen(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	gid_t group = (gid_t)luaL_optnumber(L, 3, -1);
	int mode = group != (gid_t)-1 ? CONTROL_MODE_GROUP : CONTROL_MODE;
	mode = (int)luaL_optinteger(L, 2, mode);
	luaT_may_yield(L);
	if (net_control_listen(path, (mode_t)mode, group) != 0)
		return luaT_error(L);
	return 0;
}

static int l_control_cancel(lua_State *L)
{
	uint64_t session_id, sync;
	if (!luaT_to_uint64(L, 1, &session_id) || !luaT_to_uint64(L, 2, &sync))
		return luaL_error(L, "Usage: cancel(session_id, sync)");
	lua_pushboolean(L, net_cancel_request(session_id, sync));
	return 1;
}

static int l_control_interrupts(lua_State *L)
{
	interrupt_set_socket(lua_tostring(L, 1));
	return 0;
}

static int l_control_request_begin(lua_State *L)
{
	interrupt_begin(L, luaL_checkstring(L, 1));
	return 0;
}

static int l_control_request_end(lua_State *L)
{
	interrupt_end(luaL_checkstring(L, 1));
	return 0;
}

static int l_control_fiber_count(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)fiber_count());
	return 1;
}

/* latency(): bounds and counts of the histogram of requests, see net.h. */
static int l_control_latency(lua_State *L)
{
	const struct net_latency *latency = net_latency_get();
	lua_createtable(L, 0, 3);
	lua_createtable(L, NET_LATENCY_BOUNDS, 0);
	for (int i = 0; i < NET_LATENCY_BOUNDS; i++) {
		lua_pushnumber(L, net_latency_bounds_s[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "bounds");
	lua_createtable(L, NET_LATENCY_BOUNDS + 1, 0);
	for (int i = 0; i <= NET_LATENCY_BOUNDS; i++) {
		lua_pushnumber(L, (double)latency->counts[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "counts");
	lua_pushnumber(L, latency->sum_s);
	lua_setfield(L, -2, "sum");
	return 1;
}

static int l_control_fiber_guard(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TBOOLEAN);
	stack_set_guards(lua_toboolean(L, 1));
	return 0;
}

int luaopen_control(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{"listen", l_control_listen},
		{"cancel", l_control_cancel},
		{"interrupts", l_control_interrupts},
		{"request_begin", l_control_request_begin},
		{"request_end", l_control_request_end},
		{"fiber_count", l_control_fiber_count},
		{"latency", l_control_latency},
		{"fiber_guard", l_control_fiber_guard},
		{NULL, NULL},
	};
	lua_createtable(L, 0, 8);
	luaL_register(L, NULL, funcs);
	return 1;
}

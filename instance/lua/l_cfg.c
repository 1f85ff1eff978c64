/* What lua/box/cfg.lua needs from C: the effects of box.cfg{} options. */
#include <ev.h>
#include <stdio.h>
#include <string.h>

#include "instance/base/say.h"
#include "instance/base/version.h"
#include "instance/box/box.h"
#include "instance/box/journal.h"
#include "instance/box/read_only.h"
#include "instance/box/stat.h"
#include "instance/box/tuple.h"
#include "instance/lua/init.h"
#include "instance/lua/instance.h"
#include "instance/lua/l_box.h"
#include "instance/lua/title.h"
#include "instance/lua/utils.h"
#include "instance/net/net.h"

int luaopen_cfg(lua_State *L);

/* raise(errcode, ...): a ClientError with up to two text arguments. */
static int l_cfg_raise(lua_State *L)
{
	diag_set_client((unsigned)luaL_checkinteger(L, 1), lua_tostring(L, 2),
		lua_tostring(L, 3));
	return luaT_error(L);
}

/* check_log(spec): nil, or what is wrong. */
static int l_cfg_check_log(lua_State *L)
{
	if (say_check(lua_tostring(L, 1)) == 0)
		return 0;
	lua_pushstring(L, diag_last()->message);
	return 1;
}

static int l_cfg_log_type(lua_State *L)
{
	static const char *const names[] = {"stderr", "file", "pipe", "syslog"};
	lua_pushstring(L, names[say_type(lua_tostring(L, 1))]);
	return 1;
}

/* set_log_level(level): the one before. */
static int l_cfg_set_log_level(lua_State *L)
{
	int before = say_log_level;
	say_log_level = (int)luaL_checkinteger(L, 1);
	lua_pushinteger(L, before);
	return 1;
}

static int l_cfg_set_log_format(lua_State *L)
{
	say_set_format(strcmp(luaL_checkstring(L, 1), "json") == 0 ? SF_JSON : SF_PLAIN);
	return 0;
}

static const char *field(lua_State *L, const char *name)
{
	lua_getfield(L, 1, name);
	const char *text = luaT_is_null(L, -1) ? NULL : lua_tostring(L, -1);
	lua_pop(L, 1); /* the table keeps it */
	return text;
}

static bool flag(lua_State *L, const char *name, bool otherwise)
{
	lua_getfield(L, 1, name);
	bool value = luaT_is_null(L, -1) ? otherwise : lua_toboolean(L, -1);
	lua_pop(L, 1);
	return value;
}

static int open_log(lua_State *L)
{
	const char *spec = field(L, "log");
	const char *format = field(L, "log_format");
	/* A reader that is stuck must not stop the instance, unless told so. */
	if (say_open(spec, flag(L, "log_nonblock", true),
		    format != NULL && strcmp(format, "json") == 0 ? SF_JSON : SF_PLAIN) !=
		0)
		return -1;
	return 0;
}

/*
 * start{...}: the process part of the first box.cfg{}, in the order in which each
 * step may rely on those before it. An error leaves the log that was in use.
 */
static int l_cfg_start(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	luaT_may_yield(L);
	const char *work_dir = field(L, "work_dir"), *user = field(L, "username");
	const char *pid_file = field(L, "pid_file");
	if (work_dir != NULL && instance_set_work_dir(work_dir) != 0)
		return luaT_error(L);
	if (user != NULL && instance_set_user(user) != 0)
		return luaT_error(L);
	if (flag(L, "coredump", false))
		instance_allow_core_dumps();
	if (pid_file != NULL && instance_lock_pid_file(pid_file) != 0)
		return luaT_error(L);
	if (open_log(L) != 0 ||
		(flag(L, "background", false) && instance_daemonize() != 0) ||
		instance_write_pid_file() != 0) {
		instance_unlock_pid_file();
		return luaT_error(L);
	}
	say_crit("Tarantool " TARANTOOL_VERSION);
	say_crit("log level %d", say_log_level);
	/* On stderr it was said at the start. */
	if (lua_jit_off_reason() != NULL && say_type(field(L, "log")) != SAY_STDERR)
		say_warn("the JIT compiler is off: %s", lua_jit_off_reason());
	return 0;
}

/* start_box(): the data. */
static int l_cfg_start_box(lua_State *L)
{
	luaT_may_yield(L);
	bool is_new = !box_is_configured();
	box_set_read_only(false);
	if (l_box_run_schema_init() != 0 || box_init() != 0)
		return luaT_error(L);
	/* What a new database begins with is no change of it. */
	if (is_new)
		journal_current->lsn = 0;
	say_info("instance uuid %s", box_instance_uuid);
	say_info("data is kept in memory only: this version writes no snapshots and no "
		 "logs");
	return 0;
}

/* done(): box.cfg{} has succeeded. */
static int l_cfg_done(lua_State *L)
{
	say_info("ready to accept requests");
	instance_set_server();
	title_set_status("running");
	return 0;
}

static int l_cfg_set_uuid(lua_State *L)
{
	snprintf(box_instance_uuid, sizeof(box_instance_uuid), "%s",
		luaL_checkstring(L, 1));
	return 0;
}

static int l_cfg_set_replicaset_uuid(lua_State *L)
{
	snprintf(
		box_cluster_uuid, sizeof(box_cluster_uuid), "%s", luaL_checkstring(L, 1));
	return 0;
}

static int l_cfg_uuids(lua_State *L)
{
	lua_pushstring(L, box_instance_uuid);
	lua_pushstring(L, box_cluster_uuid);
	return 2;
}

static int l_cfg_listen(lua_State *L)
{
	luaT_may_yield(L);
	if (net_set_listen(luaT_is_null(L, 1) ? NULL : luaL_checkstring(L, 1)) != 0)
		return luaT_error(L);
	return 0;
}

static int l_cfg_set_net_msg_max(lua_State *L)
{
	if (net_set_msg_max((int)luaL_checkinteger(L, 1)) != 0)
		return luaT_error(L);
	return 0;
}

static int l_cfg_set_readahead(lua_State *L)
{
	if (net_set_readahead((size_t)luaL_checknumber(L, 1)) != 0)
		return luaT_error(L);
	return 0;
}

static int l_cfg_set_io_collect_interval(lua_State *L)
{
	ev_set_io_collect_interval(fiber_loop, luaL_checknumber(L, 1));
	return 0;
}

static int l_cfg_set_title(lua_State *L)
{
	title_set_custom(lua_tostring(L, 1));
	return 0;
}

/* say_set(option, text): the line that each change of a dynamic option leaves. */
static int l_cfg_say_set(lua_State *L)
{
	say_info("set '%s' configuration option to %s", luaL_checkstring(L, 1),
		luaL_checkstring(L, 2));
	return 0;
}

static int l_cfg_say_warn(lua_State *L)
{
	say_warn("%s", luaL_checkstring(L, 1));
	return 0;
}

static void set_stat(lua_State *L, const char *key, uint64_t total, uint64_t rps)
{
	lua_createtable(L, 0, 2);
	lua_pushnumber(L, (double)total);
	lua_setfield(L, -2, "total");
	lua_pushnumber(L, (double)rps);
	lua_setfield(L, -2, "rps");
	lua_setfield(L, -2, key);
}

static int l_cfg_net_stat(lua_State *L)
{
	struct net_stat s;
	net_stat_get(&s);
	lua_createtable(L, 0, 4);
	set_stat(L, "SENT", s.sent, s.sent_rps);
	set_stat(L, "RECEIVED", s.received, s.received_rps);
	set_stat(L, "CONNECTIONS", s.connections, s.connections_rps);
	set_stat(L, "REQUESTS", s.requests, s.requests_rps);
	const struct {
		const char *key;
		uint64_t now;
	} nows[] = {{"CONNECTIONS", s.connections_now}, {"REQUESTS", s.requests_now}};
	for (size_t i = 0; i < lengthof(nows); i++) {
		lua_getfield(L, -1, nows[i].key);
		lua_pushnumber(L, (double)nows[i].now);
		lua_setfield(L, -2, "current");
		lua_pop(L, 1);
	}
	return 1;
}

static int l_cfg_net_stat_reset(lua_State *L)
{
	net_stat_reset();
	box_stat_reset();
	return 0;
}

static int l_cfg_listen_address(lua_State *L)
{
	lua_pushstring(L, net_listen_address());
	return 1;
}

static int l_cfg_set_read_only(lua_State *L)
{
	box_set_read_only(lua_toboolean(L, 1));
	return 0;
}

static int l_cfg_is_read_only(lua_State *L)
{
	lua_pushboolean(L, box_is_read_only());
	return 1;
}

static int l_cfg_lsn(lua_State *L)
{
	luaT_push_int64(L, journal_current->lsn);
	return 1;
}

/* memory(): bytes that tuples take. */
static int l_cfg_memory(lua_State *L)
{
	lua_pushnumber(L, (double)tuple_memory_used);
	return 1;
}

/* stat(): requests by kind. */
static int l_cfg_stat(lua_State *L)
{
	lua_createtable(L, 0, BOX_STAT_MAX);
	for (int i = 0; i < BOX_STAT_MAX; i++)
		set_stat(L, box_stat_names[i], box_stat_total((enum box_stat)i),
			box_stat_rps((enum box_stat)i));
	return 1;
}

static int l_cfg_set_memory(lua_State *L)
{
	tuple_memory_max = (size_t)luaL_checknumber(L, 1);
	return 0;
}

static int l_cfg_set_tuple_size_max(lua_State *L)
{
	tuple_size_max = (size_t)luaL_checknumber(L, 1);
	return 0;
}

int luaopen_cfg(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{"raise", l_cfg_raise},
		{"check_log", l_cfg_check_log},
		{"log_type", l_cfg_log_type},
		{"set_log_level", l_cfg_set_log_level},
		{"set_log_format", l_cfg_set_log_format},
		{"start", l_cfg_start},
		{"start_box", l_cfg_start_box},
		{"done", l_cfg_done},
		{"set_uuid", l_cfg_set_uuid},
		{"set_replicaset_uuid", l_cfg_set_replicaset_uuid},
		{"uuids", l_cfg_uuids},
		{"listen", l_cfg_listen},
		{"listen_address", l_cfg_listen_address},
		{"set_net_msg_max", l_cfg_set_net_msg_max},
		{"set_readahead", l_cfg_set_readahead},
		{"set_io_collect_interval", l_cfg_set_io_collect_interval},
		{"set_title", l_cfg_set_title},
		{"say_set", l_cfg_say_set},
		{"say_warn", l_cfg_say_warn},
		{"net_stat", l_cfg_net_stat},
		{"net_stat_reset", l_cfg_net_stat_reset},
		{"set_read_only", l_cfg_set_read_only},
		{"is_read_only", l_cfg_is_read_only},
		{"lsn", l_cfg_lsn},
		{"memory", l_cfg_memory},
		{"stat", l_cfg_stat},
		{"set_memory", l_cfg_set_memory},
		{"set_tuple_size_max", l_cfg_set_tuple_size_max},
		{NULL, NULL},
	};
	lua_newtable(L);
	luaL_register(L, NULL, funcs);
	return 1;
}

#include "ctl/config.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/config_group.h"
#include "ctl/ctl.h"
#include "ctl/luatext.h"

enum { CONFIG_SIZE_MAX = 1 << 20 };

/* default_cfg keys that name directories: the first alias that is set wins. */
static const struct dir_key {
	const char *names[2];
	const char *fallback;
	size_t offset;
} dir_keys[] = {
	{{"pid_file"}, "/var/run/tarantool", offsetof(struct config, run_dir)},
	{{"wal_dir"}, "/var/lib/tarantool", offsetof(struct config, wal_dir)},
	{{"memtx_dir", "snap_dir"}, "/var/lib/tarantool",
		offsetof(struct config, memtx_dir)},
	{{"vinyl_dir"}, "/var/lib/tarantool", offsetof(struct config, vinyl_dir)},
	{{"log", "logger"}, "/var/log/tarantool", offsetof(struct config, log_dir)},
};

static void close_state(lua_State **L)
{
	if (*L != NULL)
		lua_close(*L);
}

/** The one that CTL_CONFIG names must be there. */
static int open_named(struct config *cfg, const char *path)
{
	cfg->is_user = true;
	int fd = -1;
	errno = ENAMETOOLONG;
	if (text_set(cfg->path, sizeof(cfg->path), "%s", path) == 0)
		fd = open(cfg->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		return fd;
	ctl_say("Can't read defaults file %s (CTL_CONFIG): %s", path, strerror(errno));
	return -2;
}

/**
 * Open the first defaults file that exists.
 * @return its descriptor with cfg->path set; -1: none; -2: said what is wrong
 */
static int open_file(struct config *cfg)
{
	const char *named = getenv("CTL_CONFIG");
	if (named != NULL && named[0] != '\0')
		return open_named(cfg, named);
	const char *home = getenv("HOME");
	bool is_service = getenv("NOTIFY_SOCKET") != NULL;
	for (int i = is_service ? 2 : 0; i < 3; i++) {
		int rc = 0;
		if (i == 0) {
			char cwd[PATH_MAX];
			if (getcwd(cwd, sizeof(cwd)) == NULL)
				continue;
			rc = text_set(
				cfg->path, sizeof(cfg->path), "%s/.tarantoolctl", cwd);
		} else if (i == 1) {
			if (home == NULL)
				continue;
			rc = text_set(cfg->path, sizeof(cfg->path),
				"%s/.config/tarantool/tarantool", home);
		} else {
			rc = text_set(
				cfg->path, sizeof(cfg->path), "/etc/default/tarantool");
		}
		if (rc != 0)
			continue;
		cfg->is_user = i < 2;
		int fd = open(cfg->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd >= 0)
			return fd;
		if (errno != ENOENT && errno != ENOTDIR) {
			ctl_say("Can't read defaults file %s: %s", cfg->path,
				strerror(errno));
			return -2;
		}
	}
	cfg->path[0] = '\0';
	return -1;
}

/** The file is code that runs as the caller: whose is it? */
static int check_owner(const char *path, int fd)
{
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		ctl_say("Defaults file %s is not a regular file", path);
		return CTL_UNREACHABLE;
	}
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		ctl_say("Refused to run defaults file %s: it belongs to neither root nor "
			"you "
			"(uid %u)",
			path, (unsigned)st.st_uid);
		return CTL_FAILED;
	}
	bool is_own_group = st.st_gid == 0 || st.st_gid == getegid();
	if ((st.st_mode & S_IWOTH) || ((st.st_mode & S_IWGRP) && !is_own_group)) {
		ctl_say("Refused to run defaults file %s: others may write to it (mode "
			"%04o)",
			path, (unsigned)st.st_mode & 07777);
		return CTL_FAILED;
	}
	return CTL_OK;
}

/** Run the file in an environment of its own, which stays on the stack. */
static int run_file(lua_State *L, const struct config *cfg, int fd)
{
	static const lua_CFunction libs[] = {luaopen_base, luaopen_string, luaopen_table,
		luaopen_math, luaopen_os, luaopen_io, luaopen_package};
	for (size_t i = 0; i < lengthof(libs); i++) {
		lua_pushcfunction(L, libs[i]);
		lua_call(L, 0, 0);
	}
	struct buf text = {0};
	int rc = CTL_OK;
	char name[PATH_MAX + 1];
	text_set(name, sizeof(name), "@%s", cfg->path);
	if (fd_read(fd, &text) != 0 || text.len > CONFIG_SIZE_MAX) {
		ctl_say("Can't read defaults file %s: %s", cfg->path,
			text.len > CONFIG_SIZE_MAX ? "it is too large" : strerror(errno));
		rc = CTL_UNREACHABLE;
	} else if (luaL_loadbuffer(L, text.data, text.len, name) != 0) {
		ctl_say("Failed to load defaults file: %s", lua_tostring(L, -1));
		rc = CTL_FAILED;
	}
	buf_fini(&text);
	if (rc != CTL_OK)
		return rc;
	lua_newtable(L); /* the environment: reads fall through to the globals */
	lua_createtable(L, 0, 1);
	lua_pushvalue(L, LUA_GLOBALSINDEX);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
	lua_pushvalue(L, -1);
	lua_insert(L, -3);
	lua_setfenv(L, -2);
	if (lua_pcall(L, 0, 0, 0) != 0) {
		const char *msg = lua_tostring(L, -1);
		ctl_say("Failed to execute defaults file: %s",
			msg ? msg : "unknown error");
		return CTL_FAILED;
	}
	return CTL_OK;
}

/** Copy default_cfg[key] (a string, or nil) and take it out of the table. */
static int take_string(
	lua_State *L, const struct config *cfg, const char *key, char *out, size_t size)
{
	lua_getfield(L, -1, key);
	int rc = CTL_OK;
	if (lua_type(L, -1) == LUA_TSTRING) {
		rc = text_set(out, size, "%s", lua_tostring(L, -1));
	} else if (!lua_isnil(L, -1)) {
		rc = -1;
	}
	if (rc != 0)
		ctl_say("Bad default_cfg.%s in %s: should be a path or a name", key,
			cfg->path);
	lua_pop(L, 1);
	lua_pushnil(L);
	lua_setfield(L, -2, key);
	return rc == 0 ? CTL_OK : CTL_FAILED;
}

/** default_cfg is on the top. */
static int read_default_cfg(lua_State *L, struct config *cfg)
{
	for (size_t i = 0; i < lengthof(dir_keys); i++) {
		char *out = (char *)cfg + dir_keys[i].offset;
		for (int n = 1; n >= 0;
			n--) { /* the alias first: its elder overwrites it */
			const char *name = dir_keys[i].names[n];
			if (name != NULL &&
				take_string(L, cfg, name, out, PATH_MAX) != CTL_OK)
				return CTL_FAILED;
		}
	}
	if (take_string(L, cfg, "username", cfg->username, sizeof(cfg->username)) !=
			CTL_OK ||
		take_string(L, cfg, "language", cfg->language, sizeof(cfg->language)) !=
			CTL_OK)
		return CTL_FAILED;
	for (char *p = cfg->language; *p != '\0'; p++)
		*p |= *p >= 'A' && *p <= 'Z' ? 0x20 : 0;
	if (strcmp(cfg->language, "lua") != 0 && strcmp(cfg->language, "sql") != 0) {
		ctl_say("Unknown language: %s", cfg->language);
		return CTL_FAILED;
	}
	lua_getfield(L, -1, "background");
	cfg->is_foreground = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
	lua_pop(L, 1);
	const char *error = luatext_fields(L, lua_gettop(L), &cfg->extra);
	if (error != NULL) {
		ctl_say("Bad default_cfg in %s: %s", cfg->path, error);
		return CTL_FAILED;
	}
	return CTL_OK;
}

static int add_engine(struct config *cfg, const char *instance, const char *engine)
{
	size_t size = sizeof(*cfg->engines) * ((size_t)cfg->engine_count + 1);
	struct config_engine *list = realloc(cfg->engines, size);
	if (list == NULL)
		return -1;
	cfg->engines = list;
	list[cfg->engine_count] =
		(struct config_engine){strdup(instance), strdup(engine)};
	struct config_engine *added = &list[cfg->engine_count++];
	return added->instance != NULL && added->engine != NULL ? 0 : -1;
}

/** `engine` is on the top: a string, or a table by instance name with `default`. */
static int read_engine(lua_State *L, struct config *cfg)
{
	int rc = 0;
	if (lua_type(L, -1) == LUA_TSTRING)
		return text_set(
			cfg->engine, sizeof(cfg->engine), "%s", lua_tostring(L, -1));
	if (lua_isnil(L, -1))
		return 0;
	if (!lua_istable(L, -1))
		return -1;
	lua_pushnil(L);
	while (rc == 0 && lua_next(L, -2) != 0) {
		if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
			return -1;
		const char *name = lua_tostring(L, -2), *value = lua_tostring(L, -1);
		if (strcmp(name, "default") == 0)
			rc = text_set(cfg->engine, sizeof(cfg->engine), "%s", value);
		else
			rc = add_engine(cfg, name, value);
		lua_pop(L, 1);
	}
	return rc;
}

/** The environment that the file filled is on the top. */
static int read_env(lua_State *L, struct config *cfg)
{
	lua_getfield(L, -1, "default_cfg");
	if (lua_istable(L, -1)) {
		int rc = read_default_cfg(L, cfg);
		if (rc != CTL_OK)
			return rc;
	} else if (!lua_isnil(L, -1)) {
		ctl_say("Bad default_cfg in %s: should be a table", cfg->path);
		return CTL_FAILED;
	}
	lua_pop(L, 1);
	if (take_string(L, cfg, "instance_dir", cfg->instance_dir, PATH_MAX) != CTL_OK)
		return CTL_FAILED;
	lua_getfield(L, -1, "engine");
	if (read_engine(L, cfg) != 0) {
		ctl_say("Bad engine in %s: should be a name, a path, or a table of them "
			"by "
			"instance",
			cfg->path);
		return CTL_FAILED;
	}
	lua_pop(L, 1);
	lua_getfield(L, -1, "systemd");
	if (!lua_isnil(L, -1) && !lua_isboolean(L, -1)) {
		ctl_say("Bad systemd in %s: should be true or false", cfg->path);
		return CTL_FAILED;
	}
	if (!lua_isnil(L, -1))
		cfg->systemd =
			lua_toboolean(L, -1) ? CONFIG_SYSTEMD_YES : CONFIG_SYSTEMD_NO;
	lua_pop(L, 1);
	lua_getfield(L, -1, "groups");
	if (config_groups_read(L, cfg) != 0) {
		ctl_say("Bad groups in %s: should be a table of lists of instances by "
			"name",
			cfg->path);
		return CTL_FAILED;
	}
	lua_pop(L, 1);
	return CTL_OK;
}

static int read_file(struct config *cfg)
{
	_cleanup_(closefd) int fd = open_file(cfg);
	if (fd == -1)
		return CTL_OK;
	if (fd == -2)
		return CTL_UNREACHABLE;
	int rc = check_owner(cfg->path, fd);
	if (rc != CTL_OK)
		return rc;
	_cleanup_(close_state) lua_State *L = luaL_newstate();
	if (L == NULL) {
		ctl_say("Out of memory");
		return CTL_FAILED;
	}
	rc = run_file(L, cfg, fd);
	return rc == CTL_OK ? read_env(L, cfg) : rc;
}

int config_load(struct config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	strcpy(cfg->language, "lua");
	strcpy(cfg->engine, "tarantella");
	int rc = read_file(cfg);
	if (rc != CTL_OK)
		return rc;
	for (size_t i = 0; i < lengthof(dir_keys); i++) {
		char *out = (char *)cfg + dir_keys[i].offset;
		if (out[0] == '\0')
			strcpy(out, dir_keys[i].fallback);
	}
	if (!cfg->is_user && cfg->username[0] == '\0')
		strcpy(cfg->username, "tarantool");
	if (!cfg->is_user && cfg->instance_dir[0] == '\0')
		strcpy(cfg->instance_dir, "/etc/tarantool/instances.enabled");
	return CTL_OK;
}

int config_check_instances(const struct config *cfg)
{
	if (cfg->instance_dir[0] == '\0') {
		ctl_say("Instance directory (instance_dir) is not set in %s", cfg->path);
		return CTL_FAILED;
	}
	if (access(cfg->instance_dir, F_OK) != 0) {
		if (errno == ENOENT)
			ctl_say("Instance directory %s does not exist",
				cfg->instance_dir);
		else
			ctl_say("Can't access instance directory %s: %s",
				cfg->instance_dir, strerror(errno));
		return errno == ENOENT ? CTL_FAILED : CTL_UNREACHABLE;
	}
	return CTL_OK;
}

void config_fini(struct config *cfg)
{
	for (int i = 0; i < cfg->engine_count; i++) {
		free(cfg->engines[i].instance);
		free(cfg->engines[i].engine);
	}
	free(cfg->engines);
	config_groups_free(cfg);
	buf_fini(&cfg->extra);
}

const char *config_engine_of(const struct config *cfg, const char *instance)
{
	for (int i = 0; i < cfg->engine_count; i++) {
		if (strcmp(cfg->engines[i].instance, instance) == 0)
			return cfg->engines[i].engine;
	}
	return cfg->engine;
}

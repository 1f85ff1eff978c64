/*
 * The defaults file: what CTL_CONFIG names, else ./.tarantoolctl,
 * ~/.config/tarantool/tarantool, /etc/default/tarantool; the first one that exists. It
 * is Lua.
 */
#ifndef CTL_CONFIG_H
#define CTL_CONFIG_H

#include <limits.h>
#include <stdbool.h>

#include "proto/buf.h"

struct config_engine {
	char *instance;
	char *engine;
};

/* Owns its texts. */
struct config_group {
	char *name;
	char **members; /* instance names and patterns; NULL at the end */
};

/* Are the instances units of systemd? */
enum config_systemd { CONFIG_SYSTEMD_AUTO, CONFIG_SYSTEMD_NO, CONFIG_SYSTEMD_YES };

/* Owned by main(). */
struct config {
	char path[PATH_MAX]; /* the file read; "": built-in values */
	bool is_user;        /* found in . or ~: run as the caller */
	char run_dir[PATH_MAX];
	char wal_dir[PATH_MAX];
	char memtx_dir[PATH_MAX];
	char vinyl_dir[PATH_MAX];
	char log_dir[PATH_MAX];
	char instance_dir[PATH_MAX];
	char username[64]; /* "": the caller */
	char language[8];
	bool is_foreground; /* default_cfg.background = false */
	struct buf extra;   /* the other default_cfg keys, as Lua: `["k"] = v, ` */
	char engine[PATH_MAX];
	struct config_engine *engines; /* by instance */
	int engine_count;
	enum config_systemd systemd;
	struct config_group *groups;
	int group_count;
};

/**
 * Look the file up and run it. Says on stderr what is wrong.
 * @return CTL_OK or an exit code
 */
int config_load(struct config *cfg);
/** Is there a directory of instances? @return CTL_OK, or an exit code after saying why */
int config_check_instances(const struct config *cfg);
void config_fini(struct config *cfg);
/** The members of a group, NULL at their end; NULL when there is no such group. */
char *const *config_group_of(const struct config *cfg, const char *name);
/** Which engine `start` takes for an instance. */
const char *config_engine_of(const struct config *cfg, const char *instance);

#endif

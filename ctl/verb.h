/*
 * One command, one file, one row: dispatch, help and the option parser all read
 * the same `const struct verb`.
 */
#ifndef CTL_VERB_H
#define CTL_VERB_H

#include <stdbool.h>

#include "ctl/config.h"
#include "ctl/ctl.h"
#include "ctl/instance.h"

enum { VERB_OPTION_MAX = 24 };

struct verb_option {
	const char *name; /* NULL in the last row */
	char key;         /* short form, 0: none */
	/* Name of its value, NULL: a flag; a|b: one of these; with ...: may be given
	 * again, the values come joined by commas. */
	const char *arg;
	const char *help;
};

enum verb_flag {
	VERB_INSTANCE = 1 << 0,    /* the first argument names the instance(s) */
	VERB_INSTANCES = 1 << 1,   /* every argument does */
	VERB_NEEDS_FILE = 1 << 2,  /* the instance file must be there */
	VERB_CONFIG = 1 << 3,      /* reads the configuration, takes no instance */
	VERB_INTERACTIVE = 1 << 4, /* works on exactly one instance */
	VERB_SOCKET = 1 << 5,      /* needs but a control socket: takes unix/:PATH too */
};

struct request;

/* Immutable. */
struct verb {
	const char *name;
	const char *args; /* as the usage line shows them */
	const char *summary;
	const char *help;                  /* NULL or more lines for `ctl help NAME` */
	const struct verb_option *options; /* NULL: none */
	int min_args, max_args;            /* positional ones; max -1: any number */
	unsigned flags;
	/** NULL, or: look at the positional arguments before any of them is resolved. */
	int (*check_args)(const struct config *cfg, int argc, char **argv);
	/** Run it (once for each instance). @return an exit code */
	int (*run)(const struct request *rq);
	/** NULL: fanout_run(), else what stands around it. */
	int (*run_all)(const struct request *rq, const struct instance_list *list);
};

/* One command for one instance; owned by main(). */
struct request {
	const struct verb *verb;
	const struct config *config;     /* NULL when the verb reads none */
	const struct instance *instance; /* NULL when the verb takes none */
	int argc;                        /* positional ones after the instance */
	char **argv;
	int rest_argc; /* after `--` */
	char **rest_argv;
	bool is_one_of_many;                  /* the command runs on several instances */
	const char *options[VERB_OPTION_MAX]; /* by row; a flag that is set: "" */
};

/** Value of an option, NULL when it was not given. */
const char *request_option(const struct request *rq, const char *name);
/**
 * A duration option.
 * @param def_ms what it is when not given; -1: no limit
 */
int64_t request_duration(const struct request *rq, const char *name, int64_t def_ms);

/* All of them, NULL at the end. */
extern const struct verb *const verbs[];
const struct verb *verb_find(const char *name);
/** Print the usage of a command; of all of them for NULL. */
void verb_help(const struct verb *verb, bool to_stdout);

/* clang-format off */
#define VERB_LIST(X) \
	X(start) X(stop) X(restart) X(status) X(check) X(eval) X(enter) X(connect) \
	X(logrotate) X(wait) X(kill) X(log) X(instances) X(init) X(reload_module) \
	X(reload) X(patch) X(rollback) X(gens) X(fibers) X(drain) X(purge) X(diff) \
	X(history) X(top) X(cat) X(play) X(completion) X(help) X(version)
/* clang-format on */

#define X(name) extern const struct verb verb_row_##name;
VERB_LIST(X)
#undef X

#endif

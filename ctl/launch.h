/* Starting an instance and seeing it through until it is ready. */
#ifndef CTL_LAUNCH_H
#define CTL_LAUNCH_H

#include <sys/types.h>

#include "ctl/config.h"
#include "ctl/ctl.h"
#include "ctl/instance.h"

struct launch_options {
	const char *engine; /* "tarantella", "tarantool" or a path */
	int64_t timeout_ms;
	bool keep;       /* leave a process that did not become ready */
	bool is_restart; /* TARANTOOL_RESTARTED=true */
	/* A supervisor starts it: it must go into the background, and what it logs is
	 * not shown. */
	bool is_supervised;
	/* NULL, or where the pid of the instance that got ready goes: memory that is
	 * shared with who forked this start. */
	pid_t *ready_pid;
	int argc; /* arguments of the instance file */
	char **argv;
};

/**
 * Start the instance; returns when it is ready. In the foreground (background =
 * false in the defaults, or under a service manager) this process becomes the
 * instance.
 * @return an exit code; what is wrong was said
 */
int launch_instance(const struct config *cfg, const struct instance *inst,
	const struct launch_options *opt);
/** Compile the instance file. @return CTL_OK or an exit code, after saying why */
int launch_check(const struct instance *inst);

#endif

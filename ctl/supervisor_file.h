/*
 * `<run>/<inst>.supervisor`: what the supervisor of an instance tells of itself. It
 * holds a lock (flock) on the file for all its life, so that a file without its lock
 * tells of one that gave up, or was killed.
 */
#ifndef CTL_SUPERVISOR_FILE_H
#define CTL_SUPERVISOR_FILE_H

#include <limits.h>
#include <sys/types.h>

#include "ctl/ctl.h"
#include "ctl/instance.h"

enum { SUPERVISOR_DEATHS_MAX = 100, SUPERVISOR_REASON_MAX = 160 };

enum supervisor_state {
	SUPERVISOR_NONE,     /* the instance is not supervised */
	SUPERVISOR_STARTING, /* it starts the instance */
	SUPERVISOR_WATCHING, /* the instance runs */
	SUPERVISOR_WAITING,  /* the instance died, it is started again soon */
	SUPERVISOR_CRASHED,  /* it gave up: a crash loop */
	SUPERVISOR_GONE,     /* it was killed */
};

/* When a supervisor gives up: so many deaths in so many seconds. */
struct supervisor_limit {
	int deaths;
	int seconds;
};

/* Plain data. */
struct supervisor {
	enum supervisor_state state;
	pid_t pid; /* of the supervisor */
	unsigned restarts;
	struct supervisor_limit limit;
	char reason[SUPERVISOR_REASON_MAX]; /* of the last death; "": none */
};

/** The state's name: "watching". */
const char *supervisor_state_name(enum supervisor_state state);
/** Is there a live one? */
bool supervisor_is_alive(const struct supervisor *sv);
/** What the file of the instance says; a file that cannot be read says nothing. */
void supervisor_read(const struct instance *inst, struct supervisor *sv);
/**
 * Make the file and lock it.
 * @return its descriptor; -1 after saying why not
 */
int supervisor_lock(const struct instance *inst);
/** Tell what is going on. */
void supervisor_write(int fd, const struct supervisor *sv);
/** Remove the file of the caller, who holds the lock. */
void supervisor_remove(const struct instance *inst);
/**
 * End the supervision: a supervisor that lives ends, and what it was just starting with
 * it; an instance that runs goes on.
 * @return CTL_OK, or an exit code after saying why it does not end
 */
int supervisor_end(const struct instance *inst);

#endif

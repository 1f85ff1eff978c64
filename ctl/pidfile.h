/*
 * The pid file. Who runs holds a lock (flock) on it for all its life, so an
 * unlocked file is stale whatever number stands in it.
 */
#ifndef CTL_PIDFILE_H
#define CTL_PIDFILE_H

#include <sys/types.h>

#include "ctl/ctl.h"

enum pidfile_state {
	PIDFILE_NONE,    /* there is no file */
	PIDFILE_STALE,   /* nobody holds it */
	PIDFILE_RUNNING, /* its owner lives; pid and pidfd are set */
	PIDFILE_BROKEN,  /* somebody holds it, but no pid stands in it */
	PIDFILE_ERROR,   /* cannot be read, errno is set */
};

/* In place; pidfile_fini() closes the descriptor. */
struct pidfile {
	enum pidfile_state state;
	pid_t pid;
	int pidfd; /* readable when the process is gone; -1 unless PIDFILE_RUNNING */
};

/** Find out whose the file is; what went wrong is a state too. */
void pidfile_read(const char *path, struct pidfile *pf);
/** Close the descriptor. */
void pidfile_fini(struct pidfile *pf);
/** Wait until the process is gone. @return 0, or -1 when the deadline passed */
int pidfile_wait_gone(const struct pidfile *pf, deadline_ms deadline);
/** Send a signal to the very process that was read. @return 0 or -1 with errno */
int pidfile_signal(const struct pidfile *pf, int sig);
/**
 * Remove the pid file and the control socket of a process that is gone; nothing
 * happens when a new owner has the pid file.
 */
void pidfile_sweep(const char *pid_path, const char *sock_path);

#endif

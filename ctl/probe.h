/* What an instance is doing, by its pid file and what answers on its socket. */
#ifndef CTL_PROBE_H
#define CTL_PROBE_H

#include <limits.h>

#include "ctl/conn.h"
#include "ctl/ctl.h"
#include "ctl/instance.h"
#include "ctl/pidfile.h"

enum probe_state {
	PROBE_RUNNING, /* box is configured and the event loop answers */
	PROBE_LOADING, /* answers, but box is not configured yet */
	PROBE_HUNG,    /* the process lives, its event loop does not answer */
	PROBE_STOPPED,
	PROBE_STALE,   /* what a dead process left: a pid file, a socket */
	PROBE_DENIED,  /* the caller may not ask */
	PROBE_UNKNOWN, /* the process lives, but its control socket does not work */
};

/* Plain data. */
struct probe {
	enum probe_state state;
	pid_t pid;                        /* 0: unknown */
	bool is_full;                     /* ask for what takes longer too */
	struct buf info;                  /* what it told: a msgpack map; owned */
	char message[2 * PATH_MAX + 256]; /* why, when it is not running or loading */
};

/** The state's name: "running". */
const char *probe_state_name(enum probe_state state);
/** @param is_full ask for fibers, connections and requests too */
void probe_instance(
	const struct instance *inst, bool is_full, deadline_ms deadline, struct probe *p);
void probe_fini(struct probe *p);
/** Resident memory of a process in bytes, 0: unknown. */
uint64_t probe_memory(pid_t pid);

#endif

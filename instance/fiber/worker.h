/* A few threads for what blocks. Internal to fiber/; others use coio.h. */
#ifndef FIBER_WORKER_H
#define FIBER_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "instance/base/diag.h"
#include "instance/base/list.h"

enum { WORKER_THREADS_MAX = 4 };

/* Owned by who submits it; must stay until done() was called. */
struct worker_task {
	struct list link;
	ssize_t (*func)(void *arg); /* runs in a worker thread */
	void *arg;
	/** Called in the thread of the event loop when func has returned. */
	void (*done)(struct worker_task *task);
	ssize_t result;
	int saved_errno;
	struct diag diag; /* what func left in its thread's diag; done() takes it */
};

/** Once; threads start when there is work. @return 0, or -1 with diag set */
int worker_init(void);
/** Stop the idle threads; one that is still blocked dies with the process. */
void worker_fini(void);
/**
 * Queue a task; starts a thread when all are busy and the limit allows.
 * @return 0, or -1 with diag set: no thread at all could be started
 */
int worker_submit(struct worker_task *task);

#endif

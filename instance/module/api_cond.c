/* The C API: conditions. */
#include <stdlib.h>

#include "instance/fiber/cond.h"
#include "instance/module/api.h"

/* Owned by who made it. */
struct fiber_cond {
	struct fiber_cond_queue queue;
};

struct fiber_cond *fiber_cond_new(void)
{
	struct fiber_cond *cond = malloc(sizeof(*cond));
	if (cond == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for fiber_cond",
			sizeof(*cond));
		return NULL;
	}
	cond_init(&cond->queue);
	return cond;
}

void fiber_cond_delete(struct fiber_cond *cond)
{
	free(cond);
}

void fiber_cond_signal(struct fiber_cond *cond)
{
	cond_signal(&cond->queue);
}

void fiber_cond_broadcast(struct fiber_cond *cond)
{
	cond_broadcast(&cond->queue);
}

int fiber_cond_wait_timeout(struct fiber_cond *cond, double timeout)
{
	/* A cancel is a wake-up like any other here: only a time-out is an error. */
	return cond_wait_once(&cond->queue, timeout);
}

int fiber_cond_wait(struct fiber_cond *cond)
{
	return fiber_cond_wait_timeout(cond, TIMEOUT_INFINITY);
}

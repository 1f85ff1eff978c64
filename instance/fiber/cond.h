/* Condition variable of fibers. */
#ifndef FIBER_COND_H
#define FIBER_COND_H

#include "instance/fiber/fiber.h"

/* In place; no fiber may wait on it when its memory goes. */
struct fiber_cond_queue {
	struct list waiters;
};

/** Nobody waits. */
void cond_init(struct fiber_cond_queue *c);
/** Wake the first waiter. */
void cond_signal(struct fiber_cond_queue *c);
void cond_broadcast(struct fiber_cond_queue *c);
/**
 * Wait. Yields.
 * @return 0; -1 with TimedOut or FiberIsCancelled set
 */
int cond_wait(struct fiber_cond_queue *c, double timeout_s);
/** The same, but a cancel ends it as a signal does. */
int cond_wait_once(struct fiber_cond_queue *c, double timeout_s);

#endif

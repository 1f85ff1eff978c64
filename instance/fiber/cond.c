#include "instance/fiber/cond.h"

#include "instance/fiber/switch.h"

void cond_init(struct fiber_cond_queue *c)
{
	list_init(&c->waiters);
}

void cond_signal(struct fiber_cond_queue *c)
{
	/* fiber_wakeup() takes it out of the queue. */
	if (!list_is_empty(&c->waiters))
		fiber_wakeup(list_first(&c->waiters, struct fiber, ready));
}

void cond_broadcast(struct fiber_cond_queue *c)
{
	while (!list_is_empty(&c->waiters))
		cond_signal(c);
}

int cond_wait_once(struct fiber_cond_queue *c, double timeout_s)
{
	switch_check();
	list_del(&fiber_current->ready);
	list_add_tail(&c->waiters, &fiber_current->ready);
	if (fiber_yield_timeout(timeout_s)) {
		diag_set(timed_out, "timed out");
		return -1;
	}
	return 0;
}

int cond_wait(struct fiber_cond_queue *c, double timeout_s)
{
	return cond_wait_once(c, timeout_s) != 0 ? -1 : fiber_testcancel();
}

/* The C API: latches, locks between fibers. */
#include <stdlib.h>

#include "instance/fiber/cond.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

/* Owned by the module that made it. */
struct box_latch {
	uint64_t owner;    /* the id of the fiber that has it; 0: none */
	struct list queue; /* struct waiter, who waits longest first */
};

/* On the stack of the fiber that waits. */
struct waiter {
	struct list link;
	struct fiber *fiber;
};

box_latch_t *box_latch_new(void)
{
	struct box_latch *latch = malloc(sizeof(*latch));
	if (latch == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for latch",
			sizeof(*latch));
		return NULL;
	}
	latch->owner = 0;
	list_init(&latch->queue);
	return latch;
}

void box_latch_delete(box_latch_t *latch)
{
	free(latch);
}

void box_latch_lock(box_latch_t *latch)
{
	uint64_t id = fiber_current->id;
	if (box_latch_trylock(latch) == 0)
		return;
	struct waiter waiter = {.fiber = fiber_current};
	list_add_tail(&latch->queue, &waiter.link);
	/* Only the one who unlocks ends the wait. */
	bool was_cancellable = fiber_set_cancellable(false);
	while (latch->owner != id)
		fiber_yield();
	fiber_set_cancellable(was_cancellable);
}

int box_latch_trylock(box_latch_t *latch)
{
	if (latch->owner != 0 || !list_is_empty(&latch->queue))
		return 1;
	latch->owner = fiber_current->id;
	return 0;
}

void box_latch_unlock(box_latch_t *latch)
{
	latch->owner = 0;
	if (list_is_empty(&latch->queue))
		return;
	struct waiter *next = list_first(&latch->queue, struct waiter, link);
	list_del(&next->link);
	latch->owner = next->fiber->id;
	fiber_wakeup(next->fiber);
}

/* C stacks of fibers: mapped, with a guard below. */
#ifndef FIBER_STACK_H
#define FIBER_STACK_H

#include <stddef.h>

/*
 * The guard is an odd number of pages, so that the tops of stacks mapped one after
 * another do not fall into the same sets of the CPU's caches.
 */
enum { FIBER_STACK_SIZE = 512 * 1024, FIBER_STACK_GUARD = 5 * 4096 };

/* Owned by its fiber. Grows down from base + size; the guard lies below base. */
struct fiber_stack {
	char *base;
	size_t size;
};

/** Map a stack. @return 0, or -1 with diag set (OutOfMemory) */
int stack_init(struct fiber_stack *s, size_t size);
void stack_fini(struct fiber_stack *s);
/** Is the address in the guard of this stack? Safe in a signal handler. */
int stack_is_guard(const struct fiber_stack *s, const void *addr);

/**
 * From now on a fiber that runs into its guard is named on stderr (which is the
 * log, when there is one) before the process dies of SIGSEGV. Call once, in the thread
 * that runs the fibers.
 * @return 0, or -1 with diag set
 */
int stack_watch_overflow(void);
void stack_unwatch_overflow(void);

#endif

/* C stacks of fibers: mapped, with a guard below. */
#ifndef FIBER_STACK_H
#define FIBER_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The guard is an odd number of pages, so that the tops of stacks mapped one after
 * another do not fall into the same sets of the CPU's caches.
 */
enum { FIBER_STACK_SIZE = 512 * 1024, FIBER_STACK_GUARD = 5 * 4096 };

/* Owned by its fiber. Grows down from base + size; the guard lies below base. */
struct fiber_stack {
	char *base;
	size_t size;
	bool is_guarded;
};

/*
 * A guard takes a map of the kernel's, who allows some 65 000 (vm.max_map_count): about
 * 28 000 fibers. Without guards there may be more; an overflow is noticed later then, by
 * a canary at the stack's end that is looked at when the fiber is switched from, and
 * ends the process too.
 */
void stack_set_guards(bool is_on);
/** By TARANTELLA_FIBER_GUARD=on|off. @return 0, or -1 with diag set */
int stack_guards_from_env(void);

/** Map a stack. @return 0, or -1 with diag set (OutOfMemory) */
int stack_init(struct fiber_stack *s, size_t size);
void stack_fini(struct fiber_stack *s);
#define FIBER_STACK_CANARY UINT64_C(0x5ca1ab1e0ddba11d)

/** Says which fiber it was, and ends the process. */
_Noreturn void stack_overflown(void);

/** Did the fiber that ran last keep within its stack? */
static inline void stack_check(const struct fiber_stack *s)
{
	uint64_t canary;
	if (s->is_guarded || s->base == NULL)
		return;
	memcpy(&canary, s->base, sizeof(canary));
	if (canary != FIBER_STACK_CANARY)
		stack_overflown();
}

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

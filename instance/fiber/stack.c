#include "instance/fiber/stack.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "instance/base/diag.h"

enum { MAPS_DEFAULT = 65530 };

static size_t stack_count; /* mapped now, those with a guard */
static bool has_guards = true;

void stack_set_guards(bool is_on)
{
	has_guards = is_on;
}

int stack_guards_from_env(void)
{
	const char *want = getenv("TARANTELLA_FIBER_GUARD");
	if (want == NULL || *want == '\0' || strcmp(want, "on") == 0)
		return 0;
	if (strcmp(want, "off") == 0) {
		has_guards = false;
		return 0;
	}
	diag_set(illegal_params, "TARANTELLA_FIBER_GUARD must be on or off, not '%s'",
		want);
	return -1;
}

/*
 * How many stacks there may be. Each takes two of the maps that the kernel allows
 * (the guard and the rest); one in eight is left for the allocators, who would
 * fail next.
 */
static size_t stack_limit(void)
{
	static size_t limit;
	if (limit != 0)
		return limit;
	unsigned long maps = MAPS_DEFAULT;
	FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
	if (f != NULL) {
		if (fscanf(f, "%lu", &maps) != 1)
			maps = MAPS_DEFAULT;
		fclose(f);
	}
	limit = (maps - maps / 8) / 2;
	return limit;
}

static int stack_fail(void)
{
	if (errno == ENOMEM)
		diag_set(oom,
			"can't map the stack of a fiber: %zu fibers are in use "
			"(the kernel's vm.max_map_count allows %zu; fiber_guard = 'off' "
			"goes further)",
			stack_count, stack_limit());
	else
		diag_set_errno("can't map the stack of a fiber: %s", strerror(errno));
	return -1;
}

int stack_init(struct fiber_stack *s, size_t size)
{
	/* Reserved without backing: pages come with the first touch. */
	size_t total = size + FIBER_STACK_GUARD;
	if (has_guards && stack_count >= stack_limit()) {
		errno = ENOMEM;
		return stack_fail();
	}
	char *map = mmap(NULL, total, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (map == MAP_FAILED)
		return stack_fail();
	if (has_guards && mprotect(map, FIBER_STACK_GUARD, PROT_NONE) != 0) {
		stack_fail();
		munmap(map, total);
		return -1;
	}
	s->base = map + FIBER_STACK_GUARD;
	s->size = size;
	s->is_guarded = has_guards;
	if (has_guards)
		stack_count++;
	else
		memcpy(s->base, &(uint64_t){FIBER_STACK_CANARY}, sizeof(uint64_t));
	return 0;
}

void stack_fini(struct fiber_stack *s)
{
	if (s->base == NULL)
		return;
	munmap(s->base - FIBER_STACK_GUARD, s->size + FIBER_STACK_GUARD);
	s->base = NULL;
	if (s->is_guarded)
		stack_count--;
}

int stack_is_guard(const struct fiber_stack *s, const void *addr)
{
	uintptr_t a = (uintptr_t)addr, base = (uintptr_t)s->base;
	return s->is_guarded && a >= base - FIBER_STACK_GUARD && a < base;
}

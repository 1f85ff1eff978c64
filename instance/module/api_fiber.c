/* The C API: fibers that run a C function of a module. */
#include <errno.h>
#include <stdlib.h>

#include "instance/module/api.h"
#include "instance/module/module.h"

enum {
	STACK_SIZE_MIN = 16384, /* what Tarantool accepts */
	STACK_SIZE_REAL_MIN = 65536,
	PAGE_SIZE_OF_STACKS = 4096
};

/* Owned by who made it. */
struct fiber_attr {
	size_t stack_size;
};

/* On the stack of fiber_start(). */
struct start {
	va_list args;
};

struct fiber_attr *fiber_attr_new(void)
{
	struct fiber_attr *attr = malloc(sizeof(*attr));
	if (attr == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in runtime for fiber attr",
			sizeof(*attr));
		return NULL;
	}
	attr->stack_size = FIBER_STACK_SIZE;
	return attr;
}

void fiber_attr_delete(struct fiber_attr *attr)
{
	free(attr);
}

int fiber_attr_setstacksize(struct fiber_attr *attr, size_t stack_size)
{
	if (stack_size < STACK_SIZE_MIN) {
		errno = EINVAL;
		diag_set(system, "stack size is too small");
		return -1;
	}
	attr->stack_size = stack_size;
	return 0;
}

size_t fiber_attr_getstacksize(struct fiber_attr *attr)
{
	return attr != NULL ? attr->stack_size : FIBER_STACK_SIZE;
}

/** Call with no arguments: what the function reads of them is garbage, as it asked. */
static int call_without_args(fiber_func func, ...)
{
	va_list ap;
	va_start(ap, func);
	int rc = func(ap);
	va_end(ap);
	return rc;
}

static int run_func(void *arg)
{
	fiber_func func = (fiber_func)arg;
	struct start *start = fiber_self()->local[FIBER_LOCAL_ARGS];
	fiber_self()->local[FIBER_LOCAL_ARGS] = NULL;
	return start != NULL ? func(start->args) : call_without_args(func);
}

/* What it raises is the fiber's error, not the end of the process. */
static int run(void *arg)
{
	return module_guard(run_func, arg);
}

static struct fiber *new_sized(const char *name, size_t stack_size, fiber_func func)
{
	struct fiber *f = fiber_create_sized(name, stack_size, run, (void *)func);
	if (f == NULL)
		return NULL;
	if (module_pin_fiber(f, (const void *)func) != 0) {
		fiber_discard(f);
		return NULL;
	}
	return f;
}

struct fiber *fiber_new(const char *name, fiber_func func)
{
	return new_sized(name, FIBER_STACK_SIZE, func);
}

struct fiber *fiber_new_ex(
	const char *name, const struct fiber_attr *attr, fiber_func func)
{
	size_t size = attr != NULL ? attr->stack_size : FIBER_STACK_SIZE;
	if (size < STACK_SIZE_REAL_MIN)
		size = STACK_SIZE_REAL_MIN;
	size = (size + PAGE_SIZE_OF_STACKS - 1) & ~(size_t)(PAGE_SIZE_OF_STACKS - 1);
	return new_sized(name, size, func);
}

void fiber_start(struct fiber *f, ...)
{
	struct start start;
	va_start(start.args, f);
	f->local[FIBER_LOCAL_ARGS] = &start;
	fiber_run_now(f);
	va_end(start.args);
}

static uint64_t microseconds(double seconds)
{
	return (uint64_t)(seconds * 1e6 + 0.5);
}

uint64_t fiber_time64(void)
{
	return microseconds(fiber_time());
}

uint64_t fiber_clock64(void)
{
	return microseconds(fiber_clock());
}

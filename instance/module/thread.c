/*
 * Threads that modules start.
 *
 * The executable's pthread_create() takes the place of libc's for all that is loaded
 * after it, also for a C++ library that starts a thread on behalf of a module. So we
 * see each one, and know whose it is: its function lies in a module, or a module
 * runs in the thread that starts it. A thread inherits that.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "instance/module/version.h"

typedef int (*create_fn)(
	pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);

struct start {
	void *(*run)(void *);
	void *arg;
	struct module_version *version;
};

/* The instance itself starts its workers when it needs them, also while a module's call
 * waits for one. */
static bool is_ours(const void *addr)
{
	extern const char __executable_start[], _end[];
	return (const char *)addr >= __executable_start && (const char *)addr < _end;
}

static void *thread_main(void *arg)
{
	struct start start = *(struct start *)arg;
	free(arg);
	version_set_running(start.version);
	return start.run(start.arg);
}

__attribute__((visibility("default"))) int pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	static create_fn next;
	create_fn create = __atomic_load_n(&next, __ATOMIC_ACQUIRE);
	if (create == NULL) {
		create = (create_fn)(uintptr_t)dlsym(RTLD_NEXT, "pthread_create");
		__atomic_store_n(&next, create, __ATOMIC_RELEASE);
	}
	const void *caller = __builtin_return_address(0);
	struct module_version *v = module_by_address((const void *)(uintptr_t)run);
	if (v == NULL && !is_ours(caller))
		v = module_running();
	if (v == NULL)
		return create(thread, attr, run, arg);
	struct start *start = malloc(sizeof(*start));
	if (start == NULL)
		return EAGAIN;
	*start = (struct start){run, arg, v};
	version_add_thread(v);
	int rc = create(thread, attr, thread_main, start);
	if (rc != 0)
		free(start);
	return rc;
}

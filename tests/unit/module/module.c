/* A module for test_module; what it has depends on the flags in meson.build. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "api.h"

#define PROC(name) \
	int name(box_function_ctx_t *ctx, const char *args, const char *args_end)

static int constructed;

#ifdef ON_LOAD
__attribute__((constructor)) static void on_load(void)
{
	ON_LOAD;
}
#endif

#ifdef ON_UNLOAD
/* The test goes on to the end of the process. */
static inline void abort_early(void)
{
	if (getenv("TEST_IS_OVER") == NULL)
		abort();
}

__attribute__((destructor)) static void on_unload(void)
{
	ON_UNLOAD;
}
#endif

#ifdef UNIQUE
/* What C++ makes of a template's static member. */
extern int unique_object;
__asm__(".pushsection .data\n.globl unique_object\n"
	".type unique_object, @gnu_unique_object\n.size unique_object, 4\n"
	"unique_object: .long 4\n.popsection");
#endif

#ifdef UNDEFINED
void nobody_has_this(void);
#endif

static int put(box_function_ctx_t *ctx, int value)
{
	char mp = (char)value;
	return box_return_mp(ctx, &mp, &mp + 1);
}

PROC(version);
PROC(version)
{
#ifdef UNIQUE
	return put(ctx, unique_object);
#elif defined(UNDEFINED)
	nobody_has_this();
#endif
	return put(ctx, VERSION + constructed * 100);
}

#ifdef SLOW_IS_DATA
int slow = 1;
#elif !defined(WITHOUT_SLOW)
PROC(slow);
PROC(slow)
{
	fiber_sleep(0.01);
	return put(ctx, VERSION);
}
#endif

PROC(echo);
PROC(echo)
{
	fiber_sleep(0);
	return box_return_mp(ctx, args, args_end);
}

PROC(garbage);
PROC(garbage)
{
	static const char mp[] = "\x93\x01";
	box_return_mp(ctx, mp, mp + 2);
	return 0;
}

PROC(two_at_once);
PROC(two_at_once)
{
	static const char mp[] = {1, 2};
	return box_return_mp(ctx, mp, mp + 2);
}

PROC(fails);
PROC(fails)
{
	put(ctx, 1);
	return -1;
}

static int background(va_list ap)
{
	while (!fiber_is_cancelled())
		fiber_sleep(0.001);
	return 0;
}

PROC(starts_fiber);
PROC(starts_fiber)
{
	struct fiber *f = fiber_new("background", background);
	if (f == NULL)
		return -1;
	fiber_start(f);
	return 0;
}

static ssize_t task(va_list ap)
{
	struct timespec t = {0, 20 * 1000 * 1000};
	nanosleep(&t, NULL);
	return VERSION;
}

PROC(runs_task);
PROC(runs_task)
{
	return put(ctx, (int)coio_call(task));
}

static void *thread_main(void *arg)
{
	return arg;
}

PROC(starts_thread);
PROC(starts_thread)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, thread_main, NULL) != 0)
		return -1;
	pthread_join(thread, NULL);
	return 0;
}

static void on_signal(int signum)
{
}

PROC(takes_signal);
PROC(takes_signal)
{
	signal(SIGUSR2, on_signal);
	return 0;
}

PROC(gives_signal_back);
PROC(gives_signal_back)
{
	signal(SIGUSR2, SIG_DFL);
	return 0;
}

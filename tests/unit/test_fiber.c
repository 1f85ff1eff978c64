#include "tests/unit/unit.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "instance/fiber/channel.h"
#include "instance/fiber/coio.h"
#include "instance/fiber/cond.h"
#include "instance/fiber/fiber.h"

static char trace[4096];

static void note(const char *what)
{
	strcat(trace, what);
}

static int setup(void **state)
{
	trace[0] = '\0';
	return fiber_init();
}

static int teardown(void **state)
{
	fiber_fini();
	return 0;
}

static struct fiber *start(const char *name, int (*run)(void *), void *arg)
{
	struct fiber *f = fiber_create(name, run, arg);
	assert_non_null(f);
	fiber_wakeup(f);
	return f;
}

static int run_steps(void *arg)
{
	const char *name = arg;
	for (int i = 0; i < 3; i++) {
		note(name);
		fiber_reschedule();
	}
	return 0;
}

static void test_ready_queue_takes_turns(void **state)
{
	start("a", run_steps, "a");
	start("b", run_steps, "b");
	start("c", run_steps, "c");
	fiber_loop_run(true);
	assert_string_equal(trace, "abcabcabc");
	assert_int_equal(fiber_count(), 0);
}

static int run_nested(void *arg)
{
	note("1");
	struct fiber *f = fiber_create("in", run_steps, "i");
	fiber_run_now(f);
	note("2");
	fiber_reschedule();
	note("3");
	return 0;
}

static void test_run_now_returns_to_its_caller_first(void **state)
{
	start("out", run_nested, NULL);
	start("b", run_steps, "b");
	fiber_loop_run(true);
	assert_string_equal(trace, "1i2bi3bib");
}

static int run_sleep(void *arg)
{
	double s = *(double *)arg;
	fiber_sleep(s);
	note(s > 0.015 ? "L" : s > 0 ? "S" : "0");
	return 0;
}

static void test_sleep_order(void **state)
{
	double l = 0.02, s = 0.001, zero = 0;
	start("l", run_sleep, &l);
	start("s", run_sleep, &s);
	start("z", run_sleep, &zero);
	start("r", run_steps, "r");
	fiber_loop_run(true);
	/* On a busy machine a timer may end between the steps of the ready ones. */
	const char *sleep_s = strchr(trace, 'S'), *sleep_l = strchr(trace, 'L');
	assert_non_null(sleep_s);
	assert_non_null(sleep_l);
	assert_true(sleep_s < sleep_l);
	char others[sizeof(trace)];
	size_t n = 0;
	for (const char *p = trace; *p != '\0'; p++)
		if (*p != 'S' && *p != 'L')
			others[n++] = *p;
	others[n] = '\0';
	assert_string_equal(others, "rr0r");
}

static int run_until_cancelled(void *arg)
{
	bool timed_out = fiber_yield_timeout(1000);
	note(timed_out ? "timeout " : "woken ");
	return fiber_testcancel();
}

static int run_join(void *arg)
{
	struct fiber *f = start("victim", run_until_cancelled, NULL);
	fiber_set_joinable(f, true);
	fiber_reschedule();
	assert_ptr_equal(fiber_find(f->id), f);
	fiber_cancel(f);
	uint64_t id = f->id;
	assert_int_equal(fiber_join(f), -1);
	assert_ptr_equal(diag_last()->type, &error_type_cancelled);
	assert_string_equal(diag_last()->message, "fiber is cancelled");
	assert_null(fiber_find(id));
	note("joined");
	return 0;
}

static void test_cancel_and_join(void **state)
{
	start("joiner", run_join, NULL);
	fiber_loop_run(true);
	assert_string_equal(trace, "woken joined");
}

static int run_not_cancellable(void *arg)
{
	assert_true(fiber_set_cancellable(false));
	assert_true(fiber_yield_timeout(0.002));
	assert_true(fiber_is_cancelled());
	assert_false(fiber_set_cancellable(true));
	note("ok");
	return 0;
}

static void test_cancel_of_a_not_cancellable_one_waits(void **state)
{
	struct fiber *f = start("stubborn", run_not_cancellable, NULL);
	fiber_run_now(f);
	fiber_cancel(f);
	fiber_loop_run(true);
	assert_string_equal(trace, "ok");
}

static int run_nothing(void *arg)
{
	return 0;
}

static void test_dead_fibers_are_used_again(void **state)
{
	struct fiber *first = start("x", run_nothing, NULL);
	uint64_t id = first->id;
	fiber_loop_run(true);
	struct fiber *second = start("y", run_nothing, NULL);
	assert_ptr_equal(first, second);
	assert_int_equal(second->id, id + 1);
	assert_string_equal(second->name, "y");
	fiber_loop_run(true);
}

static void count_hook(struct fiber_hook *hook)
{
	note("h");
}

static int run_hooked(void *arg)
{
	struct fiber_hook yield_hook = {.run = count_hook},
			  stop_hook = {.run = count_hook};
	list_add_tail(&fiber_current->on_yield, &yield_hook.link);
	fiber_reschedule();
	fiber_reschedule();
	fiber_reset(fiber_current, "new");
	assert_string_equal(fiber_current->name, "new");
	fiber_reschedule();
	note("|");
	list_add_tail(&fiber_current->on_stop, &stop_hook.link);
	list_del(&stop_hook.link);
	return 0;
}

static void test_yield_hooks_until_reset(void **state)
{
	start("hooked", run_hooked, NULL);
	fiber_loop_run(true);
	assert_string_equal(trace, "hh|");
}

static struct fiber_cond_queue cond;

static int run_wait(void *arg)
{
	if (cond_wait(&cond, *(double *)arg) == 0)
		note("s");
	else
		note(diag_last()->type == &error_type_timed_out ? "t" : "c");
	return 0;
}

static void test_cond(void **state)
{
	double forever = TIMEOUT_INFINITY, soon = 0.001;
	cond_init(&cond);
	struct fiber *f[4];
	for (int i = 0; i < 3; i++)
		f[i] = start("w", run_wait, &forever);
	f[3] = start("w", run_wait, &soon);
	fiber_loop_run(true);
	assert_string_equal(trace, "t");
	cond_signal(&cond);
	fiber_loop_run(true);
	assert_string_equal(trace, "ts");
	fiber_cancel(f[2]);
	fiber_loop_run(true);
	assert_string_equal(trace, "tsc");
	cond_broadcast(&cond);
	fiber_loop_run(true);
	assert_string_equal(trace, "tscs");
}

static struct channel *channel;

static int run_producer(void *arg)
{
	for (intptr_t i = 1; i <= 5; i++)
		assert_int_equal(channel_put(channel, (void *)i, TIMEOUT_INFINITY), 0);
	return 0;
}

static int run_consumer(void *arg)
{
	intptr_t sum = 0;
	void *item;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(channel_get(channel, &item, TIMEOUT_INFINITY), 0);
		sum += (intptr_t)item;
	}
	assert_int_equal(sum, 30);
	assert_int_equal(channel_get(channel, &item, 0.001), -1);
	assert_ptr_equal(diag_last()->type, &error_type_timed_out);
	note("consumed");
	return 0;
}

static void test_channel_passes_every_item(void **state)
{
	for (uint32_t size = 0; size < 8; size++) {
		trace[0] = '\0';
		channel = channel_new(size);
		start("consumer", run_consumer, NULL);
		start("producer", run_producer, NULL);
		start("producer", run_producer, NULL);
		fiber_loop_run(true);
		assert_string_equal(trace, "consumed");
		channel_free(channel, NULL, NULL);
	}
}

static int run_closed_get(void *arg)
{
	void *item;
	assert_int_equal(channel_get(channel, &item, TIMEOUT_INFINITY), -1);
	assert_ptr_equal(diag_last()->type, &error_type_channel_closed);
	note("closed");
	return 0;
}

static void test_channel_close_wakes_readers(void **state)
{
	channel = channel_new(1);
	struct fiber *f = start("reader", run_closed_get, NULL);
	fiber_run_now(f);
	fiber_wakeup(f); /* for nothing: it waits on */
	fiber_loop_run(true);
	assert_true(channel_has_readers(channel));
	channel_close(channel, NULL, NULL);
	fiber_loop_run(true);
	assert_string_equal(trace, "closed");
	channel_free(channel, NULL, NULL);
}

static ssize_t work(void *arg)
{
	usleep(2000);
	if (arg != NULL) {
		errno = ENOENT;
		diag_set(system, "no luck");
		return -1;
	}
	return 42;
}

static int run_work(void *arg)
{
	ssize_t rc = coio_run(work, arg);
	assert_int_equal(rc, arg != NULL ? -1 : 42);
	if (arg != NULL) {
		assert_int_equal(errno, ENOENT);
		assert_string_equal(diag_last()->message, "no luck");
	}
	note(arg != NULL ? "f" : "w");
	return 0;
}

static void test_workers(void **state)
{
	for (int i = 0; i < 20; i++)
		start("work", run_work, i % 4 == 0 ? "fail" : NULL);
	struct fiber *f = start("cancelled", run_work, NULL);
	fiber_run_now(f);
	fiber_cancel(f); /* does not end the wait */
	fiber_loop_run(true);
	assert_int_equal(strlen(trace), 21);
}

static int run_resolve(void *arg)
{
	struct addrinfo *list = NULL, hints = {.ai_flags = AI_NUMERICHOST};
	assert_int_equal(coio_resolve("127.0.0.1", "80", &hints, &list, 10), 0);
	assert_non_null(list);
	freeaddrinfo(list);
	assert_int_equal(coio_resolve("not a number", "80", &hints, &list, 10), -1);
	note("resolved");
	return 0;
}

static void test_resolve(void **state)
{
	start("resolve", run_resolve, NULL);
	fiber_loop_run(true);
	assert_string_equal(trace, "resolved");
}

static int pipe_fds[2];

static int run_read(void *arg)
{
	assert_int_equal(coio_wait(pipe_fds[0], COIO_READ, 0.001), 0);
	note("timeout ");
	assert_int_equal(coio_wait(pipe_fds[0], COIO_READ, 10), COIO_READ);
	char c;
	assert_int_equal(read(pipe_fds[0], &c, 1), 1);
	note("read");
	return 0;
}

static int run_write(void *arg)
{
	fiber_sleep(0.005);
	assert_int_equal(coio_wait(pipe_fds[1], COIO_WRITE, 10), COIO_WRITE);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	return 0;
}

static void test_wait_for_a_descriptor(void **state)
{
	assert_int_equal(pipe(pipe_fds), 0);
	start("r", run_read, NULL);
	start("w", run_write, NULL);
	fiber_loop_run(true);
	assert_string_equal(trace, "timeout read");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

/* The volatile array keeps compilers from turning it into a loop. */
static int __attribute__((noinline)) recurse(volatile char *above)
{
	volatile char here[512];
	here[0] = above[0];
	return here[0] == 0 ? 0 : recurse(here) + here[0];
}

static int run_overflow(void *arg)
{
	volatile char c = 1;
	return recurse(&c);
}

/* Run it in a child with stderr in a pipe: what did it say, and which signal ended it? */
static int end_of_child(int (*run)(void *arg), bool has_guards, char *text, size_t size)
{
	int fds[2], status;
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		/* cmocka has put its own handlers in place of ours. */
		stack_unwatch_overflow();
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		stack_watch_overflow();
		stack_set_guards(has_guards);
		dup2(fds[1], STDERR_FILENO);
		start("greedy", run, NULL);
		fiber_loop_run(true);
		_exit(0);
	}
	close(fds[1]);
	ssize_t n = read(fds[0], text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_overflow_names_the_fiber(void **state)
{
	char text[256];
	assert_int_equal(end_of_child(run_overflow, true, text, sizeof(text)), SIGSEGV);
	assert_non_null(strstr(text, "stack overflow in fiber greedy (id 1"));
}

/* A little too deep, and back again: only the canary tells. */
static int run_over_canary(void *arg)
{
	memset(fiber_current->stack.base, 0, 16);
	fiber_sleep(0);
	return 0;
}

static int run_within(void *arg)
{
	fiber_sleep(0);
	return 0;
}

static void test_canary_names_the_fiber(void **state)
{
	char text[256];
	assert_int_equal(
		end_of_child(run_over_canary, false, text, sizeof(text)), SIGABRT);
	assert_non_null(strstr(text, "stack overflow in fiber greedy (id 1"));
	assert_int_equal(end_of_child(run_within, false, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void test_random_schedule(void **state);

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {T(test_ready_queue_takes_turns),
		T(test_run_now_returns_to_its_caller_first), T(test_sleep_order),
		T(test_cancel_and_join), T(test_cancel_of_a_not_cancellable_one_waits),
		T(test_dead_fibers_are_used_again), T(test_yield_hooks_until_reset),
		T(test_cond), T(test_channel_passes_every_item),
		T(test_channel_close_wakes_readers), T(test_workers), T(test_resolve),
		T(test_wait_for_a_descriptor), T(test_overflow_names_the_fiber),
		T(test_canary_names_the_fiber), T(test_random_schedule)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Property: whatever the order of wake-ups and cancels, every fiber ends. */
static uint64_t seed;
static struct fiber *all[100];
static int ended;

static int run_random(void *arg)
{
	for (int i = 0; i < 50; i++) {
		struct fiber *other = all[unit_random(&seed) % 100];
		void *item;
		switch (unit_random(&seed) % 7) {
		case 0:
			fiber_reschedule();
			break;
		case 1:
			fiber_sleep((double)(unit_random(&seed) % 3) * 0.0001);
			break;
		case 2:
			fiber_wakeup(other->id != 0 ? other : fiber_current);
			break;
		case 3:
			cond_wait(&cond, 0.0005);
			break;
		case 4:
			cond_signal(&cond);
			break;
		case 5:
			channel_put(channel, arg, 0.0005);
			break;
		default:
			channel_get(channel, &item, 0.0005);
		}
	}
	ended++;
	return 0;
}

static void test_random_schedule(void **state)
{
	const char *given = getenv("SEED");
	seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	print_message("# SEED=%llu\n", (unsigned long long)seed);
	seed |= 1;
	cond_init(&cond);
	channel = channel_new(3);
	ended = 0;
	for (int i = 0; i < 100; i++)
		all[i] = start("random", run_random, NULL);
	fiber_loop_run(true);
	assert_int_equal(ended, 100);
	assert_int_equal(fiber_count(), 0);
	channel_free(channel, NULL, NULL);
}

/*
 * The ready queue and the event loop.
 *
 * A turn takes the fibers that are ready as a batch, then those that slept for no
 * time; each switches straight to the next one, the last one back here. Who becomes ready
 * meanwhile waits for the next turn. Events are polled when nothing is ready, or when the
 * last poll was POLL_CYCLES ago: fibers that wake each other do not pay a system call
 * each.
 */
#include "instance/fiber/sched.h"

#include <assert.h>
#include <ev.h>
#include <string.h>
#include <time.h>

#include "instance/fiber/switch.h"
#include "instance/fiber/top.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#define cycles() __rdtsc()
#else
#define cycles() 0
#endif

enum { POLL_CYCLES = 100000 }; /* some 30 to 50 us */

struct fiber fiber_sched;
struct fiber *fiber_current = &fiber_sched;
struct ev_loop *fiber_loop;

static struct list ready_queue;
static struct list sleep_queue; /* slept for no time: they run after the ready ones */
static struct list batch;
static bool is_stopping;

int sched_init(void)
{
	fiber_loop = ev_default_loop(EVFLAG_AUTO | EVFLAG_NOENV);
	if (fiber_loop == NULL) {
		diag_set_errno("can't create the event loop");
		return -1;
	}
	list_init(&ready_queue);
	list_init(&sleep_queue);
	list_init(&batch);
	list_init(&fiber_sched.ready);
	list_init(&fiber_sched.all);
	list_init(&fiber_sched.joiners);
	list_init(&fiber_sched.on_yield);
	list_init(&fiber_sched.on_stop);
	fiber_sched.id = FIBER_ID_SCHED;
	fiber_sched.flags = FIBER_IS_RUNNING;
	fiber_sched.lua_ref = fiber_sched.storage_ref = -2; /* LUA_NOREF */
	strcpy(fiber_sched.name, "sched");
	fiber_current = &fiber_sched;
	diag_current = &fiber_sched.diag;
	switch_init();
	return 0;
}

void sched_fini(void)
{
	if (fiber_loop != NULL)
		ev_loop_destroy(fiber_loop);
	fiber_loop = NULL;
	diag_clear();
	diag_current = NULL;
}

struct fiber *sched_next(void)
{
	struct fiber *next = fiber_current->caller;
	if (next != NULL) {
		fiber_current->caller = NULL;
		return next;
	}
	if (list_is_empty(&batch) || unlikely(is_stopping))
		return &fiber_sched;
	next = list_first(&batch, struct fiber, ready);
	list_del(&next->ready);
	return next;
}

void fiber_wakeup(struct fiber *f)
{
	if (f->flags & (FIBER_IS_READY | FIBER_IS_DEAD | FIBER_IS_RUNNING))
		return;
	f->flags |= FIBER_IS_READY;
	list_del(&f->ready);
	list_add_tail(&ready_queue, &f->ready);
}

void fiber_run_now(struct fiber *f)
{
	struct fiber *self = fiber_current;
	assert(!(f->flags & (FIBER_IS_RUNNING | FIBER_IS_DEAD)) && f->caller == NULL);
	switch_check();
	list_del(&f->ready);
	/* Ready, though in no queue: a wake-up meanwhile changes nothing. */
	self->flags |= FIBER_IS_READY;
	f->caller = self;
	switch_to(f);
}

static void run_yield_hooks(struct fiber *f)
{
	list_foreach_safe(hook, tmp, &f->on_yield, struct fiber_hook, link)
		hook->run(hook);
}

void fiber_yield(void)
{
	assert(fiber_current != &fiber_sched);
	switch_check();
	if (unlikely(!list_is_empty(&fiber_current->on_yield)))
		run_yield_hooks(fiber_current);
	switch_to(sched_next());
}

void fiber_reschedule(void)
{
	struct fiber *self = fiber_current;
	switch_check();
	self->flags |= FIBER_IS_READY;
	list_del(&self->ready);
	list_add_tail(&ready_queue, &self->ready);
	fiber_yield();
}

struct sleeper {
	struct ev_timer timer;
	struct fiber *fiber;
	bool is_over;
};

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct sleeper *s = timer->data;
	s->is_over = true;
	fiber_wakeup(s->fiber);
}

static void stop_timer(struct sleeper *s)
{
	ev_timer_stop(fiber_loop, &s->timer);
}

bool fiber_yield_timeout(double seconds)
{
	if (seconds >= TIMEOUT_INFINITY) {
		fiber_yield();
		return false;
	}
	switch_check();
	_cleanup_(stop_timer) struct sleeper s = {.fiber = fiber_current};
	ev_timer_init(&s.timer, on_timer, seconds > 0 ? seconds : 0, 0);
	s.timer.data = &s;
	ev_timer_start(fiber_loop, &s.timer);
	fiber_yield();
	return s.is_over;
}

void fiber_sleep(double seconds)
{
	if (seconds > 0) {
		fiber_yield_timeout(seconds);
		return;
	}
	switch_check();
	list_del(&fiber_current->ready);
	list_add_tail(&sleep_queue, &fiber_current->ready);
	fiber_yield();
}

double fiber_clock(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double fiber_time(void)
{
	return ev_now(fiber_loop);
}

static bool is_ready(void)
{
	return !list_is_empty(&ready_queue) || !list_is_empty(&sleep_queue);
}

static void run_batch(void)
{
	list_splice_tail(&batch, &ready_queue);
	list_foreach(f, &sleep_queue, struct fiber, ready) f->flags |= FIBER_IS_READY;
	list_splice_tail(&batch, &sleep_queue);
	while (!list_is_empty(&batch) && !is_stopping)
		switch_to(sched_next());
}

void fiber_loop_run(bool until_idle)
{
	assert(fiber_current == &fiber_sched);
	is_stopping = false;
	if (!until_idle)
		ev_ref(fiber_loop);
	uint64_t polled_at = 0;
	bool has_watchers = true;
	while (!is_stopping) {
		if (is_ready())
			run_batch();
		else if (!has_watchers)
			break;
		if (is_stopping)
			break;
		/* What was fed by hand: ev_run() would call it, then block all the same.
		 */
		if (ev_pending_count(fiber_loop) > 0)
			ev_invoke_pending(fiber_loop);
		bool is_busy = is_ready();
		if (is_busy && cycles() - polled_at < POLL_CYCLES)
			continue;
		fiber_cache_trim();
		if (unlikely(top_is_on))
			top_turn();
		has_watchers = ev_run(fiber_loop, is_busy ? EVRUN_NOWAIT : EVRUN_ONCE);
		polled_at = cycles();
	}
	if (!until_idle)
		ev_unref(fiber_loop);
	/* What did not get its turn keeps its place. */
	list_splice_tail(&batch, &ready_queue);
	list_splice_tail(&ready_queue, &batch);
}

void fiber_loop_break(void)
{
	is_stopping = true;
	ev_break(fiber_loop, EVBREAK_ALL);
}

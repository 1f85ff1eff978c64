#include "ctl/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

static volatile sig_atomic_t is_set;
static volatile sig_atomic_t is_held;
static bool is_started;
static sigset_t wait_mask;

/* Nobody reads our output any more: as good a reason to stop as Ctrl-C. */
static const int signals[] = {SIGINT, SIGPIPE};
static struct sigaction saved[lengthof(signals)]; /* what was before */

/*
 * Nobody reads is said once: what comes in while the code is being stopped is still
 * written, and must not interrupt that.
 */
static void on_signal(int sig)
{
	is_set = !is_held;
	if (sig == SIGPIPE)
		sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static void set_handlers(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	for (unsigned i = 0; i < lengthof(signals); i++)
		sigaction(signals[i], &sa, &saved[i]);
}

void interrupt_start(void)
{
	if (is_started)
		return;
	sigset_t block;
	sigemptyset(&block);
	for (unsigned i = 0; i < lengthof(signals); i++)
		sigaddset(&block, signals[i]);
	is_set = 0;
	sigprocmask(SIG_BLOCK, &block, &wait_mask);
	for (unsigned i = 0; i < lengthof(signals); i++)
		sigdelset(&wait_mask, signals[i]);
	set_handlers();
	is_started = true;
}

void interrupt_stop(void)
{
	if (!is_started)
		return;
	for (unsigned i = 0; i < lengthof(signals); i++)
		sigaction(signals[i], &saved[i], NULL);
	sigprocmask(SIG_SETMASK, &wait_mask, NULL);
	is_started = false;
}

void interrupt_hold(bool is_on)
{
	is_held = is_on;
}

bool interrupt_take(void)
{
	bool was = is_set;
	is_set = 0;
	return was;
}

int interrupt_poll(struct pollfd *fds, unsigned n, int timeout_ms)
{
	struct timespec ts = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	return ppoll(fds, n, timeout_ms < 0 ? NULL : &ts, is_started ? &wait_mask : NULL);
}

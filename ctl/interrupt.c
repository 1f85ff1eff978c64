#include "ctl/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

static volatile sig_atomic_t is_set;
static bool is_started;
static sigset_t wait_mask;

static void on_sigint(int sig)
{
	is_set = 1;
}

void interrupt_start(void)
{
	if (is_started)
		return;
	struct sigaction sa = {.sa_handler = on_sigint};
	sigset_t block;
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	is_set = 0;
	sigprocmask(SIG_BLOCK, &block, &wait_mask);
	sigdelset(&wait_mask, SIGINT);
	sigaction(SIGINT, &sa, NULL);
	is_started = true;
}

void interrupt_stop(void)
{
	if (!is_started)
		return;
	struct sigaction sa = {.sa_handler = SIG_DFL};
	sigaction(SIGINT, &sa, NULL);
	sigprocmask(SIG_SETMASK, &wait_mask, NULL);
	is_started = false;
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

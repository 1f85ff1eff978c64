#include "instance/signals.h"

#include <ev.h>
#include <signal.h>
#include <stdlib.h>

#include "instance/base/diag.h"
#include "instance/base/say.h"
#include "instance/fiber/fiber.h"
#include "instance/lua/shutdown.h"

static void on_stop_signal(struct ev_loop *loop, struct ev_signal *w, int events)
{
	/* The second one does not wait for the shutdown triggers. */
	if (shutdown_is_started())
		_Exit(EXIT_FAILURE);
	if (w->signum == SIGINT)
		say_crit("got signal %d - %s", w->signum, "Interrupt");
	else
		say_crit("got signal %d - %s", w->signum, "Terminated");
	shutdown_start(EXIT_SUCCESS);
}

static void on_hangup(struct ev_loop *loop, struct ev_signal *w, int events)
{
	if (say_rotate() != 0)
		say_write(S_ERROR, __FILE__, __LINE__, diag_last()->message,
			"the log is not reopened");
}

static void on_snapshot(struct ev_loop *loop, struct ev_signal *w, int events)
{
	say_warn("SIGUSR1: no snapshot, this version keeps data in memory only");
}

int signals_init(void)
{
	static const struct {
		int signum;
		void (*run)(struct ev_loop *, struct ev_signal *, int);
	} handlers[] = {{SIGTERM, on_stop_signal}, {SIGINT, on_stop_signal},
		{SIGHUP, on_hangup}, {SIGUSR1, on_snapshot}};
	static struct ev_signal watchers[lengthof(handlers)];
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		diag_set_errno("can't ignore SIGPIPE");
		return -1;
	}
	for (size_t i = 0; i < lengthof(handlers); i++) {
		ev_signal_init(&watchers[i], handlers[i].run, handlers[i].signum);
		ev_signal_start(fiber_loop, &watchers[i]);
		/* They do not keep a script alive. */
		ev_unref(fiber_loop);
	}
	return 0;
}

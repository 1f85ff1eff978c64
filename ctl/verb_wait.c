#include <errno.h>
#include <string.h>

#include "ctl/interrupt.h"
#include "ctl/pidfile.h"
#include "ctl/remote.h"
#include "ctl/target.h"
#include "ctl/verb.h"
#include "ctl/watch.h"

enum { WAIT_TIMEOUT_MS = 60 * 1000 };

/** Ask the instance to answer when box is configured. */
static enum conn_status ask_ready(
	const struct instance *inst, deadline_ms deadline, bool *ret_is_ready)
{
	struct target target;
	struct conn c;
	struct remote_call call;
	conn_init(&c);
	target_of_instance(&target, inst);
	remote_init(&call, "wait_ready", deadline);
	int left = deadline_left(deadline);
	remote_add_double(&call, left < 0 ? 1e9 : left / 1000.0);
	enum conn_status rc = target_open(&target, &c, deadline);
	if (rc == CONN_OK)
		rc = remote_run(&c, &call);
	*ret_is_ready = rc == CONN_OK && call.is_ok;
	if (c.saved_errno == EACCES)
		target_explain(&target, &c, rc);
	bool is_denied = c.saved_errno == EACCES;
	remote_fini(&call);
	conn_fini(&c);
	return is_denied ? CONN_FAILED : rc == CONN_FAILED ? CONN_CLOSED : rc;
}

static int wait_ready(const struct instance *inst, deadline_ms deadline)
{
	/* Watched before it is asked: a socket that comes in between is not missed. */
	_cleanup_(closefd) int fd = watch_open(inst->sock_path);
	if (fd < 0) {
		ctl_say("Can't watch %s: %s", inst->sock_path, strerror(errno));
		return CTL_UNREACHABLE;
	}
	for (;;) {
		bool is_ready = false;
		enum conn_status rc = ask_ready(inst, deadline, &is_ready);
		if (is_ready)
			return CTL_OK;
		if (rc == CONN_INTERRUPTED)
			return CTL_INTERRUPTED;
		if (rc == CONN_FAILED)
			return CTL_UNREACHABLE;
		int changed = rc == CONN_CLOSED ? watch_wait(fd, deadline) : 0;
		if (changed < 0)
			return CTL_INTERRUPTED;
		if (changed == 0)
			return CTL_FAILED;
	}
}

static int wait_stopped(const struct instance *inst, deadline_ms deadline)
{
	for (;;) {
		struct pidfile pf;
		pidfile_read(inst->pid_path, &pf);
		if (pf.state == PIDFILE_ERROR) {
			ctl_say("Can't read pid file %s: %s", inst->pid_path,
				strerror(errno));
			return CTL_UNREACHABLE;
		}
		if (pf.state != PIDFILE_RUNNING)
			return CTL_OK;
		struct pollfd p = {.fd = pf.pidfd, .events = POLLIN};
		int n = interrupt_poll(&p, 1, deadline_left(deadline));
		bool is_interrupted = n < 0 && interrupt_take();
		pidfile_fini(&pf);
		if (is_interrupted)
			return CTL_INTERRUPTED;
		if (n == 0)
			return CTL_FAILED;
	}
}

static int run(const struct request *rq)
{
	int64_t timeout_ms = request_duration(rq, "timeout", WAIT_TIMEOUT_MS);
	bool is_stopped = request_option(rq, "stopped") != NULL;
	deadline_ms deadline = deadline_after(timeout_ms);
	interrupt_start();
	int rc = is_stopped ? wait_stopped(rq->instance, deadline)
			    : wait_ready(rq->instance, deadline);
	interrupt_stop();
	if (rc == CTL_FAILED)
		ctl_say("%s is not %s after %g s", rq->instance->name,
			is_stopped ? "stopped" : "ready", (double)timeout_ms / 1000);
	return rc;
}

static const struct verb_option options[] = {
	{"ready", 0, NULL, "until box is configured and the instance answers (default)"},
	{"stopped", 0, NULL, "until its process is gone"},
	{"timeout", 't', "TIME", "how long to wait (60s)"},
	{NULL},
};

const struct verb verb_row_wait = {
	.name = "wait",
	.args = "INSTANCE...",
	.summary = "Wait until an instance is ready, or until it is gone",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES,
	.run = run,
};

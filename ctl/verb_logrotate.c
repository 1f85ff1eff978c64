#include <errno.h>

#include "ctl/pidfile.h"
#include "ctl/remote.h"
#include "ctl/target.h"
#include "ctl/verb.h"

enum { LOGROTATE_TIMEOUT_MS = 5000 };

static int rotate(const struct request *rq, struct conn *c, deadline_ms deadline)
{
	struct remote_call call;
	uint32_t len;
	remote_init(&call, "logrotate", deadline);
	remote_add_double(&call, deadline_left(deadline) / 1000.0);
	enum conn_status status = remote_run(c, &call);
	int rc = CTL_OK;
	if (status != CONN_OK) {
		ctl_say("%s: the log was not reopened: %s", rq->instance->name, c->error);
		rc = CTL_UNREACHABLE;
	} else if (!call.is_ok) {
		const char *message = remote_next_str(&call, &len);
		ctl_say("%s: %.*s", rq->instance->name, (int)len, message);
		rc = CTL_REMOTE;
	}
	remote_fini(&call);
	return rc;
}

static int run(const struct request *rq)
{
	struct target target;
	struct conn c;
	deadline_ms deadline =
		deadline_after(request_duration(rq, "timeout", LOGROTATE_TIMEOUT_MS));
	conn_init(&c);
	target_of_instance(&target, rq->instance);
	enum conn_status status = target_open(&target, &c, deadline);
	int rc = CTL_OK;
	struct pidfile pf;
	pidfile_read(rq->instance->pid_path, &pf);
	pidfile_fini(&pf);
	if (status == CONN_OK)
		rc = rotate(rq, &c, deadline);
	else if (pf.state == PIDFILE_NONE && c.saved_errno == ENOENT)
		ctl_say("%s is stopped: there is no log to reopen", rq->instance->name);
	else
		rc = target_explain(&target, &c, status);
	conn_fini(&c);
	return rc;
}

static const struct verb_option options[] = {
	{"timeout", 't', "TIME", "how long it may take (5s)"},
	{NULL},
};

const struct verb verb_row_logrotate = {
	.name = "logrotate",
	.args = "INSTANCE...",
	.summary = "Make an instance reopen its log file, and check that it did",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES,
	.run = run,
};

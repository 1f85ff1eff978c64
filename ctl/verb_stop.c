#include "ctl/stop.h"
#include "ctl/systemd.h"
#include "ctl/verb.h"

static int run(const struct request *rq)
{
	int rc;
	if (systemd_forward(rq, "stop", &rc))
		return rc;
	return stop_instance(rq->instance,
		request_duration(rq, "timeout", STOP_TIMEOUT_MS),
		request_option(rq, "kill") != NULL);
}

static const struct verb_option options[] = {
	{"timeout", 't', "TIME", "how long to wait for its end (30s)"},
	{"kill", 'k', NULL, "SIGKILL when the time is over"},
	{NULL},
};

const struct verb verb_row_stop = {
	.name = "stop",
	.args = "INSTANCE...",
	.summary = "Stop an instance and wait until its process is gone",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES,
	.run = run,
};

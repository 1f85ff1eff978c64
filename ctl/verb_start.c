#include "ctl/start.h"
#include "ctl/systemd.h"
#include "ctl/verb.h"

enum { START_TIMEOUT_MS = 60 * 1000 };

static int run(const struct request *rq)
{
	int rc;
	struct start_policy policy = {0};
	if (systemd_forward(rq, "start", &rc))
		return rc;
	rc = start_read_policy(rq, &policy);
	if (rc != CTL_OK)
		return rc;
	const char *engine = request_option(rq, "engine");
	struct launch_options opt = {
		.engine = engine != NULL
				  ? engine
				  : config_engine_of(rq->config, rq->instance->name),
		.timeout_ms = request_duration(rq, "timeout", START_TIMEOUT_MS),
		.keep = request_option(rq, "keep") != NULL,
		.argc = rq->rest_argc,
		.argv = rq->rest_argv,
	};
	return start_run(rq, &opt, &policy);
}

static const struct verb_option options[] = {
	{"timeout", 't', "TIME", "how long it may take to become ready (60s)"},
	{"engine", 'e', "ENGINE", "tarantella, tarantool, or the path of a program"},
	{"keep", 0, NULL, "leave a process that did not become ready"},
	START_OPTIONS,
	{NULL},
};

const struct verb verb_row_start = {
	.name = "start",
	.args = "INSTANCE... [-- ARGS]",
	.summary = "Start an instance and wait until it is ready",
	.help = "Ready: its file returned; or, at the timeout, box is configured and the "
		"instance\nanswers. An instance that dies or does not answer is reported "
		"with "
		"the last lines of\nits log, and what was started is ended. ARGS are "
		"given to "
		"the instance file.\nWith --restart on-failure a supervisor stays: when "
		"the instance dies by itself (an\nexit code other than 0, a signal other "
		"than SIGTERM, SIGINT, SIGHUP and SIGPIPE),\nit is started again, after "
		"0.1 s, then 0.2 s... up to 30 s. 'ctl stop' and 'ctl kill'\nend the "
		"supervision; 'ctl status' and the log tell of restarts and crash loops.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_NEEDS_FILE,
	.run = run,
};

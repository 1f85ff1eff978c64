#include <limits.h>

#include "ctl/engine.h"
#include "ctl/pidfile.h"
#include "ctl/start.h"
#include "ctl/stop.h"
#include "ctl/systemd.h"
#include "ctl/verb.h"

enum { RESTART_TIMEOUT_MS = 60 * 1000 };

/** The engine that runs now, else the configured one. */
static const char *choose_engine(const struct request *rq, char *running, size_t size)
{
	const char *engine = request_option(rq, "engine");
	if (engine != NULL)
		return engine;
	struct pidfile pf;
	pidfile_read(rq->instance->pid_path, &pf);
	pidfile_fini(&pf);
	if (pf.state == PIDFILE_RUNNING && engine_of_process(pf.pid, running, size) == 0)
		return running;
	return config_engine_of(rq->config, rq->instance->name);
}

/** One that was supervised stays so, unless told otherwise. */
static int read_policy(const struct request *rq, struct start_policy *ret)
{
	struct supervisor sv;
	supervisor_read(rq->instance, &sv);
	*ret = (struct start_policy){
		.is_supervised = sv.state != SUPERVISOR_NONE, .limit = sv.limit};
	return start_read_policy(rq, ret);
}

static int run(const struct request *rq)
{
	char running[PATH_MAX];
	int rc;
	struct start_policy policy;
	if (systemd_forward(rq, "restart", &rc))
		return rc;
	rc = read_policy(rq, &policy);
	if (rc != CTL_OK)
		return rc;
	int64_t timeout_ms = request_duration(rq, "timeout", -1);
	struct launch_options opt = {
		.engine = choose_engine(rq, running, sizeof(running)),
		.timeout_ms = timeout_ms >= 0 ? timeout_ms : RESTART_TIMEOUT_MS,
		.is_restart = true,
		.argc = rq->rest_argc,
		.argv = rq->rest_argv,
	};
	/* A file that does not compile must not cost the running instance. */
	rc = launch_check(rq->instance);
	if (rc != CTL_OK) {
		ctl_say("Error while checking syntax: halting");
		return rc;
	}
	rc = stop_instance(rq->instance, timeout_ms >= 0 ? timeout_ms : STOP_TIMEOUT_MS,
		request_option(rq, "kill") != NULL);
	return rc == CTL_OK ? start_run(rq, &opt, &policy) : rc;
}

static const struct verb_option options[] = {
	{"timeout", 't', "TIME", "how long the stop (30s) and the start (60s) may take"},
	{"kill", 'k', NULL, "SIGKILL when the stop takes too long"},
	{"engine", 'e', "ENGINE",
		"change the engine; without it the running one is kept"},
	START_OPTIONS,
	{NULL},
};

const struct verb verb_row_restart = {
	.name = "restart",
	.args = "INSTANCE... [-- ARGS]",
	.summary = "Stop and start an instance",
	.help = "One that was started with --restart on-failure stays supervised; "
		"--restart no ends\nthat.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_NEEDS_FILE,
	.run = run,
};

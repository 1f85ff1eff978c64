#include "ctl/start.h"

#include <string.h>

#include "ctl/pidfile.h"
#include "ctl/supervise.h"

int start_read_policy(const struct request *rq, struct start_policy *policy)
{
	const char *restart = request_option(rq, "restart");
	const char *limit = request_option(rq, "restart-limit");
	if (policy->limit.deaths < 1 || policy->limit.deaths > SUPERVISOR_DEATHS_MAX ||
		policy->limit.seconds < 1)
		policy->limit =
			(struct supervisor_limit){SUPERVISE_DEATHS, SUPERVISE_SECONDS};
	if (restart != NULL)
		policy->is_supervised = strcmp(restart, "on-failure") == 0;
	if (limit != NULL && supervise_parse_limit(limit, &policy->limit) != 0) {
		ctl_say("Bad --restart-limit '%s': deaths and a time such as 5/60s are "
			"expected, at most %d deaths",
			limit, SUPERVISOR_DEATHS_MAX);
		return CTL_USAGE;
	}
	if (limit != NULL && !policy->is_supervised) {
		ctl_say("--restart-limit goes with --restart on-failure");
		return CTL_USAGE;
	}
	return CTL_OK;
}

/** A supervisor that waits before its next attempt, or has given up, makes way. */
static int end_idle_supervisor(const struct instance *inst)
{
	struct pidfile pf;
	struct supervisor sv;
	supervisor_read(inst, &sv);
	if (sv.state != SUPERVISOR_WAITING && sv.state != SUPERVISOR_CRASHED &&
		sv.state != SUPERVISOR_GONE)
		return CTL_OK;
	pidfile_read(inst->pid_path, &pf);
	pidfile_fini(&pf);
	return pf.state == PIDFILE_RUNNING ? CTL_OK : supervisor_end(inst);
}

int start_run(const struct request *rq, const struct launch_options *opt,
	const struct start_policy *policy)
{
	int rc = end_idle_supervisor(rq->instance);
	if (rc != CTL_OK)
		return rc;
	if (policy->is_supervised)
		return supervise_instance(rq->config, rq->instance, opt, policy->limit);
	return launch_instance(rq->config, rq->instance, opt);
}

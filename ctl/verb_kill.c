#include "ctl/stop.h"
#include "ctl/verb.h"

static int run(const struct request *rq)
{
	return kill_instance(rq->instance);
}

const struct verb verb_row_kill = {
	.name = "kill",
	.args = "INSTANCE...",
	.summary = "End an instance's process with SIGKILL",
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES,
	.run = run,
};

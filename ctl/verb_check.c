#include "ctl/launch.h"
#include "ctl/verb.h"

static int run(const struct request *rq)
{
	int rc = launch_check(rq->instance);
	if (rc == CTL_OK)
		ctl_say("File '%s' is OK", rq->instance->file);
	return rc;
}

const struct verb verb_row_check = {
	.name = "check",
	.args = "INSTANCE...",
	.summary = "Check an instance file for syntax errors, without running it",
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_NEEDS_FILE,
	.run = run,
};

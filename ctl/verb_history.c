#include "ctl/reload_op.h"

static int run(const struct request *rq)
{
	return reload_op_run(rq, "history", RELOAD_TEXT);
}

static const struct verb_option options[] = {
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_history = {
	.name = "history",
	.args = "INSTANCE...",
	.summary = "List the attempts to replace code, also those that failed",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.run = run,
};

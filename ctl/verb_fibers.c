#include "ctl/reload_op.h"

static int run(const struct request *rq)
{
	return reload_op_run(rq, "fibers", RELOAD_TEXT);
}

static const struct verb_option options[] = {
	{"gen", 'g', "N", "only those that run code of this generation"},
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_fibers = {
	.name = "fibers",
	.args = "INSTANCE...",
	.summary = "List fibers: whose code they run, and where they sleep",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.run = run,
};

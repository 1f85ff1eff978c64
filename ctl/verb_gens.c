#include "ctl/reload_op.h"

static int run(const struct request *rq)
{
	return reload_op_run(rq, "gens", RELOAD_TEXT);
}

static const struct verb_option options[] = {
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_gens = {
	.name = "gens",
	.args = "INSTANCE...",
	.summary = "List the loaded versions of the code, and what runs of each",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES,
	.run = run,
};

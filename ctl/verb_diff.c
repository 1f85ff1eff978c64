#include "ctl/reload_op.h"

static int run(const struct request *rq)
{
	return reload_op_run(rq, "diff", RELOAD_TEXT);
}

static const struct verb_option options[] = {
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_diff = {
	.name = "diff",
	.args = "INSTANCE...",
	.summary = "Compare the loaded code with the files, module by module",
	.help = "Exit code: 0 whether or not they differ.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.run = run,
};

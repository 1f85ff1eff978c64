#include "ctl/reload_op.h"

static int run(const struct request *rq)
{
	return reload_op_run(rq, "drain", RELOAD_ROW);
}

static const struct verb_option options[] = {
	{"gen", 'g', "N", "this generation (every old one)"},
	{"drain", 't', "TIME", "how long it may take (5s)"},
	{"at-drain", '\0', "wait|cancel|kill",
		"what happens to background fibers (cancel)"},
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_drain = {
	.name = "drain",
	.args = "INSTANCE...",
	.summary = "Wait until nothing runs old code any more",
	.help = "Exit code: 5 when something still does at the end; it is listed.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.run = run,
};

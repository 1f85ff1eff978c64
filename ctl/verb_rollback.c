#include "ctl/reload_op.h"

static int run(const struct request *rq)
{
	return reload_op_run(rq, "rollback", RELOAD_ROW);
}

static const struct verb_option options[] = {
	{"order", '\0', "overlap|stop-first", "as in reload"},
	{"drain", '\0', "TIME", "as in reload (5s)"},
	{"at-drain", '\0', "wait|cancel|kill", "as in reload (cancel)"},
	{"probation", '\0', "TIME", "as in reload"},
	{"health", '\0', "EXPR", "as in reload"},
	{"hook-timeout", '\0', "TIME", "as in reload"},
	{"wait", 'w', "TIME", "wait for a reload that runs"},
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_rollback = {
	.name = "rollback",
	.args = "INSTANCE...",
	.summary = "Go back to the code of the generation before",
	.help = "The texts that it was loaded from go through all the phases of a "
		"reload, whatever\nis on disk now. Exit codes as of reload.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.run = run,
};

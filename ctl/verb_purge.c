#include "ctl/reload_op.h"

static int run(const struct request *rq)
{
	if (request_option(rq, "soft") != NULL && request_option(rq, "kill") != NULL) {
		ctl_say("Either --soft or --kill, not both");
		return CTL_USAGE;
	}
	return reload_op_run(rq, "purge", RELOAD_ROW);
}

static const struct verb_option options[] = {
	{"gen", 'g', "N", "this generation (every old one)"},
	{"soft", 's', NULL, "only when nothing runs its code (the default)"},
	{"kill", 'k', NULL, "end the fibers that run it"},
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_purge = {
	.name = "purge",
	.args = "INSTANCE...",
	.summary = "Give up old generations, and tell what still holds their memory",
	.help = "Exit code: 1 when --soft finds somebody who runs old code (nothing is "
		"changed);\n5 when somebody survives --kill. Both are listed.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.run = run,
};

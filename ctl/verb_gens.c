#include <string.h>

#include "ctl/library_list.h"
#include "ctl/reload_op.h"

static int run(const struct request *rq)
{
	const char *unit = request_option(rq, "unit");
	if (unit == NULL || strcmp(unit, "modules") == 0)
		return reload_op_run(rq, "gens", RELOAD_TEXT);
	if (strcmp(unit, "library") == 0)
		return library_list(rq);
	ctl_say("Unknown unit '%s': modules and library are known", unit);
	return CTL_USAGE;
}

static const struct verb_option options[] = {
	{"unit", 'u', "modules|library", "Lua modules (default), or C modules"},
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_gens = {
	.name = "gens",
	.args = "INSTANCE...",
	.summary = "List the loaded versions of the code, and what runs of each",
	.help = "Columns of --unit library: module, build-id, state (current, draining, "
		"cannot be\nunloaded), when it was loaded, versions of this module, "
		"calls "
		"and fibers inside, file.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.run = run,
};

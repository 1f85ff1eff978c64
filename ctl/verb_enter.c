#include <string.h>

#include "ctl/console.h"
#include "ctl/verb.h"

static int run(const struct request *rq)
{
	const char *language = request_option(rq, "language");
	struct target target;
	if (language == NULL)
		language = rq->config->language;
	if (strcmp(language, "lua") != 0 && strcmp(language, "sql") != 0) {
		ctl_say("Unknown language: %s", language);
		return CTL_USAGE;
	}
	target_of_instance(&target, rq->instance);
	return console_run(&target, rq->instance->name, language);
}

static const struct verb_option options[] = {
	{"language", 'l', "LANGUAGE", "lua or sql"},
	{NULL},
};

const struct verb verb_row_enter = {
	.name = "enter",
	.args = "INSTANCE",
	.summary = "Open the console of an instance",
	.help = "Type \\help there.",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.flags = VERB_INSTANCE | VERB_INTERACTIVE | VERB_SOCKET,
	.run = run,
};

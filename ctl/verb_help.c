#include <stdio.h>
#include <string.h>

#include "ctl/verb.h"

static void print_options(FILE *out, const struct verb *verb)
{
	fprintf(out, "\nOptions:\n");
	for (const struct verb_option *o = verb->options; o != NULL && o->name != NULL;
		o++) {
		char left[64];
		char key[8] = "    ";
		if (o->key != '\0')
			snprintf(key, sizeof(key), "-%c, ", o->key);
		snprintf(left, sizeof(left), "%s--%s%s%s", key, o->name,
			o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
		if (strlen(left) > 24)
			fprintf(out, "  %s\n  %-24s %s\n", left, "", o->help);
		else
			fprintf(out, "  %-24s %s\n", left, o->help);
	}
	if (verb->flags & VERB_INSTANCES)
		fprintf(out, "  %-24s %s\n", "    --all",
			"every instance of instance_dir");
	fprintf(out, "  %-24s %s\n", "-h, --help", "this text");
}

void verb_help(const struct verb *verb, bool to_stdout)
{
	FILE *out = to_stdout ? stdout : stderr;
	if (verb != NULL) {
		fprintf(out, "Usage: ctl %s %s\n\n%s.\n", verb->name, verb->args,
			verb->summary);
		if (verb->help != NULL)
			fprintf(out, "%s\n", verb->help);
		print_options(out, verb);
		return;
	}
	fprintf(out, "Usage: ctl COMMAND [ARGUMENTS]\n\nCommands:\n");
	for (int i = 0; verbs[i] != NULL; i++)
		fprintf(out, "  %-14s %s\n", verbs[i]->name, verbs[i]->summary);
	fprintf(out,
		"\nAn INSTANCE is a name, the path of an instance file, or a pattern "
		"('app*').\n'ctl help COMMAND' tells more.\n");
}

static int run(const struct request *rq)
{
	if (rq->argc == 0) {
		verb_help(NULL, true);
		return CTL_OK;
	}
	const struct verb *verb = verb_find(rq->argv[0]);
	if (verb == NULL) {
		ctl_say("Unknown command '%s'. 'ctl help' lists the commands.",
			rq->argv[0]);
		return CTL_USAGE;
	}
	verb_help(verb, true);
	return CTL_OK;
}

const struct verb verb_row_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "Show the commands, or one of them",
	.max_args = 1,
	.run = run,
};

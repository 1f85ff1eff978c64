#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/evaluate.h"
#include "ctl/interrupt.h"
#include "ctl/report.h"
#include "ctl/verb.h"

/** Read what is to be run: -e, a file, or stdin. */
static int read_code(const struct request *rq, struct buf *code, char *name, size_t size)
{
	const char *expr = request_option(rq, "expr");
	if (expr != NULL && rq->argc > 0) {
		ctl_say("Either a file or --expr, not both");
		return CTL_USAGE;
	}
	if (expr != NULL) {
		name[0] = '\0';
		return buf_puts(code, expr) == 0 ? CTL_OK : CTL_FAILED;
	}
	if (rq->argc == 0 && isatty(STDIN_FILENO)) {
		verb_help(rq->verb, false);
		return CTL_USAGE;
	}
	const char *path = rq->argc > 0 ? rq->argv[0] : "-";
	if (strcmp(path, "-") == 0)
		text_set(name, size, "=stdin");
	else
		text_set(name, size, "@%s", path);
	if (file_read(path, code) != 0) {
		ctl_say("%s: %s", path, strerror(errno));
		return CTL_UNREACHABLE;
	}
	return CTL_OK;
}

static int run(const struct request *rq)
{
	_cleanup_(buf_fini) struct buf code = {0};
	char name[PATH_MAX + 1];
	int rc = read_code(rq, &code, name, sizeof(name));
	if (rc != CTL_OK)
		return rc;
	struct target target;
	target_of_instance(&target, rq->instance);
	struct report rep = {
		.target = &target,
		.label = rq->is_one_of_many ? rq->instance->name : NULL,
		.is_json = request_option(rq, "json") != NULL,
		.timeout_ms = request_duration(rq, "timeout", -1),
		.text = code.data != NULL ? code.data : "",
		.text_len = code.len,
		.name = name,
		.argc = rq->rest_argc,
		.argv = rq->rest_argv,
	};
	return report_eval(&rep);
}

static const struct verb_option options[] = {
	{"expr", 'e', "EXPR", "run this instead of a file"},
	{"timeout", 't', "TIME", "cancel the code when it takes longer (no limit)"},
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_eval = {
	.name = "eval",
	.args = "INSTANCE [FILE | -e EXPR] [-- ARGS]",
	.summary = "Run Lua code inside an instance",
	.help = "Without FILE the code is read from stdin. ARGS are the chunk's `...`. "
		"The "
		"results are\nprinted as YAML; what print() and box.session.push() send "
		"comes "
		"out as it comes.\nExit code: 3 when the code failed or took too long.",
	.options = options,
	.min_args = 1,
	.max_args = 2,
	.flags = VERB_INSTANCE,
	.run = run,
};

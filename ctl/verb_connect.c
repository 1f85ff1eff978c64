#include <limits.h>
#include <unistd.h>

#include "ctl/code.h"
#include "ctl/console.h"
#include "ctl/report.h"

static int eval(const struct request *rq, const struct target *target)
{
	_cleanup_(buf_fini) struct buf code = {0};
	char name[PATH_MAX + 1];
	int rc = code_read(rq, request_option(rq, "file"), &code, name, sizeof(name));
	if (rc != CTL_OK)
		return rc;
	struct report rep = {
		.target = target,
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

static int run(const struct request *rq)
{
	struct target target;
	bool has_code =
		request_option(rq, "file") != NULL || request_option(rq, "expr") != NULL;
	int rc = target_of_uri(&target, rq->argv[0]);
	if (rc != CTL_OK)
		return rc;
	if (has_code || !isatty(STDIN_FILENO))
		return eval(rq, &target);
	char name[256];
	target_name(&target, name, sizeof(name) - 8);
	return console_run(&target, name, "lua");
}

static const struct verb_option options[] = {
	{"file", 'f', "FILE", "run this file there, -: stdin"},
	{"expr", 'e', "EXPR", "run this there"},
	{"timeout", 't', "TIME", "cancel the code when it takes longer (no limit)"},
	{"json", 'j', NULL, "print the code's results as a JSON object"},
	{NULL},
};

const struct verb verb_row_connect = {
	.name = "connect",
	.args = "URI [-- ARGS]",
	.summary = "Open the console of what listens at a URI, or run code there",
	.help = "A URI is [user:password@]host:port or unix/:path; both the binary "
		"protocol "
		"and the\ntext console will do. What stands not in it comes from "
		"CTL_USER and "
		"CTL_PASSWORD; a\nuser without a password is asked for it on a terminal. "
		"When "
		"stdin is no terminal it\nis run as one chunk, as by eval.",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};

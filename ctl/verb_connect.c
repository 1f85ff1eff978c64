#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl/console.h"
#include "ctl/report.h"
#include "ctl/verb.h"

static int eval_stdin(const struct request *rq, const struct target *target)
{
	_cleanup_(buf_fini) struct buf code = {0};
	if (file_read("-", &code) != 0) {
		ctl_say("stdin: %s", strerror(errno));
		return CTL_UNREACHABLE;
	}
	struct report rep = {
		.target = target,
		.is_json = request_option(rq, "json") != NULL,
		.timeout_ms = request_duration(rq, "timeout", -1),
		.text = code.data != NULL ? code.data : "",
		.text_len = code.len,
		.name = "=stdin",
		.argc = rq->rest_argc,
		.argv = rq->rest_argv,
	};
	return report_eval(&rep);
}

static int run(const struct request *rq)
{
	struct target target;
	if (target_of_uri(&target, rq->argv[0]) != 0)
		return CTL_USAGE;
	if (!isatty(STDIN_FILENO))
		return eval_stdin(rq, &target);
	char name[256];
	target_name(&target, name, sizeof(name) - 8);
	return console_run(&target, name, "lua");
}

static const struct verb_option options[] = {
	{"timeout", 't', "TIME", "from a pipe: cancel the code when it takes longer"},
	{"json", 'j', NULL, "from a pipe: print a JSON object"},
	{NULL},
};

const struct verb verb_row_connect = {
	.name = "connect",
	.args = "URI [-- ARGS]",
	.summary = "Open the console of what listens at a URI, or run stdin there",
	.help = "A URI is [user:password@]host:port or unix/:path; both the binary "
		"protocol "
		"and the\ntext console will do. When stdin is no terminal it is run as "
		"one "
		"chunk, as by eval.",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};

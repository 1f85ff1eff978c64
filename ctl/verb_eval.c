#include "ctl/code.h"
#include "ctl/report.h"
#include "ctl/verb.h"

static int run(const struct request *rq)
{
	_cleanup_(buf_fini) struct buf code = {0};
	char name[PATH_MAX + 1];
	int rc = code_read(
		rq, rq->argc > 0 ? rq->argv[0] : NULL, &code, name, sizeof(name));
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
	.flags = VERB_INSTANCE | VERB_SOCKET,
	.run = run,
};

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/reload_op.h"

enum { PATCH_SIZE_MAX = 16 << 20 };

static int read_file(const char *path, struct buf *text)
{
	if (file_read(path, text) != 0) {
		ctl_say("%s: %s", path, strerror(errno));
		return CTL_UNREACHABLE;
	}
	if (text->len > PATCH_SIZE_MAX) {
		ctl_say("%s: a patch has at most 16 MB", path);
		return CTL_FAILED;
	}
	return CTL_OK;
}

static int run(const struct request *rq)
{
	_cleanup_(buf_fini) struct buf text = {0};
	struct reload_call rc = {.instance = rq->instance, .op = "patch"};
	rc.format = reload_op_format(rq, RELOAD_ROW);
	const char *path = rq->argv[0];
	int code = read_file(path, &text);
	if (code == CTL_OK)
		code = reload_op_options(rq, &rc.args);
	if (code == CTL_OK) {
		const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
		int no_memory = reload_op_add(&rc.args, "file", name, strlen(name)) |
				reload_op_add(&rc.args, "text", text.data, text.len) |
				buf_puts(&rc.args, "}");
		if (no_memory)
			ctl_say("Out of memory");
		code = no_memory ? CTL_FAILED : CTL_OK;
	}
	if (code == CTL_OK)
		code = reload_op_finish(rq, &rc);
	reload_call_fini(&rc);
	return code;
}

static const struct verb_option options[] = {
	{"check", 'c', NULL, "find everything it needs, change nothing"},
	{"module", 'm', "NAME",
		"the module (named in the file, or found by its functions)"},
	{"wait", 'w', "TIME", "wait for a reload that runs"},
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_patch = {
	.name = "patch",
	.args = "INSTANCE FILE.lua",
	.summary = "Replace single functions of a module that runs",
	.help = "All or nothing: a function that is unknown or that two places match is "
		"refused\nbefore anything changed. 'ctl rollback' takes it back.",
	.options = options,
	.min_args = 2,
	.max_args = 2,
	.flags = VERB_INSTANCE | VERB_SOCKET,
	.run = run,
};

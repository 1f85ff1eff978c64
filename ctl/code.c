#include "ctl/code.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int code_read(const struct request *rq, const char *path, struct buf *code, char *name,
	size_t size)
{
	const char *expr = request_option(rq, "expr");
	if (expr != NULL && path != NULL) {
		ctl_say("Either a file or --expr, not both");
		return CTL_USAGE;
	}
	if (expr != NULL) {
		name[0] = '\0';
		return buf_puts(code, expr) == 0 ? CTL_OK : CTL_FAILED;
	}
	if (path == NULL && isatty(STDIN_FILENO)) {
		verb_help(rq->verb, false);
		return CTL_USAGE;
	}
	path = path != NULL ? path : "-";
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

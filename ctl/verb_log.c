#include <stdlib.h>
#include <string.h>

#include "ctl/log_follow.h"
#include "ctl/log_path.h"
#include "ctl/verb.h"

enum { LOG_LINES = 10 };

static int parse_lines(const struct request *rq, int *lines)
{
	const char *text = request_option(rq, "lines");
	char *end = "";
	long n = text != NULL ? strtol(text, &end, 10) : LOG_LINES;
	if (*end != '\0' || n < 0 || n > 100000000) {
		ctl_say("Bad --lines '%s': a number is expected", text);
		return CTL_USAGE;
	}
	*lines = (int)n;
	return CTL_OK;
}

/** All in this process: with --follow their lines come as they are written. */
static int run_all(const struct request *rq, const struct instance_list *list)
{
	int lines, count = 0, result = CTL_OK;
	if (parse_lines(rq, &lines) != CTL_OK)
		return CTL_USAGE;
	struct log_stream *streams = calloc((size_t)list->count + 1, sizeof(*streams));
	if (streams == NULL) {
		ctl_say("Out of memory");
		return CTL_FAILED;
	}
	int width = 0;
	for (int i = 0; i < list->count; i++) {
		int len = (int)strlen(list->items[i].name);
		width = len > width ? len : width;
	}
	for (int i = 0; i < list->count && result != CTL_FAILED; i++) {
		struct log_stream *s = &streams[count];
		s->name = list->count > 1 ? list->items[i].name : NULL;
		s->name_width = width;
		log_path_find(&list->items[i], s->path);
		int rc = log_stream_open(s, lines);
		if (rc == CTL_OK)
			count++;
		else
			log_stream_close(s);
		result = exit_code_merge(result, rc);
	}
	bool is_follow = request_option(rq, "follow") != NULL;
	if (count > 0 && is_follow)
		result = exit_code_merge(result, log_follow(streams, count));
	for (int i = 0; i < count; i++) {
		if (!is_follow)
			result = exit_code_merge(result, log_stream_finish(&streams[i]));
		log_stream_close(&streams[i]);
	}
	free(streams);
	return result;
}

static const struct verb_option options[] = {
	{"lines", 'n', "N", "how many of the last lines (10)"},
	{"follow", 'f', NULL, "go on with what is added, also after a rotation"},
	{NULL},
};

const struct verb verb_row_log = {
	.name = "log",
	.args = "INSTANCE...",
	.summary = "Show the last lines of an instance's log",
	.help = "Of several instances each line begins with its instance's name.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES,
	.run_all = run_all,
};

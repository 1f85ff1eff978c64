#include <stdlib.h>
#include <string.h>

#include "ctl/log_follow.h"
#include "ctl/remote.h"
#include "ctl/target.h"
#include "ctl/verb.h"

enum { LOG_LINES = 10, LOG_ASK_TIMEOUT_MS = 1000 };

/** The instance may log elsewhere than the defaults say: ask it. */
static void find_log(const struct instance *inst, char *path)
{
	struct target target;
	struct conn c;
	struct remote_call call;
	deadline_ms deadline = deadline_after(LOG_ASK_TIMEOUT_MS);
	uint32_t len;

	strcpy(path, inst->log_path);
	conn_init(&c);
	target_of_instance(&target, inst);
	remote_init(&call, "log_path", deadline);
	if (target_open(&target, &c, deadline) == CONN_OK &&
		remote_run(&c, &call) == CONN_OK && call.is_ok) {
		const char *told = remote_next_str(&call, &len);
		if (len > 0 && len < PATH_MAX)
			text_set(path, PATH_MAX, "%.*s", (int)len, told);
	}
	remote_fini(&call);
	conn_fini(&c);
}

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
		find_log(&list->items[i], s->path);
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

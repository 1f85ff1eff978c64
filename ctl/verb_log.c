#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "ctl/remote.h"
#include "ctl/tail.h"
#include "ctl/target.h"
#include "ctl/verb.h"
#include "ctl/watch.h"

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

/** Print what was added to the file; a rotated one is opened again. */
static int print_new(const char *path, int *fd)
{
	struct stat mine, now;
	_cleanup_(buf_fini) struct buf text = {0};
	off_t pos = lseek(*fd, 0, SEEK_CUR);
	if (fstat(*fd, &mine) == 0 && mine.st_size < pos)
		lseek(*fd, 0, SEEK_SET); /* truncated */
	if (fd_read(*fd, &text) != 0 || fd_write(STDOUT_FILENO, text.data, text.len) != 0)
		return -1;
	if (stat(path, &now) != 0 ||
		(now.st_ino == mine.st_ino && now.st_dev == mine.st_dev))
		return 0;
	int again = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (again < 0)
		return 0;
	close(*fd);
	*fd = again;
	return print_new(path, fd);
}

static int follow(const char *path, int *fd)
{
	_cleanup_(closefd) int watch_fd = watch_open(path);
	if (watch_fd < 0) {
		ctl_say("Can't watch %s: %s", path, strerror(errno));
		return CTL_FAILED;
	}
	interrupt_start();
	int rc = CTL_OK;
	while (rc == CTL_OK) {
		if (print_new(path, fd) != 0)
			rc = CTL_FAILED;
		else if (watch_wait(watch_fd, DEADLINE_NONE) < 0)
			rc = CTL_INTERRUPTED;
	}
	interrupt_stop();
	return rc;
}

static int run(const struct request *rq)
{
	const char *text = request_option(rq, "lines");
	char *end = "";
	long lines = text != NULL ? strtol(text, &end, 10) : LOG_LINES;
	if (*end != '\0' || lines < 0 || lines > 100000000) {
		ctl_say("Bad --lines '%s': a number is expected", text);
		return CTL_USAGE;
	}
	char path[PATH_MAX];
	find_log(rq->instance, path);
	_cleanup_(closefd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_(buf_fini) struct buf out = {0};
	if (fd < 0 || tail_read_fd(fd, 0, (int)lines, &out) != 0) {
		ctl_say("Can't read the log %s: %s", path, strerror(errno));
		return CTL_UNREACHABLE;
	}
	if (fd_write(STDOUT_FILENO, out.data, out.len) != 0)
		return CTL_FAILED;
	return request_option(rq, "follow") != NULL ? follow(path, &fd) : CTL_OK;
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
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES,
	.run = run,
};

#include "ctl/console_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/console_inner.h"
#include "ctl/remote.h"
#include "ctl/watch.h"

/* More than that at one time nobody reads; the newest is shown. */
enum { SHOWN_SIZE_MAX = 12 * 1024, PATH_TIMEOUT_MS = 2000 };

void console_log_init(struct console_log *log)
{
	memset(log, 0, sizeof(*log));
	log->fd = log->watch_fd = -1;
}

void console_log_close(struct console_log *log)
{
	closefd(&log->fd);
	closefd(&log->watch_fd);
	buf_fini(&log->partial);
	console_log_init(log);
}

/** Ask the instance over a connection of its own. @return NULL, or why there is none */
static const char *find_path(struct console *con, char *path, size_t size)
{
	struct conn c;
	struct remote_call call;
	uint32_t len;
	const char *why = NULL;
	deadline_ms deadline = deadline_after(PATH_TIMEOUT_MS);
	if (con->target->inst == NULL && con->target->uri.host_kind != URI_HOST_UNIX)
		return "Only the log of an instance on this machine can be followed: "
		       "connect by its Unix socket.";
	conn_init(&c);
	remote_init(&call, "log_path", deadline);
	if (target_open(con->target, &c, deadline) != CONN_OK ||
		remote_run(&c, &call) != CONN_OK || !call.is_ok) {
		why = "The instance did not tell where its log is.";
	} else {
		const char *text = remote_next_str(&call, &len);
		if (len == 0)
			why = "The log of this instance is not written to a file.";
		else if (text_set(path, size, "%.*s", (int)len, text) != 0)
			why = "The path of the log is too long.";
	}
	remote_fini(&call);
	conn_fini(&c);
	return why;
}

void console_log_open(struct console *con)
{
	struct console_log *log = &con->log;
	console_log_close(log);
	const char *why = find_path(con, log->path, sizeof(log->path));
	if (why != NULL) {
		console_notice(con, STYLE_ERROR, "%s", why);
		return;
	}
	log->watch_fd = watch_open(log->path);
	log->fd = open(log->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (log->fd < 0 || log->watch_fd < 0) {
		console_notice(con, STYLE_ERROR, "Can't follow the log %s: %s", log->path,
			strerror(errno));
		console_log_close(log);
		return;
	}
	lseek(log->fd, 0, SEEK_END);
	console_notice(con, STYLE_DIM, "Following the log %s", log->path);
}

/** How a line is shown, by its level: `... E> text`. */
static enum style line_style(const char *line)
{
	const char *p = strstr(line, "> ");
	if (p == NULL || p < line + 2 || p[-2] != ' ')
		return STYLE_DIM;
	switch (p[-1]) {
	case 'F':
	case '!':
	case 'E':
	case 'C':
		return STYLE_ERROR;
	case 'W':
		return STYLE_WARNING;
	default:
		return STYLE_DIM;
	}
}

/** What would move the cursor about or change the terminal is shown as dots. */
static void make_harmless(char *line)
{
	for (; *line != '\0'; line++) {
		if (((unsigned char)*line < ' ' && *line != '\t') || *line == 0x7f)
			*line = '.';
	}
}

/** Read what was added to the open file; all but the newest is skipped. */
static void read_added(struct console *con)
{
	struct console_log *log = &con->log;
	struct stat st;
	off_t pos = lseek(log->fd, 0, SEEK_CUR);
	if (fstat(log->fd, &st) != 0)
		return;
	if (st.st_size < pos)
		pos = lseek(log->fd, 0, SEEK_SET); /* truncated */
	off_t skipped = st.st_size - pos - SHOWN_SIZE_MAX;
	if (skipped > 0) {
		lseek(log->fd, skipped, SEEK_CUR);
		buf_reset(&log->partial);
		console_notice(con, STYLE_DIM,
			"... %lld bytes of the log are left out ...", (long long)skipped);
	}
	for (off_t left = st.st_size - (pos + (skipped > 0 ? skipped : 0)); left > 0;) {
		char *to = buf_reserve(&log->partial, (size_t)left);
		ssize_t n = to != NULL ? read(log->fd, to, (size_t)left) : -1;
		if (n <= 0)
			return;
		log->partial.len += (size_t)n;
		left -= n;
	}
}

static void print_whole_lines(struct console *con)
{
	struct buf *text = &con->log.partial;
	while (buf_used(text) > 0) {
		char *line = buf_head(text);
		char *eol = memchr(line, '\n', buf_used(text));
		if (eol == NULL)
			break;
		*eol = '\0';
		make_harmless(line);
		console_notice(con, line_style(line), "%s", line);
		text->rpos += (size_t)(eol - line) + 1;
	}
	buf_compact(text);
}

/** Was the file moved away, and another one begun? */
static void follow_rotation(struct console_log *log)
{
	struct stat mine, now;
	if (fstat(log->fd, &mine) != 0 || stat(log->path, &now) != 0 ||
		(mine.st_ino == now.st_ino && mine.st_dev == now.st_dev))
		return;
	int fd = open(log->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return;
	close(log->fd);
	log->fd = fd;
}

void console_log_show(struct console *con)
{
	char events[4096];
	while (read(con->log.watch_fd, events, sizeof(events)) > 0)
		;
	int before = con->log.fd;
	read_added(con);
	follow_rotation(&con->log);
	if (con->log.fd != before)
		read_added(con);
	print_whole_lines(con);
}

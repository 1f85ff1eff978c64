#include "ctl/log_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/interrupt.h"
#include "ctl/tail.h"
#include "ctl/watch.h"

static int put(const char *text, size_t len)
{
	if (fd_write(STDOUT_FILENO, text, len) == 0)
		return CTL_OK;
	ctl_say("Can't write the log: %s", strerror(errno));
	return CTL_FAILED;
}

/** Print the whole lines of `text`, with the name in front; the rest stays there. */
static int print_lines(const struct log_stream *s, struct buf *text)
{
	if (s->name == NULL) {
		int rc = put(buf_head(text), buf_used(text));
		buf_reset(text);
		return rc;
	}
	_cleanup_(buf_fini) struct buf out = {0};
	for (;;) {
		const char *line = buf_head(text);
		const char *eol =
			buf_used(text) > 0 ? memchr(line, '\n', buf_used(text)) : NULL;
		if (eol == NULL)
			break;
		size_t len = (size_t)(eol - line) + 1;
		buf_printf(&out, "%-*s | ", s->name_width, s->name);
		buf_append(&out, line, len);
		text->rpos += len;
	}
	buf_compact(text);
	return put(out.data, out.len);
}

int log_stream_open(struct log_stream *s, int lines)
{
	s->watch_fd = -1;
	s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (s->fd < 0 || tail_read_fd(s->fd, 0, lines, &s->partial) != 0) {
		ctl_say("Can't read the log %s: %s", s->path, strerror(errno));
		return CTL_UNREACHABLE;
	}
	return print_lines(s, &s->partial);
}

int log_stream_finish(struct log_stream *s)
{
	if (buf_used(&s->partial) == 0)
		return CTL_OK;
	return buf_puts(&s->partial, "\n") == 0 ? print_lines(s, &s->partial)
						: CTL_FAILED;
}

void log_stream_close(struct log_stream *s)
{
	closefd(&s->fd);
	closefd(&s->watch_fd);
	buf_fini(&s->partial);
}

/** Print what was added to the file; a rotated one is opened again. @return exit code */
static int print_new(struct log_stream *s)
{
	struct stat mine, now;
	off_t pos = lseek(s->fd, 0, SEEK_CUR);
	if (fstat(s->fd, &mine) == 0 && mine.st_size < pos)
		lseek(s->fd, 0, SEEK_SET); /* truncated */
	if (fd_read(s->fd, &s->partial) != 0) {
		ctl_say("Can't read the log %s: %s", s->path, strerror(errno));
		return CTL_UNREACHABLE;
	}
	int rc = print_lines(s, &s->partial);
	if (rc != CTL_OK)
		return rc;
	if (stat(s->path, &now) != 0 ||
		(now.st_ino == mine.st_ino && now.st_dev == mine.st_dev))
		return CTL_OK;
	int again = open(s->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (again < 0)
		return CTL_OK;
	close(s->fd);
	s->fd = again;
	return print_new(s);
}

/** Wait until one of them changes. */
static int wait_any(struct log_stream *streams, int count, struct pollfd *fds)
{
	char events[4096];
	for (int i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = streams[i].watch_fd, .events = POLLIN};
	int n = interrupt_poll(fds, (unsigned)count, -1);
	if (n < 0)
		return errno == EINTR && !interrupt_take() ? CTL_OK : CTL_INTERRUPTED;
	for (int i = 0; i < count; i++) {
		while (fds[i].revents != 0 && read(fds[i].fd, events, sizeof(events)) > 0)
			;
	}
	return CTL_OK;
}

int log_follow(struct log_stream *streams, int count)
{
	struct pollfd *fds = calloc((size_t)count, sizeof(*fds));
	int rc = fds != NULL ? CTL_OK : CTL_FAILED;
	for (int i = 0; i < count && rc == CTL_OK; i++) {
		streams[i].watch_fd = watch_open(streams[i].path);
		if (streams[i].watch_fd >= 0)
			continue;
		ctl_say("Can't watch %s: %s", streams[i].path, strerror(errno));
		rc = CTL_FAILED;
	}
	interrupt_start();
	while (rc == CTL_OK) {
		for (int i = 0; i < count && rc == CTL_OK; i++)
			rc = print_new(&streams[i]);
		if (rc == CTL_OK)
			rc = wait_any(streams, count, fds);
	}
	interrupt_stop();
	free(fds);
	return rc;
}

#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/buf.h"

int exit_code_merge(int a, int b)
{
	static const int order[] = {CTL_USAGE, CTL_INTERRUPTED, CTL_UNREACHABLE,
		CTL_REMOTE, CTL_ROLLED_BACK, CTL_FAILED, CTL_NOT_DRAINED};
	for (size_t i = 0; i < lengthof(order); i++) {
		if (a == order[i] || b == order[i])
			return order[i];
	}
	return a != 0 ? a : b;
}

void ctl_say(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = NULL;
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	/* One write a line: several of us share the terminal. */
	struct buf line = {0};
	if (buf_append(&line, text, (size_t)n) == 0 && buf_puts(&line, "\n") == 0)
		fd_write(STDERR_FILENO, line.data, line.len);
	buf_fini(&line);
	free(text);
}

int ctl_flush(void)
{
	static bool is_told;
	bool is_known = fflush(stdout) != 0; /* else printf() met it, and errno is gone */
	if (!is_known && !ferror(stdout))
		return CTL_OK;
	if (!is_told)
		ctl_say(is_known ? "Can't write the result: %m"
				 : "Can't write the result");
	is_told = true;
	return CTL_FAILED;
}

void ctl_progress(const char *fmt, ...)
{
	if (!isatty(STDERR_FILENO))
		return;
	va_list ap;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int64_t clock_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

deadline_ms deadline_after(int64_t duration_ms)
{
	return duration_ms < 0 ? DEADLINE_NONE : clock_ms() + duration_ms;
}

int deadline_left(deadline_ms deadline)
{
	if (deadline == DEADLINE_NONE)
		return -1;
	int64_t left = deadline - clock_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

int duration_parse(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"ms", 1}, {"s", 1e3}, {"", 1e3}, {"m", 60e3}, {"h", 3600e3}};

	if (text[0] < '0' || text[0] > '9')
		return -1;
	char *end;
	double value = strtod(text, &end);
	for (size_t i = 0; i < lengthof(units); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		value *= units[i].ms;
		if (!(value <= 1e15))
			return -1;
		*ret_ms = (int64_t)value;
		return 0;
	}
	return -1;
}

int text_set(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

void closefd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

void freetext(char **text)
{
	free(*text);
}

size_t utf8_length(const char *text, size_t left)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = p[0] < 0x80   ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
				 : 4;
	if (p[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
		(p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

int json_string(struct buf *out, const char *text, size_t len)
{
	int rc = buf_puts(out, "\"");
	for (size_t i = 0; i < len && rc == 0;) {
		unsigned char c = (unsigned char)text[i];
		size_t n = utf8_length(text + i, len - i);
		if (c == '"' || c == '\\')
			rc = buf_printf(out, "\\%c", c);
		else if (c == '\n')
			rc = buf_puts(out, "\\n");
		else if (c == '\t')
			rc = buf_puts(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			rc = buf_printf(out, "\\u%04x", c);
		else if (n == 0)
			rc = buf_puts(out, "\\ufffd");
		else
			rc = buf_append(out, text + i, n);
		i += n == 0 ? 1 : n;
	}
	return rc != 0 ? -1 : buf_puts(out, "\"");
}

int utf8_append(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(text + i, len - i);
		int rc = n > 0 ? buf_append(out, text + i, n)
			       : buf_puts(out, "\xef\xbf\xbd");
		if (rc != 0)
			return -1;
		i += n > 0 ? n : 1;
	}
	return 0;
}

int fd_read(int fd, struct buf *out)
{
	for (;;) {
		char *p = buf_reserve(out, 64 * 1024);
		if (p == NULL) {
			errno = ENOMEM;
			return -1;
		}
		ssize_t n = read(fd, p, out->cap - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
	}
}

int file_read(const char *path, struct buf *out)
{
	if (strcmp(path, "-") == 0)
		return fd_read(STDIN_FILENO, out);
	_cleanup_(closefd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : fd_read(fd, out);
}

int fd_write(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

#include "instance/base/say.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "instance/base/diag.h"
#include "instance/base/say_sink.h"
#include "proto/buf.h"

int say_log_level = S_INFO;
/* Modules know it by this name. */
extern int log_level __attribute__((alias("say_log_level"))) _public_;
void (*say_context)(char *buf, int size);

static struct say_sink sink = {.type = SAY_STDERR, .fd = STDERR_FILENO};
static enum say_format say_format_now = SF_PLAIN;
/* Before box.cfg{} a line is only its text. */
static bool is_open;
/* Lines that could not be written since the last one that could. */
static unsigned long lost_count;
static int lost_errno;
static bool has_stdio;

enum { CONTEXT_MAX = 320 };

/* The parts of "main/101/app". */
struct context {
	char text[CONTEXT_MAX];
	const char *cord, *fiber_id, *fiber_name; /* "" when there is none */
};

static void context_get(struct context *c, bool is_split)
{
	snprintf(c->text, sizeof(c->text), "main");
	if (say_context != NULL)
		say_context(c->text, sizeof(c->text));
	c->cord = c->text;
	c->fiber_id = c->fiber_name = "";
	if (!is_split)
		return;
	char *slash = strchr(c->text, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	c->fiber_id = slash + 1;
	slash = strchr(slash + 1, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	c->fiber_name = slash + 1;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

static void put_plain(struct buf *out, int level, const char *file, int line)
{
	static const char letters[] = "F!ECWIVD";
	struct context c;
	context_get(&c, false);
	buf_puts(out, c.text);
	if (file != NULL && (level == S_WARN || level == S_ERROR || level == S_SYSERROR))
		buf_printf(out, " %s:%d", base_name(file), line);
	buf_printf(out, " %c> ", letters[level]);
}

static void put_time(struct buf *out, bool is_json)
{
	struct timeval now;
	struct tm tm;
	gettimeofday(&now, NULL);
	localtime_r(&now.tv_sec, &tm);
	char text[64];
	strftime(text, sizeof(text), is_json ? "%FT%H:%M:%S" : "%F %H:%M:%S", &tm);
	buf_printf(out, "%s.%03d", text, (int)(now.tv_usec / 1000));
	if (is_json && strftime(text, sizeof(text), "%z", &tm) > 0)
		buf_puts(out, text);
}

/** A JSON string, as Tarantool escapes it (slashes too). */
static void put_json_string(struct buf *out, const char *s)
{
	static const char escapes[] = "\"\"\\\\//\bb\ff\nn\rr\tt";
	buf_puts(out, "\"");
	for (; *s != '\0'; s++) {
		const char *e = NULL;
		for (const char *p = escapes; *p != '\0' && e == NULL; p += 2)
			if (*p == *s)
				e = p + 1;
		if (e != NULL)
			buf_printf(out, "\\%c", *e);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			buf_printf(out, "\\u%04x", (unsigned char)*s);
		else
			buf_append(out, s, 1);
	}
	buf_puts(out, "\"");
}

/** The members of an encoded object, without its braces; false when it is none. */
static bool put_json_members(struct buf *out, const char *text)
{
	size_t len = strlen(text);
	if (len <= 2 || text[0] != '{' || text[len - 1] != '}')
		return false;
	buf_append(out, text + 1, len - 2);
	return true;
}

static void put_json(struct buf *out, int level, const char *file, int line,
	const char *error, const char *text)
{
	static const char *const names[] = {
		"FATAL", "SYSERROR", "ERROR", "CRIT", "WARN", "INFO", "VERBOSE", "DEBUG"};
	struct context c;
	context_get(&c, true);
	buf_puts(out, "{\"time\": \"");
	put_time(out, true);
	buf_printf(out, "\", \"level\": \"%s\", ", names[level]);
	if (error != SAY_IS_JSON || !put_json_members(out, text)) {
		buf_puts(out, "\"message\": ");
		put_json_string(out, text);
	}
	buf_printf(out, ", \"pid\": %d , \"cord_name\": ", (int)getpid());
	put_json_string(out, c.cord);
	if (*c.fiber_name != '\0') {
		buf_printf(out, ", \"fiber_id\": %s, \"fiber_name\": ", c.fiber_id);
		put_json_string(out, c.fiber_name);
	}
	if (file != NULL) {
		buf_puts(out, ", \"file\": ");
		put_json_string(out, file);
		buf_printf(out, ", \"line\": %d", line);
	}
	if (error != NULL && error != SAY_IS_JSON) {
		buf_puts(out, ", \"error\": ");
		put_json_string(out, error);
	}
	buf_puts(out, "}");
}

static void put_line(struct buf *out, int level, const char *file, int line,
	const char *error, const char *text)
{
	if (is_open && say_format_now == SF_JSON && sink.type != SAY_SYSLOG) {
		put_json(out, level, file, line, error, text);
		buf_puts(out, "\n");
		return;
	}
	if (is_open && sink.type == SAY_SYSLOG) {
		say_sink_syslog_header(&sink, level, out);
		put_plain(out, level, file, line);
	} else if (is_open) {
		put_time(out, false);
		buf_printf(out, " [%d] ", (int)getpid());
		put_plain(out, level, file, line);
	}
	buf_puts(out, text);
	if (error != NULL && error != SAY_IS_JSON)
		buf_printf(out, ": %s", error);
	buf_puts(out, "\n");
}

/** Write a line; what cannot be written is counted, never waited for. */
static int write_line(const struct buf *line)
{
	if (say_sink_write(&sink, line->data, line->len) == 0)
		return 0;
	lost_count++;
	lost_errno = errno;
	return -1;
}

/** Say once, when the log can be written again, what is missing in it. */
static void tell_lost(void)
{
	_cleanup_(buf_fini) struct buf line = {0};
	char text[160];
	snprintf(text, sizeof(text), "%lu log lines were lost: %s", lost_count,
		strerror(lost_errno));
	unsigned long count = lost_count;
	put_line(&line, S_WARN, NULL, 0, NULL, text);
	lost_count = 0;
	if (write_line(&line) != 0)
		lost_count = count;
}

void say_vwrite(int level, const char *file, int line, const char *error, const char *fmt,
	va_list ap)
{
	int saved_errno = errno;
	_cleanup_(freep) char *text = NULL;
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	if (text != NULL) {
		_cleanup_(buf_fini) struct buf out = {0};
		put_line(&out, level, file, line, error, text);
		if (lost_count > 0)
			tell_lost();
		write_line(&out);
	}
	errno = saved_errno;
}

void say_write(
	int level, const char *file, int line, const char *error, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say_vwrite(level, file, line, error, fmt, ap);
	va_end(ap);
}

int say_check(const char *spec)
{
	struct say_sink probe;
	int rc = say_sink_parse(&probe, spec);
	if (rc == 0)
		say_sink_close(&probe);
	return rc;
}

enum say_sink_type say_type(const char *spec)
{
	struct say_sink probe;
	if (say_sink_parse(&probe, spec) != 0)
		return SAY_STDERR;
	enum say_sink_type type = probe.type;
	say_sink_close(&probe);
	return type;
}

int say_open(const char *spec, bool nonblock, enum say_format format)
{
	struct say_sink next;
	if (say_sink_parse(&next, spec) != 0)
		return -1;
	if (next.type == SAY_PIPE || next.type == SAY_SYSLOG)
		say_write(S_INFO, NULL, 0, NULL,
			"started logging into a %s, SIGHUP log rotation disabled",
			next.type == SAY_PIPE ? "pipe" : "syslog");
	if (say_sink_open(&next, nonblock) != 0) {
		say_sink_close(&next);
		return -1;
	}
	say_sink_close(&sink);
	sink = next;
	say_format_now = format;
	is_open = true;
	return 0;
}

void say_set_format(enum say_format format)
{
	say_format_now = format;
}

enum say_format say_get_format(void)
{
	return say_format_now;
}

int say_command_pid(void)
{
	return (int)sink.pid;
}

void say_take_stdio(void)
{
	has_stdio = true;
	dup2(sink.fd, STDOUT_FILENO);
	dup2(sink.fd, STDERR_FILENO);
}

int say_rotate(void)
{
	if (sink.type != SAY_FILE)
		return 0;
	if (say_sink_reopen(&sink) != 0)
		return -1;
	if (has_stdio)
		say_take_stdio();
	say_info("log file has been reopened");
	return 0;
}

void say_close(void)
{
	say_sink_close(&sink);
	sink = (struct say_sink){.type = SAY_STDERR, .fd = STDERR_FILENO};
	is_open = false;
}

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "instance/base/diag.h"
#include "instance/base/say.h"
#include "instance/base/say_sink.h"

static char dir[] = "/tmp/test_say.XXXXXX";
static char path[64], other[64];
static char context[64] = "main/101/app";

static void fake_context(char *buf, int size)
{
	snprintf(buf, (size_t)size, "%s", context);
}

static int setup(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/x.log", dir);
	snprintf(other, sizeof(other), "%s/y.log", dir);
	say_context = fake_context;
	return 0;
}

static int teardown(void **state)
{
	say_close();
	unlink(path);
	unlink(other);
	return rmdir(dir);
}

/** The file's text behind `DATE [PID] ` of each line; valid until the next call. */
static const char *content(const char *file)
{
	static char out[8192];
	static char line[4096];
	FILE *f = fopen(file, "r");
	assert_non_null(f);
	out[0] = '\0';
	while (fgets(line, sizeof(line), f) != NULL) {
		const char *text = line[0] == '{' ? line : strchr(line, ']');
		assert_non_null(text);
		strncat(out, line[0] == '{' ? text : text + 2,
			sizeof(out) - strlen(out) - 1);
	}
	fclose(f);
	return out;
}

static void reopen(enum say_format format)
{
	unlink(path);
	assert_int_equal(say_open(path, false, format), 0);
}

static void test_say_plain(void **state)
{
	reopen(SF_PLAIN);
	for (int level = S_FATAL; level <= S_DEBUG; level++)
		say_write(level, "some/dir/file.c", 12, NULL, "level %d", level);
	say_write(S_ERROR, "file.c", 1, "what happened", "%s", "SystemError");
	assert_string_equal(content(path),
		"main/101/app F> level 0\n"
		"main/101/app file.c:12 !> level 1\n"
		"main/101/app file.c:12 E> level 2\n"
		"main/101/app C> level 3\n"
		"main/101/app file.c:12 W> level 4\n"
		"main/101/app I> level 5\n"
		"main/101/app V> level 6\n"
		"main/101/app D> level 7\n"
		"main/101/app file.c:1 E> SystemError: what happened\n");
}

static void test_say_level(void **state)
{
	reopen(SF_PLAIN);
	say_log_level = S_WARN;
	say_info("not shown");
	say_warn("shown");
	say_log_level = S_INFO;
	assert_non_null(strstr(content(path), "W> shown\n"));
	assert_null(strstr(content(path), "not shown"));
}

static void test_say_json(void **state)
{
	reopen(SF_JSON);
	snprintf(context, sizeof(context), "main/7/a/b \"c\"");
	say_write(S_INFO, "dir/file.c", 3, NULL, "tab\t quote\" nul-less \x01");
	say_write(S_INFO, NULL, 0, SAY_IS_JSON, "{\"a\":1}");
	say_write(S_INFO, NULL, 0, SAY_IS_JSON, "[1,2]");
	say_write(S_INFO, NULL, 0, SAY_IS_JSON, "{}");
	snprintf(context, sizeof(context), "main");
	say_write(S_ERROR, "f.c", 1, "why", "what");
	snprintf(context, sizeof(context), "main/101/app");
	const char *text = content(path);
	assert_non_null(strstr(text, "\"level\": \"INFO\", \"message\": \"tab\\t "
				     "quote\\\" nul-less \\u0001\", "));
	assert_non_null(strstr(text, "\"cord_name\": \"main\", \"fiber_id\": 7, "
				     "\"fiber_name\": \"a\\/b \\\"c\\\"\", "
				     "\"file\": \"dir\\/file.c\", \"line\": 3}\n"));
	assert_non_null(strstr(text, "\"level\": \"INFO\", \"a\":1, \"pid\""));
	assert_non_null(strstr(text, "\"message\": \"[1,2]\""));
	assert_non_null(strstr(text, "\"message\": \"{}\""));
	assert_non_null(strstr(text, "\"message\": \"what\""));
	assert_non_null(
		strstr(text, "\"cord_name\": \"main\", \"file\": \"f.c\", \"line\": 1, "
			     "\"error\": \"why\"}\n"));
}

static void test_say_long_line(void **state)
{
	reopen(SF_PLAIN);
	static char text[3000];
	memset(text, 'x', sizeof(text) - 1);
	say_info("%s", text);
	assert_int_equal(
		strlen(content(path)), strlen("main/101/app I> \n") + sizeof(text) - 1);
}

static void test_say_keeps_errno(void **state)
{
	reopen(SF_PLAIN);
	errno = EDOM;
	say_info("text");
	assert_int_equal(errno, EDOM);
}

static void test_say_rotate(void **state)
{
	reopen(SF_PLAIN);
	say_info("first");
	assert_int_equal(rename(path, other), 0);
	say_info("second");
	assert_int_equal(say_rotate(), 0);
	say_info("third");
	assert_string_equal(
		content(other), "main/101/app I> first\nmain/101/app I> second\n");
	assert_string_equal(content(path),
		"main/101/app I> log file has been reopened\nmain/101/app I> third\n");
}

/* A disk that is full for a while: the lines are lost, and that is said. */
static void test_say_full_disk(void **state)
{
	reopen(SF_PLAIN);
	say_info("before");
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit limit, none;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	none = limit;
	none.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	say_info("lost");
	say_info("lost too");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	say_info("after");
	assert_string_equal(content(path),
		"main/101/app I> before\n"
		"main/101/app W> 2 log lines were lost: File too large\n"
		"main/101/app I> after\n");
}

static void test_say_open_failure(void **state)
{
	reopen(SF_PLAIN);
	assert_int_equal(say_open("/nonexistent/x.log", false, SF_PLAIN), -1);
	assert_string_equal(diag_last()->message,
		"can't open log file: /nonexistent/x.log: No such file or directory");
	say_info("still here");
	assert_string_equal(content(path), "main/101/app I> still here\n");
	diag_clear();
}

static void test_say_check(void **state)
{
	static const struct {
		const char *spec, *error; /* error NULL: fine */
		enum say_sink_type type;
	} cases[] = {
		{NULL, NULL, SAY_STDERR},
		{"", NULL, SAY_STDERR},
		{"x.log", NULL, SAY_FILE},
		{"file:a:b", NULL, SAY_FILE},
		{"|cat", NULL, SAY_PIPE},
		{"pipe:cat", NULL, SAY_PIPE},
		{"syslog:", NULL, SAY_SYSLOG},
		{"syslog:identity=a,facility=local3,server=unix:/x", NULL, SAY_SYSLOG},
		{"foo:bar",
			"expecting a file name or a prefix, such as '|', 'pipe:', "
			"'syslog:'",
			SAY_STDERR},
		{"syslog:foo=1", "bad option 'foo=1'", SAY_STDERR},
		{"syslog:foo", "bad option 'foo'", SAY_STDERR},
		{"syslog:facility=zzz", "bad syslog facility option 'zzz'", SAY_STDERR},
		{"syslog:identity=a,identity=b", "duplicate option 'identity'",
			SAY_STDERR},
		{"syslog:facility=user,facility=kern", "duplicate option 'facility'",
			SAY_STDERR},
	};
	for (size_t i = 0; i < lengthof(cases); i++) {
		int rc = say_check(cases[i].spec);
		assert_int_equal(rc, cases[i].error != NULL ? -1 : 0);
		if (rc == 0)
			assert_int_equal(say_type(cases[i].spec), cases[i].type);
		else
			assert_string_equal(diag_last()->message, cases[i].error);
	}
	diag_clear();
}

/* syslogd restarts: the socket is another one, the next line finds it. */
static void test_say_syslog_reconnect(void **state)
{
	char spec[128], line[512];
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", other);
	snprintf(spec, sizeof(spec), "syslog:identity=me,server=unix:%s", other);
	for (int i = 0; i < 2; i++) {
		unlink(other);
		int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
		assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
		if (i == 0)
			assert_int_equal(say_open(spec, true, SF_PLAIN), 0);
		say_info("line %d", i);
		ssize_t n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);
		assert_true(n > 0);
		line[n] = '\0';
		assert_non_null(strstr(line, "<190>"));
		assert_non_null(strstr(line, i == 0 ? "I> line 0\n" : "I> line 1\n"));
		close(fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_say_check),
		cmocka_unit_test(test_say_plain),
		cmocka_unit_test(test_say_level),
		cmocka_unit_test(test_say_json),
		cmocka_unit_test(test_say_long_line),
		cmocka_unit_test(test_say_keeps_errno),
		cmocka_unit_test(test_say_rotate),
		cmocka_unit_test(test_say_full_disk),
		cmocka_unit_test(test_say_open_failure),
		cmocka_unit_test(test_say_syslog_reconnect),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

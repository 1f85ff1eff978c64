/* The parts of ctl that need no instance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/ctl.h"
#include "ctl/history.h"
#include "ctl/luacheck.h"
#include "ctl/luatext.h"
#include "ctl/mptext.h"
#include "ctl/tail.h"

static void assert_text(const struct buf *b, const char *text)
{
	assert_int_equal(b->len, strlen(text));
	assert_memory_equal(b->data, text, b->len);
}

static void test_duration_parse(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"0", 0}, {"5", 5000}, {"1.5s", 1500}, {"250ms", 250}, {"2m", 120000},
		{"1h", 3600000}};
	static const char *const bad[] = {
		"", "s", "-1", "1x", "1 s", "1ss", "inf", "nan", "1e300h", " 1"};
	int64_t ms;
	for (size_t i = 0; i < lengthof(good); i++) {
		assert_int_equal(duration_parse(good[i].text, &ms), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < lengthof(bad); i++)
		assert_int_equal(duration_parse(bad[i], &ms), -1);
}

static void test_exit_code_merge(void **state)
{
	assert_int_equal(exit_code_merge(0, 0), 0);
	assert_int_equal(exit_code_merge(0, 1), 1);
	assert_int_equal(exit_code_merge(1, 2), 2);
	assert_int_equal(exit_code_merge(3, 2), 2);
	assert_int_equal(exit_code_merge(5, 1), 1);
	assert_int_equal(exit_code_merge(130, 2), 130);
	assert_int_equal(exit_code_merge(64, 130), 64);
}

static void test_json_string(void **state)
{
	struct buf b = {0};
	static const char text[] =
		"a\"b\\\n\t\x01\x7f\xd0\xbf\xff\xc0\x80\xed\xa0\x80z\0";
	assert_int_equal(json_string(&b, text, sizeof(text) - 1), 0);
	assert_text(&b,
		"\"a\\\"b\\\\\\n\\t\\u0001\\u007f\xd0\xbf\\ufffd\\ufffd\\ufffd\\ufffd"
		"\\ufffd\\ufffdz\\u0000\"");
	buf_fini(&b);
}

static void test_luatext_string(void **state)
{
	struct buf b = {0};
	assert_int_equal(luatext_string(&b, "a\"\\\n\r\0\x7f\xff", 8), 0);
	assert_text(&b, "\"a\\\"\\\\\\n\\013\\000\\127\xff\"");
	assert_null(memchr(b.data, '\n', b.len));
	buf_fini(&b);
}

static void test_mptext_json(void **state)
{
	static const char data[] = "\x95\x01\xff\xc0\xc3\x82\xa1"
				   "a\x91\xa1"
				   "b\x02\xc2";
	struct buf b = {0};
	struct mp_cursor cur;
	mp_cursor_init(&cur, data, data + sizeof(data) - 1);
	assert_int_equal(mptext_write(&b, &cur, MPTEXT_JSON), 0);
	assert_text(&b, "[1,-1,null,true,{\"a\":[\"b\"],\"2\":false}]");
	buf_fini(&b);
}

static void test_mptext_json_malformed(void **state)
{
	char deep[1000];
	memset(deep, '\x91', sizeof(deep));
	static const char *const cut[] = {
		"\x92\x01", "\xa5\x61\x62", "\xc1", "\xdd\xff\xff\xff\xff"};
	struct buf b = {0};
	struct mp_cursor cur;
	for (size_t i = 0; i < lengthof(cut); i++) {
		mp_cursor_init(&cur, cut[i], cut[i] + strlen(cut[i]));
		assert_int_equal(mptext_write(&b, &cur, MPTEXT_JSON), -1);
	}
	mp_cursor_init(&cur, deep, deep + sizeof(deep));
	assert_int_equal(mptext_write(&b, &cur, MPTEXT_JSON), -1);
	buf_fini(&b);
}

static char *temp_file(const char *text)
{
	static char path[64];
	strcpy(path, "/tmp/test-ctl-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(fd_write(fd, text, strlen(text)), 0);
	close(fd);
	return path;
}

static void test_tail_read(void **state)
{
	static const struct {
		const char *text;
		off_t from;
		int lines;
		const char *got;
	} cases[] = {{"a\nb\nc\n", 0, 2, "b\nc\n"}, {"a\nb\nc", 0, 2, "b\nc"},
		{"a\nb\n", 0, 5, "a\nb\n"}, {"", 0, 5, ""}, {"a\nb\nc\n", 2, 5, "b\nc\n"},
		{"a\n", 100, 1, "a\n"}, {"a\nb\n", 0, 0, ""}, {"\n\n\n", 0, 1, "\n"}};
	for (size_t i = 0; i < lengthof(cases); i++) {
		struct buf b = {0};
		char *path = temp_file(cases[i].text);
		assert_int_equal(tail_read(path, cases[i].from, cases[i].lines, &b), 0);
		assert_text(&b, cases[i].got);
		unlink(path);
		buf_fini(&b);
	}
}

static void test_tail_read_over_blocks(void **state)
{
	struct buf text = {0}, b = {0};
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "line %d\n", i);
	buf_append(&text, "", 1);
	char *path = temp_file(text.data);
	assert_int_equal(tail_read(path, 0, 5000, &b), 0);
	assert_memory_equal(b.data, "line 15000\n", 11);
	unlink(path);
	buf_fini(&text);
	buf_fini(&b);
}

static void collect(void *arg, const char *entry)
{
	buf_puts(arg, entry);
	buf_puts(arg, "|");
}

static void test_history_file(void **state)
{
	struct buf b = {0};
	struct stat st;
	char *path = temp_file("one\n#1700000000\n\n#no stamp\n");
	assert_int_equal(history_file_append(path, "do\n\tx()\nend"), 0);
	assert_int_equal(history_file_append(path, "a -- b\nc"), 0);
	history_file_load(path, collect, &b);
	assert_text(&b, "one|#no stamp|do \tx() end|a -- b|c|");
	unlink(path);
	assert_int_equal(history_file_append(path, "new"), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	unlink(path);
	buf_fini(&b);
}

static void count(void *arg, const char *entry)
{
	++*(int *)arg;
}

static void test_history_file_is_cut(void **state)
{
	struct buf text = {0};
	struct stat st;
	for (int i = 0; i < 3 * HISTORY_MAX; i++)
		buf_puts(&text, "12345\n");
	buf_append(&text, "", 1);
	char *path = temp_file(text.data);
	int entries = 0;
	history_file_load(path, count, &entries);
	assert_int_equal(entries, HISTORY_MAX);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 6 * HISTORY_MAX);
	unlink(path);
	buf_fini(&text);
}

static void test_luacheck_is_unfinished(void **state)
{
	static const struct {
		const char *text;
		bool is_unfinished;
	} cases[] = {{"1 + 1", false}, {"1 +", false}, {"for i = 1, 2 do", true},
		{"for i = 1, 2 do end", false}, {"f(", true}, {"x = {", true},
		{")", false}, {"", false}, {"return 'a", true}, {"[[a", true},
		{"f", false}, {"a.b", false}};
	struct luacheck *lc = luacheck_new();
	for (size_t i = 0; i < lengthof(cases); i++)
		assert_int_equal(
			luacheck_is_unfinished(lc, cases[i].text, strlen(cases[i].text)),
			cases[i].is_unfinished);
	luacheck_free(lc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration_parse),
		cmocka_unit_test(test_exit_code_merge),
		cmocka_unit_test(test_json_string),
		cmocka_unit_test(test_luatext_string),
		cmocka_unit_test(test_mptext_json),
		cmocka_unit_test(test_mptext_json_malformed),
		cmocka_unit_test(test_tail_read),
		cmocka_unit_test(test_tail_read_over_blocks),
		cmocka_unit_test(test_history_file),
		cmocka_unit_test(test_history_file_is_cut),
		cmocka_unit_test(test_luacheck_is_unfinished),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

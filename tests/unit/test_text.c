#include "proto/text.h"

#include <string.h>

#include "unit.h"

static void test_find_request(void **state)
{
	size_t scanned = 0, text = 99;
	assert_int_equal(text_find_request("return 1\nx", 10, "", 0, &scanned, &text), 9);
	assert_int_equal(text, 8);
	assert_int_equal(text_find_request("\rx", 2, "", 0, &scanned, &text), 1);
	assert_int_equal(text, 0);
	assert_int_equal(text_find_request("abc", 3, "", 0, &scanned, &text), 0);
	assert_int_equal(scanned, 3);
	assert_int_equal(text_find_request("abc\n", 4, "", 0, &scanned, &text), 4);
	assert_int_equal(scanned, 0);
}

static void test_find_request_delimiter(void **state)
{
	size_t scanned = 0, text = 0;
	const char *s = "a\nb;\n";
	assert_int_equal(text_find_request(s, 5, ";", 1, &scanned, &text), 5);
	assert_int_equal(text, 3);
	/* It comes byte by byte. */
	for (size_t n = 0; n < 5; n++)
		assert_int_equal(text_find_request(s, n, ";", 1, &scanned, &text), 0);
	assert_int_equal(text_find_request(s, 5, ";", 1, &scanned, &text), 5);
	scanned = 0;
	assert_int_equal(text_find_request("\n", 1, "$EOF$", 5, &scanned, &text), 0);
}

static void test_find_reply(void **state)
{
	static const char reply[] = "---\n- '\n\n  ...\n\n  x'\n...\n---\n";
	size_t scanned = 0;
	assert_int_equal(text_find_reply(reply, sizeof(reply) - 1, &scanned), 25);
	for (size_t n = 0; n < 25; n++)
		assert_int_equal(text_find_reply(reply, n, &scanned), 0);
	assert_int_equal(text_find_reply(reply, 25, &scanned), 25);
}

static void test_is_push(void **state)
{
	static const char push[] = TEXT_PUSH_TAG "\n--- 1\n...\n";
	assert_true(text_is_push(push, sizeof(push) - 1));
	assert_false(text_is_push("---\n...\n", 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_request),
		cmocka_unit_test(test_find_request_delimiter),
		cmocka_unit_test(test_find_reply),
		cmocka_unit_test(test_is_push),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

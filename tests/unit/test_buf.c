#include "proto/buf.h"

#include "unit.h"

static void test_append_grows(void **state)
{
	struct buf b;
	buf_init(&b);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_append(&b, "0123456789", 10), 0);
	assert_int_equal(buf_used(&b), 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_head(&b)[i], '0' + i % 10);
	buf_fini(&b);
}

static void test_printf_appends(void **state)
{
	struct buf b;
	buf_init(&b);
	assert_int_equal(buf_puts(&b, "a"), 0);
	assert_int_equal(buf_printf(&b, "-%d-%s", 42, "x"), 0);
	assert_int_equal(buf_append(&b, "", 1), 0);
	assert_string_equal(buf_head(&b), "a-42-x");
	buf_fini(&b);
}

/* An empty append to a buffer without memory was taken for out of memory. */
static void test_append_nothing_to_nothing(void **state)
{
	struct buf b;
	buf_init(&b);
	assert_int_equal(buf_append(&b, "", 0), 0);
	assert_int_equal(buf_puts(&b, ""), 0);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void test_compact_keeps_the_rest(void **state)
{
	struct buf b;
	buf_init(&b);
	buf_puts(&b, "hello world");
	b.rpos = 6;
	buf_compact(&b);
	assert_int_equal(buf_used(&b), 5);
	assert_memory_equal(buf_head(&b), "world", 5);
	buf_fini(&b);
}

static void test_grow_refuses_absurd_sizes(void **state)
{
	struct buf b;
	buf_init(&b);
	buf_puts(&b, "x");
	assert_null(buf_reserve(&b, SIZE_MAX / 2));
	assert_int_equal(buf_used(&b), 1);
	buf_fini(&b);
}

static void test_shrink_keeps_what_is_used(void **state)
{
	struct buf b;
	buf_init(&b);
	buf_puts(&b, "x");
	buf_shrink(&b, 16);
	assert_int_equal(buf_used(&b), 1);
	buf_reset(&b);
	buf_shrink(&b, 16);
	assert_int_equal(b.cap, 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_grows),
		cmocka_unit_test(test_printf_appends),
		cmocka_unit_test(test_append_nothing_to_nothing),
		cmocka_unit_test(test_compact_keeps_the_rest),
		cmocka_unit_test(test_grow_refuses_absurd_sizes),
		cmocka_unit_test(test_shrink_keeps_what_is_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

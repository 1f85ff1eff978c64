#include "proto/mp.h"

#include "unit.h"

/* Every integer width reads back, and is refused one byte short. */
static void check_int(const char *bytes, size_t len, int64_t value)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, bytes, bytes + len);
	assert_int_equal(mp_read_int(&cur), value);
	assert_null(cur.error);
	assert_ptr_equal(cur.pos, cur.end);
	mp_cursor_init(&cur, bytes, bytes + len - 1);
	assert_int_equal(mp_read_int(&cur), 0);
	assert_non_null(cur.error);
}

static void test_read_int_widths(void **state)
{
	check_int("\x7f", 1, 127);
	check_int("\xff", 1, -1);
	check_int("\xe0", 1, -32);
	check_int("\xcc\xff", 2, 255);
	check_int("\xcd\xff\xff", 3, 65535);
	check_int("\xce\xff\xff\xff\xff", 5, 4294967295LL);
	check_int("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9, INT64_MAX);
	check_int("\xd0\x80", 2, -128);
	check_int("\xd1\x80\x00", 3, -32768);
	check_int("\xd2\x80\x00\x00\x00", 5, INT32_MIN);
	check_int("\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, INT64_MIN);
}

static void test_error_is_sticky(void **state)
{
	static const char bytes[] = "\xa3"
				    "abc\x05";
	struct mp_cursor cur;
	mp_cursor_init(&cur, bytes, bytes + 5);
	assert_int_equal(mp_read_uint(&cur), 0);
	const char *first = cur.error;
	assert_non_null(first);
	uint32_t len;
	assert_null(mp_read_str(&cur, &len));
	assert_ptr_equal(cur.error, first);
	assert_ptr_equal(cur.pos, bytes);
}

static void test_count_is_bounded_by_input(void **state)
{
	static const char array[] = "\xdd\xff\xff\xff\xff\x01";
	struct mp_cursor cur;
	mp_cursor_init(&cur, array, array + 6);
	assert_int_equal(mp_read_array(&cur), 0);
	assert_non_null(cur.error);
	static const char map[] = "\xdf\x00\x00\x00\x01\x01";
	mp_cursor_init(&cur, map, map + 6);
	assert_int_equal(mp_read_map(&cur), 0);
	assert_non_null(cur.error);
}

static void test_check_depth(void **state)
{
	char deep[MP_DEPTH_MAX + 3];
	memset(deep, 0x91, sizeof(deep));
	deep[MP_DEPTH_MAX] = 0x01;
	assert_null(mp_check(deep, deep + MP_DEPTH_MAX + 1));
	deep[MP_DEPTH_MAX] = (char)0x91;
	deep[MP_DEPTH_MAX + 1] = 0x01;
	assert_string_equal(
		mp_check(deep, deep + MP_DEPTH_MAX + 2), "msgpack is nested too deeply");
}

static void test_check_finds_every_cut(void **state)
{
	static const char two[] = "\x01\x02";
	assert_non_null(mp_check(two, two + 2));
	static const char ok[] = "\x82\xa1k\x93\x01\xc0\xc3\x02\xd4\x01\x05";
	assert_null(mp_check(ok, ok + sizeof(ok) - 1));
	for (size_t n = 0; n < sizeof(ok) - 1; n++)
		assert_non_null(mp_check(ok, ok + n));
}

/* What msgpack-c packs, the cursor reads. */
static void test_packer_round_trip(void **state)
{
	struct buf b;
	buf_init(&b);
	msgpack_packer pk;
	mp_packer_init(&pk, &b);
	msgpack_pack_map(&pk, 1);
	msgpack_pack_str_with_body(&pk, "key", 3);
	msgpack_pack_array(&pk, 3);
	msgpack_pack_double(&pk, 0.5);
	msgpack_pack_int64(&pk, -5000000000);
	msgpack_pack_nil(&pk);
	struct mp_cursor cur;
	mp_cursor_init(&cur, buf_head(&b), buf_head(&b) + buf_used(&b));
	uint32_t len;
	assert_int_equal(mp_read_map(&cur), 1);
	assert_memory_equal(mp_read_str(&cur, &len), "key", 3);
	assert_int_equal(mp_read_array(&cur), 3);
	assert_true(mp_read_double(&cur) == 0.5);
	assert_int_equal(mp_read_int(&cur), -5000000000);
	mp_read_nil(&cur);
	assert_null(cur.error);
	assert_int_equal(mp_left(&cur), 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_int_widths),
		cmocka_unit_test(test_error_is_sticky),
		cmocka_unit_test(test_count_is_bounded_by_input),
		cmocka_unit_test(test_check_depth),
		cmocka_unit_test(test_check_finds_every_cut),
		cmocka_unit_test(test_packer_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "instance/box/key_def.h"

#include <math.h>
#include <time.h>

#include "instance/base/decimal.h"
#include "instance/base/diag.h"
#include "instance/box/mp_compare.h"
#include "instance/box/tuple.h"
#include "unit.h"

static uint64_t seed;

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

/* A number of any kind with its exact value; long double holds 64-bit integers. */
struct number {
	char mp[16];
	long double value;
	bool is_nan;
};

static struct number random_number(void)
{
	struct number n = {.is_nan = false};
	uint64_t bits = unit_random(&seed);
	unsigned shift = (unsigned)(unit_random(&seed) % 64);
	double d;
	switch (unit_random(&seed) % 6) {
	case 0:
		n.value = (long double)(bits >> shift);
		mp_raw_put_uint(n.mp, bits >> shift);
		break;
	case 1:
		n.value = (long double)((int64_t)bits >> shift);
		mp_raw_put_int(n.mp, (int64_t)bits >> shift);
		break;
	case 2: /* any bits: infinities and NaN among them */
		memcpy(&d, &bits, sizeof(d));
		n.value = d;
		n.is_nan = isnan(d);
		mp_raw_put_double(n.mp, d);
		break;
	case 3: /* near integers */
		d = (double)(int64_t)(bits >> shift) + (double)(bits % 3) * 0.5;
		n.value = d;
		mp_raw_put_double(n.mp, d);
		break;
	case 4: {
		static const double special[] = {0.0, -0.0, INFINITY, -INFINITY, NAN,
			0x1p63, -0x1p63, 0x1p64, 0x1p59, -0x1p59, 0x1p53, 1e300, -1e300,
			5e-324};
		d = special[bits % (sizeof(special) / sizeof(special[0]))];
		n.value = d;
		n.is_nan = isnan(d);
		mp_raw_put_double(n.mp, d);
		break;
	}
	default:
		n.value = (float)(int32_t)(bits >> shift);
		mp_raw_put_float(n.mp, (float)n.value);
		break;
	}
	return n;
}

static void test_compare_numbers_exactly(void **state)
{
	for (int i = 0; i < 300000; i++) {
		struct number a = random_number(), b = random_number();
		int expected = a.is_nan || b.is_nan
				       ? b.is_nan - a.is_nan
				       : (a.value > b.value) - (a.value < b.value);
		assert_int_equal(sign(mp_compare_number(a.mp, b.mp)), expected);
		assert_int_equal(sign(mp_compare_scalar(a.mp, b.mp)), expected);
		/* Hints never contradict. */
		uint64_t x = mp_hint(a.mp), y = mp_hint(b.mp);
		if (x != y)
			assert_int_equal(x < y ? -1 : 1, expected);
	}
}

static char *put_decimal(char *p, const char *digits, int scale, bool is_negative)
{
	struct decimal d;
	decimal_set(&d, strtoull(digits, NULL, 10), scale, is_negative);
	*p++ = (char)0xc7;
	size_t len = decimal_pack(&d, p + 2);
	p[0] = (char)len;
	p[1] = MP_EXT_DECIMAL;
	return p + 2 + len;
}

static void check_decimal(
	const char *digits, int scale, bool is_negative, const char *other, int expected)
{
	char mp[64];
	put_decimal(mp, digits, scale, is_negative);
	assert_int_equal(sign(mp_compare_number(mp, other)), expected);
	assert_int_equal(sign(mp_compare_number(other, mp)), -expected);
	uint64_t x = mp_hint(mp), y = mp_hint(other);
	if (x != y)
		assert_int_equal(x < y ? -1 : 1, expected);
}

static void test_compare_decimals(void **state)
{
	char other[64];
	mp_raw_put_uint(other, 15);
	check_decimal("15", 0, false, other, 0);
	check_decimal("1500", 2, false, other, 0);
	check_decimal("1501", 2, false, other, 1);
	check_decimal("1499", 2, false, other, -1);
	check_decimal("15", 0, true, other, -1);
	mp_raw_put_uint(other, UINT64_MAX);
	check_decimal("18446744073709551615", 0, false, other, 0);
	check_decimal("18446744073709551615", 1, false, other, -1);
	mp_raw_put_int(other, -2);
	check_decimal("20", 1, true, other, 0);
	check_decimal("21", 1, true, other, -1);
	check_decimal("19", 1, true, other, 1);
	mp_raw_put_double(other, INFINITY);
	check_decimal("18446744073709551615", 0, false, other, -1);
	mp_raw_put_double(other, NAN);
	check_decimal("1", 0, true, other, 1);
	mp_raw_put_double(other, 0.5);
	check_decimal("5", 1, false, other, 0);
	put_decimal(other, "500", 3, false);
	check_decimal("5", 1, false, other, 0);
	check_decimal("0", 5, false, other, -1);
}

static void test_scalar_order(void **state)
{
	/* nil, false, true, numbers, strings, binary, uuid */
	static const char *const values[] = {"\xc0", "\xc2", "\xc3",
		"\xcb\x7f\xf8\0\0\0\0\0\0", "\xd0\x80", "\xff", "\0", "\x01",
		"\xcb\x7f\xf0\0\0\0\0\0\0", "\xa0", "\xa1\0",
		"\xa1"
		"a",
		"\xa2"
		"aa",
		"\xa7"
		"aaaaaaa",
		"\xa8"
		"aaaaaaaa",
		"\xa1"
		"b",
		"\xa1\xff", "\xc4\0", "\xc4\1a", "\xd8\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1",
		"\xd8\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2"};
	int n = (int)(sizeof(values) / sizeof(values[0]));
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < n; j++) {
			assert_int_equal(sign(mp_compare_scalar(values[i], values[j])),
				sign(i - j));
			uint64_t x = mp_hint(values[i]), y = mp_hint(values[j]);
			if (x != y)
				assert_int_equal(x < y, i < j);
		}
	}
}

static const struct key_part two_parts[] = {
	{1, FIELD_TYPE_STRING, true, COLL_NONE},
	{0, FIELD_TYPE_UNSIGNED, false, COLL_NONE},
};

static void check_key(const struct key_def *def, const char *key, uint32_t count,
	bool is_partial, const char *error)
{
	int rc = key_def_check_key(def, key, count, is_partial, true);
	if (error == NULL) {
		assert_int_equal(rc, 0);
		return;
	}
	assert_int_equal(rc, -1);
	assert_string_equal(diag_last()->message, error);
}

static void test_check_key(void **state)
{
	struct key_def *def = key_def_new(two_parts, 2);
	check_key(def, "\xa1x\x05", 2, false, NULL);
	check_key(def, "\xc0\x05", 2, false, NULL);
	check_key(def, "\xa1x", 1, true, NULL);
	check_key(def, "", 0, true, NULL);
	check_key(def, "\xa1x", 1, false,
		"Invalid key part count in an exact match (expected 2, got 1)");
	check_key(def, "\xa1x\x05\x05", 3, true,
		"Invalid key part count (expected [0..2], got 3)");
	check_key(def, "\x05", 1, true,
		"Supplied key type of part 0 does not match index part type: expected "
		"string");
	check_key(def, "\xa1x\xff", 2, true,
		"Supplied key type of part 1 does not match index part type: expected "
		"unsigned");
	check_key(def, "\xa1x\xc0", 2, true,
		"Supplied key type of part 1 does not match index part type: expected "
		"unsigned");
	key_def_free(def);
}

static struct tuple *tuple_of(const char *data, size_t len)
{
	struct tuple *t = tuple_new(tuple_format_runtime, data, data + len);
	assert_non_null(t);
	return t;
}

static void test_compare_tuples(void **state)
{
	struct key_def *def = key_def_new(two_parts, 2);
	struct tuple *a = tuple_of("\x92\x01\xa1x", 4);
	struct tuple *b = tuple_of("\x92\x02\xa1x", 4);
	struct tuple *nil = tuple_of("\x92\x01\xc0", 3);
	struct tuple *absent = tuple_of("\x91\x01", 2);
	assert_true(key_def_compare(def, a, b, 0) < 0);
	assert_true(key_def_compare(def, b, a, 0) > 0);
	assert_true(key_def_compare(def, nil, a, 0) < 0);
	assert_int_equal(key_def_compare(def, nil, absent, 0), 0);
	assert_int_equal(key_def_hint_tuple(def, nil), key_def_hint_tuple(def, absent));
	assert_true(key_def_tuple_has_nil(def, absent, 2));
	assert_false(key_def_tuple_has_nil(def, a, 2));
	assert_int_equal(key_def_compare_key(def, a, "\xa1x", 1, 0), 0);
	assert_true(key_def_compare_key(def, a, "\xa1x\x02", 2, 0) < 0);
	struct buf out = {0};
	assert_int_equal(key_def_extract(def, absent, &out), 0);
	assert_int_equal(buf_used(&out), 3);
	assert_memory_equal(out.data, "\x92\xc0\x01", 3);
	buf_fini(&out);
	tuple_unref(a);
	tuple_unref(b);
	tuple_unref(nil);
	tuple_unref(absent);
	key_def_free(def);
}

/* Two nils in a unique nullable key differ by the primary key; two values do not. */
static void test_merge(void **state)
{
	static const struct key_part pk_part = {0, FIELD_TYPE_UNSIGNED, false, COLL_NONE};
	struct key_def *pk = key_def_new(&pk_part, 1);
	struct key_def *unique = key_def_new(two_parts, 1);
	struct key_def *merged = key_def_merge(unique, pk, true);
	assert_int_equal(merged->part_count, 2);
	assert_int_equal(merged->unique_part_count, 1);
	struct tuple *a = tuple_of("\x92\x01\xa1x", 4), *b = tuple_of("\x92\x02\xa1x", 4);
	struct tuple *c = tuple_of("\x92\x01\xc0", 3), *d = tuple_of("\x92\x02\xc0", 3);
	assert_int_equal(key_def_compare(merged, a, b, 0), 0);
	assert_true(key_def_compare(merged, c, d, 0) < 0);
	struct key_def *plain = key_def_merge(unique, pk, false);
	assert_true(key_def_compare(plain, a, b, 0) < 0);
	/* A part that is there already is not added again. */
	struct key_def *both = key_def_new(two_parts, 2);
	struct key_def *same = key_def_merge(both, pk, false);
	assert_int_equal(same->part_count, 2);
	assert_true(key_def_equals(both, same));
	tuple_unref(a);
	tuple_unref(b);
	tuple_unref(c);
	tuple_unref(d);
	key_def_free(pk);
	key_def_free(unique);
	key_def_free(merged);
	key_def_free(plain);
	key_def_free(both);
	key_def_free(same);
}

static void check_format(const struct tuple_format *format, const char *data, size_t len,
	const char *error)
{
	int rc = tuple_format_check(format, data, data + len);
	assert_int_equal(rc, error == NULL ? 0 : -1);
	if (error != NULL)
		assert_string_equal(diag_last()->message, error);
}

static void test_format(void **state)
{
	static const struct field_def fields[] = {
		{"id", FIELD_TYPE_UNSIGNED, false, COLL_NONE},
		{"name", FIELD_TYPE_STRING, true, COLL_NONE},
		{"any", FIELD_TYPE_ANY, true, COLL_NONE},
	};
	struct tuple_format *format = tuple_format_new(fields, 3, 0, NULL, 0, NULL);
	check_format(format, "\x91\x01", 2, NULL);
	check_format(format, "\x93\x01\xc0\x90", 4, NULL);
	check_format(
		format, "\x90", 1, "Tuple field 1 required by space format is missing");
	check_format(format, "\x91\xff", 2,
		"Tuple field 1 type does not match one required by operation: expected "
		"unsigned");
	check_format(format, "\x92\x01\x02", 3,
		"Tuple field 2 type does not match one required by operation: expected "
		"string");
	assert_int_equal(tuple_dict_find(format->dict, "name", 4), 1);
	assert_int_equal(tuple_dict_find(format->dict, "nam", 3), -1);
	assert_int_equal(tuple_dict_find(format->dict, "", 0), -1);
	/* A key narrows a field, or contradicts it. */
	static const struct key_part any = {2, FIELD_TYPE_INTEGER, false, COLL_NONE};
	static const struct key_part bad = {1, FIELD_TYPE_UNSIGNED, false, COLL_NONE};
	struct key_def *any_key = key_def_new(&any, 1), *bad_key = key_def_new(&bad, 1);
	const struct key_def *keys[] = {any_key, bad_key};
	struct tuple_format *narrow =
		tuple_format_new(fields, 3, 3, keys, 1, format->dict);
	check_format(narrow, "\x93\x01\xc0\xff", 4, NULL);
	check_format(narrow, "\x93\x01\xc0\xc0", 4,
		"Tuple field 3 type does not match one required by operation: expected "
		"integer");
	check_format(narrow, "\x92\x01\xc0", 3,
		"Tuple field count 2 does not match space field count 3");
	assert_null(tuple_format_new(fields, 3, 0, keys, 2, NULL));
	assert_string_equal(diag_last()->message,
		"Field 2 has type 'string' in space format, but type 'unsigned' in index "
		"definition");
	static const struct field_def twice[] = {{"a", FIELD_TYPE_ANY, false, COLL_NONE},
		{"a", FIELD_TYPE_ANY, false, COLL_NONE}};
	assert_null(tuple_format_new(twice, 2, 0, NULL, 0, NULL));
	assert_string_equal(diag_last()->message, "Space field 'a' is duplicate");
	key_def_free(any_key);
	key_def_free(bad_key);
	tuple_format_unref(narrow);
	tuple_format_unref(format);
}

static int setup(void **state)
{
	return tuple_format_init();
}

static int teardown(void **state)
{
	tuple_format_fini();
	return 0;
}

int main(void)
{
	const char *given = getenv("SEED");
	seed = given != NULL ? strtoull(given, NULL, 0)
			     : (uint64_t)time(NULL) * 2654435761u + 1;
	fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare_numbers_exactly),
		cmocka_unit_test(test_compare_decimals),
		cmocka_unit_test(test_scalar_order),
		cmocka_unit_test(test_check_key),
		cmocka_unit_test(test_compare_tuples),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_format),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

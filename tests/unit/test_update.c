#include "instance/box/update.h"

#include "instance/base/decimal.h"
#include "instance/base/diag.h"
#include "instance/box/mp_raw.h"
#include "instance/box/tuple_text.h"
#include "unit.h"

static const struct field_def fields[] = {
	{"id", FIELD_TYPE_ANY, false, COLL_NONE},
	{"name", FIELD_TYPE_ANY, false, COLL_NONE},
};

/* Apply to the tuple and compare the text, or the error's. */
static void check(const char *ops, size_t ops_len, const char *tuple, size_t len,
	const char *expected)
{
	struct tuple_dict *dict = tuple_dict_new(fields, 2);
	struct buf out = {0}, text = {0};
	int rc = update_execute(ops, ops + ops_len, tuple, tuple + len, dict, 1, &out);
	if (rc == 0) {
		assert_int_equal(msgpack_to_text(out.data, &text), 0);
		assert_int_equal(buf_append(&text, "", 1), 0);
		assert_string_equal(text.data, expected);
	} else {
		assert_string_equal(diag_last()->message, expected);
		assert_int_equal(out.len, 0);
	}
	buf_fini(&out);
	buf_fini(&text);
	tuple_dict_unref(dict);
}

#define CHECK(ops, tuple, expected) \
	check(ops, sizeof(ops) - 1, tuple, sizeof(tuple) - 1, expected)

static void test_names(void **state)
{
	CHECK("\x91\x93\xa1=\xa4name\x05", "\x92\x01\x02", "[1, 5]");
	CHECK("\x91\x93\xa1=\xa4name\x05", "\x91\x01", "[1, 5]");
	CHECK("\x91\x93\xa1=\xa4name\x05", "\x90",
		"Field ''name'' was not found in the tuple");
	CHECK("\x91\x93\xa1+\xa4name\xa1x", "\x92\x01\x02",
		"Argument type in operation '+' on field 'name' does not match field "
		"type: "
		"expected a number");
	CHECK("\x91\x93\xa1=\xa6name.x\x05", "\x92\x01\x02",
		"Tarantella does not support updates by path; engine = \"tarantool\" "
		"runs "
		"them");
	CHECK("\x91\x93\xa1=\xa6[1][2]\x05", "\x92\x01\x02",
		"Tarantella does not support updates by path; engine = \"tarantool\" "
		"runs "
		"them");
}

static char *put_decimal(char *p, uint64_t coef, int scale, bool is_negative)
{
	struct decimal d;
	decimal_set(&d, coef, scale, is_negative);
	*p++ = (char)0xc7;
	size_t len = decimal_pack(&d, p + 2);
	p[0] = (char)len;
	p[1] = MP_EXT_DECIMAL;
	return p + 2 + len;
}

/* tuple {decimal}, one operation on it with a value at `arg`. */
static void check_decimal(uint64_t coef, int scale, bool is_negative, char op,
	const char *arg, size_t arg_len, const char *expected)
{
	char tuple[64] = "\x91", ops[64] = "\x91\x93\xa1?\x01";
	char *end = put_decimal(tuple + 1, coef, scale, is_negative);
	ops[3] = op;
	memcpy(ops + 5, arg, arg_len);
	check(ops, 5 + arg_len, tuple, (size_t)(end - tuple), expected);
}

static void test_decimals(void **state)
{
	char arg[64];
	check_decimal(15, 1, false, '+', "\x01", 1, "[2.5]");
	check_decimal(15, 1, false, '-', "\x01", 1, "[0.5]");
	check_decimal(15, 1, false, '-', "\x02", 1, "[-0.5]");
	check_decimal(1, 3, false, '-', "\x05", 1, "[-4.999]");
	check_decimal(1, 3, false, '+', "\xfb", 1, "[-4.999]");
	check_decimal(1, 0, false, '+', "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9,
		"[18446744073709551616]");
	size_t len = (size_t)(mp_raw_put_double(arg, 0.1) - arg);
	check_decimal(0, 0, false, '+', arg, len, "[0.1]");
	check_decimal(0, 0, false, '-', arg, len, "[-0.1]");
	len = (size_t)(mp_raw_put_double(arg, 0.1 + 0.2) - arg);
	check_decimal(0, 0, false, '+', arg, len, "[0.3]");
	len = (size_t)(mp_raw_put_double(arg, 1e10) - arg);
	check_decimal(0, 0, false, '+', arg, len, "[10000000000]");
	len = (size_t)(mp_raw_put_double(arg, 1.5e-10) - arg);
	check_decimal(1, 0, false, '-', arg, len, "[0.99999999985]");
	len = (size_t)(mp_raw_put_double(arg, 1e300) - arg);
	check_decimal(1, 0, false, '+', arg, len,
		"Argument type in operation '+' on field 1 does not match field type: "
		"expected a number convertible to decimal");
	len = (size_t)(put_decimal(arg, 1, 38, false) - arg);
	check_decimal(99999999999999999, 0, false, '+', arg, len,
		"[99999999999999999.000000000000000000000]");
	len = (size_t)(put_decimal(arg, 15, 1, false) - arg);
	check_decimal(15, 1, false, '-', arg, len, "[0.0]");
}

static void test_base_zero(void **state)
{
	struct tuple_dict *dict = tuple_dict_new(NULL, 0);
	struct buf out = {0};
	static const char ops[] = "\x91\x93\xa1=\x00\x07", tuple[] = "\x91\x01";
	assert_int_equal(
		update_execute(ops, ops + 6, tuple, tuple + 2, dict, 0, &out), 0);
	assert_int_equal(out.len, 2);
	assert_int_equal(out.data[1], 7);
	buf_fini(&out);
	tuple_dict_unref(dict);
}

static void test_upsert_skips(void **state)
{
	struct tuple_dict *dict = tuple_dict_new(NULL, 0);
	struct buf out = {0};
	/* One that cannot be, one that can; then a malformed one. */
	static const char ops[] = "\x92\x93\xa1+\x05\x01\x93\xa1=\x01\x07";
	static const char bad[] = "\x91\x93\xa1?\x01\x01", tuple[] = "\x91\x01";
	assert_int_equal(upsert_execute(ops, ops + sizeof(ops) - 1, tuple, tuple + 2,
				 dict, 1, &out),
		0);
	assert_memory_equal(out.data, "\x91\x07", 2);
	assert_int_equal(update_check_ops(ops, ops + sizeof(ops) - 1, dict, 1), 0);
	assert_int_equal(upsert_execute(bad, bad + sizeof(bad) - 1, tuple, tuple + 2,
				 dict, 1, &out),
		-1);
	assert_int_equal(diag_last()->code, ER_UNKNOWN_UPDATE_OP);
	assert_int_equal(update_check_ops(bad, bad + sizeof(bad) - 1, dict, 1), -1);
	buf_fini(&out);
	tuple_dict_unref(dict);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_base_zero),
		cmocka_unit_test(test_upsert_skips),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

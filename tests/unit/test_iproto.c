#include "proto/iproto.h"

#include "unit.h"

static struct iproto_frame split(const char *data, size_t len, enum iproto_split expected)
{
	struct iproto_frame frame;
	assert_int_equal(iproto_split_frame(data, data + len, 1000, &frame), expected);
	return frame;
}

static void test_split_every_width(void **state)
{
	static const struct {
		const char *bytes;
		size_t size_len;
	} widths[] = {
		{"\x03xyz", 1},
		{"\xcc\x03xyz", 2},
		{"\xcd\0\x03xyz", 3},
		{"\xce\0\0\0\x03xyz", 5},
		{"\xcf\0\0\0\0\0\0\0\x03xyz", 9},
	};
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
		size_t whole = widths[i].size_len + 3;
		struct iproto_frame f = split(widths[i].bytes, whole, IPROTO_FRAME);
		assert_memory_equal(f.data, "xyz", 3);
		assert_int_equal(f.end - f.data, 3);
		assert_int_equal(f.size_len, widths[i].size_len);
		for (size_t n = 0; n < whole; n++)
			split(widths[i].bytes, n, IPROTO_MORE);
	}
}

static void test_split_says_what_is_needed(void **state)
{
	struct iproto_frame f = split("\xcd\x01\0xy", 5, IPROTO_MORE);
	assert_int_equal(f.size, 256);
	assert_int_equal(f.size_len, 3);
	f = split("\xcd\x01", 2, IPROTO_MORE);
	assert_int_equal(f.size_len, 0);
}

static void test_split_refuses(void **state)
{
	static const char bad[] = "\x80\xc0\xa1\xff\xd0\xcb\xdf";
	for (size_t i = 0; i < sizeof(bad) - 1; i++)
		split(&bad[i], 1, IPROTO_BAD_SIZE);
	split("\xcd\x03\xe8", 3, IPROTO_MORE);
	split("\xcd\x03\xe9", 3, IPROTO_TOO_BIG);
	struct iproto_frame f =
		split("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, IPROTO_TOO_BIG);
	assert_true(f.size == UINT64_MAX);
}

static int header(const char *bytes, size_t len, struct iproto_header *h)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, bytes, bytes + len);
	return iproto_decode_header(&cur, h);
}

static void test_decode_header(void **state)
{
	struct iproto_header h;
	assert_int_equal(header("\x83\x00\x40\x01\xcd\x01\x00\x05\x07", 9, &h), 0);
	assert_int_equal(h.type, IPROTO_TYPE_PING);
	assert_int_equal(h.sync, 256);
	assert_int_equal(h.schema_version, 7);
	/* Keys of later versions are stepped over. */
	assert_int_equal(header("\x83\x01\x05\x44\x91\x01\x00\x40", 8, &h), 0);
	assert_int_equal(h.type, IPROTO_TYPE_PING);
	assert_int_equal(header("\x80", 1, &h), 0);
}

static void test_decode_header_keeps_sync(void **state)
{
	struct iproto_header h;
	assert_int_equal(header("\x82\x01\x05\x00\xa1x", 6, &h), -1);
	assert_int_equal(h.sync, 5);
	assert_int_equal(header("\x82\x01\x05\xa1x\x00", 6, &h), -1);
	assert_int_equal(header("\x82\x00\x40\x01\xff", 5, &h), -1);
	assert_int_equal(header("\x82\x00\x40\x01", 4, &h), -1);
	assert_int_equal(header("\x90", 1, &h), -1);
	assert_int_equal(header("", 0, &h), -1);
	assert_int_equal(header("\x81\x00\xcf\0\0\0\1\0\0\0\x40", 11, &h), -1);
}

static enum iproto_body_fault body(uint32_t type, const char *bytes, size_t len,
	struct iproto_body *b, const char **field)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, bytes, bytes + len);
	return iproto_decode_body(&cur, type, b, field);
}

#define BODY(type, bytes) body(type, bytes, sizeof(bytes) - 1, &b, &field)

static void test_decode_body_eval(void **state)
{
	struct iproto_body b;
	const char *field;
	assert_int_equal(BODY(IPROTO_TYPE_EVAL, "\x82\x27\xa2hi\x21\x92\x01\x02"), 0);
	assert_memory_equal(b.name, "hi", 2);
	assert_int_equal(b.name_len, 2);
	assert_int_equal(b.tuple_end - b.tuple, 3);
	/* Arguments may be absent; keys of others are not looked into. */
	assert_int_equal(BODY(IPROTO_TYPE_EVAL, "\x83\x27\xa2hi\x10\xa1x\x54\x01"), 0);
	assert_null(b.tuple);
	assert_int_equal(
		BODY(IPROTO_TYPE_EVAL, "\x82\x27\xa2hi\xcd\x01\x00\x01"), IPROTO_BODY_OK);
}

static void test_decode_body_faults(void **state)
{
	struct iproto_body b;
	const char *field;
	assert_int_equal(BODY(IPROTO_TYPE_EVAL, ""), IPROTO_BODY_MISSING);
	assert_int_equal(BODY(IPROTO_TYPE_EVAL, "\x90"), IPROTO_BODY_INVALID);
	assert_int_equal(
		BODY(IPROTO_TYPE_EVAL, "\x81\x27\xa2hi\x01"), IPROTO_BODY_INVALID);
	assert_int_equal(BODY(IPROTO_TYPE_EVAL, "\x81\x27\x90"), IPROTO_BODY_INVALID);
	assert_int_equal(
		BODY(IPROTO_TYPE_EVAL, "\x82\x27\xa1x\x21\x05"), IPROTO_BODY_INVALID);
	assert_int_equal(
		BODY(IPROTO_TYPE_EVAL, "\x82\x27\xa1x\x21\x80"), IPROTO_BODY_INVALID);
	assert_int_equal(
		BODY(IPROTO_TYPE_EVAL, "\x82\x27\xa1x\xa1y\x80"), IPROTO_BODY_INVALID);
	assert_int_equal(
		BODY(IPROTO_TYPE_EVAL, "\x82\x27\xa1x\x21\x91"), IPROTO_BODY_INVALID);
	assert_int_equal(BODY(IPROTO_TYPE_SELECT, "\x81\x10\xff"), IPROTO_BODY_INVALID);
	assert_int_equal(BODY(IPROTO_TYPE_SELECT, "\x81\x10\xcf\0\0\0\1\0\0\0\0"),
		IPROTO_BODY_INVALID);
	assert_int_equal(BODY(IPROTO_TYPE_PING, "\x81"), IPROTO_BODY_INVALID);
	assert_int_equal(BODY(IPROTO_TYPE_PING, "\x80\x80"), IPROTO_BODY_INVALID);
	assert_int_equal(BODY(IPROTO_TYPE_PING, ""), IPROTO_BODY_OK);
}

static void check_missing(uint32_t type, const char *bytes, size_t len, const char *name)
{
	struct iproto_body b;
	const char *field;
	assert_int_equal(body(type, bytes, len, &b, &field), IPROTO_BODY_FIELD);
	assert_string_equal(field, name);
}

static void test_decode_body_missing_field(void **state)
{
	check_missing(IPROTO_TYPE_SELECT, "\x80", 1, "space id");
	check_missing(IPROTO_TYPE_SELECT, "\x81\x10\x01", 3, "limit");
	check_missing(IPROTO_TYPE_SELECT, "\x82\x10\x01\x12\x01", 5, "key");
	check_missing(IPROTO_TYPE_INSERT, "\x81\x10\x01", 3, "tuple");
	check_missing(IPROTO_TYPE_UPSERT, "\x82\x10\x01\x21\x90", 5, "operations");
	check_missing(IPROTO_TYPE_CALL, "\x80", 1, "function name");
	check_missing(IPROTO_TYPE_EVAL, "\x80", 1, "expression");
	check_missing(IPROTO_TYPE_AUTH, "\x80", 1, "user name");
	check_missing(IPROTO_TYPE_AUTH, "\x81\x23\xa1u", 4, "tuple");
	check_missing(IPROTO_TYPE_EXECUTE, "\x80", 1, "SQL text or stmt id");
}

static void test_names(void **state)
{
	assert_string_equal(iproto_type_name(IPROTO_TYPE_SELECT), "SELECT");
	assert_null(iproto_type_name(IPROTO_TYPE_ID));
	assert_null(iproto_type_name(UINT32_MAX));
	assert_string_equal(iproto_key_name(IPROTO_EXPR), "expression");
	assert_null(iproto_key_name(0x7f));
}

static void test_write_reply(void **state)
{
	char p[IPROTO_REPLY_HEADER_SIZE + IPROTO_DATA_HEADER_SIZE];
	iproto_write_reply_header(p, 0x80, 0x0102030405060708, 78, 8);
	iproto_write_data_header(p + IPROTO_REPLY_HEADER_SIZE, 1);
	assert_memory_equal(p,
		"\xce\0\0\0\x1f\x83\0\xce\0\0\0\x80\x01\xcf\1\2\3\4\5\6\7\x08"
		"\x05\xce\0\0\0\x4e\x81\x30\xdd\0\0\0\1",
		sizeof(p));
}

static void test_error_as_tarantool_sends_it(void **state)
{
	struct buf b = {0};
	struct iproto_error stack[] = {
		{.type = "ClientError",
			.file = "eval",
			.message = "Illegal parameters, a",
			.line = 1,
			.code = 1},
		{.type = "CustomError",
			.file = "eval",
			.message = "r",
			.line = 1,
			.custom_type = "My",
			.code = 300},
	};
	assert_int_equal(iproto_encode_error(&b, stack, 2), 0);
	static const char expected[] =
		"\x82\x31\xb5Illegal parameters, aR\x81\x00\x92\x86\x00\xab"
		"ClientError\x02\x01\x01\xa4"
		"eval\x03\xb5Illegal parameters, a\x04\x00\x05\x01\x87\x00\xab"
		"CustomError\x02\x01\x01\xa4"
		"eval\x03\xa1r\x04\x00\x05\xcd\x01\x2c\x06\x81\xab"
		"custom_type\xa2My";
	assert_int_equal(b.len, sizeof(expected) - 1);
	assert_memory_equal(b.data, expected, b.len);

	struct mp_cursor cur;
	struct iproto_error_view view;
	mp_cursor_init(&cur, b.data, b.data + b.len);
	assert_int_equal(iproto_decode_error(&cur, &view), 0);
	assert_int_equal(view.message_len, 21);
	mp_cursor_init(&cur, view.stack, view.stack_end);
	assert_int_equal(mp_read_array(&cur), 2);
	struct iproto_error_item item;
	assert_int_equal(iproto_decode_error_item(&cur, &item), 0);
	assert_int_equal(item.code, 1);
	assert_null(item.fields);
	assert_int_equal(iproto_decode_error_item(&cur, &item), 0);
	assert_int_equal(item.code, 300);
	assert_non_null(item.fields);
	assert_memory_equal(item.type, "CustomError", item.type_len);
	/* Each cut of it is refused. */
	for (size_t n = 0; n < b.len; n++) {
		mp_cursor_init(&cur, b.data, b.data + n);
		assert_int_equal(iproto_decode_error(&cur, &view), -1);
	}
	buf_fini(&b);
}

static void test_decode_error_string_form(void **state)
{
	struct mp_cursor cur;
	struct iproto_error_view view;
	static const char old[] = "\x81\x31\xa2no";
	mp_cursor_init(&cur, old, old + 5);
	assert_int_equal(iproto_decode_error(&cur, &view), 0);
	assert_null(view.stack);
	assert_memory_equal(view.message, "no", 2);
}

/* What a client encodes, the server decodes. */
static void check_request(struct buf *b, uint32_t type, struct iproto_body *ret)
{
	struct iproto_frame f;
	struct iproto_header h;
	struct mp_cursor cur;
	const char *field;
	assert_int_equal(
		iproto_split_frame(b->data, b->data + b->len, 1 << 20, &f), IPROTO_FRAME);
	assert_ptr_equal(f.end, b->data + b->len);
	mp_cursor_init(&cur, f.data, f.end);
	assert_int_equal(iproto_decode_header(&cur, &h), 0);
	assert_int_equal(h.type, type);
	assert_true(h.sync == UINT64_MAX);
	assert_int_equal(iproto_decode_body(&cur, type, ret, &field), IPROTO_BODY_OK);
	buf_reset(b);
}

static void test_encode_requests(void **state)
{
	struct buf b = {0};
	struct iproto_body got, data = {.space_id = 281,
					.index_id = 2,
					.limit = 10,
					.offset = 3,
					.iterator = 5};
	static const char args[] = "\x92\x01\x02";
	data.key = data.tuple = data.ops = args;
	data.key_end = data.tuple_end = data.ops_end = args + 3;
	uint64_t sync = UINT64_MAX;
	iproto_encode_ping(&b, sync);
	check_request(&b, IPROTO_TYPE_PING, &got);
	iproto_encode_auth(
		&b, sync, "admin", (const unsigned char *)"01234567890123456789");
	check_request(&b, IPROTO_TYPE_AUTH, &got);
	assert_memory_equal(got.tuple,
		"\x92\xa9"
		"chap-sha1\xb4"
		"0123456789",
		22);
	iproto_encode_auth(&b, sync, "guest", NULL);
	check_request(&b, IPROTO_TYPE_AUTH, &got);
	assert_memory_equal(got.tuple, "\x90", 1);
	iproto_encode_eval(&b, sync, "return 1", 8, NULL, NULL);
	check_request(&b, IPROTO_TYPE_EVAL, &got);
	iproto_encode_call(&b, sync, IPROTO_TYPE_CALL_16, "f", 1, args, args + 3);
	check_request(&b, IPROTO_TYPE_CALL_16, &got);
	assert_int_equal(got.tuple_end - got.tuple, 3);
	static const uint32_t all[] = {1, 2, 3, 4, 5, 9};
	for (size_t i = 0; i < 6; i++) {
		iproto_encode_data(&b, sync, all[i], &data);
		check_request(&b, all[i], &got);
		assert_int_equal(got.space_id, 281);
	}
	iproto_encode_data(&b, sync, IPROTO_TYPE_SELECT, &data);
	check_request(&b, IPROTO_TYPE_SELECT, &got);
	assert_int_equal(got.index_id, 2);
	assert_int_equal(got.limit, 10);
	assert_int_equal(got.offset, 3);
	assert_int_equal(got.iterator, 5);
	iproto_encode_id(&b, sync, 3, (const uint32_t[]){0, 1}, 2);
	check_request(&b, IPROTO_TYPE_ID, &got);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split_every_width),
		cmocka_unit_test(test_split_says_what_is_needed),
		cmocka_unit_test(test_split_refuses),
		cmocka_unit_test(test_decode_header),
		cmocka_unit_test(test_decode_header_keeps_sync),
		cmocka_unit_test(test_decode_body_eval),
		cmocka_unit_test(test_decode_body_faults),
		cmocka_unit_test(test_decode_body_missing_field),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_write_reply),
		cmocka_unit_test(test_error_as_tarantool_sends_it),
		cmocka_unit_test(test_decode_error_string_form),
		cmocka_unit_test(test_encode_requests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

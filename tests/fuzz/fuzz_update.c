/*
 * Update operations on a tuple: one byte tells how to cut the input into the two.
 * Whatever is well-formed gives an error or a well-formed tuple.
 */
#include "instance/box/update.h"

#include "fuzz.h"
#include "instance/base/diag.h"
#include "instance/box/tuple.h"
#include "instance/box/tuple_text.h"

static struct tuple_format *format;

static void check_result(const struct buf *out)
{
	fuzz_check(mp_check(out->data, out->data + out->len) == NULL);
	fuzz_check(mp_raw_type(out->data) == MP_ARRAY);
	fuzz_check(mp_raw_next(out->data) == out->data + out->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct field_def fields[] = {
		{"a", FIELD_TYPE_UNSIGNED, false, COLL_NONE},
		{"b", FIELD_TYPE_STRING, true, COLL_NONE},
		{"c", FIELD_TYPE_SCALAR, true, COLL_NONE},
	};
	if (format == NULL) {
		tuple_format_init();
		format = tuple_format_new(fields, 3, 0, NULL, 0, NULL);
	}
	if (size < 2 || (size_t)data[0] + 1 > size)
		return 0;
	const char *tuple = (const char *)data + 1, *end = tuple + data[0];
	const char *ops = end, *ops_end = (const char *)data + size;
	if (mp_check(tuple, end) != NULL || mp_check(ops, ops_end) != NULL ||
		mp_raw_type(tuple) != MP_ARRAY)
		return 0;
	fuzz_check(mp_raw_next(tuple) == end);
	struct buf out = {0}, text = {0};
	if (update_execute(ops, ops_end, tuple, end, format->dict, data[0] & 1, &out) ==
		0)
		check_result(&out);
	else
		fuzz_check(out.len == 0 && diag_last() != NULL);
	buf_reset(&out);
	if (upsert_execute(ops, ops_end, tuple, end, format->dict, 1, &out) == 0)
		check_result(&out);
	struct tuple *made = tuple_new(format, tuple, end);
	if (made != NULL) {
		fuzz_check(msgpack_to_text(made->data, &text) == 0);
		tuple_unref(made);
	}
	buf_fini(&out);
	buf_fini(&text);
	diag_clear();
	return 0;
}

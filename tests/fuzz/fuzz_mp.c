#include "proto/mp.h"

#include "fuzz.h"

/* Walk with the typed reads too: they must stay within what mp_skip() accepts. */
static void walk(struct mp_cursor *cur, int depth)
{
	uint32_t len, n;
	int8_t type;
	const char *bytes;
	if (depth == 0) {
		mp_fail(cur, "too deep for this walk");
		return;
	}
	switch (mp_peek(cur)) {
	case MP_ARRAY:
		n = mp_read_array(cur);
		for (uint32_t i = 0; i < n && cur->error == NULL; i++)
			walk(cur, depth - 1);
		break;
	case MP_MAP:
		n = mp_read_map(cur);
		for (uint32_t i = 0; i < 2 * n && cur->error == NULL; i++)
			walk(cur, depth - 1);
		break;
	case MP_STR:
		bytes = mp_read_str(cur, &len);
		fuzz_touch(bytes, len);
		break;
	case MP_BIN:
		bytes = mp_read_bin(cur, &len);
		fuzz_touch(bytes, len);
		break;
	case MP_EXT:
		bytes = mp_read_ext(cur, &type, &len);
		fuzz_touch(bytes, len);
		break;
	case MP_UINT:
	case MP_INT:
		mp_read_int(cur);
		break;
	case MP_FLOAT:
	case MP_DOUBLE:
		mp_read_double(cur);
		break;
	case MP_BOOL:
		mp_read_bool(cur);
		break;
	case MP_NIL:
		mp_read_nil(cur);
		break;
	case MP_BAD:
		mp_fail(cur, "bad");
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *begin = (const char *)data, *end = begin + size;
	struct mp_cursor cur;
	const char *wrong = mp_check(begin, end);
	mp_cursor_init(&cur, begin, end);
	walk(&cur, 64);
	fuzz_check(cur.pos <= end);
	if (cur.error == NULL && cur.pos == end)
		fuzz_check(wrong == NULL);
	return 0;
}

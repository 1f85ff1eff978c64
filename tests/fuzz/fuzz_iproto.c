#include "proto/iproto.h"

#include "fuzz.h"

static void error_reply(struct mp_cursor cur)
{
	struct iproto_error_view view;
	if (iproto_decode_error(&cur, &view) != 0)
		return;
	fuzz_touch(view.message, view.message_len);
	if (view.stack == NULL)
		return;
	struct mp_cursor stack;
	mp_cursor_init(&stack, view.stack, view.stack_end);
	uint32_t n = mp_read_array(&stack);
	struct iproto_error_item item;
	for (uint32_t i = 0; i < n && iproto_decode_error_item(&stack, &item) == 0; i++) {
		fuzz_touch(item.type, item.type_len);
		fuzz_touch(item.file, item.file_len);
		fuzz_touch(item.message, item.message_len);
		fuzz_touch_range(item.fields, item.fields_end);
	}
}

static void request(struct mp_cursor cur, uint32_t type)
{
	struct iproto_body body;
	const char *field;
	if (iproto_decode_body(&cur, type, &body, &field) != IPROTO_BODY_OK)
		return;
	fuzz_touch(body.name, body.name_len);
	fuzz_touch_range(body.key, body.key_end);
	fuzz_touch_range(body.tuple, body.tuple_end);
	fuzz_touch_range(body.ops, body.ops_end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct iproto_frame frame;
	while (iproto_split_frame(p, end, 1 << 20, &frame) == IPROTO_FRAME) {
		fuzz_check(frame.data > p && frame.end <= end);
		p = frame.end;
		struct iproto_header header;
		struct mp_cursor cur;
		mp_cursor_init(&cur, frame.data, frame.end);
		if (iproto_decode_header(&cur, &header) != 0)
			continue;
		const char *value, *value_end;
		struct mp_cursor copy = cur;
		if (iproto_find_key(&copy, IPROTO_DATA, &value, &value_end) == 0)
			fuzz_touch_range(value, value_end);
		request(cur, header.type);
		for (uint32_t type = 0; type <= 14; type++)
			request(cur, type);
		error_reply(cur);
	}
	return 0;
}

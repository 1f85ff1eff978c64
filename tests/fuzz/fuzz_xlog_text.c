#include "ctl/xlog_text.h"

#include "fuzz.h"

/* What goes to a terminal or a program: a line, or what YAML folds into several. */
static void check_text(const struct buf *out, enum mptext_format format)
{
	for (size_t i = 0; i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];
		fuzz_check(c >= 0x20 || c == '\n');
		fuzz_check(c != '\n' || format == MPTEXT_YAML || i == out->len - 1);
		fuzz_check(c < 0x7f || format != MPTEXT_LUA);
	}
}

/* Rows as they stand in a block, in every format of `ctl cat`. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum mptext_format formats[] = {
		MPTEXT_YAML, MPTEXT_JSON, MPTEXT_LUA};
	struct mp_cursor cur;
	struct xlog_row row;
	const char *error;
	mp_cursor_init(&cur, (const char *)data, (const char *)data + size);
	while (mp_left(&cur) > 0 && xlog_next_row(&cur, &row, &error) == 0) {
		for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
			struct buf out = {0};
			if (xlog_row_text(&out, &row, formats[i]) == 0)
				check_text(&out, formats[i]);
			buf_fini(&out);
		}
	}
	return 0;
}

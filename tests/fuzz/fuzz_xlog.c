#include "proto/xlog.h"

#include "fuzz.h"

static void read_rows(const struct xlog_block *block)
{
	struct buf rows = {0};
	struct mp_cursor cur;
	struct xlog_row row;
	const char *error = NULL;
	if (xlog_block_rows(block, &rows, &cur, &error) == 0) {
		while (mp_left(&cur) > 0) {
			const char *before = cur.pos;
			if (xlog_next_row(&cur, &row, &error) != 0)
				break;
			fuzz_check(cur.pos > before);
			fuzz_touch_range(row.body, row.body_end);
		}
	}
	buf_fini(&rows);
}

/* A whole file: header, blocks; damage is skipped as `ctl cat --skip-damaged` does. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *error = NULL;
	struct xlog_meta meta;
	size_t n = 0;
	if (xlog_read_meta(p, size, &meta, &n, &error) == XLOG_OK) {
		fuzz_check(n <= size);
		p += n;
	}
	while (p < end) {
		struct xlog_block block = {0};
		size_t left = (size_t)(end - p);
		error = NULL;
		enum xlog_status rc = xlog_read_block(p, left, &block, &n, &error);
		if (rc == XLOG_OK) {
			fuzz_check(n <= left);
			read_rows(&block);
			p += n;
		} else if (rc == XLOG_BAD) {
			fuzz_check(error != NULL);
			p++;
			n = xlog_find_marker(p, left - 1);
			fuzz_check(n <= left - 1);
			p += n;
		} else {
			fuzz_check(rc == XLOG_EOF || n > left);
			break;
		}
	}
	/* The checksum keeps random bytes out: read them without it too. */
	struct xlog_block whole = {(const char *)data, (uint32_t)size, false};
	read_rows(&whole);
	whole.is_compressed = true;
	read_rows(&whole);
	return 0;
}

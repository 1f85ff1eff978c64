#include "proto/xlog.h"

#include <zstd.h>

#include "proto/crc32c.h"
#include "proto/iproto.h"
#include "unit.h"

static const char meta_text[] = "XLOG\n0.13\nVersion: 2.6.0\nInstance: abc\n"
				"VClock: {1: 5}\nNew: key\nPrevVClock: {1: 4}\n\n";

static void test_crc32c(void **state)
{
	assert_int_equal(crc32c(0xffffffff, "123456789", 9), 0x1cf96d7c);
	assert_int_equal(crc32c(0, "123456789", 9), 0x58e3fa20);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0x58e3fa20);
}

static void test_meta(void **state)
{
	struct xlog_meta meta;
	size_t size = 0, len = sizeof(meta_text) - 1;
	const char *error = NULL;
	for (size_t n = 0; n < len; n++)
		assert_int_equal(
			xlog_read_meta(meta_text, n, &meta, &size, &error), XLOG_MORE);
	assert_int_equal(xlog_read_meta(meta_text, len, &meta, &size, &error), XLOG_OK);
	assert_int_equal(size, len);
	assert_string_equal(meta.kind, "XLOG");
	assert_string_equal(meta.version, "2.6.0");
	assert_string_equal(meta.instance, "abc");
	assert_string_equal(meta.vclock, "{1: 5}");
	assert_string_equal(meta.prev_vclock, "{1: 4}");

	static const char *const bad[] = {"\x7f"
					  "ELF",
		"XLOG\n0.12\n\n", "XLOG\n\n", "1", "XLOG0.13\n\n"};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error = NULL;
		assert_int_equal(
			xlog_read_meta(bad[i], strlen(bad[i]), &meta, &size, &error),
			XLOG_BAD);
		assert_non_null(error);
	}
	char endless[XLOG_META_MAX + 1];
	memset(endless, 'A', sizeof(endless));
	assert_int_equal(
		xlog_read_meta(endless, sizeof(endless), &meta, &size, &error), XLOG_BAD);
}

/** Two rows of one transaction, and one of its own. */
static void pack_rows(struct buf *rows)
{
	msgpack_packer pk;
	mp_packer_init(&pk, rows);
	for (unsigned i = 0; i < 3; i++) {
		msgpack_pack_map(&pk, i == 0 ? 4 : i == 1 ? 5 : 3);
		msgpack_pack_int(&pk, IPROTO_REQUEST_TYPE);
		msgpack_pack_int(&pk, IPROTO_TYPE_REPLACE);
		msgpack_pack_int(&pk, IPROTO_LSN);
		msgpack_pack_int(&pk, 10 + (int)i);
		msgpack_pack_int(&pk, IPROTO_TIMESTAMP);
		msgpack_pack_double(&pk, 1.5);
		if (i < 2) {
			msgpack_pack_int(&pk, IPROTO_TSN);
			msgpack_pack_int(&pk, (int)i);
		}
		if (i == 1) {
			msgpack_pack_int(&pk, IPROTO_FLAGS);
			msgpack_pack_int(&pk, 1);
		}
		if (i == 2)
			continue; /* a row without a body: a NOP is written so */
		msgpack_pack_map(&pk, 1);
		msgpack_pack_int(&pk, IPROTO_SPACE_ID);
		msgpack_pack_int(&pk, 512);
	}
}

static void put_block(
	struct buf *out, const char *payload, size_t len, bool is_compressed)
{
	struct buf head = {0};
	msgpack_packer pk;
	mp_packer_init(&pk, &head);
	buf_append(&head, is_compressed ? "\xd5\xba\x0b\xba" : "\xd5\xba\x0b\xab", 4);
	msgpack_pack_uint64(&pk, len);
	msgpack_pack_uint32(&pk, 0);
	msgpack_pack_uint32(&pk, crc32c(0, payload, len));
	size_t pad = XLOG_FIXHEADER_SIZE - head.len;
	if (pad > 0) {
		char zeros[XLOG_FIXHEADER_SIZE] = {(char)(0xa0 | (pad - 1))};
		buf_append(&head, zeros, pad);
	}
	buf_append(out, head.data, head.len);
	buf_append(out, payload, len);
	buf_fini(&head);
}

static void check_rows(const struct xlog_block *block)
{
	struct buf rows = {0};
	struct mp_cursor cur;
	struct xlog_row row;
	const char *error = NULL;
	assert_int_equal(xlog_block_rows(block, &rows, &cur, &error), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(xlog_next_row(&cur, &row, &error), 0);
		assert_int_equal(row.type, IPROTO_TYPE_REPLACE);
		assert_int_equal(row.lsn, 10 + i);
		assert_int_equal(row.tsn, i < 2 ? 10 : 12);
		assert_int_equal(row.is_commit, i > 0);
		assert_int_equal(row.body_end - row.body, i < 2 ? 5 : 0);
	}
	assert_int_equal(mp_left(&cur), 0);
	buf_fini(&rows);
}

static void test_blocks(void **state)
{
	struct buf rows = {0}, file = {0};
	pack_rows(&rows);
	char packed[512];
	size_t packed_len = ZSTD_compress(packed, sizeof(packed), rows.data, rows.len, 3);
	for (int is_compressed = 0; is_compressed < 2; is_compressed++) {
		struct xlog_block block;
		size_t size, more;
		const char *error = NULL;
		buf_reset(&file);
		put_block(&file, is_compressed ? packed : rows.data,
			is_compressed ? packed_len : rows.len, is_compressed);
		for (size_t n = 0; n < file.len; n++) {
			assert_int_equal(
				xlog_read_block(file.data, n, &block, &more, &error),
				XLOG_MORE);
			assert_true(more > n && more <= file.len);
		}
		assert_int_equal(
			xlog_read_block(file.data, file.len, &block, &size, &error),
			XLOG_OK);
		assert_int_equal(size, file.len);
		check_rows(&block);
		/* Any flipped bit of the payload is seen. */
		for (size_t i = XLOG_FIXHEADER_SIZE; i < file.len; i++) {
			file.data[i] ^= 1;
			error = NULL;
			assert_int_equal(xlog_read_block(file.data, file.len, &block,
						 &size, &error),
				XLOG_BAD);
			assert_non_null(error);
			file.data[i] ^= 1;
		}
	}
	buf_fini(&rows);
	buf_fini(&file);
}

static void test_bad_blocks(void **state)
{
	struct xlog_block block;
	size_t size;
	const char *error;
	static const struct {
		const char *data;
		size_t len;
	} bad[] = {
		{"abcd", 4},
		{"\xd5\xba\x0b\xab\xce\xff\xff\xff\xff\x00\x00\xa9\0\0\0\0\0\0\0", 19},
		{"\xd5\xba\x0b\xab\xc0\x00\x00\x00\x00\x00\x00\xa9\0\0\0\0\0\0\0", 19},
	};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		error = NULL;
		assert_int_equal(
			xlog_read_block(bad[i].data, bad[i].len, &block, &size, &error),
			XLOG_BAD);
		assert_non_null(error);
	}
	assert_int_equal(
		xlog_read_block("\xd5\x10\xad\xed", 4, &block, &size, &error), XLOG_EOF);
	assert_int_equal(size, 4);
	assert_int_equal(xlog_find_marker("ab\xd5\xd5\x10\xad\xed", 7), 3);
	assert_int_equal(xlog_find_marker("ab\xd5\xd5\x10\xad", 6), 6);
}

/* What decompresses to far more than any writer makes is refused. */
static void test_bomb(void **state)
{
	size_t big = 1 << 20;
	char *zeros = calloc(1, big);
	struct buf packed = {0}, rows = {0};
	assert_non_null(zeros);
	ZSTD_CStream *stream = ZSTD_createCStream();
	ZSTD_initCStream(stream, 1);
	char *p = buf_reserve(&packed, 4 << 20);
	ZSTD_outBuffer out = {p, 4 << 20, 0};
	for (uint64_t done = 0; done < XLOG_ROWS_MAX + (2ULL << 20); done += big) {
		ZSTD_inBuffer in = {zeros, big, 0};
		while (in.pos < in.size)
			assert_false(
				ZSTD_isError(ZSTD_compressStream(stream, &out, &in)));
	}
	assert_int_equal(ZSTD_endStream(stream, &out), 0);
	struct xlog_block block = {packed.data, (uint32_t)out.pos, true};
	struct mp_cursor cur;
	const char *error = NULL;
	assert_int_equal(xlog_block_rows(&block, &rows, &cur, &error), -1);
	assert_string_equal(error, "the block's rows are too big");
	ZSTD_freeCStream(stream);
	buf_fini(&packed);
	buf_fini(&rows);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc32c),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_bad_blocks),
		cmocka_unit_test(test_bomb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

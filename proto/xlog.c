#include "proto/xlog.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#include "proto/crc32c.h"
#include "proto/iproto.h"

static const char version_line[] = "0.13";
static const unsigned char marker_plain[4] = {0xd5, 0xba, 0x0b, 0xab};
static const unsigned char marker_zstd[4] = {0xd5, 0xba, 0x0b, 0xba};
static const unsigned char marker_eof[4] = {0xd5, 0x10, 0xad, 0xed};

/* --- the text header --- */

static void copy_text(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

static void read_pair(struct xlog_meta *meta, const char *line, size_t len)
{
	const struct {
		const char *key;
		char *to;
		size_t size;
	} keys[] = {
		{"Version: ", meta->version, sizeof(meta->version)},
		{"Instance: ", meta->instance, sizeof(meta->instance)},
		{"Server: ", meta->instance, sizeof(meta->instance)}, /* before 1.7.6 */
		{"VClock: ", meta->vclock, sizeof(meta->vclock)},
		{"PrevVClock: ", meta->prev_vclock, sizeof(meta->prev_vclock)},
	};
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t n = strlen(keys[i].key);
		if (len >= n && memcmp(line, keys[i].key, n) == 0)
			copy_text(keys[i].to, keys[i].size, line + n, len - n);
	}
}

enum xlog_status xlog_read_meta(const char *data, size_t len, struct xlog_meta *meta,
	size_t *ret_size, const char **ret_error)
{
	memset(meta, 0, sizeof(*meta));
	size_t window = len < XLOG_META_MAX ? len : XLOG_META_MAX;
	const char *end = memmem(data, window, "\n\n", 2);
	for (size_t i = 0; i < window && i < 4; i++) {
		if (data[i] < 'A' || data[i] > 'Z') {
			*ret_error = "no text header: not an .xlog or .snap file";
			return XLOG_BAD;
		}
	}
	if (end == NULL && len < XLOG_META_MAX)
		return XLOG_MORE;
	if (end == NULL) {
		*ret_error = "the text header has no end";
		return XLOG_BAD;
	}
	end++; /* behind the last line's \n */
	int n = 0;
	for (const char *line = data; line < end; n++) {
		const char *eol = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)(eol - line);
		if (n == 0) {
			copy_text(meta->kind, sizeof(meta->kind), line, line_len);
		} else if (n == 1) {
			if (line_len != strlen(version_line) ||
				memcmp(line, version_line, line_len) != 0) {
				*ret_error = "the format's version is not 0.13";
				return XLOG_BAD;
			}
		} else {
			read_pair(meta, line, line_len);
		}
		line = eol + 1;
	}
	if (n < 2) {
		*ret_error = "no text header: not an .xlog or .snap file";
		return XLOG_BAD;
	}
	*ret_size = (size_t)(end - data) + 1;
	return XLOG_OK;
}

/* --- blocks --- */

static bool is_marker(const char *data, const unsigned char marker[4])
{
	return memcmp(data, marker, 4) == 0;
}

size_t xlog_find_marker(const char *data, size_t len)
{
	for (size_t i = 0; i + 4 <= len; i++) {
		const char *p = memchr(data + i, 0xd5, len - 3 - i);
		if (p == NULL)
			break;
		i = (size_t)(p - data);
		if (is_marker(p, marker_plain) || is_marker(p, marker_zstd) ||
			is_marker(p, marker_eof))
			return i;
	}
	return len;
}

enum xlog_status xlog_read_block(const char *data, size_t len, struct xlog_block *block,
	size_t *ret_size, const char **ret_error)
{
	*ret_size = XLOG_FIXHEADER_SIZE;
	if (len < 4) {
		*ret_size = 4;
		return XLOG_MORE;
	}
	if (is_marker(data, marker_eof)) {
		*ret_size = 4;
		return XLOG_EOF;
	}
	block->is_compressed = is_marker(data, marker_zstd);
	if (!block->is_compressed && !is_marker(data, marker_plain)) {
		*ret_error = "no block begins here";
		return XLOG_BAD;
	}
	if (len < XLOG_FIXHEADER_SIZE)
		return XLOG_MORE;
	struct mp_cursor cur;
	mp_cursor_init(&cur, data + 4, data + XLOG_FIXHEADER_SIZE);
	uint64_t size = mp_read_uint(&cur);
	mp_read_uint(&cur); /* checksum of the block before; writers leave it 0 */
	uint64_t checksum = mp_read_uint(&cur);
	if (cur.error != NULL) {
		*ret_error = "the block's header is damaged";
		return XLOG_BAD;
	}
	if (size > XLOG_BLOCK_MAX) {
		*ret_error = "the block's length is out of range";
		return XLOG_BAD;
	}
	*ret_size = XLOG_FIXHEADER_SIZE + (size_t)size;
	if (len < *ret_size)
		return XLOG_MORE;
	block->payload = data + XLOG_FIXHEADER_SIZE;
	block->payload_len = (uint32_t)size;
	if (crc32c(0, block->payload, block->payload_len) != checksum) {
		*ret_error = "the block's checksum does not match";
		return XLOG_BAD;
	}
	return XLOG_OK;
}

static void stream_free(ZSTD_DStream **stream)
{
	ZSTD_freeDStream(*stream);
}

static int decompress(
	const struct xlog_block *block, struct buf *rows, const char **ret_error)
{
	__attribute__((cleanup(stream_free))) ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = {block->payload, block->payload_len, 0};
	*ret_error = "out of memory";
	if (stream == NULL || ZSTD_isError(ZSTD_initDStream(stream)))
		return -1;
	size_t more = 1;
	while (in.pos < in.size || more != 0) {
		if (rows->len >= XLOG_ROWS_MAX) {
			*ret_error = "the block's rows are too big";
			return -1;
		}
		if (buf_reserve(rows, ZSTD_DStreamOutSize()) == NULL)
			return -1;
		ZSTD_outBuffer out = {rows->data + rows->len, rows->cap - rows->len, 0};
		size_t before = in.pos;
		more = ZSTD_decompressStream(stream, &out, &in);
		if (ZSTD_isError(more) || (out.pos == 0 && in.pos == before)) {
			*ret_error = "the block cannot be decompressed";
			return -1;
		}
		rows->len += out.pos;
	}
	return 0;
}

int xlog_block_rows(const struct xlog_block *block, struct buf *rows,
	struct mp_cursor *ret_cur, const char **ret_error)
{
	buf_reset(rows);
	if (!block->is_compressed) {
		mp_cursor_init(
			ret_cur, block->payload, block->payload + block->payload_len);
		return 0;
	}
	if (decompress(block, rows, ret_error) != 0)
		return -1;
	mp_cursor_init(ret_cur, rows->data, rows->data + rows->len);
	return 0;
}

/* --- rows --- */

enum { FLAG_COMMIT = 1 };

static void read_header_key(
	struct mp_cursor *cur, struct xlog_row *row, uint64_t *tsn_back)
{
	switch (mp_read_uint(cur)) {
	case IPROTO_REQUEST_TYPE:
		row->type = (uint32_t)mp_read_uint(cur);
		break;
	case IPROTO_REPLICA_ID:
		row->replica_id = (uint32_t)mp_read_uint(cur);
		break;
	case IPROTO_GROUP_ID:
		row->group_id = (uint32_t)mp_read_uint(cur);
		break;
	case IPROTO_LSN:
		row->lsn = mp_read_uint(cur);
		break;
	case IPROTO_TIMESTAMP:
		row->timestamp = mp_read_double(cur);
		break;
	case IPROTO_TSN:
		*tsn_back = mp_read_uint(cur);
		row->has_tsn = true;
		row->is_commit = false;
		break;
	case IPROTO_FLAGS:
		row->is_commit = mp_read_uint(cur) & FLAG_COMMIT;
		break;
	default:
		mp_skip(cur);
	}
}

int xlog_next_row(struct mp_cursor *cur, struct xlog_row *row, const char **ret_error)
{
	uint64_t tsn_back = 0; /* the file has the distance */
	*row = (struct xlog_row){.is_commit = true};
	uint32_t count = mp_read_map(cur);
	for (uint32_t i = 0; i < count && cur->error == NULL; i++)
		read_header_key(cur, row, &tsn_back);
	row->tsn = row->lsn - tsn_back;
	row->body = cur->pos;
	if (cur->error == NULL && mp_left(cur) > 0) {
		if (mp_peek(cur) != MP_MAP)
			mp_fail(cur, "a row's body is no map");
		mp_skip(cur);
	}
	row->body_end = cur->pos;
	*ret_error = cur->error;
	return cur->error == NULL ? 0 : -1;
}

#include "proto/mp.h"

#include <endian.h>
#include <float.h>
#include <math.h>

int mp_buf_write(void *buf, const char *data, size_t len)
{
	return buf_append(buf, data, len);
}

void mp_fail(struct mp_cursor *cur, const char *error)
{
	if (cur->error == NULL)
		cur->error = error;
}

enum mp_type mp_peek(const struct mp_cursor *cur)
{
	if (cur->error != NULL || cur->pos >= cur->end)
		return MP_BAD;
	unsigned char c = (unsigned char)*cur->pos;
	if (c <= 0x7f)
		return MP_UINT;
	if (c <= 0x8f)
		return MP_MAP;
	if (c <= 0x9f)
		return MP_ARRAY;
	if (c <= 0xbf)
		return MP_STR;
	if (c >= 0xe0)
		return MP_INT;
	static const unsigned char types[] = {
		[0xc0 - 0xc0] = MP_NIL,
		[0xc1 - 0xc0] = MP_BAD,
		[0xc2 - 0xc0] = MP_BOOL,
		[0xc3 - 0xc0] = MP_BOOL,
		[0xc4 - 0xc0] = MP_BIN,
		[0xc5 - 0xc0] = MP_BIN,
		[0xc6 - 0xc0] = MP_BIN,
		[0xc7 - 0xc0] = MP_EXT,
		[0xc8 - 0xc0] = MP_EXT,
		[0xc9 - 0xc0] = MP_EXT,
		[0xca - 0xc0] = MP_FLOAT,
		[0xcb - 0xc0] = MP_DOUBLE,
		[0xcc - 0xc0] = MP_UINT,
		[0xcd - 0xc0] = MP_UINT,
		[0xce - 0xc0] = MP_UINT,
		[0xcf - 0xc0] = MP_UINT,
		[0xd0 - 0xc0] = MP_INT,
		[0xd1 - 0xc0] = MP_INT,
		[0xd2 - 0xc0] = MP_INT,
		[0xd3 - 0xc0] = MP_INT,
		[0xd4 - 0xc0] = MP_EXT,
		[0xd5 - 0xc0] = MP_EXT,
		[0xd6 - 0xc0] = MP_EXT,
		[0xd7 - 0xc0] = MP_EXT,
		[0xd8 - 0xc0] = MP_EXT,
		[0xd9 - 0xc0] = MP_STR,
		[0xda - 0xc0] = MP_STR,
		[0xdb - 0xc0] = MP_STR,
		[0xdc - 0xc0] = MP_ARRAY,
		[0xdd - 0xc0] = MP_ARRAY,
		[0xde - 0xc0] = MP_MAP,
		[0xdf - 0xc0] = MP_MAP,
	};
	return types[c - 0xc0];
}

/* Take n bytes; NULL (and the error) when there are fewer. */
static const char *take(struct mp_cursor *cur, size_t n)
{
	if (cur->error != NULL)
		return NULL;
	if (mp_left(cur) < n) {
		mp_fail(cur, "truncated msgpack");
		return NULL;
	}
	const char *p = cur->pos;
	cur->pos += n;
	return p;
}

/*
 * A big-endian number of 1, 2, 4 or 8 bytes; each its own load, as copying n bytes into
 * a wider number costs a call and a stall.
 */
static inline uint64_t take_be(struct mp_cursor *cur, unsigned n)
{
	const char *p = take(cur, n);
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;
	if (p == NULL)
		return 0;
	switch (n) {
	case 1:
		return (unsigned char)*p;
	case 2:
		memcpy(&v16, p, sizeof(v16));
		return be16toh(v16);
	case 4:
		memcpy(&v32, p, sizeof(v32));
		return be32toh(v32);
	default:
		memcpy(&v64, p, sizeof(v64));
		return be64toh(v64);
	}
}

static unsigned char take_byte(struct mp_cursor *cur)
{
	return (unsigned char)take_be(cur, 1);
}

/* Fail unless the next value is of the type. */
static bool expect(struct mp_cursor *cur, enum mp_type type, const char *error)
{
	if (mp_peek(cur) == type)
		return true;
	mp_fail(cur, cur->pos >= cur->end ? "truncated msgpack" : error);
	return false;
}

uint64_t mp_read_uint_wide(struct mp_cursor *cur)
{
	if (!expect(cur, MP_UINT, "an unsigned integer is expected"))
		return 0;
	unsigned char c = take_byte(cur);
	return c <= 0x7f ? c : take_be(cur, 1u << (c - 0xcc));
}

int64_t mp_read_int(struct mp_cursor *cur)
{
	if (mp_peek(cur) == MP_UINT) {
		uint64_t v = mp_read_uint(cur);
		if (v > INT64_MAX) {
			mp_fail(cur, "the integer is too large");
			return 0;
		}
		return (int64_t)v;
	}
	if (!expect(cur, MP_INT, "an integer is expected"))
		return 0;
	unsigned char c = take_byte(cur);
	switch (c) {
	case 0xd0:
		return (int8_t)take_be(cur, 1);
	case 0xd1:
		return (int16_t)take_be(cur, 2);
	case 0xd2:
		return (int32_t)take_be(cur, 4);
	case 0xd3:
		return (int64_t)take_be(cur, 8);
	default:
		return (int8_t)c;
	}
}

double mp_read_double(struct mp_cursor *cur)
{
	switch (mp_peek(cur)) {
	case MP_UINT:
		return (double)mp_read_uint(cur);
	case MP_INT:
		return (double)mp_read_int(cur);
	case MP_FLOAT: {
		take_byte(cur);
		uint32_t bits = (uint32_t)take_be(cur, 4);
		float f;
		memcpy(&f, &bits, sizeof(f));
		return f;
	}
	default: {
		if (!expect(cur, MP_DOUBLE, "a number is expected"))
			return 0;
		take_byte(cur);
		uint64_t bits = take_be(cur, 8);
		double d;
		memcpy(&d, &bits, sizeof(d));
		return d;
	}
	}
}

bool mp_read_bool(struct mp_cursor *cur)
{
	if (!expect(cur, MP_BOOL, "a boolean is expected"))
		return false;
	return take_byte(cur) == 0xc3;
}

void mp_read_nil(struct mp_cursor *cur)
{
	if (expect(cur, MP_NIL, "nil is expected"))
		take_byte(cur);
}

const char *mp_read_str(struct mp_cursor *cur, uint32_t *ret_len)
{
	*ret_len = 0;
	if (!expect(cur, MP_STR, "a string is expected"))
		return NULL;
	unsigned char c = take_byte(cur);
	uint32_t len = c <= 0xbf ? c & 0x1f : (uint32_t)take_be(cur, 1u << (c - 0xd9));
	const char *s = take(cur, len);
	if (s != NULL)
		*ret_len = len;
	return s;
}

const char *mp_read_bin(struct mp_cursor *cur, uint32_t *ret_len)
{
	*ret_len = 0;
	if (!expect(cur, MP_BIN, "binary data is expected"))
		return NULL;
	unsigned char c = take_byte(cur);
	uint32_t len = (uint32_t)take_be(cur, 1u << (c - 0xc4));
	const char *s = take(cur, len);
	if (s != NULL)
		*ret_len = len;
	return s;
}

const char *mp_read_ext(struct mp_cursor *cur, int8_t *ret_type, uint32_t *ret_len)
{
	*ret_type = 0;
	*ret_len = 0;
	if (!expect(cur, MP_EXT, "an extension is expected"))
		return NULL;
	unsigned char c = take_byte(cur);
	uint32_t len =
		c >= 0xd4 ? 1u << (c - 0xd4) : (uint32_t)take_be(cur, 1u << (c - 0xc7));
	int8_t type = (int8_t)take_byte(cur);
	const char *s = take(cur, len);
	if (s != NULL) {
		*ret_len = len;
		*ret_type = type;
	}
	return s;
}

/* Header of an array or a map; `unit` bytes at least make an element. */
static uint32_t take_count(struct mp_cursor *cur, unsigned char fix_mask,
	unsigned char first_wide, size_t unit)
{
	unsigned char c = take_byte(cur);
	uint32_t n =
		c < 0xc0 ? c & fix_mask : (uint32_t)take_be(cur, c == first_wide ? 2 : 4);
	if (cur->error == NULL && n > mp_left(cur) / unit) {
		mp_fail(cur, "truncated msgpack");
		return 0;
	}
	return cur->error == NULL ? n : 0;
}

uint32_t mp_read_array(struct mp_cursor *cur)
{
	if (!expect(cur, MP_ARRAY, "an array is expected"))
		return 0;
	return take_count(cur, 0x0f, 0xdc, 1);
}

uint32_t mp_read_map_wide(struct mp_cursor *cur)
{
	if (!expect(cur, MP_MAP, "a map is expected"))
		return 0;
	return take_count(cur, 0x0f, 0xde, 2);
}

/* Step over a scalar, or over the header of a container: *ret_n values follow. */
static void skip_one(struct mp_cursor *cur, uint64_t *ret_n)
{
	uint32_t len;
	int8_t type;
	*ret_n = 0;
	switch (mp_peek(cur)) {
	case MP_NIL:
	case MP_BOOL:
		take_byte(cur);
		break;
	case MP_UINT:
		mp_read_uint(cur);
		break;
	case MP_INT:
		mp_read_int(cur);
		break;
	case MP_FLOAT:
		take(cur, 5);
		break;
	case MP_DOUBLE:
		take(cur, 9);
		break;
	case MP_STR:
		mp_read_str(cur, &len);
		break;
	case MP_BIN:
		mp_read_bin(cur, &len);
		break;
	case MP_EXT:
		mp_read_ext(cur, &type, &len);
		break;
	case MP_ARRAY:
		*ret_n = mp_read_array(cur);
		break;
	case MP_MAP:
		*ret_n = 2 * (uint64_t)mp_read_map(cur);
		break;
	case MP_BAD:
		mp_fail(cur, mp_left(cur) == 0 ? "truncated msgpack" : "invalid msgpack");
		break;
	}
}

void mp_skip(struct mp_cursor *cur)
{
	uint64_t left[MP_DEPTH_MAX]; /* values still to come, per level */
	unsigned depth = 0;
	for (;;) {
		uint64_t n;
		skip_one(cur, &n);
		if (cur->error != NULL)
			return;
		if (n > 0) {
			if (depth == MP_DEPTH_MAX) {
				mp_fail(cur, "msgpack is nested too deeply");
				return;
			}
			left[depth++] = n;
			continue;
		}
		while (depth > 0 && --left[depth - 1] == 0)
			depth--;
		if (depth == 0)
			return;
	}
}

const char *mp_check(const char *data, const char *end)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, data, end);
	mp_skip(&cur);
	if (cur.error == NULL && cur.pos != end)
		return "extra bytes after the msgpack value";
	return cur.error;
}

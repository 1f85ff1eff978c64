#include "instance/box/mp_raw.h"

/* clang-format off */
#define X8(v) v, v, v, v, v, v, v, v
#define X16(v) X8(v), X8(v)
#define X32(v) X16(v), X16(v)
#define X128(v) X32(v), X32(v), X32(v), X32(v)

const uint8_t mp_raw_types[256] = {
	X128(MP_UINT), X16(MP_MAP), X16(MP_ARRAY), X32(MP_STR),
	MP_NIL, MP_BAD, MP_BOOL, MP_BOOL, MP_BIN, MP_BIN, MP_BIN, MP_EXT,
	MP_EXT, MP_EXT, MP_FLOAT, MP_DOUBLE, MP_UINT, MP_UINT, MP_UINT, MP_UINT,
	MP_INT, MP_INT, MP_INT, MP_INT, MP_EXT, MP_EXT, MP_EXT, MP_EXT,
	MP_EXT, MP_STR, MP_STR, MP_STR, MP_ARRAY, MP_ARRAY, MP_MAP, MP_MAP,
	X32(MP_INT),
};

const uint8_t mp_raw_sizes[256] = {
	X128(1),
	1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* maps */
	1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* arrays */
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, /* strings */
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
	1, 1, 1, 1, 0, 0, 0, 0, /* nil, false, true; bin, ext */
	0, 0, 5, 9, 2, 3, 5, 9, /* ext, float, double, uint */
	2, 3, 5, 9, 3, 4, 6, 10, /* int, fixext */
	18, 0, 0, 0, 0, 0, 0, 0, /* fixext 16; str, array, map */
	X32(1),
};
/* clang-format on */

/* The value whose size is not in the table: its own bytes, and how many values follow. */
static const char *step(const char *p, uint64_t *left)
{
	uint8_t c = (uint8_t)*p++;
	switch (c) {
	case 0xc4:
	case 0xd9:
		return p + 1 + (uint8_t)*p;
	case 0xc5:
	case 0xda:
		return p + 2 + mp_raw_be16(p);
	case 0xc6:
	case 0xdb:
		return p + 4 + mp_raw_be32(p);
	case 0xc7:
		return p + 2 + (uint8_t)*p;
	case 0xc8:
		return p + 3 + mp_raw_be16(p);
	case 0xc9:
		return p + 5 + mp_raw_be32(p);
	case 0xdc:
		*left += mp_raw_be16(p);
		return p + 2;
	case 0xdd:
		*left += mp_raw_be32(p);
		return p + 4;
	case 0xde:
		*left += 2 * (uint64_t)mp_raw_be16(p);
		return p + 2;
	case 0xdf:
		*left += 2 * (uint64_t)mp_raw_be32(p);
		return p + 4;
	default: /* fixarray, fixmap */
		*left += c >= 0x90 ? c & 0xf : 2 * (c & 0xf);
		return p;
	}
}

const char *mp_raw_next_slow(const char *p)
{
	uint64_t left = 1;
	do {
		left--;
		uint8_t n = mp_raw_sizes[(uint8_t)*p];
		p = n != 0 ? p + n : step(p, &left);
	} while (left > 0);
	return p;
}

const char *mp_raw_ext(const char **p, int8_t *ret_type, uint32_t *ret_len)
{
	uint8_t c = (uint8_t) * (*p)++;
	const char *at = *p;
	if (c >= 0xd4) {
		*ret_len = 1u << (c - 0xd4);
	} else if (c == 0xc7) {
		*ret_len = (uint8_t)*at;
		at += 1;
	} else if (c == 0xc8) {
		*ret_len = mp_raw_be16(at);
		at += 2;
	} else {
		*ret_len = mp_raw_be32(at);
		at += 4;
	}
	*ret_type = (int8_t)*at++;
	*p = at + *ret_len;
	return at;
}

/* A type byte and a big-endian number of n bytes. */
static char *put_be(char *p, uint8_t type, uint64_t v, unsigned n)
{
	*p++ = (char)type;
	v = htobe64(v << (64 - 8 * n));
	memcpy(p, &v, n);
	return p + n;
}

char *mp_raw_put_int(char *p, int64_t v)
{
	if (v >= 0)
		return mp_raw_put_uint(p, (uint64_t)v);
	if (v >= -32) {
		*p++ = (char)v;
		return p;
	}
	if (v >= INT8_MIN)
		return put_be(p, 0xd0, (uint64_t)v, 1);
	if (v >= INT16_MIN)
		return put_be(p, 0xd1, (uint64_t)v, 2);
	if (v >= INT32_MIN)
		return put_be(p, 0xd2, (uint64_t)v, 4);
	return put_be(p, 0xd3, (uint64_t)v, 8);
}

char *mp_raw_put_double(char *p, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof(bits));
	return put_be(p, 0xcb, bits, 8);
}

char *mp_raw_put_float(char *p, float v)
{
	uint32_t bits;
	memcpy(&bits, &v, sizeof(bits));
	return put_be(p, 0xca, bits, 4);
}

char *mp_raw_put_array(char *p, uint32_t count)
{
	if (count <= 15) {
		*p++ = (char)(0x90 | count);
		return p;
	}
	return count <= UINT16_MAX ? put_be(p, 0xdc, count, 2)
				   : put_be(p, 0xdd, count, 4);
}

char *mp_raw_put_map(char *p, uint32_t count)
{
	if (count <= 15) {
		*p++ = (char)(0x80 | count);
		return p;
	}
	return count <= UINT16_MAX ? put_be(p, 0xde, count, 2)
				   : put_be(p, 0xdf, count, 4);
}

char *mp_raw_put_strl(char *p, uint32_t len)
{
	if (len <= 31) {
		*p++ = (char)(0xa0 | len);
		return p;
	}
	if (len <= UINT8_MAX)
		return put_be(p, 0xd9, len, 1);
	return len <= UINT16_MAX ? put_be(p, 0xda, len, 2) : put_be(p, 0xdb, len, 4);
}

char *mp_raw_put_str(char *p, const char *s, uint32_t len)
{
	p = mp_raw_put_strl(p, len);
	if (len > 0)
		memcpy(p, s, len);
	return p + len;
}

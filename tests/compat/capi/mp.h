/* Just enough msgpack for the test modules. */
#ifndef CAPI_MP_H
#define CAPI_MP_H

#include <stdint.h>
#include <string.h>

static inline char *mp_put_array(char *p, unsigned count)
{
	*p++ = (char)(0x90 | count); /* up to 15 */
	return p;
}

static inline char *mp_put_int(char *p, int64_t v)
{
	if (v >= 0 && v < 128) {
		*p++ = (char)v;
		return p;
	}
	*p++ = (char)0xd3;
	for (int shift = 56; shift >= 0; shift -= 8)
		*p++ = (char)((uint64_t)v >> shift);
	return p;
}

static inline char *mp_put_str(char *p, const char *s)
{
	size_t len = strlen(s); /* up to 255 */
	*p++ = (char)0xd9;
	*p++ = (char)len;
	memcpy(p, s, len);
	return p + len;
}

/** The number of values in an array of up to 65535. */
static inline unsigned mp_get_array(const char **p)
{
	unsigned char c = (unsigned char)*(*p)++;
	if (c >= 0x90 && c <= 0x9f)
		return c & 15;
	unsigned count = (unsigned char)(*p)[0] << 8 | (unsigned char)(*p)[1];
	*p += 2;
	return count;
}

/** An integer of any width. */
static inline int64_t mp_get_int(const char **p)
{
	unsigned char c = (unsigned char)*(*p)++;
	if (c < 0x80 || c >= 0xe0)
		return (int8_t)c;
	int size = 1 << (c & 3); /* 0xcc-0xcf unsigned, 0xd0-0xd3 signed */
	uint64_t v = 0;
	for (int i = 0; i < size; i++)
		v = v << 8 | (unsigned char)*(*p)++;
	int shift = 64 - 8 * size;
	return c >= 0xd0 ? (int64_t)(v << shift) >> shift : (int64_t)v;
}

/** A string of up to 255 bytes, not terminated. */
static inline const char *mp_get_str(const char **p, unsigned *ret_len)
{
	unsigned char c = (unsigned char)*(*p)++;
	*ret_len = c == 0xd9 ? (unsigned char)*(*p)++ : c & 31;
	const char *s = *p;
	*p += *ret_len;
	return s;
}

#endif

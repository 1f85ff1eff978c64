/*
 * Reading msgpack that is known to be well-formed: tuples, and what
 * mp_check() has passed. Nothing here looks at an end; bytes from outside go
 * through the cursor of proto/mp.h first.
 */
#ifndef BOX_MP_RAW_H
#define BOX_MP_RAW_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "proto/mp.h"

/* Types by first byte (enum mp_type). */
extern const uint8_t mp_raw_types[256];
/*
 * Lengths by first byte: > 0 is the whole value's size; 0 is a value that
 * needs a look (mp_raw_next_slow).
 */
extern const uint8_t mp_raw_sizes[256];

static inline enum mp_type mp_raw_type(const char *p)
{
	return (enum mp_type)mp_raw_types[(uint8_t)*p];
}

static inline uint16_t mp_raw_be16(const char *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return be16toh(v);
}

static inline uint32_t mp_raw_be32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline uint64_t mp_raw_be64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

/** mp_raw_next() for what has no fixed size: strings, arrays, maps... */
const char *mp_raw_next_slow(const char *p);

/** The end of the value at p. */
static inline const char *mp_raw_next(const char *p)
{
	uint8_t n = mp_raw_sizes[(uint8_t)*p];
	return n != 0 ? p + n : mp_raw_next_slow(p);
}

/** Count of an array's elements; *p moves to the first one. */
static inline uint32_t mp_raw_array(const char **p)
{
	uint8_t c = (uint8_t) * (*p)++;
	if (c <= 0x9f)
		return c & 0xf;
	const char *at = *p;
	*p += c == 0xdc ? 2 : 4;
	return c == 0xdc ? mp_raw_be16(at) : mp_raw_be32(at);
}

static inline uint32_t mp_raw_map(const char **p)
{
	uint8_t c = (uint8_t) * (*p)++;
	if (c <= 0x8f)
		return c & 0xf;
	const char *at = *p;
	*p += c == 0xde ? 2 : 4;
	return c == 0xde ? mp_raw_be16(at) : mp_raw_be32(at);
}

static inline uint64_t mp_raw_uint(const char **p)
{
	uint8_t c = (uint8_t) * (*p)++;
	const char *at = *p;
	switch (c) {
	case 0xcc:
		*p += 1;
		return (uint8_t)*at;
	case 0xcd:
		*p += 2;
		return mp_raw_be16(at);
	case 0xce:
		*p += 4;
		return mp_raw_be32(at);
	case 0xcf:
		*p += 8;
		return mp_raw_be64(at);
	default:
		return c;
	}
}

/** A negative integer (MP_INT). */
static inline int64_t mp_raw_int(const char **p)
{
	uint8_t c = (uint8_t) * (*p)++;
	const char *at = *p;
	switch (c) {
	case 0xd0:
		*p += 1;
		return (int8_t)*at;
	case 0xd1:
		*p += 2;
		return (int16_t)mp_raw_be16(at);
	case 0xd2:
		*p += 4;
		return (int32_t)mp_raw_be32(at);
	case 0xd3:
		*p += 8;
		return (int64_t)mp_raw_be64(at);
	default:
		return (int8_t)c;
	}
}

static inline float mp_raw_float(const char **p)
{
	uint32_t bits = mp_raw_be32(*p + 1);
	float v;
	memcpy(&v, &bits, sizeof(v));
	*p += 5;
	return v;
}

static inline double mp_raw_double(const char **p)
{
	uint64_t bits = mp_raw_be64(*p + 1);
	double v;
	memcpy(&v, &bits, sizeof(v));
	*p += 9;
	return v;
}

/** A string's bytes, not terminated. */
static inline const char *mp_raw_str(const char **p, uint32_t *ret_len)
{
	uint8_t c = (uint8_t) * (*p)++;
	const char *at = *p;
	if (c <= 0xbf) {
		*ret_len = c & 0x1f;
	} else if (c == 0xd9) {
		*ret_len = (uint8_t)*at++;
	} else if (c == 0xda) {
		*ret_len = mp_raw_be16(at);
		at += 2;
	} else {
		*ret_len = mp_raw_be32(at);
		at += 4;
	}
	*p = at + *ret_len;
	return at;
}

static inline const char *mp_raw_bin(const char **p, uint32_t *ret_len)
{
	uint8_t c = (uint8_t) * (*p)++;
	const char *at = *p;
	if (c == 0xc4) {
		*ret_len = (uint8_t)*at++;
	} else if (c == 0xc5) {
		*ret_len = mp_raw_be16(at);
		at += 2;
	} else {
		*ret_len = mp_raw_be32(at);
		at += 4;
	}
	*p = at + *ret_len;
	return at;
}

/** An extension's payload. */
const char *mp_raw_ext(const char **p, int8_t *ret_type, uint32_t *ret_len);

static inline bool mp_raw_bool(const char **p)
{
	return (uint8_t) * (*p)++ == 0xc3;
}

/*
 * Writing into memory that is large enough: up to 9 bytes for a number, 5 for a
 * header. Each returns where the next value goes.
 */
static inline char *mp_raw_put_uint(char *p, uint64_t v)
{
	if (v <= 0x7f) {
		*p++ = (char)v;
	} else if (v <= UINT8_MAX) {
		*p++ = (char)0xcc;
		*p++ = (char)v;
	} else if (v <= UINT16_MAX) {
		uint16_t be = htobe16((uint16_t)v);
		*p++ = (char)0xcd;
		memcpy(p, &be, 2);
		p += 2;
	} else if (v <= UINT32_MAX) {
		uint32_t be = htobe32((uint32_t)v);
		*p++ = (char)0xce;
		memcpy(p, &be, 4);
		p += 4;
	} else {
		uint64_t be = htobe64(v);
		*p++ = (char)0xcf;
		memcpy(p, &be, 8);
		p += 8;
	}
	return p;
}

/** Any sign. */
char *mp_raw_put_int(char *p, int64_t v);
char *mp_raw_put_double(char *p, double v);
char *mp_raw_put_float(char *p, float v);
char *mp_raw_put_array(char *p, uint32_t count);
char *mp_raw_put_map(char *p, uint32_t count);
/** Header only. */
char *mp_raw_put_strl(char *p, uint32_t len);
/** 5 + len bytes. */
char *mp_raw_put_str(char *p, const char *s, uint32_t len);

static inline char *mp_raw_put_nil(char *p)
{
	*p++ = (char)0xc0;
	return p;
}

static inline char *mp_raw_put_bool(char *p, bool v)
{
	*p++ = (char)(v ? 0xc3 : 0xc2);
	return p;
}

#endif

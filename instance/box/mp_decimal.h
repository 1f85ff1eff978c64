/*
 * Decimals as msgpack has them (extension 1: a scale, then packed digits with
 * the sign in the last half-byte): order and range, without arithmetic.
 */
#ifndef BOX_MP_DECIMAL_H
#define BOX_MP_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

enum { MP_DECIMAL_DIGITS_MAX = 76 };

/* A number as digits: 0.d0 d1 d2... * 10^point; no zero leads or ends it. */
struct mp_decimal {
	bool is_negative;
	int32_t point;
	uint32_t count; /* 0: the number is zero */
	uint8_t digits[MP_DECIMAL_DIGITS_MAX];
};

/** @param value an extension value. @return false when it is no decimal. */
bool mp_decimal_read(const char *value, struct mp_decimal *ret);
void mp_decimal_from_uint(uint64_t v, bool is_negative, struct mp_decimal *ret);
/** Finite; rounded to 15 digits, as Tarantool makes a decimal of a double. */
void mp_decimal_from_double(double v, struct mp_decimal *ret);
int mp_decimal_compare(const struct mp_decimal *a, const struct mp_decimal *b);
/** The largest integer not above it, kept within +-limit. */
int64_t mp_decimal_floor(const struct mp_decimal *d, int64_t limit);

#endif

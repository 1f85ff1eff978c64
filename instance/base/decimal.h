/*
 * Decimal numbers of 38 digits: coefficient * 10^-scale with a sign, as
 * Tarantool's decimals. A result that does not fit is rounded half up; one that
 * would lose digits before the point is an error.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DECIMAL_DIGITS_MAX = 38,
	DECIMAL_SCALE_MAX = 38,
	DECIMAL_MP_LEN_MAX = 2 + DECIMAL_DIGITS_MAX / 2 + 1, /* scale and digits */
	DECIMAL_STR_MAX = 2 * DECIMAL_DIGITS_MAX + 4,        /* with sign, point, NUL */
};

/* Two halves, not one __int128: the memory of a cdata is aligned by 8 only. */
struct decimal {
	uint64_t low, high; /* of the coefficient */
	int32_t scale;      /* digits after the point; negative: zeros before it */
	uint32_t is_negative;
};

static inline unsigned __int128 decimal_coef(const struct decimal *dec)
{
	return (unsigned __int128)dec->high << 64 | dec->low;
}

static inline void decimal_set(
	struct decimal *dec, unsigned __int128 coef, int scale, bool is_negative)
{
	dec->low = (uint64_t)coef;
	dec->high = (uint64_t)(coef >> 64);
	dec->scale = scale;
	dec->is_negative = is_negative;
}

/** Number of digits of the coefficient; 1 for zero. */
int decimal_digits(const struct decimal *dec);

/** Write the number without an exponent, and a NUL. */
void decimal_to_string(const struct decimal *dec, char out[DECIMAL_STR_MAX]);

/** Payload of the msgpack extension. @return bytes written */
size_t decimal_pack(const struct decimal *dec, char *out);
/** @return 0, or -1 when the data is no decimal that fits */
int decimal_unpack(const char *data, size_t len, struct decimal *dec);

#endif

/* Arithmetic on decimals. Each returns 0, or -1 when there is no result that fits. */
#ifndef BASE_DECIMAL_MATH_H
#define BASE_DECIMAL_MATH_H

#include "instance/base/decimal.h"

/** Digits, sign, point, exponent; nothing before or after. */
int decimal_from_string(const char *text, struct decimal *ret);
/** As the shortest text of 15 digits gives it. */
int decimal_from_double(double v, struct decimal *ret);
void decimal_from_int64(int64_t v, struct decimal *ret);
void decimal_from_uint64(uint64_t v, struct decimal *ret);

/** The sign of a - b. */
int decimal_compare(const struct decimal *a, const struct decimal *b);
/* The four operations. */
int decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *ret);
int decimal_sub(const struct decimal *a, const struct decimal *b, struct decimal *ret);
int decimal_mul(const struct decimal *a, const struct decimal *b, struct decimal *ret);
int decimal_div(const struct decimal *a, const struct decimal *b, struct decimal *ret);
/** The sign is that of the dividend. */
int decimal_remainder(
	const struct decimal *a, const struct decimal *b, struct decimal *ret);
int decimal_pow(const struct decimal *a, const struct decimal *b, struct decimal *ret);
int decimal_sqrt(const struct decimal *a, struct decimal *ret);
int decimal_exp(const struct decimal *a, struct decimal *ret);
int decimal_ln(const struct decimal *a, struct decimal *ret);
int decimal_log10(const struct decimal *a, struct decimal *ret);

/** Round half up to so many digits after the point, if there are more. */
void decimal_round(const struct decimal *a, int scale, struct decimal *ret);
/** Set the number of digits after the point exactly, if it fits. */
void decimal_rescale(const struct decimal *a, int scale, struct decimal *ret);
/** Drop zeros at the end of the fraction. */
void decimal_trim(const struct decimal *a, struct decimal *ret);

#endif

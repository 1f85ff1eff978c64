/*
 * exp, ln, log10 and pow, in fixed point: a number is a big natural divided by
 * 10^FRACTION. What a decimal can hold is below 10^38, so 38 digits of the result
 * need FRACTION to be well above 76.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "instance/base/bigdec.h"
#include "instance/base/decimal_finish.h"
#include "instance/base/decimal_math.h"

enum {
	FRACTION = 100,
	EXP_MAX = 90, /* e^90 is above 10^38, e^-90 rounds to zero */
	EXP_HALVINGS = 10,
};

static void fixed_one(struct big *r)
{
	big_from_u128(r, 1);
	big_scale_up(r, FRACTION);
}

static void fixed_mul(const struct big *a, const struct big *b, struct big *r)
{
	struct big product;
	big_mul(a, b, &product);
	big_scale_down(&product, FRACTION);
	*r = product;
}

static void fixed_div(const struct big *a, const struct big *b, struct big *r)
{
	struct big x = *a;
	big_scale_up(&x, FRACTION);
	big_div(&x, b, r, NULL);
}

static void fixed_from_decimal(const struct decimal *a, struct big *r)
{
	big_from_u128(r, decimal_coef(a));
	big_scale_up(r, FRACTION - a->scale);
}

/* e^a for 0 <= a <= EXP_MAX: halve a, sum the series, square. */
static void fixed_exp(const struct big *a, struct big *r)
{
	struct big x, term, divisor;
	big_from_u128(&divisor, 1u << EXP_HALVINGS);
	big_div(a, &divisor, &x, NULL);
	fixed_one(&term);
	*r = term;
	for (unsigned i = 1; term.n > 0; i++) {
		struct big next;
		fixed_mul(&term, &x, &next);
		big_from_u128(&divisor, i);
		big_div(&next, &divisor, &term, NULL);
		big_add(r, &term, r);
	}
	for (int i = 0; i < EXP_HALVINGS; i++)
		fixed_mul(r, r, r);
}

/* A positive double as a fixed-point number. */
static void fixed_from_double(double v, struct big *r)
{
	char text[64];
	struct decimal dec;
	snprintf(text, sizeof(text), "%.17f", v);
	if (decimal_from_string(text, &dec) != 0)
		decimal_set(&dec, 0, 0, false);
	fixed_from_decimal(&dec, r);
}

/* ln(a) for a >= 1: Halley's steps y += 2 (a - e^y) / (a + e^y), 3 times the digits each.
 */
static void fixed_ln(const struct big *a, double guess, struct big *r)
{
	fixed_from_double(guess, r);
	for (int i = 0; i < 3; i++) {
		struct big e, sum, diff, step;
		fixed_exp(r, &e);
		big_add(a, &e, &sum);
		bool is_more = big_compare(a, &e) >= 0;
		if (is_more)
			big_sub(a, &e, &diff);
		else
			big_sub(&e, a, &diff);
		big_add(&diff, &diff, &diff);
		fixed_div(&diff, &sum, &step);
		if (is_more)
			big_add(r, &step, r);
		else if (big_compare(r, &step) >= 0)
			big_sub(r, &step, r);
		else
			r->n = 0;
	}
}

static double to_double(const struct decimal *a)
{
	char text[DECIMAL_STR_MAX];
	decimal_to_string(a, text);
	return strtod(text, NULL);
}

/* |ln(a)|, a > 0; *ret_negative: a is below 1. */
static void ln_of(const struct decimal *a, struct big *r, bool *ret_negative)
{
	struct big x, one;
	double v = to_double(a);
	fixed_from_decimal(a, &x);
	fixed_one(&one);
	*ret_negative = big_compare(&x, &one) < 0;
	if (*ret_negative)
		fixed_div(&one, &x, &x);
	fixed_ln(&x, fabs(log(v)), r);
}

static void fixed_ln10(struct big *r)
{
	struct big ten;
	fixed_one(&ten);
	big_scale_up(&ten, 1);
	fixed_ln(&ten, log(10), r);
}

/* e^(+-a) as a decimal. */
static int exp_of(const struct big *a, bool is_negative, struct decimal *ret)
{
	struct big limit, r, one;
	big_from_u128(&limit, EXP_MAX);
	big_scale_up(&limit, FRACTION);
	if (big_compare(a, &limit) > 0) {
		if (!is_negative)
			return -1;
		decimal_set(ret, 0, DECIMAL_SCALE_MAX, false);
		return 0;
	}
	fixed_exp(a, &r);
	if (is_negative) {
		fixed_one(&one);
		fixed_div(&one, &r, &r);
	}
	return decimal_finish(&r, FRACTION, false, ret);
}

int decimal_exp(const struct decimal *a, struct decimal *ret)
{
	struct big x;
	if (a->low == 0 && a->high == 0) {
		decimal_set(ret, 1, 0, false);
		return 0;
	}
	fixed_from_decimal(a, &x);
	return exp_of(&x, a->is_negative, ret);
}

static bool is_positive(const struct decimal *a)
{
	return !a->is_negative && (a->low != 0 || a->high != 0);
}

int decimal_ln(const struct decimal *a, struct decimal *ret)
{
	struct big r;
	struct decimal one;
	bool is_negative;
	if (!is_positive(a))
		return -1;
	decimal_from_int64(1, &one);
	if (decimal_compare(a, &one) == 0) {
		decimal_set(ret, 0, 0, false);
		return 0;
	}
	ln_of(a, &r, &is_negative);
	return decimal_finish(&r, FRACTION, is_negative, ret);
}

/* The exponent of a power of ten; false when a is none. */
static bool exact_log10(const struct decimal *a, int *ret)
{
	unsigned __int128 v = decimal_coef(a);
	*ret = -a->scale;
	for (; v % 10 == 0; v /= 10)
		++*ret;
	return v == 1;
}

int decimal_log10(const struct decimal *a, struct decimal *ret)
{
	struct big r, ln10;
	bool is_negative;
	int exponent;
	if (!is_positive(a))
		return -1;
	if (exact_log10(a, &exponent)) {
		decimal_from_int64(exponent, ret);
		return 0;
	}
	ln_of(a, &r, &is_negative);
	fixed_ln10(&ln10);
	fixed_div(&r, &ln10, &r);
	return decimal_finish(&r, FRACTION, is_negative, ret);
}

/* Coefficients longer than this are cut while multiplying. */
enum { POW_DIGITS = 90 };

struct floating {
	struct big coef;
	int scale;
};

static void floating_mul(
	const struct floating *a, const struct floating *b, struct floating *r)
{
	struct floating product;
	big_mul(&a->coef, &b->coef, &product.coef);
	product.scale = a->scale + b->scale;
	int drop = big_digits(&product.coef) - POW_DIGITS;
	if (drop > 0) {
		big_scale_down(&product.coef, drop);
		product.scale -= drop;
	}
	*r = product;
}

/* a^n by squaring. */
static int pow_integer(
	const struct decimal *a, uint32_t n, bool is_inverse, struct decimal *ret)
{
	struct floating result = {.scale = 0}, power = {.scale = a->scale};
	bool is_negative = a->is_negative && (n & 1);
	big_from_u128(&result.coef, 1);
	big_from_u128(&power.coef, decimal_coef(a));
	for (; n > 0; n >>= 1) {
		if (n & 1)
			floating_mul(&result, &power, &result);
		floating_mul(&power, &power, &power);
		if (abs(result.scale) > 1000000 || abs(power.scale) > 100000000)
			return -1;
	}
	if (!is_inverse)
		return decimal_finish(&result.coef, result.scale, is_negative, ret);
	if (result.coef.n == 0)
		return -1;
	struct big one, q, rest;
	int more = big_digits(&result.coef) + 2 * DECIMAL_DIGITS_MAX;
	big_from_u128(&one, 1);
	big_scale_up(&one, more);
	big_div(&one, &result.coef, &q, &rest);
	int scale = more - result.scale;
	while (rest.n == 0 && scale > 0 && q.limb[0] % 10 == 0) {
		big_scale_down(&q, 1);
		scale--;
	}
	return decimal_finish(&q, scale, is_negative, ret);
}

int decimal_pow(const struct decimal *a, const struct decimal *b, struct decimal *ret)
{
	bool a_is_zero = a->low == 0 && a->high == 0;
	bool b_is_zero = b->low == 0 && b->high == 0;
	if (a_is_zero && (b_is_zero || b->is_negative))
		return -1;
	struct decimal n;
	decimal_trim(b, &n);
	if (n.scale <= 0) {
		struct big exponent;
		big_from_u128(&exponent, decimal_coef(&n));
		big_scale_up(&exponent, -n.scale);
		if (big_digits(&exponent) > 9)
			return -1;
		return pow_integer(
			a, (uint32_t)big_to_u128(&exponent), n.is_negative, ret);
	}
	if (a->is_negative)
		return -1;
	if (a_is_zero) {
		decimal_set(ret, 0, 0, false);
		return 0;
	}
	struct big ln, y, x;
	bool ln_negative;
	ln_of(a, &ln, &ln_negative);
	fixed_from_decimal(b, &y);
	fixed_mul(&ln, &y, &x);
	return exp_of(&x, ln_negative != (bool)b->is_negative, ret);
}

#include "instance/base/decimal_math.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "instance/base/bigdec.h"
#include "instance/base/decimal_finish.h"
#include "instance/base/util.h"

int decimal_finish(struct big *coef, int scale, bool is_negative, struct decimal *ret)
{
	for (;;) {
		int drop = big_digits(coef) - DECIMAL_DIGITS_MAX;
		if (scale - drop > DECIMAL_SCALE_MAX ||
			(drop < 0 && scale > DECIMAL_SCALE_MAX))
			drop = scale - DECIMAL_SCALE_MAX;
		if (drop <= 0)
			break;
		if (big_scale_down(coef, drop) >= 5)
			big_add_small(coef, 1);
		scale -= drop;
	}
	if (coef->n > 0 && big_digits(coef) - scale > DECIMAL_DIGITS_MAX)
		return -1;
	if (scale < -DECIMAL_DIGITS_MAX)
		scale = -DECIMAL_DIGITS_MAX;
	decimal_set(ret, big_to_u128(coef), scale, is_negative);
	return 0;
}

static void to_big(const struct decimal *a, struct big *r)
{
	big_from_u128(r, decimal_coef(a));
}

static bool is_zero(const struct decimal *a)
{
	return a->low == 0 && a->high == 0;
}

/* Both coefficients at the larger scale. @return that scale */
static int align(
	const struct decimal *a, const struct decimal *b, struct big *x, struct big *y)
{
	to_big(a, x);
	to_big(b, y);
	int scale = a->scale > b->scale ? a->scale : b->scale;
	big_scale_up(x, scale - a->scale);
	big_scale_up(y, scale - b->scale);
	return scale;
}

/* Read digits; the point's place goes to *ret_scale. NULL when there are none. */
static const char *read_digits(const char *s, struct big *coef, int *ret_scale)
{
	bool has_point = false, has_digit = false;
	int scale = 0, count = 0;
	coef->n = 0;
	for (;; s++) {
		if (*s == '.' && !has_point) {
			has_point = true;
			continue;
		}
		if (*s < '0' || *s > '9')
			break;
		has_digit = true;
		/* Enough to round by; what comes after only moves the point. */
		if (count < 3 * DECIMAL_DIGITS_MAX) {
			big_scale_up(coef, 1);
			big_add_small(coef, (uint32_t)(*s - '0'));
			count += coef->n > 0;
			scale += has_point;
		} else if (!has_point) {
			scale--;
		}
	}
	*ret_scale = scale;
	return has_digit ? s : NULL;
}

int decimal_from_string(const char *text, struct decimal *ret)
{
	struct big coef;
	int scale;
	bool is_negative = *text == '-';
	const char *s = read_digits(text + (*text == '-' || *text == '+'), &coef, &scale);
	if (s == NULL)
		return -1;
	if (*s == 'e' || *s == 'E') {
		char *end;
		const char *first = s + 1 + (s[1] == '-' || s[1] == '+');
		long exponent = strtol(s + 1, &end, 10);
		if (*first < '0' || *first > '9')
			return -1;
		if (exponent > 1000000 || exponent < -1000000)
			return -1;
		scale -= (int)exponent;
		s = end;
	}
	return *s == '\0' ? decimal_finish(&coef, scale, is_negative, ret) : -1;
}

int decimal_from_double(double v, struct decimal *ret)
{
	char text[32];
	if (!isfinite(v))
		return -1;
	snprintf(text, sizeof(text), "%.15g", v);
	return decimal_from_string(text, ret);
}

void decimal_from_uint64(uint64_t v, struct decimal *ret)
{
	decimal_set(ret, v, 0, false);
}

void decimal_from_int64(int64_t v, struct decimal *ret)
{
	decimal_set(ret, v < 0 ? -(unsigned __int128)v : (unsigned __int128)v, 0, v < 0);
	if (v < 0)
		decimal_set(ret, (uint64_t)0 - (uint64_t)v, 0, true);
}

int decimal_compare(const struct decimal *a, const struct decimal *b)
{
	struct big x, y;
	if (is_zero(a) && is_zero(b))
		return 0;
	bool a_negative = a->is_negative && !is_zero(a);
	bool b_negative = b->is_negative && !is_zero(b);
	if (a_negative != b_negative)
		return a_negative ? -1 : 1;
	align(a, b, &x, &y);
	int cmp = big_compare(&x, &y);
	return a_negative ? -cmp : cmp;
}

static int add_signed(const struct decimal *a, const struct decimal *b, bool b_negative,
	struct decimal *ret)
{
	struct big x, y, r;
	int scale = align(a, b, &x, &y);
	if ((bool)a->is_negative == b_negative) {
		big_add(&x, &y, &r);
		return decimal_finish(&r, scale, b_negative, ret);
	}
	int cmp = big_compare(&x, &y);
	if (cmp >= 0)
		big_sub(&x, &y, &r);
	else
		big_sub(&y, &x, &r);
	return decimal_finish(
		&r, scale, cmp > 0 ? a->is_negative : cmp < 0 && b_negative, ret);
}

int decimal_add(const struct decimal *a, const struct decimal *b, struct decimal *ret)
{
	return add_signed(a, b, b->is_negative, ret);
}

int decimal_sub(const struct decimal *a, const struct decimal *b, struct decimal *ret)
{
	return add_signed(a, b, !b->is_negative, ret);
}

int decimal_mul(const struct decimal *a, const struct decimal *b, struct decimal *ret)
{
	struct big x, y, r;
	to_big(a, &x);
	to_big(b, &y);
	big_mul(&x, &y, &r);
	return decimal_finish(
		&r, a->scale + b->scale, a->is_negative != b->is_negative, ret);
}

/* Drop zeros at the end while the scale is above `scale_min`. */
static void strip_zeros(struct big *coef, int *scale, int scale_min)
{
	while (*scale > scale_min && coef->n > 0 && coef->limb[0] % 10 == 0) {
		big_scale_down(coef, 1);
		--*scale;
	}
	if (coef->n == 0 && *scale > scale_min)
		*scale = scale_min;
}

int decimal_div(const struct decimal *a, const struct decimal *b, struct decimal *ret)
{
	struct big x, y, q, rest;
	if (is_zero(b))
		return -1;
	to_big(a, &x);
	to_big(b, &y);
	int more = DECIMAL_DIGITS_MAX + 2 + big_digits(&y) - big_digits(&x);
	if (more < 0)
		more = 0;
	big_scale_up(&x, more);
	big_div(&x, &y, &q, &rest);
	int ideal = a->scale - b->scale, scale = ideal + more;
	if (rest.n == 0)
		strip_zeros(&q, &scale, ideal);
	return decimal_finish(&q, scale, a->is_negative != b->is_negative, ret);
}

int decimal_remainder(
	const struct decimal *a, const struct decimal *b, struct decimal *ret)
{
	struct big x, y, q, rest;
	if (is_zero(b))
		return -1;
	int scale = align(a, b, &x, &y);
	big_div(&x, &y, &q, &rest);
	if (big_digits(&q) > DECIMAL_DIGITS_MAX)
		return -1;
	return decimal_finish(&rest, scale, a->is_negative, ret);
}

void decimal_round(const struct decimal *a, int scale, struct decimal *ret)
{
	struct big coef;
	*ret = *a;
	if (scale < 0 || scale >= a->scale)
		return;
	to_big(a, &coef);
	if (big_scale_down(&coef, a->scale - scale) >= 5)
		big_add_small(&coef, 1);
	/* A carry to a new digit costs the last one, as in Tarantool. */
	int digits = decimal_digits(a) - (a->scale - scale);
	if (scale > 0 && digits > 0 && big_digits(&coef) > digits) {
		big_scale_down(&coef, 1);
		scale--;
	}
	decimal_finish(&coef, scale, a->is_negative, ret);
}

void decimal_rescale(const struct decimal *a, int scale, struct decimal *ret)
{
	struct big coef;
	*ret = *a;
	if (scale < 0 || scale > DECIMAL_SCALE_MAX)
		return;
	if (scale <= a->scale) {
		decimal_round(a, scale, ret);
		return;
	}
	to_big(a, &coef);
	big_scale_up(&coef, scale - a->scale);
	if (big_digits(&coef) <= DECIMAL_DIGITS_MAX)
		decimal_set(ret, big_to_u128(&coef), scale, a->is_negative);
}

void decimal_trim(const struct decimal *a, struct decimal *ret)
{
	struct big coef;
	int scale = a->scale;
	to_big(a, &coef);
	strip_zeros(&coef, &scale, scale < 0 ? scale : 0);
	decimal_set(ret, big_to_u128(&coef), scale, a->is_negative);
}

int decimal_sqrt(const struct decimal *a, struct decimal *ret)
{
	struct big x, root, q, sum;
	if (is_zero(a)) {
		int scale = a->scale >= 0 ? (a->scale + 1) / 2 : a->scale / 2;
		decimal_set(ret, 0, scale, a->is_negative);
		return 0;
	}
	if (a->is_negative)
		return -1;
	to_big(a, &x);
	int ideal = (int)ceil(a->scale / 2.0);
	int more = 2 * (DECIMAL_DIGITS_MAX + 2) - big_digits(&x);
	more += (a->scale + more) & 1;
	big_scale_up(&x, more);
	/* Newton from above: 10^n with n digits enough. */
	big_from_u128(&root, 1);
	big_scale_up(&root, big_digits(&x) / 2 + 1);
	struct big two, next;
	big_from_u128(&two, 2);
	for (;;) {
		big_div(&x, &root, &q, NULL);
		big_add(&root, &q, &sum);
		big_div(&sum, &two, &next, NULL);
		if (big_compare(&next, &root) >= 0)
			break;
		root = next;
	}
	int scale = (a->scale + more) / 2;
	big_mul(&root, &root, &q);
	if (big_compare(&q, &x) == 0)
		strip_zeros(&root, &scale, ideal);
	return decimal_finish(&root, scale, false, ret);
}

/*
 * Natural numbers of up to BIG_LIMBS * 9 decimal digits, for what a decimal's
 * intermediate results need. In place; no allocation.
 */
#ifndef BASE_BIGDEC_H
#define BASE_BIGDEC_H

#include <stdbool.h>
#include <stdint.h>

enum { BIG_LIMBS = 40, BIG_LIMB_DIGITS = 9, BIG_BASE = 1000000000 };

/* The least significant limb first; no zero limbs at the top; n = 0 is zero. */
struct big {
	int n;
	uint32_t limb[BIG_LIMBS];
};

/** Any value fits. */
void big_from_u128(struct big *r, unsigned __int128 v);
/** Only for values below 2^128. */
unsigned __int128 big_to_u128(const struct big *a);
int big_compare(const struct big *a, const struct big *b);
void big_add(const struct big *a, const struct big *b, struct big *r);
/** a - b; a >= b */
void big_sub(const struct big *a, const struct big *b, struct big *r);
/** The product must fit. r is neither a nor b. */
void big_mul(const struct big *a, const struct big *b, struct big *r);
/** Quotient and remainder (may be NULL); b is not zero. */
void big_div(const struct big *a, const struct big *b, struct big *q, struct big *rem);
/** a *= 10^n; must fit. */
void big_scale_up(struct big *a, int n);
/** a /= 10^n. @return the first digit dropped (0 to 9) */
int big_scale_down(struct big *a, int n);
void big_add_small(struct big *a, uint32_t v);
/** Decimal digits; 1 for zero. */
int big_digits(const struct big *a);

#endif

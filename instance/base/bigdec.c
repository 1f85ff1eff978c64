#include "instance/base/bigdec.h"

#include <string.h>

static void trim(struct big *a)
{
	while (a->n > 0 && a->limb[a->n - 1] == 0)
		a->n--;
}

void big_from_u128(struct big *r, unsigned __int128 v)
{
	for (r->n = 0; v > 0; v /= BIG_BASE)
		r->limb[r->n++] = (uint32_t)(v % BIG_BASE);
}

unsigned __int128 big_to_u128(const struct big *a)
{
	unsigned __int128 v = 0;
	for (int i = a->n; i-- > 0;)
		v = v * BIG_BASE + a->limb[i];
	return v;
}

int big_compare(const struct big *a, const struct big *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (int i = a->n; i-- > 0;)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	return 0;
}

void big_add(const struct big *a, const struct big *b, struct big *r)
{
	uint32_t carry = 0;
	int n = a->n > b->n ? a->n : b->n;
	for (int i = 0; i < n; i++) {
		uint32_t sum =
			carry + (i < a->n ? a->limb[i] : 0) + (i < b->n ? b->limb[i] : 0);
		carry = sum >= BIG_BASE;
		r->limb[i] = carry ? sum - BIG_BASE : sum;
	}
	r->n = n;
	if (carry && n < BIG_LIMBS)
		r->limb[r->n++] = 1;
}

void big_sub(const struct big *a, const struct big *b, struct big *r)
{
	uint32_t borrow = 0;
	int n = a->n;
	for (int i = 0; i < n; i++) {
		uint32_t sub = borrow + (i < b->n ? b->limb[i] : 0);
		borrow = a->limb[i] < sub;
		r->limb[i] = a->limb[i] + (borrow ? BIG_BASE : 0) - sub;
	}
	r->n = n;
	trim(r);
}

void big_mul(const struct big *a, const struct big *b, struct big *r)
{
	r->n = a->n + b->n < BIG_LIMBS ? a->n + b->n : BIG_LIMBS;
	memset(r->limb, 0, sizeof(r->limb[0]) * (size_t)r->n);
	for (int i = 0; i < a->n; i++) {
		uint64_t carry = 0;
		for (int j = 0; i + j < r->n; j++) {
			uint64_t v = carry + r->limb[i + j];
			if (j < b->n)
				v += (uint64_t)a->limb[i] * b->limb[j];
			r->limb[i + j] = (uint32_t)(v % BIG_BASE);
			carry = v / BIG_BASE;
		}
	}
	trim(r);
}

/* a = a * BIG_BASE + v */
static void push_limb(struct big *a, uint32_t v)
{
	memmove(a->limb + 1, a->limb, sizeof(a->limb[0]) * (size_t)a->n);
	a->limb[0] = v;
	a->n++;
	trim(a);
}

/* r = a * v */
static void mul_small(const struct big *a, uint32_t v, struct big *r)
{
	uint64_t carry = 0;
	for (int i = 0; i < a->n; i++) {
		carry += (uint64_t)a->limb[i] * v;
		r->limb[i] = (uint32_t)(carry % BIG_BASE);
		carry /= BIG_BASE;
	}
	r->n = a->n;
	if (carry > 0)
		r->limb[r->n++] = (uint32_t)carry;
	trim(r);
}

/* The largest v with b * v <= a; a < b * BIG_BASE. *product = b * v. */
static uint32_t quotient_limb(
	const struct big *a, const struct big *b, struct big *product)
{
	uint32_t low = 0, high = BIG_BASE - 1;
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;
		mul_small(b, middle, product);
		if (big_compare(product, a) <= 0)
			low = middle;
		else
			high = middle - 1;
	}
	mul_small(b, low, product);
	return low;
}

void big_div(const struct big *a, const struct big *b, struct big *q, struct big *rem)
{
	struct big rest = {.n = 0}, product, quotient;
	quotient.n = a->n;
	for (int i = a->n; i-- > 0;) {
		push_limb(&rest, a->limb[i]);
		quotient.limb[i] = quotient_limb(&rest, b, &product);
		big_sub(&rest, &product, &rest);
	}
	trim(&quotient);
	*q = quotient;
	if (rem != NULL)
		*rem = rest;
}

static const uint32_t pow10_small[BIG_LIMB_DIGITS] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

void big_scale_up(struct big *a, int n)
{
	for (; n >= BIG_LIMB_DIGITS && a->n > 0; n -= BIG_LIMB_DIGITS)
		push_limb(a, 0);
	if (a->n > 0 && n > 0) {
		struct big r;
		mul_small(a, pow10_small[n], &r);
		*a = r;
	}
}

int big_scale_down(struct big *a, int n)
{
	if (n <= 0)
		return 0;
	/* All but one digit, then the digit that decides the rounding. */
	int limbs = (n - 1) / BIG_LIMB_DIGITS;
	if (limbs >= a->n) {
		a->n = 0;
		return 0;
	}
	a->n -= limbs;
	memmove(a->limb, a->limb + limbs, sizeof(a->limb[0]) * (size_t)a->n);
	int digit = 0;
	for (n -= limbs * BIG_LIMB_DIGITS; n > 0; n--) {
		uint64_t rest = 0;
		for (int i = a->n; i-- > 0;) {
			rest = rest * BIG_BASE + a->limb[i];
			a->limb[i] = (uint32_t)(rest / 10);
			rest %= 10;
		}
		digit = (int)rest;
		trim(a);
	}
	return digit;
}

void big_add_small(struct big *a, uint32_t v)
{
	struct big small;
	big_from_u128(&small, v);
	big_add(a, &small, a);
}

int big_digits(const struct big *a)
{
	if (a->n == 0)
		return 1;
	int n = (a->n - 1) * BIG_LIMB_DIGITS;
	for (uint32_t top = a->limb[a->n - 1]; top > 0; top /= 10)
		n++;
	return n;
}

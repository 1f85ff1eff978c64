/* + and - of update operations on decimals. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/decimal.h"
#include "instance/base/diag.h"
#include "instance/box/mp_raw.h"
#include "instance/box/update_op.h"

/* 10^38: coefficients are below. */
static unsigned __int128 coef_limit(void)
{
	return (unsigned __int128)10000000000000000000ULL * 10000000000000000000ULL;
}

/* Rounded to 15 digits. -1: out of range. */
static int from_double(double v, struct decimal *ret)
{
	if (!isfinite(v) || fabs(v) >= 1e38)
		return -1;
	/* d.dde[+-]xx */
	char text[40];
	snprintf(text, sizeof(text), "%.14e", fabs(v));
	uint64_t coef = 0;
	for (const char *p = text; *p != 'e'; p++)
		if (*p != '.')
			coef = coef * 10 + (uint64_t)(*p - '0');
	int scale = 14 - (int)strtol(strchr(text, 'e') + 1, NULL, 10);
	while (coef != 0 && coef % 10 == 0 && scale > 0) {
		coef /= 10;
		scale--;
	}
	unsigned __int128 wide = coef;
	for (; scale < 0; scale++)
		wide *= 10;
	/* What is below the smallest decimal is rounded away. */
	for (; scale > DECIMAL_SCALE_MAX; scale--)
		wide = (wide + 5) / 10;
	decimal_set(ret, wide, scale, v < 0 && wide != 0);
	return 0;
}

static int read_decimal(const char *p, struct decimal *ret)
{
	int8_t type;
	uint32_t len;
	int64_t i;
	switch (mp_raw_type(p)) {
	case MP_UINT:
		decimal_set(ret, mp_raw_uint(&p), 0, false);
		return 0;
	case MP_INT:
		i = mp_raw_int(&p);
		decimal_set(ret, -(uint64_t)i, 0, true);
		return 0;
	case MP_FLOAT:
		return from_double(mp_raw_float(&p), ret);
	case MP_DOUBLE:
		return from_double(mp_raw_double(&p), ret);
	default:
		p = mp_raw_ext(&p, &type, &len);
		return decimal_unpack(p, len, ret);
	}
}

/* The number with one digit less behind the point, rounded half up. */
static void drop_digit(struct decimal *d)
{
	decimal_set(d, (decimal_coef(d) + 5) / 10, d->scale - 1, d->is_negative);
}

/* Give both the same scale: the larger one, if there is room for it. */
static void align(struct decimal *a, struct decimal *b)
{
	struct decimal *low = a->scale < b->scale ? a : b;
	struct decimal *high = low == a ? b : a;
	while (low->scale < high->scale && decimal_coef(low) < coef_limit() / 10)
		decimal_set(
			low, decimal_coef(low) * 10, low->scale + 1, low->is_negative);
	while (low->scale < high->scale)
		drop_digit(high);
}

int update_decimal(const struct update_op *op, const char *value, char *out)
{
	struct decimal a, b, sum;
	if (read_decimal(value, &a) != 0 || read_decimal(op->arg, &b) != 0)
		return update_op_bad_type(op, "a number convertible to decimal");
	if (op->code == '-')
		b.is_negative = !b.is_negative;
	align(&a, &b);
	unsigned __int128 x = decimal_coef(&a), y = decimal_coef(&b);
	if (!a.is_negative == !b.is_negative)
		decimal_set(&sum, x + y, a.scale, a.is_negative);
	else if (x >= y)
		decimal_set(&sum, x - y, a.scale, a.is_negative && x != y);
	else
		decimal_set(&sum, y - x, a.scale, b.is_negative);
	while (decimal_coef(&sum) >= coef_limit() && sum.scale > 0)
		drop_digit(&sum);
	if (decimal_coef(&sum) >= coef_limit()) {
		char label[UPDATE_LABEL_MAX];
		diag_set_client(
			ER_UPDATE_DECIMAL_OVERFLOW, op->code, update_op_label(op, label));
		return -1;
	}
	char payload[DECIMAL_MP_LEN_MAX];
	size_t len = decimal_pack(&sum, payload);
	out[0] = (char)0xc7;
	out[1] = (char)len;
	out[2] = MP_EXT_DECIMAL;
	memcpy(out + 3, payload, len);
	return (int)len + 3;
}

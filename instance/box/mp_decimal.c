#include "instance/box/mp_decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/box/mp_raw.h"

/* Take leading and trailing zeros away. */
static void normalize(struct mp_decimal *d)
{
	uint32_t lead = 0;
	while (lead < d->count && d->digits[lead] == 0)
		lead++;
	d->count -= lead;
	d->point -= (int32_t)lead;
	memmove(d->digits, d->digits + lead, d->count);
	while (d->count > 0 && d->digits[d->count - 1] == 0)
		d->count--;
	if (d->count == 0) {
		d->point = 0;
		d->is_negative = false;
	}
}

bool mp_decimal_read(const char *value, struct mp_decimal *ret)
{
	int8_t type;
	uint32_t len;
	const char *p = mp_raw_ext(&value, &type, &len);
	if (type != MP_EXT_DECIMAL)
		return false;
	/* The payload is not checked by mp_check(): read it within its bounds. */
	struct mp_cursor cur;
	mp_cursor_init(&cur, p, p + len);
	int64_t scale = mp_read_int(&cur);
	size_t left = mp_left(&cur);
	if (cur.error != NULL || left == 0 || left > MP_DECIMAL_DIGITS_MAX / 2 ||
		scale > 1000 || scale < -1000)
		return false;
	const uint8_t *bcd = (const uint8_t *)cur.pos;
	ret->count = 0;
	for (size_t i = 0; i < left; i++) {
		ret->digits[ret->count++] = bcd[i] >> 4;
		if (i + 1 < left)
			ret->digits[ret->count++] = bcd[i] & 0xf;
	}
	for (uint32_t i = 0; i < ret->count; i++)
		if (ret->digits[i] > 9)
			return false;
	uint8_t sign = bcd[left - 1] & 0xf;
	ret->is_negative = sign == 0xb || sign == 0xd;
	ret->point = (int32_t)ret->count - (int32_t)scale;
	normalize(ret);
	return true;
}

/* From text of decimal digits. */
static void from_digits(
	const char *text, int32_t point, bool is_negative, struct mp_decimal *ret)
{
	ret->count = 0;
	for (; *text != '\0'; text++)
		ret->digits[ret->count++] = (uint8_t)(*text - '0');
	ret->point = point;
	ret->is_negative = is_negative;
	normalize(ret);
}

void mp_decimal_from_uint(uint64_t v, bool is_negative, struct mp_decimal *ret)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	from_digits(text, n, is_negative, ret);
}

void mp_decimal_from_double(double v, struct mp_decimal *ret)
{
	/* d.dddde[+-]xx */
	char text[40];
	snprintf(text, sizeof(text), "%.14e", v < 0 ? -v : v);
	char *e = strchr(text, 'e');
	int32_t exponent = (int32_t)strtol(e + 1, NULL, 10);
	*e = '\0';
	memmove(text + 1, text + 2, strlen(text + 2) + 1);
	from_digits(text, exponent + 1, v < 0, ret);
}

/* Order without the sign. */
static int compare_magnitude(const struct mp_decimal *a, const struct mp_decimal *b)
{
	if (a->count == 0 || b->count == 0)
		return (a->count > 0) - (b->count > 0);
	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	int rc = memcmp(a->digits, b->digits, a->count < b->count ? a->count : b->count);
	return rc != 0 ? rc : (a->count > b->count) - (a->count < b->count);
}

int mp_decimal_compare(const struct mp_decimal *a, const struct mp_decimal *b)
{
	if (a->is_negative != b->is_negative)
		return a->is_negative ? -1 : 1;
	int rc = compare_magnitude(a, b);
	return a->is_negative ? -rc : rc;
}

int64_t mp_decimal_floor(const struct mp_decimal *d, int64_t limit)
{
	int64_t v = 0;
	if (d->count > 0 && d->point > 18)
		return d->is_negative ? -limit : limit;
	for (int32_t i = 0; i < d->point; i++)
		v = v * 10 + ((uint32_t)i < d->count ? d->digits[i] : 0);
	bool has_fraction = (int32_t)d->count > d->point && d->count > 0;
	if (d->is_negative)
		v = -v - has_fraction;
	return v > limit ? limit : v < -limit ? -limit : v;
}

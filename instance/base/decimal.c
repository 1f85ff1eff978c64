#include "instance/base/decimal.h"

#include "proto/mp.h"

typedef unsigned __int128 u128;

int decimal_digits(const struct decimal *dec)
{
	int n = 1;
	for (u128 v = decimal_coef(dec); v >= 10; v /= 10)
		n++;
	return n;
}

void decimal_to_string(const struct decimal *dec, char out[DECIMAL_STR_MAX])
{
	char digits[2 * DECIMAL_DIGITS_MAX + 1]; /* last one first */
	int n = 0, point = dec->scale > 0 ? dec->scale : 0;
	u128 v = decimal_coef(dec);
	for (int zeros = dec->scale; zeros < 0; zeros++)
		digits[n++] = '0';
	do {
		digits[n++] = (char)('0' + (int)(v % 10));
		v /= 10;
	} while (v > 0 || n <= point);
	if (dec->is_negative)
		*out++ = '-';
	while (n > 0) {
		if (n == point)
			*out++ = '.';
		*out++ = digits[--n];
	}
	*out = '\0';
}

/* The scale as the smallest msgpack integer; it is one byte for |scale| <= 38,
 * negative ones below -32 take two. */
static size_t pack_scale(int scale, char *out)
{
	if (scale >= -32) {
		out[0] = (char)scale;
		return 1;
	}
	out[0] = (char)0xd0;
	out[1] = (char)scale;
	return 2;
}

size_t decimal_pack(const struct decimal *dec, char *out)
{
	size_t len = pack_scale(dec->scale, out);
	size_t bcd = (size_t)decimal_digits(dec) / 2 + 1;
	u128 v = decimal_coef(dec);
	unsigned nibble = dec->is_negative ? 0xd : 0xc;
	for (size_t i = bcd; i-- > 0;) {
		unsigned high = (unsigned)(v % 10);
		v /= 10;
		out[len + i] = (char)(high << 4 | nibble);
		nibble = (unsigned)(v % 10);
		v /= 10;
	}
	return len + bcd;
}

/* Add a digit to the coefficient; -1 when there are too many. */
static int push_digit(u128 *coef, unsigned digit, int *count)
{
	if (digit > 9)
		return -1;
	*coef = *coef * 10 + digit;
	if (*coef != 0)
		++*count;
	return *count <= DECIMAL_DIGITS_MAX ? 0 : -1;
}

int decimal_unpack(const char *data, size_t len, struct decimal *dec)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, data, data + len);
	int64_t scale = mp_read_int(&cur);
	if (cur.error != NULL || mp_left(&cur) == 0 || scale > DECIMAL_SCALE_MAX ||
		scale < -DECIMAL_SCALE_MAX)
		return -1;
	u128 coef = 0;
	int count = 0;
	for (; cur.pos < cur.end - 1; cur.pos++) {
		unsigned char c = (unsigned char)*cur.pos;
		if (push_digit(&coef, c >> 4, &count) != 0 ||
			push_digit(&coef, c & 0xf, &count) != 0)
			return -1;
	}
	unsigned char last = (unsigned char)*cur.pos;
	unsigned sign = last & 0xf;
	if (sign < 0xa || push_digit(&coef, last >> 4, &count) != 0 ||
		count - scale > DECIMAL_DIGITS_MAX)
		return -1;
	decimal_set(dec, coef, (int)scale, sign == 0xb || sign == 0xd);
	return 0;
}

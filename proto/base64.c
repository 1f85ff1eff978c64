#include "proto/base64.h"

#include <nettle/base64.h>

size_t base64_encode(const void *src, size_t n, char *dst)
{
	base64_encode_raw(dst, n, src);
	return base64_encoded_size(n);
}

static int digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int is_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

ssize_t base64_decode(const char *src, size_t n, void *dst)
{
	unsigned char *out = dst;
	unsigned bits = 0, value = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)src[i];
		if (is_space(c))
			continue;
		if (c == '=')
			break;
		int d = digit(c);
		if (d < 0)
			return -1;
		value = value << 6 | (unsigned)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*out++ = (unsigned char)(value >> bits);
		}
	}
	return out - (unsigned char *)dst;
}

#include "proto/crc32c.h"

#include <stdbool.h>
#include <string.h>

enum { POLYNOMIAL = 0x82f63b78 };

static uint32_t by_table(uint32_t crc, const unsigned char *p, size_t len)
{
	static uint32_t table[256];
	if (table[1] == 0) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t v = i;
			for (int bit = 0; bit < 8; bit++)
				v = v >> 1 ^ (v & 1 ? (uint32_t)POLYNOMIAL : 0);
			table[i] = v;
		}
	}
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
	return crc;
}

#ifdef __x86_64__
#include <immintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_cpu(
	uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t wide = crc;
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		wide = _mm_crc32_u64(wide, word);
	}
	crc = (uint32_t)wide;
	for (; len > 0; p++, len--)
		crc = _mm_crc32_u8(crc, *p);
	return crc;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return by_cpu(crc, data, len);
#endif
	return by_table(crc, data, len);
}

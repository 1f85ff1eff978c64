/* What the fuzz targets share. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Something that must hold for any input. */
#define fuzz_check(cond)         \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

/** Read every byte, so that the sanitizer sees a bad bound. */
static inline void fuzz_touch(const char *p, size_t len)
{
	volatile char sum = 0;
	for (size_t i = 0; i < len; i++)
		sum = (char)(sum + p[i]);
}

static inline void fuzz_touch_range(const char *p, const char *end)
{
	if (p != NULL)
		fuzz_touch(p, (size_t)(end - p));
}

#endif

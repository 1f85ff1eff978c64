/* cmocka in the order it wants, for every unit test. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A small generator of our own: the same seed gives the same test everywhere. */
static inline uint64_t unit_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* How many times longer than usual the random tests run: TEST_TIMES, or 1. */
static inline int unit_times(void)
{
	const char *times = getenv("TEST_TIMES");
	return times != NULL && atoi(times) > 0 ? atoi(times) : 1;
}

#endif

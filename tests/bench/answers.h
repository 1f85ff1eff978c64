#pragma once
/*
 * What the load generator checks in each answer: an application answers with its
 * version number, once for each of its modules that took part in the call.
 */
#include <stdint.h>

#include "proto/mp.h"

struct answers {
	uint64_t mixed; /* numbers that differ within one answer, or no numbers */
	uint64_t stale; /* a version older than one that answered before it was asked */
	int64_t low, high; /* the versions that answered; low > high: none yet */
	int64_t newest;    /* the largest that answered so far */
	char first[200];   /* what the first wrong answer was */
};

/* Begin anew: what was answered before is forgotten. */
void answers_reset(struct answers *a);

/*
 * Check one answer. cur stands before the body of an OK reply; newest_before is
 * a->newest from when the request was sent.
 */
void answers_check(struct answers *a, struct mp_cursor *cur, int64_t newest_before);

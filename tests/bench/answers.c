#include "answers.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "proto/iproto.h"

void answers_reset(struct answers *a)
{
	*a = (struct answers){.low = INT64_MAX, .high = INT64_MIN, .newest = INT64_MIN};
}

__attribute__((format(printf, 2, 3))) static void note(
	struct answers *a, const char *fmt, ...)
{
	if (a->first[0] != '\0')
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(a->first, sizeof(a->first), fmt, ap);
	va_end(ap);
}

/* @return false: these are not numbers, or they differ */
static bool read_version(struct answers *a, struct mp_cursor *cur, int64_t *ret_version)
{
	const char *value, *end;
	struct mp_cursor data;
	if (iproto_find_key(cur, IPROTO_DATA, &value, &end) != 0 || value == NULL) {
		note(a, "an answer without data");
		return false;
	}
	mp_cursor_init(&data, value, end);
	uint32_t count = mp_read_array(&data);
	int64_t version = 0;
	for (uint32_t i = 0; i < count; i++) {
		int64_t n = mp_read_int(&data);
		if (data.error != NULL)
			break;
		if (i > 0 && n != version) {
			note(a, "%lld and %lld in one answer", (long long)version,
				(long long)n);
			return false;
		}
		version = n;
	}
	if (count == 0 || data.error != NULL) {
		note(a, "an answer that is no version number");
		return false;
	}
	*ret_version = version;
	return true;
}

void answers_check(struct answers *a, struct mp_cursor *cur, int64_t newest_before)
{
	int64_t version;
	if (!read_version(a, cur, &version)) {
		a->mixed++;
		return;
	}
	if (version < newest_before) {
		note(a, "version %lld after %lld", (long long)version,
			(long long)newest_before);
		a->stale++;
	}
	if (version < a->low)
		a->low = version;
	if (version > a->high)
		a->high = version;
	if (version > a->newest)
		a->newest = version;
}

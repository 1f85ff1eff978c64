#include "proto/text.h"

#include "fuzz.h"

/* The bytes come in pieces; where they are cut does not matter. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	size_t delim_len = data[0] % 4;
	if (size < 1 + delim_len)
		return 0;
	const char *delim = (const char *)data + 1;
	const char *p = delim + delim_len;
	size_t len = size - 1 - delim_len;
	size_t scanned = 0, text_len = 0, found = 0;
	size_t whole = text_find_request(p, len, delim, delim_len, &scanned, &text_len);
	scanned = 0;
	for (size_t n = 0; n <= len && found == 0; n++)
		found = text_find_request(p, n, delim, delim_len, &scanned, &text_len);
	fuzz_check(found == whole && (found == 0 || text_len + delim_len + 1 == found));
	scanned = found = 0;
	whole = text_find_reply(p, len, &scanned);
	scanned = 0;
	for (size_t n = 0; n <= len && found == 0; n++)
		found = text_find_reply(p, n, &scanned);
	fuzz_check(found == whole);
	text_is_push(p, len);
	return 0;
}

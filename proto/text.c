#include "proto/text.h"

#include <string.h>

size_t text_find_request(const char *data, size_t len, const char *delim,
	size_t delim_len, size_t *scanned, size_t *ret_text_len)
{
	for (size_t i = *scanned; i < len; i++) {
		if (data[i] != '\n' && data[i] != '\r')
			continue;
		if (i < delim_len || memcmp(data + i - delim_len, delim, delim_len) != 0)
			continue;
		*scanned = 0;
		*ret_text_len = i - delim_len;
		return i + 1;
	}
	*scanned = len;
	return 0;
}

size_t text_find_reply(const char *data, size_t len, size_t *scanned)
{
	static const char mark[] = "\n...\n";
	enum { MARK_LEN = sizeof(mark) - 1 };
	const char *found = memmem(data + *scanned, len - *scanned, mark, MARK_LEN);
	if (found == NULL) {
		*scanned = len < MARK_LEN ? 0 : len - MARK_LEN + 1;
		return 0;
	}
	*scanned = 0;
	return (size_t)(found - data) + MARK_LEN;
}

bool text_is_push(const char *reply, size_t len)
{
	size_t n = sizeof(TEXT_PUSH_TAG) - 1;
	return len > n && memcmp(reply, TEXT_PUSH_TAG, n) == 0;
}

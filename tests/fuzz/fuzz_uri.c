#include "proto/uri.h"

#include "fuzz.h"

static bool is_same(struct uri_part a, struct uri_part b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* What was formatted parses to the same parts again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uri uri, again;
	const char *error;
	if (uri_parse((const char *)data, size, &uri, &error) != 0) {
		fuzz_check(error != NULL);
		return 0;
	}
	struct buf out = {0};
	fuzz_check(uri_format(&uri, true, &out) == 0);
	if (out.len > 0 && uri_parse(out.data, out.len, &again, &error) == 0 &&
		again.host_kind == uri.host_kind)
		fuzz_check(is_same(again.fragment, uri.fragment));
	buf_fini(&out);
	return 0;
}

#include "proto/greeting.h"

#include "fuzz.h"
#include "proto/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *out = malloc(base64_decoded_size_max(size) + 1);
	ssize_t n = base64_decode((const char *)data, size, out);
	fuzz_check(n <= (ssize_t)base64_decoded_size_max(size));
	free(out);
	if (size < GREETING_SIZE)
		return 0;
	struct greeting g;
	if (greeting_decode((const char *)data, &g) != 0)
		return 0;
	fuzz_check(strlen(g.version) <= GREETING_VERSION_MAX);
	fuzz_check(strlen(g.uuid) <= GREETING_UUID_SIZE);
	fuzz_check(g.salt_len <= GREETING_SALT_SIZE);
	return 0;
}

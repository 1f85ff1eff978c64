/*
 * Stand-ins for what other layers have not brought yet, so that the tree links.
 * Each goes when the real one is there.
 */
#include "instance/base/diag.h"
#include "instance/box/box.h"

#define PENDING __attribute__((weak))

PENDING uint32_t box_schema_version;
static int pending(const char *what)
{
	diag_set_client(ER_UNSUPPORTED, "tarantella", what);
	return -1;
}

PENDING int box_select(uint32_t space_id, uint32_t index_id, int iterator,
	uint32_t offset, uint32_t limit, const char *key, const char *key_end,
	struct buf *out, uint32_t *ret_count)
{
	return pending("SELECT yet");
}

/*
 * Stand-ins for what other layers have not brought yet, so that the tree links.
 * Each goes when the real one is there.
 */
#include "instance/base/diag.h"
#include "instance/base/say.h"
#include "instance/box/box.h"
#include "instance/box/request.h"
#include "instance/lua/call.h"

#define PENDING __attribute__((weak))

PENDING int say_log_level = S_INFO;
PENDING uint32_t box_schema_version;
PENDING char box_instance_uuid[37];

PENDING void say_write(
	int level, const char *file, int line, const char *error, const char *fmt, ...)
{
}

static int pending(const char *what)
{
	diag_set_client(ER_UNSUPPORTED, "tarantella", what);
	return -1;
}

PENDING int request_execute(const struct request *request, struct tuple **ret_tuple)
{
	return pending("data requests yet");
}

PENDING int lua_call_path(const char *name, uint32_t name_len, const char *args,
	const char *args_end, bool is_call_16, struct buf *out, uint32_t *ret_count)
{
	return pending("CALL yet");
}

PENDING int lua_eval_text(const char *expr, uint32_t expr_len, const char *args,
	const char *args_end, struct buf *out, uint32_t *ret_count)
{
	return pending("EVAL yet");
}

PENDING int box_select(uint32_t space_id, uint32_t index_id, int iterator,
	uint32_t offset, uint32_t limit, const char *key, const char *key_end,
	struct buf *out, uint32_t *ret_count)
{
	return pending("SELECT yet");
}

/*
 * Three stored procedures. Each gets its arguments as a msgpack array, and returns 0,
 * or -1 when it has set an error.
 */
#include <module.h>

#define PROCS_VERSION "1.0"

/* One string, as msgpack. */
static char *put_string(char *p, const char *s)
{
	size_t len = strlen(s);
	*p++ = (char)(0xa0 | len); /* up to 31 bytes */
	memcpy(p, s, len);
	return p + len;
}

/** procs.version() -> the version of this file */
API_EXPORT int version(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	char reply[32] = "", *end = put_string(reply, PROCS_VERSION);
	return box_return_mp(ctx, reply, end);
}

/** procs.remember(id, ...) -> the tuple that space `notes` has now */
API_EXPORT int remember(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	static const char name[] = "notes";
	uint32_t space_id = box_space_id_by_name(name, sizeof(name) - 1);
	if (space_id == BOX_ID_NIL)
		return box_error_set(
			__FILE__, __LINE__, ER_PROC_C, "there is no space '%s'", name);
	box_tuple_t *tuple;
	if (box_replace(space_id, args, args_end, &tuple) != 0)
		return -1; /* the error is set */
	return box_return_tuple(ctx, tuple);
}

/** procs.slow() -> the version, a second later; others are served meanwhile */
API_EXPORT int slow(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	fiber_sleep(1);
	say_info("slow of version %s is over", PROCS_VERSION);
	return version(ctx, args, args_end);
}

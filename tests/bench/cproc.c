/* Stored procedures to measure; built with -DVERSION=N. */
#include "module.h"

#define PROC(name)           \
	API_EXPORT int name( \
		box_function_ctx_t *ctx, const char *args, const char *args_end)

/** Nothing at all: what a call costs. */
PROC(nothing)
{
	return 0;
}

/** The version, up to 127. */
PROC(version)
{
	char reply = VERSION;
	return box_return_mp(ctx, &reply, &reply + 1);
}

/** The same, a while later. */
PROC(slow)
{
	fiber_sleep(SLOW_S);
	return version(ctx, args, args_end);
}

/** A tuple of space 512, by a key of one part. */
PROC(get)
{
	box_tuple_t *tuple;
	if (box_index_get(512, 0, args, args_end, &tuple) != 0)
		return -1;
	return tuple != NULL ? box_return_tuple(ctx, tuple) : 0;
}

/** Store the arguments as a tuple. */
PROC(put)
{
	return box_replace(512, args, args_end, NULL);
}

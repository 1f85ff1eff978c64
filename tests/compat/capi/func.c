/* Stored procedures: what they return, how they fail. Driven by func.lua. */
#include <stdio.h>

#include "module.h"

#define PROC(name) \
	int name(box_function_ctx_t *ctx, const char *args, const char *args_end)

/* A function that is called like its module. */
PROC(capi_func);
PROC(nothing);
PROC(one);
PROC(several);
PROC(many);
PROC(echo);
PROC(tuple);
PROC(tuples);
PROC(fails);
PROC(fails_with_1);
PROC(raises_code);
PROC(raises_client);
PROC(error_but_ok);
PROC(result_but_fails);
PROC(begins);
PROC(begins_and_fails);
PROC(yields);
PROC(keeps_args);
PROC(stores);

PROC(capi_func)
{
	return 0;
}

PROC(nothing)
{
	return 0;
}

PROC(one)
{
	static const char mp[] = {1};
	return box_return_mp(ctx, mp, mp + 1);
}

PROC(several)
{
	static const char mp[] = "\x01\x92\x02\x03\xa1x\xc0\x81\xa1y\xc3";
	box_return_mp(ctx, mp, mp + 1);
	box_return_mp(ctx, mp + 1, mp + 4);
	box_return_mp(ctx, mp + 4, mp + 6);
	box_return_mp(ctx, mp + 6, mp + 7);
	return box_return_mp(ctx, mp + 7, mp + 11);
}

PROC(many)
{
	for (int i = 0; i < 5000; i++) {
		if (one(ctx, args, args_end) != 0)
			return -1;
	}
	return 0;
}

PROC(echo)
{
	return box_return_mp(ctx, args, args_end);
}

PROC(tuple)
{
	static const char mp[] = "\x92\x02\x03";
	box_tuple_t *t = box_tuple_new(box_tuple_format_default(), mp, mp + 3);
	return t != NULL ? box_return_tuple(ctx, t) : -1;
}

PROC(tuples)
{
	return tuple(ctx, args, args_end) | echo(ctx, args, args_end) |
	       tuple(ctx, args, args_end);
}

PROC(fails)
{
	return -1;
}

PROC(fails_with_1)
{
	return 1;
}

PROC(raises_code)
{
	return box_error_set(__FILE__, __LINE__, 10000, "%s", "an error of its own");
}

PROC(raises_client)
{
	box_error_set(__FILE__, __LINE__, ER_TUPLE_FOUND, "%s", "a duplicate");
	return -1;
}

PROC(error_but_ok)
{
	box_error_set(__FILE__, __LINE__, 10000, "%s", "never seen");
	return 0;
}

PROC(result_but_fails)
{
	one(ctx, args, args_end);
	return raises_code(ctx, args, args_end);
}

PROC(begins)
{
	return box_txn_begin();
}

PROC(begins_and_fails)
{
	box_txn_begin();
	return raises_code(ctx, args, args_end);
}

PROC(yields)
{
	fiber_sleep(0.001);
	return echo(ctx, args, args_end);
}

/* Other work between the look at the arguments and their use. */
PROC(keeps_args)
{
	for (int i = 0; i < 20; i++) {
		box_space_id_by_name("_space", 6);
		fiber_sleep(0);
	}
	return echo(ctx, args, args_end);
}

PROC(stores)
{
	uint32_t id = box_space_id_by_name("s", 1);
	box_tuple_t *t;
	if (box_replace(id, args, args_end, &t) != 0)
		return -1;
	return box_return_tuple(ctx, t);
}

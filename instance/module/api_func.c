/* module.h: what a stored procedure returns. */
#include "instance/box/func.h"
#include "instance/box/tuple.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"
#include "instance/module/context.h"

int box_return_tuple(box_function_ctx_t *ctx, box_tuple_t *tuple)
{
	if (tuple == NULL)
		return api_wrong_argument("box_return_tuple", "tuple");
	return func_result_add_tuple(ctx->result, tuple);
}

int box_return_mp(box_function_ctx_t *ctx, const char *mp, const char *mp_end)
{
	return func_result_add_mp(ctx->result, mp, mp_end);
}

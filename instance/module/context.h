/* What a stored procedure gets as its box_function_ctx_t. */
#ifndef MODULE_CONTEXT_H
#define MODULE_CONTEXT_H

struct func_result;

/* On the stack of the call. */
struct box_function_ctx {
	struct func_result *result;
};

#endif

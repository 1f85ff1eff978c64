#include "instance/fiber/ctx.h"

/* Symbols of libboost_context.a; the layout of the struct is its transfer_t. */
struct ctx_transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, size_t size, void (*entry)(struct ctx_transfer t));

void *ctx_make(void *top, size_t size, void (*entry)(struct ctx_transfer t))
{
	return make_fcontext(top, size, entry);
}

struct ctx_transfer ctx_jump(void *to, void *data)
{
	return jump_fcontext(to, data);
}

/*
 * Machine contexts: the one place that knows how a C stack is switched.
 *
 * The two functions are boost.context's assembly, three objects without any
 * C++ in them. They save the callee-saved registers and the FPU control words on
 * the stack that is left, and nothing else: no signal mask, no system call.
 */
#ifndef FIBER_CTX_H
#define FIBER_CTX_H

#include <stddef.h>

/* What arrives on the other side of a jump. */
struct ctx_transfer {
	void *from; /* the context that was left; good for one jump back */
	void *data;
};

/**
 * Prepare a context on an unused stack.
 * @param top the highest address of the stack (it grows down)
 * @param entry must never return
 */
void *ctx_make(void *top, size_t size, void (*entry)(struct ctx_transfer t));
/** Leave the running context for another; returns when somebody jumps back. */
struct ctx_transfer ctx_jump(void *to, void *data);

#endif

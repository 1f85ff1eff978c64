/*
 * The switch between fibers, with what LuaJIT and the sanitizers need around it.
 * Internal to fiber/.
 *
 * LuaJIT's rules (no Lua state knows that C stacks are switched under it):
 * - before a switch-out, a trace that is being recorded is aborted, and a
 *   finaliser that tries to yield gets an error (luaJIT_setmode raises it);
 * - after a switch-in, an empty C function is called on the Lua thread that runs,
 *   so that the VM's idea of the current thread is right before anything throws.
 * Both need to know which Lua thread runs: fiber->lua_now. Our bindings set it. A C
 * module that yields does not; then the VM's own idea of it is taken, where it is known
 * (fiber_lua_current) and is this fiber's: it ran Lua since it was switched to.
 */
#ifndef FIBER_SWITCH_H
#define FIBER_SWITCH_H

#include "instance/fiber/fiber.h"

/**
 * Raises "bad action while in __gc metamethod" when the running fiber may not
 * yield now. Call it before others can see that the fiber is going to sleep.
 */
void switch_check(void);
/** Leave the running fiber for another one. */
void switch_to(struct fiber *to);
/** Prepare a context that runs `entry` on the fiber's stack when first switched to. */
void switch_prepare(struct fiber *f, void (*entry)(void));
/** Learn the bounds of the scheduler's stack (for the sanitizer). */
void switch_init(void);

#endif

/*
 * Stopping code that does not yield.
 *
 * A client names its request by a token. When the event loop does not answer it
 * any more, it asks a thread of its own, over an abstract Unix socket named after
 * the control socket's file. The thread signals the Lua thread; there, if the
 * fiber of that request is the one that runs, a hook raises FiberIsCancelled.
 *
 * Compiled code runs no hooks, except where it was compiled with the profiler on:
 * so the profiler is started with the first request (its timer practically never
 * fires) and a SIGPROF makes compiled loops leave for the interpreter.
 */
#ifndef LUA_INTERRUPT_H
#define LUA_INTERRUPT_H

#include <lua.h>
#include <stdint.h>

enum { INTERRUPT_TOKEN_MAX = 32 };

/**
 * From now on requests may be interrupted by who may use this socket.
 * @param path the control socket's file; NULL: no interrupts
 */
void interrupt_set_socket(const char *path);
/** The running fiber serves the request `token`, until interrupt_end(). */
void interrupt_begin(lua_State *L, const char *token);
void interrupt_end(const char *token);

/**
 * The running fiber has so many seconds. When it runs Lua code at that moment, or each
 * quarter of a second after it, an error with this text is raised there; one that sleeps
 * is left alone. One fiber at a time; the last call counts.
 */
void interrupt_watch(lua_State *L, const char *text, double seconds);
/** The running fiber's deadline is over; nothing happens when it has none. */
void interrupt_unwatch(void);

#endif

/* CALL and EVAL: from msgpack arguments to msgpack results. */
#ifndef LUA_CALL_H
#define LUA_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"

/*
 * All run on the running fiber's Lua thread, may yield, and append the results
 * to `out` as msgpack values one after another (no array header), counting them
 * in *ret_count. On -1 diag is set and `out` is as before. Access is checked by
 * the caller.
 */

/**
 * Call a function by path: `a.b.c`, `a.b:method`.
 * @param args a msgpack array with its end, already checked; NULL: none
 * @param is_call_16 wrap results as the 1.6 protocol did
 */
int lua_call_path(const char *name, uint32_t name_len, const char *args,
	const char *args_end, bool is_call_16, struct buf *out, uint32_t *ret_count);
/** Evaluate a chunk with arguments in `...`. */
int lua_eval_text(const char *expr, uint32_t expr_len, const char *args,
	const char *args_end, struct buf *out, uint32_t *ret_count);

#endif

/* MessagePack values as text, for people and programs. */
#ifndef CTL_MPTEXT_H
#define CTL_MPTEXT_H

#include "proto/buf.h"
#include "proto/mp.h"

enum mptext_format {
	MPTEXT_JSON, /* bytes of strings stay as they are, as Tarantool's json does it */
	MPTEXT_YAML, /* flow style */
	MPTEXT_LUA,  /* an expression; strings byte by byte */
};

/**
 * Append one value and step over it.
 * @return 0, or -1: malformed (cur->error) or out of memory
 */
int mptext_write(struct buf *out, struct mp_cursor *cur, enum mptext_format format);

/** Append a number in decimal. @return 0, or -1: out of memory */
int mptext_uint(struct buf *out, uint64_t v);

#endif

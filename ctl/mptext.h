/* MessagePack values as text, for people. */
#ifndef CTL_MPTEXT_H
#define CTL_MPTEXT_H

#include "proto/buf.h"
#include "proto/mp.h"

/**
 * Append one value as JSON (also YAML in flow style) and step over it.
 * @return 0, or -1: malformed (cur->error) or out of memory
 */
int mptext_json(struct buf *out, struct mp_cursor *cur);

#endif

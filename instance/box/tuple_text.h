/* Tuples as people read them: [1, 'two', null] (YAML in one line). */
#ifndef BOX_TUPLE_TEXT_H
#define BOX_TUPLE_TEXT_H

#include "proto/buf.h"

/**
 * Append a well-formed msgpack value as text.
 * @return 0, or -1 with diag set
 */
int msgpack_to_text(const char *data, struct buf *out);

#endif

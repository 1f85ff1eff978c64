/* A row of an .xlog or .snap file as text. */
#ifndef CTL_XLOG_TEXT_H
#define CTL_XLOG_TEXT_H

#include "ctl/mptext.h"
#include "proto/xlog.h"

/**
 * Append the row: a YAML document, a line of JSON, or a statement of Lua.
 * @return 0, or -1: its body is malformed or the memory is full
 */
int xlog_row_text(struct buf *out, const struct xlog_row *row, enum mptext_format format);

#endif

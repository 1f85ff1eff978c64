/* The screen of `ctl top`, as text. No terminal, no clock: all is given. */
#ifndef CTL_TOP_VIEW_H
#define CTL_TOP_VIEW_H

#include "ctl/top_sample.h"
#include "proto/buf.h"

/* Plain data. */
struct top_view {
	int width, height; /* of the terminal */
	int first;         /* the first row shown */
	bool is_utf8;      /* can it show block elements? */
	bool is_plain;     /* no attributes (NO_COLOR) */
	const char *time;
};

/**
 * Draw: lines of at most `width` columns, at most `height` of them, each with what
 * clears the rest of its line.
 * @return 0, or -1 when out of memory
 */
int top_view_draw(const struct top_view *view, const struct top_row *rows, int count,
	struct buf *out);

#endif

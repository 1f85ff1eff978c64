/*
 * Colours for people: on a terminal only, and neither where NO_COLOR is set nor on one
 * that calls itself dumb.
 */
#ifndef CTL_STYLE_H
#define CTL_STYLE_H

enum style {
	STYLE_NONE,
	STYLE_ERROR,
	STYLE_WARNING,
	STYLE_DIM,
};

/** What switches it on, on stdout: an escape sequence or "". */
const char *style_on(enum style style);
/** What switches all styles off again. */
const char *style_off(void);

#endif

#include "ctl/style.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool has_colours(void)
{
	static int known = -1;
	if (known < 0) {
		const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
		known = isatty(STDOUT_FILENO) &&
			(no_color == NULL || no_color[0] == '\0') && term != NULL &&
			strcmp(term, "dumb") != 0;
	}
	return known;
}

const char *style_on(enum style style)
{
	static const char *const sequences[] = {
		[STYLE_NONE] = "",
		[STYLE_ERROR] = "\033[31m",
		[STYLE_WARNING] = "\033[33m",
		[STYLE_DIM] = "\033[2m",
	};
	return has_colours() ? sequences[style] : "";
}

const char *style_off(void)
{
	return has_colours() ? "\033[0m" : "";
}

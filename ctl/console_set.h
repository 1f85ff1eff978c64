/* The console's backslash commands and what they set. */
#ifndef CTL_CONSOLE_SET_H
#define CTL_CONSOLE_SET_H

#include <stdbool.h>
#include <stddef.h>

struct edit_words;

/* Plain data. */
struct console_settings {
	char output[16];
	char language[8];
	char delimiter[64];
};

/** YAML, no delimiter, statements in `language` ("lua" or "sql"). */
void console_set_init(struct console_settings *set, const char *language);
/** Run a line that begins with a backslash. @return true: the console ends */
bool console_set_command(struct console_settings *set, const char *line);
/** What lua/remote.lua calls the output format. */
const char *console_set_format(const struct console_settings *set);
/** Complete a backslash command. */
void console_set_complete(
	const char *line, size_t start, size_t end, struct edit_words *words);

#endif

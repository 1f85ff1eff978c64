/* What `\set` of the console sets. */
#ifndef CTL_CONSOLE_SET_H
#define CTL_CONSOLE_SET_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Plain data. */
struct console_settings {
	char output[16];
	char language[8];
	char delimiter[64];
	bool is_paged; /* long results go through PAGER */
	bool is_live;  /* a transaction is the instance's business, statement by statement
			*/
	bool is_timed; /* `\timing` */
};

/** YAML, no delimiter, paged, statements in `language` ("lua" or "sql"). */
void console_set_init(struct console_settings *set, const char *language);
/** Run `\set NAME VALUE`; either may be "", a name may be cut short. */
void console_set_run(struct console_settings *set, const char *name, const char *value);
/** What lua/remote.lua calls the output format. */
const char *console_set_format(const struct console_settings *set);
/** The parameters' names, or the values that the one called `name` can have. */
const char *const *console_set_words(const char *name);
/** The lines of `\help`. */
void console_set_help(struct buf *out);

#endif

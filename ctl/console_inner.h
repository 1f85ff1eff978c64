/* What the parts of the console share; console.c has the whole. */
#ifndef CTL_CONSOLE_INNER_H
#define CTL_CONSOLE_INNER_H

#include "ctl/console_log.h"
#include "ctl/console_set.h"
#include "ctl/edit.h"
#include "ctl/style.h"
#include "ctl/target.h"

struct luacheck;

/* One console; owned by console_run(). */
struct console {
	const struct target *target;
	const char *name; /* what the prompt begins with */
	struct edit *edit;
	struct luacheck *lua;
	struct console_settings set;
	struct console_log log;
	/* the connection: console_link.c */
	struct conn conn;
	bool is_connected;
	deadline_ms retry_at; /* not connected: when to try next */
	int retry_ms;
	deadline_ms look_at; /* a state that may pass: when to ask again */
	int look_ms;
	uint64_t pid;   /* of the instance, 0: not known */
	char state[64]; /* of the instance, for the prompt: "", "ro", "tx", ... */
	char prompt[512], more[512];
	/* statements: console_run.c */
	struct buf statement; /* lines of one that goes on */
	struct buf last;      /* the last one, for \edit */
	char **series;        /* those of a transaction, until it ends */
	int series_count;
	int exit_code;
	bool is_over;
};

/* --- console_link.c: the connection, and the prompt that tells of it --- */

/** Connect and ask how the instance is. */
enum conn_status console_connect(struct console *con, deadline_ms deadline);
/** Has the instance closed the connection? Nothing else comes between requests. */
bool console_is_closed(const struct console *con);
/** The connection is gone. Only who sits at a terminal waits until it is back. */
void console_lost(struct console *con, const char *why);
/** Connect again when needed. @return false after saying that it does not work */
bool console_ensure(struct console *con);
/** The hook of the editor: wait for the user, with an eye on the instance. */
enum edit_input console_wait(void *arg);
/** The prompt and that of further lines, as things are now. */
void console_update_prompt(struct console *con);
/** A line for the user, above the one that is being edited. */
void console_notice(struct console *con, enum style style, const char *fmt, ...)
	_format_(3, 4);
/** End the console. */
void console_end(struct console *con, int exit_code, const char *why);

/* --- console_run.c: statements --- */

/** Run a statement, or keep it for the end of its transaction. */
void console_run_statement(struct console *con, const char *text, size_t len);
/** Forget a transaction that has not been run, if there is one. @return there was */
bool console_drop_series(struct console *con);

/* --- console_command.c: backslash commands --- */

/** Run a line that begins with a backslash. */
void console_command(struct console *con, const char *line);
/** Complete such a line. */
void console_command_complete(
	const char *line, size_t start, size_t end, struct edit_words *words);

#endif

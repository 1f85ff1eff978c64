#include "ctl/console.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/child.h"
#include "ctl/console_inner.h"
#include "ctl/interrupt.h"
#include "ctl/luacheck.h"
#include "ctl/remote.h"

enum { COMPLETE_TIMEOUT_MS = 1000 };

static void on_complete(
	void *arg, const char *line, size_t start, size_t end, struct edit_words *words)
{
	struct console *con = arg;
	struct conn c;
	struct remote_call call;
	uint32_t len;
	if (line[0] == '\\') {
		console_command_complete(line, start, end, words);
		return;
	}
	/* A connection of its own: one that does not answer in time is dropped. */
	deadline_ms deadline = deadline_after(COMPLETE_TIMEOUT_MS);
	conn_init(&c);
	remote_init(&call, "complete", deadline);
	remote_add_cstr(&call, line);
	remote_add_uint(&call, start);
	remote_add_uint(&call, end);
	enum conn_status rc = target_open(con->target, &c, deadline);
	if (rc == CONN_OK)
		rc = remote_run(&c, &call);
	if (rc == CONN_TIMEOUT)
		console_notice(con, STYLE_WARNING,
			"The instance does not answer: nothing is completed.");
	if (rc == CONN_OK && call.is_ok) {
		uint32_t n = mp_read_array(&call.values);
		for (uint32_t i = 0; i < n && call.values.error == NULL; i++) {
			const char *word = mp_read_str(&call.values, &len);
			if (call.values.error == NULL &&
				edit_words_add(words, word, len) != 0)
				break;
		}
	}
	remote_fini(&call);
	conn_fini(&c);
}

/* --- lines --- */

/**
 * Is the statement whole? With a delimiter: when it ends with it, which is taken
 * off. Without: SQL is one line, and Lua goes on while an <eof> is its error.
 */
static bool is_whole(struct console *con)
{
	struct buf *b = &con->statement;
	size_t n = strlen(con->set.delimiter);
	if (n > 0) {
		if (b->len < n ||
			memcmp(b->data + b->len - n, con->set.delimiter, n) != 0)
			return false;
		b->len -= n;
		return true;
	}
	return strcmp(con->set.language, "sql") == 0 || con->lua == NULL ||
	       !luacheck_is_unfinished(con->lua, b->data, b->len);
}

static void handle_line(struct console *con, const char *line)
{
	struct buf *b = &con->statement;
	if (b->len == 0 && line[0] == '\\') {
		edit_remember(con->edit, line);
		console_command(con, line);
		return;
	}
	if (b->len == 0 && strspn(line, " \t") == strlen(line))
		return;
	if (b->len > 0)
		buf_puts(b, "\n");
	if (buf_puts(b, line) != 0) {
		console_end(con, CTL_FAILED, "Out of memory");
		return;
	}
	if (!is_whole(con))
		return;
	buf_append(b, "", 1);
	edit_remember(con->edit, b->data);
	/* The prompt is that of a new statement again, whatever this one does. */
	struct buf whole = *b;
	*b = (struct buf){0};
	console_run_statement(con, whole.data, whole.len - 1);
	buf_fini(&whole);
}

/** Ctrl-C: the lines of a statement go, or, at a fresh prompt, a whole transaction. */
static void interrupted(struct console *con)
{
	bool is_line = con->statement.len > 0;
	buf_reset(&con->statement);
	if (!is_line && console_drop_series(con))
		console_notice(con, STYLE_WARNING,
			"The transaction is dropped; none of it was run.");
	console_update_prompt(con);
}

/** No more lines. */
static void ended(struct console *con)
{
	bool is_interactive = edit_is_interactive(con->edit);
	if (con->statement.len > 0 && !is_interactive)
		console_run_statement(con, con->statement.data, con->statement.len);
	if (is_interactive && !con->is_over)
		putchar('\n');
	if (console_drop_series(con))
		ctl_say("The transaction had no box.commit(): none of it was run.");
	if (is_interactive && !con->is_connected && con->exit_code == CTL_OK)
		con->exit_code = CTL_UNREACHABLE;
	con->is_over = true;
}

static void loop(struct console *con)
{
	while (!con->is_over) {
		char *line;
		const char *prompt = con->statement.len > 0 ? con->more : con->prompt;
		switch (edit_read(con->edit, prompt, &line)) {
		case EDIT_LINE:
			handle_line(con, line);
			break;
		case EDIT_INTERRUPTED:
			interrupted(con);
			break;
		case EDIT_EOF:
			ended(con);
			break;
		}
	}
}

/* --- the whole --- */

static void on_fatal_signal(int sig)
{
	child_end();
	edit_restore();
	_exit(128 + sig);
}

static void guard_terminal(void)
{
	static const int signals[] = {SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction sa = {.sa_handler = on_fatal_signal};
	for (size_t i = 0; i < lengthof(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

static int open_edit(struct console *con)
{
	char history[PATH_MAX];
	const char *home = getenv("HOME");
	struct edit_hooks hooks = {
		.wait = console_wait, .complete = on_complete, .arg = con};
	bool has_history = home != NULL && text_set(history, sizeof(history),
						   "%s/.tarantool_history", home) == 0;
	con->edit = edit_new("ctl", has_history ? history : NULL, &hooks);
	return con->edit != NULL ? 0 : -1;
}

int console_run(const struct target *target, const char *name, const char *language)
{
	struct console con = {.target = target, .name = name, .lua = luacheck_new()};
	char where[1024];
	console_set_init(&con.set, language);
	console_log_init(&con.log);
	conn_init(&con.conn);
	interrupt_start();
	enum conn_status rc = console_connect(&con, DEADLINE_NONE);
	if (rc != CONN_OK) {
		con.exit_code = target_explain(target, &con.conn, rc);
	} else if (open_edit(&con) != 0) {
		ctl_say("Out of memory");
		con.exit_code = CTL_FAILED;
	} else {
		if (edit_is_interactive(con.edit)) {
			target_name(target, where, sizeof(where));
			guard_terminal();
			printf("connected to %s\n", where);
		}
		loop(&con);
	}
	edit_free(con.edit);
	console_log_close(&con.log);
	conn_fini(&con.conn);
	luacheck_free(con.lua);
	buf_fini(&con.statement);
	buf_fini(&con.last);
	return con.exit_code;
}

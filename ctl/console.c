#include "ctl/console.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/console_set.h"
#include "ctl/edit.h"
#include "ctl/evaluate.h"
#include "ctl/interrupt.h"
#include "ctl/luacheck.h"

enum { COMPLETE_TIMEOUT_MS = 1000 };

/* One console; owned by console_run(). */
struct console {
	const struct target *target;
	struct conn conn;
	struct edit *edit;
	struct luacheck *lua;
	struct console_settings set;
	struct buf statement; /* lines of one that goes on */
	char prompt[256], more[256];
	int exit_code;
	bool is_over;
};

/* --- waiting for the user, with an eye on the instance --- */

/** Has the instance closed the connection? Nothing else comes between requests. */
static bool is_closed(const struct conn *c)
{
	char byte;
	ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static enum edit_input on_wait(void *arg)
{
	struct console *con = arg;
	for (;;) {
		struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = con->conn.fd, .events = POLLRDHUP}};
		int n = interrupt_poll(p, 2, -1);
		if (n < 0 && errno == EINTR && interrupt_take())
			return EDIT_INPUT_INTERRUPTED;
		if (n > 0 && p[1].revents != 0 && is_closed(&con->conn)) {
			edit_print(con->edit, "The instance closed the connection.");
			con->exit_code = CTL_UNREACHABLE;
			con->is_over = true;
			return EDIT_INPUT_END;
		}
		if (n > 0 && p[0].revents != 0)
			return EDIT_INPUT_READY;
	}
}

static void on_complete(
	void *arg, const char *line, size_t start, size_t end, struct edit_words *words)
{
	struct console *con = arg;
	struct conn c;
	struct remote_call call;
	uint32_t len;
	if (line[0] == '\\') {
		console_set_complete(line, start, end, words);
		return;
	}
	/* A connection of its own: one that does not answer in time is dropped. */
	deadline_ms deadline = deadline_after(COMPLETE_TIMEOUT_MS);
	conn_init(&c);
	remote_init(&call, "complete", deadline);
	remote_add_cstr(&call, line);
	remote_add_uint(&call, start);
	remote_add_uint(&call, end);
	if (target_open(con->target, &c, deadline) == CONN_OK &&
		remote_run(&c, &call) == CONN_OK && call.is_ok) {
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

/* --- statements --- */

static void write_text(const char *text, size_t len)
{
	fwrite(text, 1, len, stdout);
	fflush(stdout);
}

static void end(struct console *con, int exit_code, const char *why)
{
	ctl_say("%s", why);
	con->exit_code = exit_code;
	con->is_over = true;
}

/** A text console that was cancelled ends: go on with a new connection. */
static void reconnect_if_closed(struct console *con)
{
	if (!is_closed(&con->conn) && !con->conn.is_text)
		return;
	conn_fini(&con->conn);
	conn_init(&con->conn);
	enum conn_status rc = target_open(con->target, &con->conn, deadline_after(5000));
	if (rc != CONN_OK) {
		con->exit_code = target_explain(con->target, &con->conn, rc);
		con->is_over = true;
	}
}

static void run_statement(struct console *con, const char *text, size_t len)
{
	bool is_sql = strcmp(con->set.language, "sql") == 0;
	static const char sql[] = "return box.execute((...))";
	char *sql_text = is_sql ? strndup(text, len) : NULL;
	struct evaluate ev = {
		.target = con->target,
		.conn = &con->conn,
		.text = is_sql ? sql : text,
		.text_len = is_sql ? sizeof(sql) - 1 : len,
		.name = "",
		.argc = is_sql ? 1 : 0,
		.argv = &sql_text,
		.format = console_set_format(&con->set),
		.deadline = DEADLINE_NONE,
		.on_push = evaluate_write_push,
		.push_arg = stdout,
	};
	uint32_t n;
	const char *shown;
	switch (evaluate_run(&ev)) {
	case EVALUATE_OK:
		write_text(ev.result, ev.result_len);
		write_text("\n", 1);
		break;
	case EVALUATE_ERROR:
		shown = remote_next_str(&ev.call, &n);
		if (n > 0)
			write_text(shown, n);
		else
			ctl_say("error: %.*s", (int)ev.message_len, ev.message);
		write_text("\n", 1);
		break;
	case EVALUATE_INTERRUPTED:
		ctl_say("^C\nInterrupted.");
		reconnect_if_closed(con);
		break;
	case EVALUATE_TIMEOUT:
	case EVALUATE_DETACHED:
		end(con, CTL_INTERRUPTED,
			"^C\nThe statement cannot be interrupted: it does not yield, or "
			"catches the cancel. It goes on running; this console is "
			"detached from it.");
		break;
	case EVALUATE_LOST:
		end(con, CTL_UNREACHABLE, "The instance closed the connection.");
		break;
	case EVALUATE_REFUSED:
		ctl_say("error: %s", con->conn.error);
		break;
	}
	evaluate_fini(&ev);
	free(sql_text);
}

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
		con->is_over = console_set_command(&con->set, line);
		return;
	}
	if (b->len == 0 && strspn(line, " \t") == strlen(line))
		return;
	if (b->len > 0)
		buf_puts(b, "\n");
	if (buf_puts(b, line) != 0) {
		end(con, CTL_FAILED, "Out of memory");
		return;
	}
	if (!is_whole(con))
		return;
	buf_append(b, "", 1);
	edit_remember(con->edit, b->data);
	run_statement(con, b->data, b->len - 1);
	buf_reset(b);
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
			buf_reset(&con->statement);
			break;
		case EDIT_EOF:
			if (con->statement.len > 0 && !edit_is_interactive(con->edit))
				run_statement(
					con, con->statement.data, con->statement.len);
			if (edit_is_interactive(con->edit) && !con->is_over)
				putchar('\n');
			con->is_over = true;
			break;
		}
	}
}

/* --- the whole --- */

static void on_fatal_signal(int sig)
{
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

static void set_prompt(struct console *con, const char *name)
{
	text_set(con->prompt, sizeof(con->prompt) - 3, "%s", name);
	strcat(con->prompt, "> ");
	memset(con->more, ' ', strlen(con->prompt) - 2);
	strcpy(con->more + strlen(con->prompt) - 2, "> ");
}

static int open_edit(struct console *con)
{
	char history[PATH_MAX];
	const char *home = getenv("HOME");
	struct edit_hooks hooks = {.wait = on_wait, .complete = on_complete, .arg = con};
	bool has_history = home != NULL && text_set(history, sizeof(history),
						   "%s/.tarantool_history", home) == 0;
	con->edit = edit_new("ctl", has_history ? history : NULL, &hooks);
	return con->edit != NULL ? 0 : -1;
}

int console_run(const struct target *target, const char *name, const char *language)
{
	struct console con = {.target = target, .lua = luacheck_new()};
	char where[1024];
	console_set_init(&con.set, language);
	set_prompt(&con, name);
	conn_init(&con.conn);
	interrupt_start();
	enum conn_status rc = target_open(target, &con.conn, DEADLINE_NONE);
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
	conn_fini(&con.conn);
	luacheck_free(con.lua);
	buf_fini(&con.statement);
	return con.exit_code;
}

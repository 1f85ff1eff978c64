#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/console_inner.h"
#include "ctl/interrupt.h"
#include "ctl/remote.h"

/* How long an attempt may hold up the keys, and the pauses between attempts. */
enum { ATTEMPT_MS = 300, ENSURE_MS = 3000, RETRY_FIRST_MS = 100, RETRY_LAST_MS = 3000 };
enum { LOOK_FIRST_MS = 200, LOOK_LAST_MS = 5000 };

void console_notice(struct console *con, enum style style, const char *fmt, ...)
{
	char *text, *styled;
	va_list ap;
	va_start(ap, fmt);
	int len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	if (asprintf(&styled, "%s%s%s", style_on(style), text, style_off()) >= 0) {
		edit_print(con->edit, styled);
		free(styled);
	}
	free(text);
}

void console_end(struct console *con, int exit_code, const char *why)
{
	ctl_say("%s", why);
	con->exit_code = exit_code;
	con->is_over = true;
}

/** What stands in parentheses behind the name; "" for an instance as it should be. */
static void describe(const struct console *con, char *out, size_t size)
{
	bool is_kept = con->series_count > 0;
	const char *state = con->is_connected ? con->state : "not connected";
	text_set(out, size, "%s%s%s", state, is_kept && state[0] != '\0' ? " " : "",
		is_kept ? "tx" : "");
}

void console_update_prompt(struct console *con)
{
	char what[96] = "", name[256];
	describe(con, what, sizeof(what));
	if (text_set(name, sizeof(name), "%s", con->name) != 0)
		strcpy(name + sizeof(name) - 4, "...");
	size_t width = strlen(name);
	if (what[0] == '\0') {
		text_set(con->prompt, sizeof(con->prompt), "%s> ", name);
	} else {
		const char *on = style_on(STYLE_WARNING), *off = style_off();
		const char *mark = on[0] != '\0' ? "\001" : "";
		text_set(con->prompt, sizeof(con->prompt), "%s %s%s%s(%s)%s%s%s> ", name,
			mark, on, mark, what, mark, off, mark);
		width += strlen(what) + 3;
	}
	memset(con->more, ' ', width);
	strcpy(con->more + width, "> ");
}

/** The line that is being edited gets it too. */
static void show_prompt(struct console *con)
{
	edit_set_prompt(con->edit, con->statement.len > 0 ? con->more : con->prompt);
}

/** How is the instance? Who may run nothing there is not told, and that is no failure. */
static enum conn_status ask_state(struct console *con, deadline_ms deadline)
{
	struct remote_call call;
	remote_init(&call, "state", deadline);
	enum conn_status rc = remote_run(&con->conn, &call);
	con->state[0] = '\0';
	if (rc == CONN_OK && call.is_ok) {
		uint32_t len;
		const char *text = remote_next_str(&call, &len);
		uint64_t pid = mp_read_uint(&call.values);
		text_set(con->state, sizeof(con->state), "%.*s", (int)len, text);
		con->pid = call.values.error == NULL ? pid : 0;
	}
	remote_fini(&call);
	return rc == CONN_FAILED && con->conn.saved_errno == 0 ? CONN_OK : rc;
}

enum conn_status console_connect(struct console *con, deadline_ms deadline)
{
	conn_fini(&con->conn);
	conn_init(&con->conn);
	enum conn_status rc = target_open(con->target, &con->conn, deadline);
	if (rc == CONN_OK)
		rc = ask_state(con, deadline);
	con->is_connected = rc == CONN_OK;
	con->look_ms = LOOK_FIRST_MS;
	con->look_at = deadline_after(con->look_ms);
	if (!con->is_connected) {
		closefd(&con->conn.fd);
		con->conn.fd = -1;
	}
	console_update_prompt(con);
	return rc;
}

bool console_is_closed(const struct console *con)
{
	char byte;
	if (!con->is_connected)
		return true;
	ssize_t n = recv(con->conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/** Can an attempt be made without a name look-up, which has no time limit? */
static bool is_local(const struct target *t)
{
	return t->inst != NULL || t->uri.host_kind == URI_HOST_UNIX;
}

void console_lost(struct console *con, const char *why)
{
	if (!edit_is_interactive(con->edit)) {
		console_end(con, CTL_UNREACHABLE, why);
		return;
	}
	conn_fini(&con->conn);
	conn_init(&con->conn);
	con->is_connected = false;
	con->retry_ms = RETRY_FIRST_MS;
	con->retry_at =
		is_local(con->target) ? deadline_after(con->retry_ms) : DEADLINE_NONE;
	console_update_prompt(con);
	show_prompt(con);
	console_notice(con, STYLE_WARNING, "%s", why);
}

/** @return CONN_OK after telling that the instance is back */
static enum conn_status connect_again(struct console *con, int timeout_ms)
{
	uint64_t before = con->pid;
	enum conn_status rc = console_connect(con, deadline_after(timeout_ms));
	if (rc != CONN_OK)
		return rc;
	show_prompt(con);
	bool is_another = before != 0 && con->pid != 0 && before != con->pid;
	console_notice(con, STYLE_WARNING, "Connected again to %s%s.", con->name,
		is_another ? ", which was restarted" : "");
	return CONN_OK;
}

/** Something unusual may pass by itself; a transaction of ours does not. */
static bool is_state_watched(const struct console *con)
{
	return con->is_connected && con->state[0] != '\0' &&
	       strstr(con->state, "tx") == NULL && is_local(con->target);
}

/** Ask over a connection of its own: the keys wait no longer than ATTEMPT_MS. */
static void look_again(struct console *con)
{
	struct conn c;
	struct remote_call call;
	uint32_t len;
	deadline_ms deadline = deadline_after(ATTEMPT_MS);
	conn_init(&c);
	remote_init(&call, "state", deadline);
	if (target_open(con->target, &c, deadline) == CONN_OK &&
		remote_run(&c, &call) == CONN_OK && call.is_ok) {
		const char *text = remote_next_str(&call, &len);
		bool is_same =
			strlen(con->state) == len && memcmp(con->state, text, len) == 0;
		text_set(con->state, sizeof(con->state), "%.*s", (int)len, text);
		if (!is_same) {
			console_update_prompt(con);
			show_prompt(con);
		}
	}
	remote_fini(&call);
	conn_fini(&c);
	con->look_ms = con->look_ms * 2 < LOOK_LAST_MS ? con->look_ms * 2 : LOOK_LAST_MS;
	con->look_at = deadline_after(con->look_ms);
}

static void retry(struct console *con)
{
	if (connect_again(con, ATTEMPT_MS) == CONN_OK)
		return;
	con->retry_ms =
		con->retry_ms * 2 < RETRY_LAST_MS ? con->retry_ms * 2 : RETRY_LAST_MS;
	con->retry_at = deadline_after(con->retry_ms);
}

bool console_ensure(struct console *con)
{
	if (con->is_connected && !console_is_closed(con))
		return true;
	if (con->is_connected)
		console_lost(con, "The instance closed the connection.");
	if (con->is_over)
		return false;
	enum conn_status rc = connect_again(con, ENSURE_MS);
	if (rc == CONN_OK)
		return true;
	target_explain(con->target, &con->conn, rc);
	console_notice(con, STYLE_ERROR, "The statement was not run.");
	return false;
}

/** When is there something to do without a key, or a word of the instance? */
static deadline_ms next_look(const struct console *con)
{
	if (!con->is_connected)
		return con->retry_at;
	return is_state_watched(con) && edit_is_interactive(con->edit) ? con->look_at
								       : DEADLINE_NONE;
}

enum edit_input console_wait(void *arg)
{
	struct console *con = arg;
	for (;;) {
		struct pollfd p[3] = {{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = con->conn.fd, .events = POLLRDHUP},
			{.fd = con->log.watch_fd, .events = POLLIN}};
		int n = interrupt_poll(p, 3, deadline_left(next_look(con)));
		if (n < 0 && errno == EINTR && interrupt_take())
			return EDIT_INPUT_INTERRUPTED;
		if (n > 0 && p[2].revents != 0)
			console_log_show(con);
		if (n > 0 && p[1].revents != 0 && console_is_closed(con))
			console_lost(con, "The instance closed the connection.");
		if (con->is_over)
			return EDIT_INPUT_END;
		if (deadline_left(next_look(con)) == 0 && con->is_connected)
			look_again(con);
		else if (deadline_left(next_look(con)) == 0)
			retry(con);
		if (n > 0 && p[0].revents != 0)
			return EDIT_INPUT_READY;
	}
}

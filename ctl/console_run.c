#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ctl/child.h"
#include "ctl/console_inner.h"
#include "ctl/evaluate.h"

/* What the binary protocol says when a transaction would stay open; both engines. */
static const char left_open[] = "Transaction is active at return from function";

/* --- what is shown --- */

/** Is it more than the screen holds? */
static bool is_long(const char *text, size_t len)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 ||
		size.ws_col == 0)
		return false;
	size_t rows = 0, column = 0;
	for (size_t i = 0; i < len && rows < size.ws_row; i++) {
		if (text[i] == '\n' || ++column > size.ws_col) {
			rows++;
			column = 0;
		}
	}
	return rows >= size.ws_row;
}

/** Show it by PAGER. @return false: there is none, or it cannot be run */
static bool page(const char *text, size_t len)
{
	const char *pager = getenv("PAGER");
	if (pager == NULL)
		pager = "command -v less >/dev/null || exit 127; exec less";
	if (pager[0] == '\0' || strcmp(pager, "cat") == 0)
		return false;
	setenv("LESS", "FRX", 0); /* the result stays on the screen behind it */
	int status = child_run(pager, text, len);
	return status >= 0 && status != CHILD_NOT_FOUND;
}

static void show(const struct console *con, const char *text, size_t len)
{
	if (edit_is_interactive(con->edit) && con->set.is_paged && is_long(text, len) &&
		page(text, len))
		return;
	fwrite(text, 1, len, stdout);
	putchar('\n');
	fflush(stdout);
}

static void show_error(const struct console *con, const struct evaluate *ev)
{
	fputs(style_on(STYLE_ERROR), stdout);
	if (ev->shown_len > 0)
		fwrite(ev->shown, 1, ev->shown_len, stdout);
	else
		printf("error: %.*s\n", (int)ev->message_len, ev->message);
	printf("%s\n", style_off());
	fflush(stdout);
}

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void show_time(const struct console *con, double started_ms)
{
	if (con->set.is_timed)
		printf("%sTime: %.3f ms%s\n", style_on(STYLE_DIM), now_ms() - started_ms,
			style_off());
	fflush(stdout);
}

/* --- how it ends --- */

/** A text console that was cancelled ends: go on with a new connection. */
static void reconnect_if_closed(struct console *con)
{
	if (!console_is_closed(con) && !con->conn.is_text)
		return;
	enum conn_status rc = console_connect(con, deadline_after(5000));
	if (rc == CONN_OK)
		return;
	target_explain(con->target, &con->conn, rc);
	console_lost(con, "The connection is lost.");
}

static void refused(struct console *con)
{
	printf("%serror: %s%s\n", style_on(STYLE_ERROR), con->conn.error, style_off());
	if (strcmp(con->conn.error, left_open) == 0)
		puts("It was rolled back: a transaction cannot stay open between "
		     "requests. Enter box.begin()\nalone, and what follows runs together "
		     "at box.commit().");
	fflush(stdout);
}

static void finish(struct console *con, struct evaluate *ev, enum evaluate_status status)
{
	switch (status) {
	case EVALUATE_OK:
		show(con, ev->result, ev->result_len);
		break;
	case EVALUATE_ERROR:
		show_error(con, ev);
		break;
	case EVALUATE_INTERRUPTED:
		ctl_say("^C\nInterrupted.");
		reconnect_if_closed(con);
		return;
	case EVALUATE_TIMEOUT:
	case EVALUATE_DETACHED:
		console_end(con, CTL_INTERRUPTED,
			"^C\nThe statement cannot be interrupted: it does not yield, or "
			"catches the cancel. It goes on running; this console is "
			"detached from it.");
		return;
	case EVALUATE_LOST:
		console_lost(con, edit_is_interactive(con->edit)
					  ? "The instance closed the connection. The "
					    "statement may have been carried out\nor "
					    "not; it is not repeated."
					  : "The instance closed the connection.");
		return;
	case EVALUATE_REFUSED:
		refused(con);
		return;
	}
	text_set(con->state, sizeof(con->state), "%.*s", (int)ev->state_len, ev->state);
}

static void run_now(struct console *con, const char *text, size_t len)
{
	if (!console_ensure(con))
		return;
	bool is_sql = strcmp(con->set.language, "sql") == 0;
	static const char sql[] = "return box.execute((...))";
	char *sql_text = is_sql ? strndup(text, len) : NULL;
	struct evaluate ev = {
		.target = con->target,
		.conn = &con->conn,
		.text = is_sql ? sql : text,
		.text_len = is_sql ? sizeof(sql) - 1 : len,
		.series = con->series,
		.series_count = con->series_count,
		.name = "",
		.argc = is_sql ? 1 : 0,
		.argv = &sql_text,
		.format = console_set_format(&con->set),
		.deadline = DEADLINE_NONE,
		.on_push = evaluate_write_push,
		.push_arg = stdout,
	};
	double started_ms = now_ms();
	enum evaluate_status status = evaluate_run(&ev);
	double ended_ms = now_ms();
	finish(con, &ev, status);
	/* Without the time that somebody spent in the pager. */
	show_time(con, started_ms + (now_ms() - ended_ms));
	evaluate_fini(&ev);
	free(sql_text);
}

/* --- transactions of several statements --- */

/*
 * A transaction in memory does not survive a wait, and between two requests there is
 * one: stock Tarantool's console tells so only at the commit, its binary protocol and
 * ours refuse to leave one open. So from a lone box.begin() on statements are kept,
 * and run one after another in a single request at box.commit().
 */

/** Is it this call and nothing else? */
static bool is_call(const char *text, size_t len, const char *call)
{
	size_t n = strlen(call);
	while (len > 0 && strchr(" \t\n;", text[len - 1]) != NULL)
		len--;
	size_t skip = 0;
	while (skip < len && strchr(" \t\n", text[skip]) != NULL)
		skip++;
	return len - skip == n && memcmp(text + skip, call, n) == 0;
}

bool console_drop_series(struct console *con)
{
	bool had = con->series_count > 0;
	for (int i = 0; i < con->series_count; i++)
		free(con->series[i]);
	free(con->series);
	con->series = NULL;
	con->series_count = 0;
	return had;
}

static int keep(struct console *con, const char *text, size_t len)
{
	size_t size = sizeof(*con->series) * (size_t)(con->series_count + 1);
	char **series = realloc(con->series, size);
	if (series == NULL)
		return -1;
	con->series = series;
	series[con->series_count] = strndup(text, len);
	if (series[con->series_count] == NULL)
		return -1;
	con->series_count++;
	return 0;
}

/** @return true: there is nothing to run yet */
static bool keep_for_later(struct console *con, const char *text, size_t len)
{
	bool is_first = con->series_count == 0;
	if (is_first && (con->set.is_live || strcmp(con->set.language, "lua") != 0 ||
				!is_call(text, len, "box.begin()")))
		return false;
	if (!is_first && is_call(text, len, "box.rollback()")) {
		console_drop_series(con);
		puts("The transaction is dropped; none of it was run.\n");
		return true;
	}
	if (keep(con, text, len) != 0) {
		console_end(con, CTL_FAILED, "Out of memory");
		return true;
	}
	if (is_first)
		puts("Statements are kept, and run together at box.commit(); "
		     "box.rollback() drops them.");
	return !is_call(text, len, "box.commit()");
}

void console_run_statement(struct console *con, const char *text, size_t len)
{
	buf_reset(&con->last);
	buf_append(&con->last, text, len);
	if (!keep_for_later(con, text, len)) {
		run_now(con, text, len);
		console_drop_series(con);
	}
	console_update_prompt(con);
	fflush(stdout);
}

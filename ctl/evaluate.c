#include "ctl/evaluate.h"

#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "ctl/interrupt.h"
#include "ctl/mptext.h"
#include "proto/text.h"

enum { CANCEL_TIMEOUT_MS = 1000, CANCEL_ASK_MS = 250 };

/** Ask over a connection of its own to cancel the request. */
static bool cancel(const struct target *target, const char *token, int timeout_ms)
{
	struct conn c;
	struct remote_call call;
	deadline_ms deadline = deadline_after(timeout_ms);
	conn_init(&c);
	remote_init(&call, "cancel", deadline);
	remote_add_cstr(&call, token);
	bool is_done = target_open(target, &c, deadline) == CONN_OK &&
		       remote_run(&c, &call) == CONN_OK && call.is_ok;
	remote_fini(&call);
	conn_fini(&c);
	return is_done;
}

/**
 * Ask the instance's interrupt thread. It listens on an abstract socket, named after
 * the file of the control socket; stock Tarantool has none.
 */
static bool break_in(const struct target *target, const char *token)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	char answer[8] = "";
	if (target->inst == NULL || stat(target->inst->sock_path, &st) != 0)
		return false;
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1,
		"tarantella-interrupt/%lx/%lx", (unsigned long)st.st_dev,
		(unsigned long)st.st_ino);
	socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
	_cleanup_(closefd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, size) != 0)
		return false;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return send(fd, token, strlen(token), MSG_NOSIGNAL) > 0 &&
	       poll(&p, 1, CANCEL_TIMEOUT_MS) == 1 &&
	       recv(fd, answer, sizeof(answer) - 1, 0) > 0 && strcmp(answer, "ok\n") == 0;
}

/** @return the code answers after all, or its console ends as a cancelled one does. */
static bool has_ended(struct evaluate *ev)
{
	ev->call.deadline = deadline_after(CANCEL_TIMEOUT_MS);
	enum conn_status rc = remote_resume(ev->conn, &ev->call);
	return rc == CONN_OK || rc == CONN_CLOSED;
}

/** Stop the code; what it answers then is of no interest. */
static bool cancelled(struct evaluate *ev, const char *token)
{
	/* Code that does not yield keeps the event loop from answering the first; code
	 * that was cancelled may have caught that, and spin now. */
	if (cancel(ev->target, token, CANCEL_ASK_MS) && has_ended(ev))
		return true;
	if (break_in(ev->target, token) && has_ended(ev))
		return true;
	/* Or its machine is slow. */
	return cancel(ev->target, token, CANCEL_TIMEOUT_MS) && has_ended(ev);
}

static enum evaluate_status stop(
	struct evaluate *ev, const char *token, enum evaluate_status why)
{
	interrupt_hold(true);
	bool is_done = cancelled(ev, token);
	interrupt_hold(false);
	return is_done ? why : EVALUATE_DETACHED;
}

enum evaluate_status evaluate_run(struct evaluate *ev)
{
	char token[REMOTE_TOKEN_SIZE];
	struct remote_call *call = &ev->call;
	remote_token(token);
	remote_init(call, "eval", ev->deadline);
	if (ev->series_count > 0)
		remote_add_strv(call, ev->series_count, ev->series);
	else
		remote_add_str(call, ev->text, ev->text_len);
	remote_add_cstr(call, ev->name);
	remote_add_strv(call, ev->argc, ev->argv);
	remote_add_cstr(call, ev->format);
	remote_add_cstr(call, token);
	remote_add_bool(call, ev->conn->is_text);
	remote_add_bool(call, ev->on_push != NULL);
	call->on_push = ev->on_push;
	call->push_arg = ev->push_arg;

	switch (remote_run(ev->conn, call)) {
	case CONN_OK:
		break;
	case CONN_TIMEOUT:
		return stop(ev, token, EVALUATE_TIMEOUT);
	case CONN_INTERRUPTED:
		return stop(ev, token, EVALUATE_INTERRUPTED);
	case CONN_CLOSED:
		return EVALUATE_LOST;
	case CONN_FAILED:
		return ev->conn->saved_errno != 0 ? EVALUATE_LOST : EVALUATE_REFUSED;
	}
	if (call->is_ok) {
		ev->result = remote_next_str(call, &ev->result_len);
		ev->state = remote_next_str(call, &ev->state_len);
		return EVALUATE_OK;
	}
	ev->message = remote_next_str(call, &ev->message_len);
	ev->trace = remote_next_str(call, &ev->trace_len);
	ev->shown = remote_next_str(call, &ev->shown_len);
	ev->state = remote_next_str(call, &ev->state_len);
	return EVALUATE_ERROR;
}

void evaluate_fini(struct evaluate *ev)
{
	remote_fini(&ev->call);
}

void evaluate_write_push(
	enum remote_push kind, const char *data, size_t len, void *stream)
{
	FILE *out = stream;
	if (kind == REMOTE_VALUE) {
		struct mp_cursor cur;
		_cleanup_(buf_fini) struct buf text = {0};
		mp_cursor_init(&cur, data, data + len);
		if (mptext_write(&text, &cur, MPTEXT_YAML) == 0)
			fprintf(out, "%s\n--- %.*s\n...\n", TEXT_PUSH_TAG, (int)text.len,
				text.data);
	} else {
		fwrite(data, 1, len, out);
	}
	fflush(out);
}

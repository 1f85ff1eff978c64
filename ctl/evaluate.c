#include "ctl/evaluate.h"

#include <stdio.h>
#include <string.h>

#include "ctl/interrupt.h"
#include "ctl/mptext.h"
#include "proto/text.h"

enum { CANCEL_TIMEOUT_MS = 1000 };

/** Ask over a connection of its own to cancel the request. */
static bool cancel(const struct target *target, const char *token)
{
	struct conn c;
	struct remote_call call;
	deadline_ms deadline = deadline_after(CANCEL_TIMEOUT_MS);
	conn_init(&c);
	remote_init(&call, "cancel", deadline);
	remote_add_cstr(&call, token);
	bool is_done = target_open(target, &c, deadline) == CONN_OK &&
		       remote_run(&c, &call) == CONN_OK && call.is_ok;
	remote_fini(&call);
	conn_fini(&c);
	return is_done;
}

/** Stop the code; what it answers then is of no interest. */
static enum evaluate_status stop(
	struct evaluate *ev, const char *token, enum evaluate_status why)
{
	if (!cancel(ev->target, token))
		return EVALUATE_DETACHED;
	ev->call.deadline = deadline_after(CANCEL_TIMEOUT_MS);
	enum conn_status rc = remote_resume(ev->conn, &ev->call);
	/* A text console that was cancelled ends after its answer. */
	if (rc == CONN_OK || rc == CONN_CLOSED)
		return why;
	return EVALUATE_DETACHED;
}

enum evaluate_status evaluate_run(struct evaluate *ev)
{
	char token[REMOTE_TOKEN_SIZE];
	struct remote_call *call = &ev->call;
	remote_token(token);
	remote_init(call, "eval", ev->deadline);
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
		return EVALUATE_OK;
	}
	ev->message = remote_next_str(call, &ev->message_len);
	ev->trace = remote_next_str(call, &ev->trace_len);
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
		if (mptext_json(&text, &cur) == 0)
			fprintf(out, "%s\n--- %.*s\n...\n", TEXT_PUSH_TAG, (int)text.len,
				text.data);
	} else {
		fwrite(data, 1, len, out);
	}
	fflush(out);
}

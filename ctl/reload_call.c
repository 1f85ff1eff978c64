#include "ctl/reload_call.h"

#include <stdio.h>
#include <string.h>

#include "ctl/embedded.h"
#include "ctl/interrupt.h"

enum { PING_TIMEOUT_MS = 5000, PROGRESS_MS = 500, SILENCE_MS = 35000 };

static const char *const format_names[] = {
	[RELOAD_TEXT] = "text",
	[RELOAD_ROW] = "row",
	[RELOAD_JSON] = "json",
	[RELOAD_PATHS] = "paths",
};

static void add_op(struct remote_call *call, const char *op, const struct buf *args,
	const char *format)
{
	remote_add_cstr(call, reload_lua_hash);
	remote_add_cstr(call, op);
	remote_add_str(call, args->data, args->len);
	remote_add_cstr(call, format);
}

static void show(const char *name, const char *text, uint32_t len, struct buf *shown)
{
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len == 0 || (len == shown->len && memcmp(text, shown->data, len) == 0))
		return;
	ctl_progress("%s: %.*s", name, (int)len, text);
	buf_reset(shown);
	buf_append(shown, text, len);
}

/**
 * Ask over a connection of its own what the engine does now, and show it.
 * @return does the instance answer?
 */
static bool show_progress(const struct instance *inst, struct buf *shown)
{
	struct target target;
	struct conn c;
	struct remote_call call;
	struct buf args = {.data = "{}", .len = 2};
	deadline_ms deadline = deadline_after(PROGRESS_MS);
	uint32_t len;

	conn_init(&c);
	target_of_instance(&target, inst);
	remote_init(&call, "engine", deadline);
	add_op(&call, "status", &args, "row");
	bool is_answered = target_open(&target, &c, deadline) == CONN_OK &&
			   remote_run(&c, &call) == CONN_OK;
	if (is_answered && call.is_ok) {
		remote_next_str(&call, &len);
		mp_read_int(&call.values);
		const char *text = remote_next_str(&call, &len);
		show(inst->name, text, len, shown);
	} else if (!is_answered) {
		const char *text = "it does not answer: code that does not yield runs";
		show(inst->name, text, (uint32_t)strlen(text), shown);
	}
	remote_fini(&call);
	conn_fini(&c);
	return is_answered;
}

/** Wait for the answer as long as the instance answers others. */
static enum conn_status wait_answer(struct reload_call *rc)
{
	_cleanup_(buf_fini) struct buf shown = {0};
	int64_t silence_ms = rc->silence_ms > 0 ? rc->silence_ms : SILENCE_MS;
	deadline_ms silence = deadline_after(silence_ms);
	rc->call.deadline = deadline_after(PROGRESS_MS);
	enum conn_status status = remote_run(&rc->conn, &rc->call);
	while (status == CONN_TIMEOUT) {
		if (show_progress(rc->instance, &shown))
			silence = deadline_after(silence_ms);
		else if (deadline_left(silence) == 0)
			break;
		rc->call.deadline = deadline_after(PROGRESS_MS);
		status = remote_resume(&rc->conn, &rc->call);
	}
	return status;
}

/** One request. @return CTL_OK when it was answered, in whatever way */
static int ask(struct reload_call *rc)
{
	switch (wait_answer(rc)) {
	case CONN_OK:
		return CTL_OK;
	case CONN_INTERRUPTED:
		ctl_say("Interrupted: what was begun ends by itself in the instance; "
			"'ctl history %s' tells how",
			rc->instance->name);
		return CTL_INTERRUPTED;
	case CONN_TIMEOUT:
		ctl_say("%s does not answer any more: code that does not yield runs in "
			"it. What was begun\ngoes on when that ends; 'ctl kill %s' ends "
			"the process",
			rc->instance->name, rc->instance->name);
		return CTL_UNREACHABLE;
	case CONN_CLOSED:
		ctl_say("The connection to %s is lost", rc->instance->name);
		return CTL_UNREACHABLE;
	default:
		ctl_say("%s", rc->conn.error);
		return rc->conn.saved_errno != 0 ? CTL_UNREACHABLE : CTL_REMOTE;
	}
}

/** Take the answer apart. @return -1: the instance wants the engine first */
static int read_answer(struct reload_call *rc)
{
	uint32_t len;
	struct remote_call *call = &rc->call;
	const char *kind = remote_next_str(call, &len);
	if (!call->is_ok) {
		ctl_say("The reload engine does not run: %.*s", (int)len, kind);
		return CTL_REMOTE;
	}
	if (len == 6 && memcmp(kind, "absent", 6) == 0)
		return -1;
	rc->exit = (int)mp_read_int(&call->values);
	rc->out = remote_next_str(call, &rc->out_len);
	rc->message = remote_next_str(call, &rc->message_len);
	if (call->values.error == NULL)
		return CTL_OK;
	ctl_say("malformed answer");
	return CTL_REMOTE;
}

static int call_op(struct reload_call *rc, bool is_load)
{
	remote_init(&rc->call, is_load ? "engine_load" : "engine", DEADLINE_NONE);
	if (is_load)
		remote_add_str(&rc->call, reload_lua, reload_lua_len);
	add_op(&rc->call, rc->op, &rc->args, format_names[rc->format]);
	int code = ask(rc);
	return code == CTL_OK ? read_answer(rc) : code;
}

int reload_call_run(struct reload_call *rc)
{
	struct target target;
	deadline_ms deadline = deadline_after(PING_TIMEOUT_MS);
	conn_init(&rc->conn);
	remote_init(&rc->call, "engine", deadline);
	target_of_instance(&target, rc->instance);
	interrupt_start();
	enum conn_status status = target_open(&target, &rc->conn, deadline);
	if (status == CONN_OK)
		status = conn_ping(&rc->conn, deadline);
	int code;
	if (status != CONN_OK) {
		code = target_explain(&target, &rc->conn, status);
	} else {
		code = call_op(rc, false);
		if (code < 0) {
			remote_fini(&rc->call);
			code = call_op(rc, true);
		}
	}
	return code;
}

void reload_call_fini(struct reload_call *rc)
{
	remote_fini(&rc->call);
	conn_fini(&rc->conn);
	buf_fini(&rc->args);
}

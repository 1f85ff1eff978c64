#include "ctl/report.h"

#include <stdio.h>
#include <string.h>

#include "ctl/evaluate.h"
#include "ctl/interrupt.h"

static void print_json(const struct report *rep, const struct evaluate *ev, bool is_ok)
{
	struct buf b = {0};
	buf_puts(&b, "{");
	if (rep->label != NULL) {
		buf_puts(&b, "\"instance\": ");
		json_string(&b, rep->label, strlen(rep->label));
		buf_puts(&b, ", ");
	}
	if (is_ok) {
		buf_puts(&b, "\"ok\": true, \"result\": ");
		buf_append(&b, ev->result, ev->result_len);
	} else {
		buf_puts(&b, "\"ok\": false, \"error\": ");
		json_string(&b, ev->message, ev->message_len);
		buf_puts(&b, ", \"traceback\": ");
		json_string(&b, ev->trace, ev->trace_len);
	}
	buf_puts(&b, "}\n");
	fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
}

static void print_result(const struct report *rep, const struct evaluate *ev)
{
	if (rep->label != NULL)
		printf("# %s\n", rep->label);
	fwrite(ev->result, 1, ev->result_len, stdout);
	putchar('\n');
}

static int finish(
	const struct report *rep, const struct evaluate *ev, enum evaluate_status status)
{
	const char *detached = "it does not yield, or catches the "
			       "cancel, so it goes on running in the instance";
	switch (status) {
	case EVALUATE_OK:
		if (rep->is_json)
			print_json(rep, ev, true);
		else
			print_result(rep, ev);
		return CTL_OK;
	case EVALUATE_ERROR:
		if (rep->is_json)
			print_json(rep, ev, false);
		ctl_say("%.*s", (int)ev->message_len, ev->message);
		if (ev->trace_len > 0)
			ctl_say("%.*s", (int)ev->trace_len, ev->trace);
		return CTL_REMOTE;
	case EVALUATE_TIMEOUT:
		ctl_say("Timed out after %g s: the code was cancelled",
			(double)rep->timeout_ms / 1000);
		return CTL_REMOTE;
	case EVALUATE_INTERRUPTED:
		ctl_say("Interrupted: the code was cancelled");
		return CTL_INTERRUPTED;
	case EVALUATE_DETACHED:
		ctl_say("The code could not be cancelled: %s", detached);
		return ev->deadline != DEADLINE_NONE && deadline_left(ev->deadline) == 0
			       ? CTL_REMOTE
			       : CTL_INTERRUPTED;
	case EVALUATE_LOST:
		ctl_say("The connection is lost: %s", ev->conn->error);
		return CTL_UNREACHABLE;
	case EVALUATE_REFUSED:
		ctl_say("%s", ev->conn->error);
		return CTL_REMOTE;
	}
	return CTL_FAILED;
}

int report_eval(const struct report *rep)
{
	struct conn c;
	conn_init(&c);
	deadline_ms deadline = deadline_after(rep->timeout_ms);
	interrupt_start();
	enum conn_status status = target_open(rep->target, &c, deadline);
	int rc;
	if (status != CONN_OK) {
		rc = target_explain(rep->target, &c, status);
	} else {
		char name[1024];
		target_name(rep->target, name, sizeof(name));
		if (!rep->is_json)
			ctl_say("connected to %s", name);
		struct evaluate ev = {
			.target = rep->target,
			.conn = &c,
			.text = rep->text,
			.text_len = rep->text_len,
			.name = rep->name,
			.argc = rep->argc,
			.argv = rep->argv,
			.format = rep->is_json ? "json" : "yaml",
			.deadline = deadline,
			.on_push = evaluate_write_push,
			.push_arg = rep->is_json ? stderr : stdout,
		};
		rc = finish(rep, &ev, evaluate_run(&ev));
		evaluate_fini(&ev);
	}
	conn_fini(&c);
	return rc;
}

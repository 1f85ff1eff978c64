#include <stdio.h>
#include <string.h>

#include "ctl/probe.h"
#include "ctl/verb.h"

enum { STATUS_TIMEOUT_MS = 2000 };

static int exit_code(enum probe_state state)
{
	switch (state) {
	case PROBE_RUNNING:
		return CTL_OK;
	case PROBE_LOADING:
	case PROBE_STOPPED:
		return CTL_FAILED;
	default:
		return CTL_UNREACHABLE;
	}
}

static void say_state(const struct instance *inst, const struct probe *p)
{
	if (p->state == PROBE_RUNNING)
		ctl_say("%s is running (pid: %s)", inst->name, inst->pid_path);
	else if (p->state == PROBE_LOADING)
		ctl_say("%s is loading (pid: %s)", inst->name, inst->pid_path);
	else
		ctl_say("%s", p->message);
}

static void print_json(const struct instance *inst, const struct probe *p)
{
	struct buf b = {0};
	buf_puts(&b, "{\"instance\": ");
	json_string(&b, inst->name, strlen(inst->name));
	buf_printf(&b, ", \"state\": \"%s\"", probe_state_name(p->state));
	if (p->pid > 0)
		buf_printf(&b, ", \"pid\": %d", (int)p->pid);
	buf_puts(&b, ", \"pid_file\": ");
	json_string(&b, inst->pid_path, strlen(inst->pid_path));
	buf_puts(&b, ", \"control\": ");
	json_string(&b, inst->sock_path, strlen(inst->sock_path));
	if (p->info.len > 0) {
		buf_puts(&b, ", \"box\": ");
		buf_append(&b, p->info.data, p->info.len);
	}
	if (p->message[0] != '\0') {
		buf_puts(&b, ", \"message\": ");
		json_string(&b, p->message, strlen(p->message));
	}
	buf_puts(&b, "}\n");
	fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
}

static int run(const struct request *rq)
{
	struct probe p;
	int64_t timeout_ms = request_duration(rq, "timeout", STATUS_TIMEOUT_MS);
	probe_instance(rq->instance, deadline_after(timeout_ms), &p);
	if (request_option(rq, "json") != NULL)
		print_json(rq->instance, &p);
	else
		say_state(rq->instance, &p);
	int rc = exit_code(p.state);
	probe_fini(&p);
	return rc;
}

static const struct verb_option options[] = {
	{"timeout", 't', "TIME", "how long its event loop may take to answer (2s)"},
	{"json", 'j', NULL, "print a JSON object"},
	{NULL},
};

const struct verb verb_row_status = {
	.name = "status",
	.args = "INSTANCE...",
	.summary = "Tell whether an instance runs and answers",
	.help = "Exit code: 0 running; 1 stopped, or still loading; 2 hung, or a dead "
		"process "
		"left its\npid file or socket, or the socket may not be used.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES,
	.run = run,
};

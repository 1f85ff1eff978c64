#include <stdio.h>
#include <string.h>

#include "ctl/pidfile.h"
#include "ctl/verb.h"

static const char *state_name(const struct pidfile *pf)
{
	switch (pf->state) {
	case PIDFILE_RUNNING:
		return "running";
	case PIDFILE_NONE:
		return "stopped";
	case PIDFILE_STALE:
		return "stale";
	default:
		return "unknown";
	}
}

static void print_json(const struct instance *inst, const struct pidfile *pf)
{
	struct buf b = {0};
	buf_puts(&b, "{\"instance\": ");
	json_string(&b, inst->name, strlen(inst->name));
	buf_printf(&b, ", \"process\": \"%s\"", state_name(pf));
	if (pf->state == PIDFILE_RUNNING)
		buf_printf(&b, ", \"pid\": %d", (int)pf->pid);
	buf_puts(&b, ", \"file\": ");
	json_string(&b, inst->file, strlen(inst->file));
	buf_puts(&b, "}\n");
	fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
}

static int run(const struct request *rq)
{
	struct instance_list list = {0};
	int rc = instance_resolve_all(rq->config, &list);
	int width = 0;
	for (int i = 0; i < list.count; i++) {
		int len = (int)strlen(list.items[i].name);
		width = len > width ? len : width;
	}
	for (int i = 0; i < list.count; i++) {
		const struct instance *inst = &list.items[i];
		struct pidfile pf;
		pidfile_read(inst->pid_path, &pf);
		char pid[16] = "-";
		if (pf.state == PIDFILE_RUNNING)
			text_set(pid, sizeof(pid), "%d", (int)pf.pid);
		if (request_option(rq, "json") != NULL)
			print_json(inst, &pf);
		else
			printf("%-*s  %-8s %8s  %s\n", width, inst->name, state_name(&pf),
				pid, inst->file);
		pidfile_fini(&pf);
	}
	instance_list_fini(&list);
	return rc;
}

static const struct verb_option options[] = {
	{"json", 'j', NULL, "print a JSON object a line"},
	{NULL},
};

const struct verb verb_row_instances = {
	.name = "instances",
	.args = "",
	.summary = "List the instances of instance_dir and their processes",
	.help = "Columns: name, process (running, stopped, stale), pid, instance file.",
	.options = options,
	.flags = VERB_CONFIG,
	.run = run,
};

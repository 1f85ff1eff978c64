#include <stdio.h>
#include <string.h>

#include "ctl/fanout.h"
#include "ctl/interrupt.h"
#include "ctl/library.h"
#include "ctl/mpfield.h"
#include "ctl/mptext.h"
#include "ctl/pidfile.h"
#include "ctl/verb.h"

enum {
	RELOAD_TIMEOUT_MS = 30 * 1000,
	ASK_TIMEOUT_MS = 2 * 1000, /* whether an instance has it loaded */
	BUILD_ID_SHOWN = 12,
	NAME_SHOWN = 100,
};

/* Width of the first column: the longest name among the instances. */
static int name_width;

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/** `3 calls and 1 fiber`; "" for nothing. */
static void format_inside(int64_t calls, int64_t fibers, char *out, size_t size)
{
	char part[64] = "";
	if (calls > 0)
		text_set(part, sizeof(part), "%lld call%s", (long long)calls,
			plural(calls));
	if (fibers > 0)
		text_set(out, size, "%s%s%lld fiber%s", part,
			part[0] != '\0' ? " and " : "", (long long)fibers,
			plural(fibers));
	else
		text_set(out, size, "%s", part);
}

static void print_row(
	const struct library_request *lr, const struct library_result *r, int code)
{
	char inside[160];
	const char *old = r->old_build_id[0] != '\0' ? r->old_build_id : "?";
	const char *new = r->new_build_id[0] != '\0' ? r->new_build_id : "?";
	printf("%-*s  %.*s -> %.*s  %lld function%s", name_width, lr->inst->name,
		BUILD_ID_SHOWN, old, BUILD_ID_SHOWN, new, (long long)r->functions,
		plural(r->functions));
	if (lr->is_check) {
		printf("  can be reloaded\n");
		return;
	}
	format_inside(r->calls, r->fibers, inside, sizeof(inside));
	if (r->is_waited && code == CTL_OK)
		printf("  old version gone");
	else if (r->calls < 0)
		printf("  the old is still mapped");
	else if (inside[0] != '\0')
		printf("  %s open in the old", inside);
	else
		printf("  0 calls open in the old");
	printf("  %.2f ms\n", r->seconds * 1000);
}

/** What a wait has found, a line for each version. */
static void say_left(const struct library_result *r)
{
	struct mp_cursor list, row;
	mp_cursor_init(&list, r->left.data, r->left.data + r->left.len);
	uint32_t count = mp_read_array(&list);
	for (uint32_t i = 0; i < count && list.error == NULL; i++) {
		char build_id[ELF_BUILD_ID_TEXT_SIZE], inside[160];
		row = list;
		mp_skip(&list);
		mpfield_str(&row, "build_id", build_id, sizeof(build_id));
		format_inside(mpfield_int(&row, "calls", 0),
			mpfield_int(&row, "fibers", 0) + mpfield_int(&row, "tasks", 0) +
				mpfield_int(&row, "handles", 0),
			inside, sizeof(inside));
		ctl_say("Old version %.*s is still there: %s", BUILD_ID_SHOWN,
			build_id[0] != '\0' ? build_id : "(no build-id)",
			inside[0] != '\0' ? inside : "calls are open in it");
	}
}

static void json_field(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, ", \"%s\": ", name);
	json_string(b, text, strlen(text));
}

static void print_json(
	const struct library_request *lr, const struct library_result *r, int code)
{
	_cleanup_(buf_fini) struct buf b = {0};
	buf_puts(&b, "{\"instance\": ");
	json_string(&b, lr->inst->name, strlen(lr->inst->name));
	json_field(&b, "module", lr->name);
	buf_printf(&b, ", \"exit\": %d", code);
	if (r->message[0] != '\0') {
		json_field(&b, "message", r->message);
	} else if (r->is_told) {
		json_field(&b, "message", "not reached");
	} else {
		json_field(&b, "old_build_id", r->old_build_id);
		json_field(&b, "new_build_id", r->new_build_id);
		buf_printf(&b, ", \"functions\": %lld", (long long)r->functions);
		if (lr->is_check)
			buf_puts(&b, ", \"check\": true");
		else
			buf_printf(&b,
				", \"calls\": %lld, \"fibers\": %lld, \"time\": %.6f",
				(long long)r->calls, (long long)r->fibers, r->seconds);
	}
	if (r->note[0] != '\0')
		json_field(&b, "note", r->note);
	if (r->left.len > 0) {
		struct mp_cursor cur;
		mp_cursor_init(&cur, r->left.data, r->left.data + r->left.len);
		buf_puts(&b, ", \"left\": ");
		mptext_write(&b, &cur, MPTEXT_JSON);
	}
	buf_puts(&b, "}\n");
	fwrite(b.data, 1, b.len, stdout);
}

static const char *verdict(int code)
{
	switch (code) {
	case CTL_ROLLED_BACK:
		return "was rolled back";
	case CTL_REMOTE:
		return "is broken";
	default:
		return "is not reloaded";
	}
}

static int run_one(const struct request *rq)
{
	struct library_result result;
	struct library_request lr = {
		.inst = rq->instance,
		.name = rq->argv[0],
		.is_check = request_option(rq, "check") != NULL,
		.wait_ms = request_duration(rq, "wait", -1),
		.deadline = deadline_after(
			request_duration(rq, "timeout", RELOAD_TIMEOUT_MS)),
	};
	interrupt_start();
	int rc = library_reload(&lr, &result);
	interrupt_stop();
	bool is_json = request_option(rq, "json") != NULL;
	if (is_json)
		print_json(&lr, &result, rc);
	else if (result.message[0] == '\0' && (rc == CTL_OK || rc == CTL_NOT_DRAINED))
		print_row(&lr, &result, rc);
	if (result.message[0] != '\0' && !is_json)
		ctl_say("Module '%.*s' %s: %s", NAME_SHOWN, lr.name, verdict(rc),
			result.message);
	else if (result.note[0] != '\0' && !is_json)
		ctl_say("Note: %s", result.note);
	if (!is_json)
		say_left(&result);
	library_result_fini(&result);
	return rc;
}

/** Of all instances, keep those that run and have the module loaded. */
static int keep_loaded(
	const struct request *rq, const char *name, struct instance_list *list)
{
	int rc = CTL_OK, kept = 0;
	for (int i = 0; i < list->count; i++) {
		struct pidfile pf;
		bool is_loaded = false;
		pidfile_read(list->items[i].pid_path, &pf);
		if (pf.state == PIDFILE_RUNNING || pf.state == PIDFILE_BROKEN)
			rc = exit_code_merge(
				rc, library_is_loaded(&list->items[i], name,
					    deadline_after(ASK_TIMEOUT_MS), &is_loaded));
		pidfile_fini(&pf);
		if (is_loaded)
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	if (kept == 0 && rc == CTL_OK) {
		ctl_say("Module '%.*s' is loaded in no running instance", NAME_SHOWN,
			name);
		rc = CTL_FAILED;
	}
	return rc;
}

static const struct verb row_verb = {.name = "reload-module", .run = run_one};

static int run(const struct request *rq)
{
	struct instance_list list = {0};
	int rc = CTL_OK;
	if (rq->argc > 1) {
		for (int i = 1; i < rq->argc; i++)
			rc = exit_code_merge(rc,
				instance_resolve(rq->config, rq->argv[i], false, &list));
	} else {
		rc = instance_resolve_all(rq->config, &list);
		if (rc == CTL_OK)
			rc = keep_loaded(rq, rq->argv[0], &list);
	}
	name_width = 0;
	for (int i = 0; i < list.count; i++) {
		int len = (int)strlen(list.items[i].name);
		name_width = len > name_width ? len : name_width;
	}
	struct request each = *rq;
	struct verb verb = row_verb;
	verb.options = rq->verb->options;
	each.verb = &verb;
	each.argc = 1;
	if (rc != CTL_USAGE)
		rc = exit_code_merge(rc, fanout_run(&each, &list));
	instance_list_fini(&list);
	return rc;
}

static const struct verb_option options[] = {
	{"check", 'n', NULL, "do all but the switch"},
	{"wait", 'w', "TIME", "wait until nothing runs in the old version"},
	{"timeout", 't', "TIME", "how long an instance may take to answer (30s)"},
	{"json", 'j', NULL, "print a JSON object for each instance"},
	{NULL},
};

const struct verb verb_row_reload_module = {
	.name = "reload-module",
	.args = "NAME [INSTANCE...]",
	.summary = "Replace a C module in running instances",
	.help = "Without INSTANCE: in each running instance that has it loaded. A row "
		"for "
		"each: old\nand new build-id, functions, calls that are still open in "
		"the "
		"old version, time.\nExit code: 1 refused, the old version serves; 5 "
		"something is left in the old version\nafter --wait.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_CONFIG,
	.run = run,
};

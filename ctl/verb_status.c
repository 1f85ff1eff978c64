#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/fanout.h"
#include "ctl/interrupt.h"
#include "ctl/mptext.h"
#include "ctl/probe.h"
#include "ctl/supervisor_file.h"
#include "ctl/systemd.h"
#include "ctl/verb.h"

enum { STATUS_TIMEOUT_MS = 2000, STATUS_WATCH_MS = 1000 };

/* Width of the table's first column; instances run in processes that inherit it. */
static int name_width;

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
	const char *state = probe_state_name(p->state);
	if (p->state != PROBE_RUNNING && p->state != PROBE_LOADING)
		ctl_say("%s", p->message);
	else if (inst->pid_path[0] != '\0')
		ctl_say("%s is %s (pid: %s)", inst->name, state, inst->pid_path);
	else
		ctl_say("%s is %s (PID %d)", inst->name, state, (int)p->pid);
}

/** A supervisor gave up, and nobody started the instance since. */
static bool is_crashed(const struct probe *p, const struct supervisor *sv)
{
	return sv->state == SUPERVISOR_CRASHED &&
	       (p->state == PROBE_STOPPED || p->state == PROBE_STALE);
}

static const char *state_name(const struct probe *p, const struct supervisor *sv)
{
	return is_crashed(p, sv) ? "crashed" : probe_state_name(p->state);
}

static void say_supervisor(
	const struct instance *inst, const struct probe *p, const struct supervisor *sv)
{
	const char *last = sv->reason[0] != '\0' ? ", the last time: " : "";
	if (is_crashed(p, sv))
		ctl_say("%s is in a crash loop: it died %d times in %d s%s%s; 'ctl start "
			"%s' tries again",
			inst->name, sv->limit.deaths, sv->limit.seconds, last, sv->reason,
			inst->name);
	else if (sv->state == SUPERVISOR_WAITING || sv->state == SUPERVISOR_STARTING)
		ctl_say("%s is started again by its supervisor (PID %d)%s%s", inst->name,
			(int)sv->pid, last, sv->reason);
	else if (sv->state == SUPERVISOR_WATCHING)
		ctl_say("%s is supervised (PID %d): %u restarts%s%s", inst->name,
			(int)sv->pid, sv->restarts, last, sv->reason);
	else if (sv->state == SUPERVISOR_GONE)
		ctl_say("%s is not supervised any more: its supervisor (PID %d) is gone",
			inst->name, (int)sv->pid);
}

/* --- what the system and the instance tell --- */

/** A value that the instance told, as text; "-" when it did not. */
static void read_info(const struct probe *p, const char *name, char *text, size_t size)
{
	struct mp_cursor cur;
	uint32_t len;
	text_set(text, size, "-");
	if (p->info.len == 0)
		return;
	mp_cursor_init(&cur, p->info.data, p->info.data + p->info.len);
	uint32_t n = mp_read_map(&cur);
	for (uint32_t i = 0; i < n && cur.error == NULL; i++) {
		const char *key = mp_peek(&cur) == MP_STR ? mp_read_str(&cur, &len)
							  : (mp_skip(&cur), NULL);
		if (key == NULL || len != strlen(name) || memcmp(key, name, len) != 0) {
			mp_skip(&cur);
		} else if (mp_peek(&cur) == MP_STR) {
			key = mp_read_str(&cur, &len);
			text_set(text, size, "%.*s", (int)len, cur.error ? "" : key);
		} else {
			text_set(text, size, "%.0f", mp_read_double(&cur));
		}
	}
}

/* --- a table row --- */

#define ROW "%-*s  %-8s %8s %8s %8s %7s %6s %8s %4s %8s  %-10s  %-10s  %s\n"

static void memory_text(uint64_t bytes, char *text, size_t size)
{
	if (bytes == 0)
		text_set(text, size, "-");
	else
		text_set(text, size, "%.1f MB", (double)bytes / 1e6);
}

/** Seconds as the two largest units: 45s, 12m 3s, 5h 12m, 3d 4h. */
static void uptime_text(char *text, size_t size)
{
	static const struct {
		long seconds;
		char name;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	char *end;
	long left = strtol(text, &end, 10);
	if (end == text)
		return;
	for (size_t i = 0; i < lengthof(units); i++) {
		if (left < units[i].seconds && i + 1 < lengthof(units))
			continue;
		long rest = left % units[i].seconds;
		if (i + 1 < lengthof(units))
			text_set(text, size, "%ld%c %ld%c", left / units[i].seconds,
				units[i].name, rest / units[i + 1].seconds,
				units[i + 1].name);
		else
			text_set(text, size, "%lds", left);
		return;
	}
}

/** "2.6.0-0-tarantella-0.1.0" is ours, of a stock one the commit is cut off. */
static void version_text(char *text)
{
	static const char own[] = "-tarantella-";
	const char *ours = strstr(text, own);
	if (ours != NULL)
		memmove(text, ours + strlen(own), strlen(ours + strlen(own)) + 1);
	else if (strcmp(text, "-") != 0)
		text[strcspn(text, "-")] = '\0';
}

static void print_header(void)
{
	printf(ROW, name_width, "NAME", "STATE", "PID", "UPTIME", "MEMORY", "FIBERS",
		"CONNS", "REQ/S", "GEN", "RESTARTS", "ENGINE", "VERSION", "LISTEN");
}

static void print_row(
	const struct instance *inst, const struct probe *p, const struct supervisor *sv)
{
	static const char *const names[] = {"uptime", "fibers", "connections",
		"requests_per_second", "generation", "package", "version", "listen"};
	enum {
		UPTIME,
		FIBERS,
		CONNECTIONS,
		REQUESTS,
		GENERATION,
		PACKAGE,
		VERSION,
		LISTEN
	};
	char values[lengthof(names)][256], pid[16] = "-", memory[32];
	char restarts[16] = "-";
	for (size_t i = 0; i < lengthof(names); i++)
		read_info(p, names[i], values[i], sizeof(values[i]));
	uptime_text(values[UPTIME], sizeof(values[UPTIME]));
	version_text(values[VERSION]);
	memory_text(probe_memory(p->pid), memory, sizeof(memory));
	if (p->pid > 0)
		text_set(pid, sizeof(pid), "%d", (int)p->pid);
	if (sv->state != SUPERVISOR_NONE)
		text_set(restarts, sizeof(restarts), "%u", sv->restarts);
	printf(ROW, name_width, inst->name, state_name(p, sv), pid, values[UPTIME],
		memory, values[FIBERS], values[CONNECTIONS], values[REQUESTS],
		values[GENERATION], restarts, values[PACKAGE], values[VERSION],
		values[LISTEN]);
	if (p->state == PROBE_DENIED || p->state == PROBE_UNKNOWN)
		ctl_say("%s", p->message);
}

static void print_json(
	const struct instance *inst, const struct probe *p, const struct supervisor *sv)
{
	struct buf b = {0};
	uint64_t memory = probe_memory(p->pid);
	buf_puts(&b, "{\"instance\": ");
	json_string(&b, inst->name, strlen(inst->name));
	buf_printf(&b, ", \"state\": \"%s\"", state_name(p, sv));
	if (p->pid > 0)
		buf_printf(&b, ", \"pid\": %d", (int)p->pid);
	if (memory > 0)
		buf_printf(&b, ", \"memory\": %" PRIu64, memory);
	buf_puts(&b, ", \"pid_file\": ");
	json_string(&b, inst->pid_path, strlen(inst->pid_path));
	buf_puts(&b, ", \"control\": ");
	json_string(&b, inst->sock_path, strlen(inst->sock_path));
	if (p->info.len > 0) {
		struct mp_cursor cur;
		mp_cursor_init(&cur, p->info.data, p->info.data + p->info.len);
		buf_puts(&b, ", \"box\": ");
		mptext_write(&b, &cur, MPTEXT_JSON);
	}
	if (sv->state != SUPERVISOR_NONE) {
		buf_printf(&b,
			", \"supervisor\": {\"state\": \"%s\", \"pid\": %d, "
			"\"restarts\": %u, \"reason\": ",
			supervisor_state_name(sv->state), (int)sv->pid, sv->restarts);
		json_string(&b, sv->reason, strlen(sv->reason));
		buf_puts(&b, "}");
	}
	if (p->message[0] != '\0') {
		buf_puts(&b, ", \"message\": ");
		json_string(&b, p->message, strlen(p->message));
	}
	buf_puts(&b, "}\n");
	fwrite(b.data, 1, b.len, stdout);
	buf_fini(&b);
}

/** What systemd says of its own, too; its exit code counts. */
static int forward(const struct request *rq, int rc)
{
	if (!systemd_owns(rq->config, rq->instance))
		return rc;
	fflush(stdout);
	int told = systemd_run(rq->instance, "status");
	return told != 0 ? told : rc;
}

static int run(const struct request *rq)
{
	struct probe p;
	bool is_json = request_option(rq, "json") != NULL;
	bool is_table = name_width > 0;
	int64_t timeout_ms = request_duration(rq, "timeout", STATUS_TIMEOUT_MS);
	probe_instance(rq->instance, is_json || is_table, deadline_after(timeout_ms), &p);
	struct supervisor sv;
	supervisor_read(rq->instance, &sv);
	int rc = is_crashed(&p, &sv) ? CTL_FAILED : exit_code(p.state);
	if (is_json) {
		print_json(rq->instance, &p, &sv);
	} else if (is_table) {
		print_row(rq->instance, &p, &sv);
	} else {
		say_state(rq->instance, &p);
		say_supervisor(rq->instance, &p, &sv);
		rc = forward(rq, rc);
	}
	probe_fini(&p);
	return rc;
}

/* --- several of them, again and again --- */

static int run_once(const struct request *rq, const struct instance_list *list)
{
	if (name_width > 0 && request_option(rq, "json") == NULL)
		print_header();
	return fanout_run(rq, list);
}

static int watch(const struct request *rq, const struct instance_list *list)
{
	interrupt_start();
	bool is_terminal = isatty(STDOUT_FILENO);
	for (;;) {
		if (is_terminal)
			fputs("\033[H\033[2J", stdout);
		run_once(rq, list);
		if (ctl_flush() != CTL_OK || interrupt_poll(NULL, 0, STATUS_WATCH_MS) < 0)
			break;
	}
	interrupt_stop();
	return interrupt_take() ? CTL_INTERRUPTED : CTL_FAILED;
}

static int run_all(const struct request *rq, const struct instance_list *list)
{
	bool is_watch = request_option(rq, "watch") != NULL;
	if (list->count > 1 || is_watch || request_option(rq, "table") != NULL) {
		name_width = (int)strlen("NAME");
		for (int i = 0; i < list->count; i++) {
			int len = (int)strlen(list->items[i].name);
			name_width = len > name_width ? len : name_width;
		}
	}
	return is_watch ? watch(rq, list) : run_once(rq, list);
}

static const struct verb_option options[] = {
	{"timeout", 't', "TIME", "how long its event loop may take to answer (2s)"},
	{"json", 'j', NULL, "print a JSON object for each"},
	{"table", 0, NULL, "a table for one instance too"},
	{"watch", 'w', NULL, "again each second, until Ctrl-C"},
	{NULL},
};

const struct verb verb_row_status = {
	.name = "status",
	.args = "INSTANCE...",
	.summary = "Tell whether an instance runs and answers",
	.help = "Of several instances a table: memory is what the process has resident, "
		"REQ/S "
		"the\nmean of the last seconds, GEN the generation of the code that "
		"serves.\n"
		"Exit code: 0 running; 1 stopped, or still loading; 2 hung, or a dead "
		"process "
		"left its\npid file or socket, or the socket may not be used.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.flags = VERB_INSTANCES | VERB_SOCKET,
	.run = run,
	.run_all = run_all,
};

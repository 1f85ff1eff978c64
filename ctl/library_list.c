#include "ctl/library_list.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/interrupt.h"
#include "ctl/mpfield.h"
#include "ctl/mptext.h"
#include "ctl/remote.h"
#include "ctl/target.h"

enum { LIST_TIMEOUT_MS = 10 * 1000, BUILD_ID_SHOWN = 12 };

static void format_time(double at, char *out, size_t size)
{
	time_t seconds = (time_t)at;
	struct tm tm;
	text_set(out, size, "-");
	if (seconds > 0 && localtime_r(&seconds, &tm) != NULL)
		strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm);
}

/** A number; `?` when it is not known. */
static void format_count(const struct mp_cursor *row, const char *key, char out[24])
{
	int64_t n = mpfield_int(row, key, 0);
	text_set(out, 24, n < 0 ? "?" : "%lld", (long long)n);
}

static void print_library(const struct mp_cursor *row)
{
	char name[200], build_id[160], path[PATH_MAX], state[32], loaded[32];
	char versions[24], calls[24], fibers[24];
	mpfield_str(row, "name", name, sizeof(name));
	mpfield_str(row, "build_id", build_id, sizeof(build_id));
	mpfield_str(row, "path", path, sizeof(path));
	mpfield_str(row, "state", state, sizeof(state));
	format_time(mpfield_double(row, "loaded_at"), loaded, sizeof(loaded));
	format_count(row, "versions", versions);
	format_count(row, "calls", calls);
	format_count(row, "fibers", fibers);
	printf("%-16s %-12.*s %-18s %-19s %8s %5s %6s  %s\n", name, BUILD_ID_SHOWN,
		build_id[0] != '\0' ? build_id : "-", state, loaded, versions, calls,
		fibers, path);
}

/** The row as it came, with the instance in front. */
static void print_json(const struct instance *inst, struct mp_cursor *row)
{
	_cleanup_(buf_fini) struct buf line = {0}, fields = {0};
	if (mptext_write(&fields, row, MPTEXT_JSON) != 0 || fields.len < 2)
		return;
	buf_puts(&line, "{\"instance\": ");
	json_string(&line, inst->name, strlen(inst->name));
	printf("%.*s, %.*s\n", (int)line.len, line.data, (int)fields.len - 1,
		fields.data + 1);
}

static int print_libraries(const struct request *rq, struct remote_call *call)
{
	struct mp_cursor list = call->values, row;
	uint32_t count = mp_peek(&list) == MP_ARRAY ? mp_read_array(&list) : 0;
	bool is_json = request_option(rq, "json") != NULL;
	if (!is_json && rq->is_one_of_many)
		printf("%s:\n", rq->instance->name);
	if (!is_json && count > 0)
		printf("%-16s %-12s %-18s %-19s %8s %5s %6s  %s\n", "module", "build-id",
			"state", "loaded at", "versions", "calls", "fibers", "path");
	for (uint32_t i = 0; i < count && list.error == NULL; i++) {
		row = list;
		mp_skip(&list);
		if (is_json)
			print_json(rq->instance, &row);
		else
			print_library(&row);
	}
	return CTL_OK;
}

int library_list(const struct request *rq)
{
	struct target target;
	struct conn conn;
	struct remote_call call;
	deadline_ms deadline = deadline_after(LIST_TIMEOUT_MS);
	interrupt_start();
	conn_init(&conn);
	target_of_instance(&target, rq->instance);
	remote_init(&call, "library_list", deadline);
	uint32_t len;
	int rc;
	enum conn_status status = target_open(&target, &conn, deadline);
	if (status == CONN_OK)
		status = remote_run(&conn, &call);
	if (status != CONN_OK) {
		rc = target_explain(&target, &conn, status);
	} else if (!call.is_ok) {
		const char *message = remote_next_str(&call, &len);
		ctl_say("%.*s", (int)len, message);
		rc = CTL_REMOTE;
	} else {
		rc = print_libraries(rq, &call);
	}
	remote_fini(&call);
	conn_fini(&conn);
	interrupt_stop();
	return rc;
}

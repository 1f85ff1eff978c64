#include "ctl/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/remote.h"

static const char *const state_names[] = {
	"running", "loading", "hung", "stopped", "stale", "denied", "unknown"};

const char *probe_state_name(enum probe_state state)
{
	return state_names[state];
}

#define SET(p, state_, ...)                                                \
	do {                                                               \
		(p)->state = (state_);                                     \
		snprintf((p)->message, sizeof((p)->message), __VA_ARGS__); \
	} while (0)

/** Read what matters of the answer, a map; moves a copy of the cursor. */
static void read_answer(struct mp_cursor cur, struct probe *p)
{
	uint32_t n = mp_read_map(&cur), len;
	for (uint32_t i = 0; i < n && cur.error == NULL; i++) {
		const char *key = "";
		len = 0;
		if (mp_peek(&cur) == MP_STR)
			key = mp_read_str(&cur, &len);
		else
			mp_skip(&cur);
		if (len == 6 && memcmp(key, "status", 6) == 0 &&
			mp_peek(&cur) == MP_STR) {
			const char *value = mp_read_str(&cur, &len);
			if (len == 7 && memcmp(value, "loading", 7) == 0)
				p->state = PROBE_LOADING;
		} else if (len == 3 && memcmp(key, "pid", 3) == 0 &&
			   mp_peek(&cur) == MP_UINT) {
			uint64_t pid = mp_read_uint(&cur);
			if (p->pid == 0 && pid <= INT_MAX)
				p->pid = (pid_t)pid;
		} else {
			mp_skip(&cur);
		}
	}
}

/** Ask for its state. */
static enum conn_status ask(struct conn *c, deadline_ms deadline, struct probe *p)
{
	struct remote_call call;
	remote_init(&call, "status", deadline);
	remote_add_bool(&call, p->is_full);
	enum conn_status rc = remote_run(c, &call);
	if (rc == CONN_OK && call.is_ok) {
		p->state = PROBE_RUNNING;
		read_answer(call.values, p);
		if (buf_append(&p->info, call.values.pos, mp_left(&call.values)) != 0)
			rc = CONN_FAILED;
	} else if (rc == CONN_OK) {
		p->state = PROBE_RUNNING; /* it answers */
	}
	remote_fini(&call);
	return rc;
}

/** The socket does not connect. */
static void explain_connect(
	const struct instance *inst, const struct pidfile *pf, int error, struct probe *p)
{
	const char *sock = inst->sock_path;
	bool is_alive = pf->state == PIDFILE_RUNNING;
	if (error == EACCES || error == EPERM)
		SET(p, PROBE_DENIED, "Can't access control socket '%s' [%d]: %s", sock,
			error, strerror(error));
	else if (inst->pid_path[0] == '\0')
		SET(p, PROBE_STALE, "Can't connect to %s: %s", inst->name,
			strerror(error));
	else if (error == ENOENT && pf->state == PIDFILE_NONE)
		SET(p, PROBE_STOPPED, "%s is stopped (pid file does not exist)",
			inst->name);
	else if (error == ENOENT)
		SET(p, is_alive ? PROBE_UNKNOWN : PROBE_STALE,
			"Pid file exists, but the control socket (%s) doesn't", sock);
	else
		SET(p, is_alive ? PROBE_UNKNOWN : PROBE_STALE,
			"Can't access control socket '%s' [%d]: %s", sock, error,
			strerror(error));
}

void probe_instance(
	const struct instance *inst, bool is_full, deadline_ms deadline, struct probe *p)
{
	struct pidfile pf;
	memset(p, 0, sizeof(*p));
	p->is_full = is_full;
	pidfile_read(inst->pid_path, &pf);
	int pid_errno = errno;
	if (pf.state == PIDFILE_RUNNING)
		p->pid = pf.pid;

	struct conn c;
	conn_init(&c);
	enum conn_status rc = conn_open_unix(&c, inst->sock_path, deadline);
	bool is_connected = c.saved_errno == 0 && c.fd >= 0;
	if (rc == CONN_OK)
		rc = ask(&c, deadline, p);
	if (rc == CONN_TIMEOUT)
		SET(p, PROBE_HUNG,
			"%s is hung: process %d lives, but its event loop does not "
			"answer",
			inst->name, (int)p->pid);
	else if (rc != CONN_OK && pf.state == PIDFILE_ERROR && !is_connected)
		SET(p, PROBE_DENIED, "Can't access pidfile %s: %s", inst->pid_path,
			strerror(pid_errno));
	else if (rc != CONN_OK && !is_connected)
		explain_connect(inst, &pf, c.saved_errno, p);
	else if (rc != CONN_OK)
		SET(p, PROBE_UNKNOWN, "The control socket '%s' does not work: %s",
			inst->sock_path, c.error);
	conn_fini(&c);
	pidfile_fini(&pf);
}

void probe_fini(struct probe *p)
{
	buf_fini(&p->info);
}

uint64_t probe_memory(pid_t pid)
{
	char path[64];
	unsigned long pages = 0;
	text_set(path, sizeof(path), "/proc/%d/statm", (int)pid);
	FILE *f = pid > 0 ? fopen(path, "re") : NULL;
	if (f == NULL)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

#include "ctl/stop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ctl/pidfile.h"
#include "ctl/supervisor_file.h"

enum { STOP_KILL_WAIT_MS = 10 * 1000, STOP_PROGRESS_MS = 500 };

/** Is there a process to signal? What a dead one left is removed. */
static int find_process(const struct instance *inst, struct pidfile *pf)
{
	pidfile_read(inst->pid_path, pf);
	switch (pf->state) {
	case PIDFILE_RUNNING:
		return CTL_OK;
	case PIDFILE_NONE:
	case PIDFILE_STALE:
		ctl_say("Process is not running (pid: %s)", inst->pid_path);
		pidfile_sweep(inst->pid_path, inst->sock_path);
		return CTL_OK;
	case PIDFILE_BROKEN:
		ctl_say("Broken pid file %s: a process holds it, but no pid stands in it",
			inst->pid_path);
		return CTL_FAILED;
	case PIDFILE_ERROR:
		ctl_say("Can't read pid file %s: %s", inst->pid_path, strerror(errno));
		return CTL_UNREACHABLE;
	}
	return CTL_FAILED;
}

static int send_signal(const struct pidfile *pf, int sig)
{
	if (pidfile_signal(pf, sig) == 0 || errno == ESRCH)
		return CTL_OK;
	ctl_say("Can't kill process %d: %s", (int)pf->pid, strerror(errno));
	return CTL_FAILED;
}

/** Wait, telling a terminal when it takes long. */
static int wait_gone(
	const struct instance *inst, const struct pidfile *pf, int64_t timeout_ms)
{
	deadline_ms deadline = deadline_after(timeout_ms);
	if (timeout_ms < 0 || timeout_ms > STOP_PROGRESS_MS) {
		if (pidfile_wait_gone(pf, deadline_after(STOP_PROGRESS_MS)) == 0)
			return 0;
		ctl_progress("Waiting for the end of process %d of %s...", (int)pf->pid,
			inst->name);
	}
	return pidfile_wait_gone(pf, deadline);
}

static int end_by_kill(const struct instance *inst, const struct pidfile *pf)
{
	int rc = send_signal(pf, SIGKILL);
	if (rc == CTL_OK && wait_gone(inst, pf, STOP_KILL_WAIT_MS) != 0) {
		ctl_say("Process %d of %s does not end, not even by SIGKILL",
			(int)pf->pid, inst->name);
		rc = CTL_FAILED;
	}
	return rc;
}

int stop_instance(const struct instance *inst, int64_t timeout_ms, bool is_kill)
{
	struct pidfile pf;
	ctl_say("Stopping instance %s...", inst->name);
	int rc = supervisor_end(inst);
	if (rc == CTL_OK)
		rc = find_process(inst, &pf);
	if (rc != CTL_OK || pf.state != PIDFILE_RUNNING)
		return rc;
	rc = send_signal(&pf, SIGTERM);
	if (rc == CTL_OK && wait_gone(inst, &pf, timeout_ms) != 0) {
		if (is_kill) {
			ctl_say("Process %d did not end in %g s: SIGKILL", (int)pf.pid,
				(double)timeout_ms / 1000);
			rc = end_by_kill(inst, &pf);
		} else {
			ctl_say("Process %d of %s still runs after %g s; --kill or 'ctl "
				"kill %s' "
				"ends it",
				(int)pf.pid, inst->name, (double)timeout_ms / 1000,
				inst->name);
			rc = CTL_FAILED;
		}
	}
	if (rc == CTL_OK)
		pidfile_sweep(inst->pid_path, inst->sock_path);
	pidfile_fini(&pf);
	return rc;
}

int kill_instance(const struct instance *inst)
{
	struct pidfile pf;
	int rc = supervisor_end(inst);
	if (rc == CTL_OK)
		rc = find_process(inst, &pf);
	if (rc != CTL_OK || pf.state != PIDFILE_RUNNING)
		return rc;
	ctl_say("Killing instance %s (PID %d)...", inst->name, (int)pf.pid);
	rc = end_by_kill(inst, &pf);
	if (rc == CTL_OK)
		pidfile_sweep(inst->pid_path, inst->sock_path);
	pidfile_fini(&pf);
	return rc;
}

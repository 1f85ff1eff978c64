/*
 * Happy path: `systemctl show` tells the unit's main process and state; when it is the
 * instance's, the command goes to systemctl, and its exit code is ours.
 *
 * Failure modes: no systemctl, or one that cannot reach systemd: nothing is owned. A
 * name that no unit can have: the same.
 */
#include "ctl/systemd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/pidfile.h"
#include "proto/buf.h"

enum { UNIT_NAME_MAX = INSTANCE_NAME_MAX + 32, SHOW_MAX = 4096 };

/** Is there a systemd to ask, and are the configuration's instances its units? */
static bool is_asked(const struct config *cfg)
{
	if (getenv("NOTIFY_SOCKET") != NULL)
		return false; /* it is systemd who asks us */
	if (cfg->systemd != CONFIG_SYSTEMD_AUTO)
		return cfg->systemd == CONFIG_SYSTEMD_YES;
	return !cfg->is_user && access("/run/systemd/system", F_OK) == 0;
}

/** @return -1: no unit can have this name */
static int unit_name(const struct instance *inst, char *unit)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.";
	if (inst->name[strspn(inst->name, chars)] != '\0')
		return -1;
	return text_set(unit, UNIT_NAME_MAX, "tarantella@%s.service", inst->name);
}

static int wait_child(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return CTL_FAILED;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : CTL_FAILED;
}

/** The properties of the unit as systemctl prints them. @return 0 or -1 */
static int show(const char *unit, char text[SHOW_MAX])
{
	int fds[2];
	size_t len = 0;
	if (pipe(fds) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		close(STDERR_FILENO);
		execlp("systemctl", "systemctl", "show",
			"--property=MainPID,ActiveState,UnitFileState", unit,
			(char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	while (pid > 0 && len < SHOW_MAX - 1) {
		ssize_t n = read(fds[0], text + len, SHOW_MAX - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fds[0]);
	text[len] = '\0';
	return pid > 0 && wait_child(pid) == 0 ? 0 : -1;
}

/** Is there a line NAME=VALUE? */
static bool has_line(const char *text, const char *name, const char *value)
{
	char line[128];
	size_t len = strlen(name) + 1 + strlen(value);
	text_set(line, sizeof(line), "%s=%s", name, value);
	for (const char *p = text; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, line, len) == 0 && (p[len] == '\n' || p[len] == '\0'))
			return true;
	}
	return false;
}

bool systemd_owns(const struct config *cfg, const struct instance *inst)
{
	char unit[UNIT_NAME_MAX], text[SHOW_MAX], pid[16];
	if (inst->pid_path[0] == '\0' || !is_asked(cfg) || unit_name(inst, unit) != 0 ||
		show(unit, text) != 0)
		return false;
	struct pidfile pf;
	pidfile_read(inst->pid_path, &pf);
	pidfile_fini(&pf);
	if (pf.state == PIDFILE_RUNNING) {
		text_set(pid, sizeof(pid), "%d", (int)pf.pid);
		return has_line(text, "MainPID", pid);
	}
	return has_line(text, "ActiveState", "activating") ||
	       has_line(text, "ActiveState", "failed") ||
	       has_line(text, "UnitFileState", "enabled") ||
	       has_line(text, "UnitFileState", "enabled-runtime");
}

int systemd_run(const struct instance *inst, const char *command)
{
	char unit[UNIT_NAME_MAX];
	if (unit_name(inst, unit) != 0)
		return CTL_FAILED;
	pid_t pid = fork();
	if (pid == 0) {
		execlp("systemctl", "systemctl", "--no-pager", command, unit,
			(char *)NULL);
		ctl_say("Can't run systemctl: %s", strerror(errno));
		_exit(127);
	}
	if (pid < 0) {
		ctl_say("Can't fork: %s", strerror(errno));
		return CTL_FAILED;
	}
	return wait_child(pid);
}

/** An option that the command was given, NULL: none. */
static const char *given_option(const struct request *rq)
{
	const struct verb_option *options = rq->verb->options;
	for (int i = 0; options != NULL && options[i].name != NULL; i++) {
		if (rq->options[i] != NULL)
			return options[i].name;
	}
	return NULL;
}

bool systemd_forward(const struct request *rq, const char *command, int *ret_rc)
{
	const struct instance *inst = rq->instance;
	if (!systemd_owns(rq->config, inst))
		return false;
	const char *option = given_option(rq);
	*ret_rc = CTL_USAGE;
	if (option != NULL) {
		ctl_say("systemd runs %s, and its unit has its own settings: --%s cannot "
			"be passed",
			inst->name, option);
	} else if (rq->rest_argc > 0) {
		ctl_say("systemd runs %s, as its unit says: arguments cannot be passed",
			inst->name);
	} else {
		ctl_say("systemctl %s tarantella@%s.service", command, inst->name);
		fflush(stdout);
		*ret_rc = systemd_run(inst, command);
	}
	return true;
}

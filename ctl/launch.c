/*
 * Happy path: lock the start, check that nobody runs, fork; the child becomes the
 * engine with the launcher as its script; lines on a pipe tell how far it got; at
 * `R` a ping, and done.
 *
 * Failure modes: `E` (the file failed), end of the pipe (the process died), the
 * deadline. Then what this start made is killed, its socket and pid file removed,
 * and the log lines that it wrote are shown.
 */
#include "ctl/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/conn.h"
#include "ctl/embedded.h"
#include "ctl/engine.h"
#include "ctl/interrupt.h"
#include "ctl/luacheck.h"
#include "ctl/luatext.h"
#include "ctl/pidfile.h"
#include "ctl/probe.h"
#include "ctl/tail.h"

enum { LAUNCH_TAIL_LINES = 10, LAUNCH_PING_MS = 2000, LAUNCH_PROBE_MS = 500 };

/* One start. Owned by launch_instance(). */
struct launch {
	const struct config *cfg;
	const struct instance *inst;
	const struct launch_options *opt;
	char engine[PATH_MAX]; /* path of the program */
	bool has_user;
	uid_t uid;
	gid_t gid;
	int lock_fd;
	char lock_path[PATH_MAX];
	int script_fd, dir_fd, ready_fd; /* inherited by the instance; -1: none */
	off_t log_from;                  /* the log's size before */
	pid_t child;
	pid_t pid; /* of the instance, told by the launcher */
	bool is_configured, is_foreground, is_ready;
	char *error; /* what `E` said */
};

int launch_check(const struct instance *inst)
{
	char error[PATH_MAX + 256];
	switch (luacheck_file(inst->file, error, sizeof(error))) {
	case 0:
		return CTL_OK;
	case -1:
		ctl_say("Failed to check instance file '%s'", error);
		return CTL_FAILED;
	default:
		ctl_say("Can't read instance file %s", error);
		return CTL_UNREACHABLE;
	}
}

static int find_user(struct launch *ln)
{
	if (ln->cfg->is_user)
		return CTL_OK;
	const struct passwd *pw = getpwnam(ln->cfg->username);
	if (pw == NULL) {
		ctl_say("Unknown user: %s", ln->cfg->username);
		return CTL_FAILED;
	}
	ln->has_user = true;
	ln->uid = pw->pw_uid;
	ln->gid = pw->pw_gid;
	return CTL_OK;
}

static int make_run_dir(const struct launch *ln)
{
	const char *dir = ln->cfg->run_dir;
	if (access(dir, F_OK) == 0)
		return CTL_OK;
	ctl_say("mkdir %s", dir);
	if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
		ctl_say("Can't mkdir %s: %s", dir, strerror(errno));
		return CTL_FAILED;
	}
	if (ln->has_user && chown(dir, ln->uid, ln->gid) != 0)
		ctl_say("Can't chown(%s, %s): %s", dir, ln->cfg->username,
			strerror(errno));
	return CTL_OK;
}

/** One start of an instance at a time: later ones wait, then find it running. */
static int lock_start(struct launch *ln)
{
	text_set(ln->lock_path, PATH_MAX, "%s/.%s.start", ln->cfg->run_dir,
		ln->inst->name);
	for (;;) {
		struct stat mine, now;
		ln->lock_fd = open(
			ln->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (ln->lock_fd < 0 || flock(ln->lock_fd, LOCK_EX) != 0 ||
			fstat(ln->lock_fd, &mine) != 0) {
			ctl_say("Can't lock %s: %s", ln->lock_path, strerror(errno));
			return CTL_FAILED;
		}
		if (stat(ln->lock_path, &now) == 0 && now.st_ino == mine.st_ino)
			return CTL_OK;
		close(ln->lock_fd); /* who had it removed it: again */
		ln->lock_fd = -1;
	}
}

static void unlock_start(struct launch *ln)
{
	if (ln->lock_fd < 0)
		return;
	unlink(ln->lock_path);
	close(ln->lock_fd);
	ln->lock_fd = -1;
}

/** Nobody may run; what a dead one left goes. */
static int check_not_running(const struct launch *ln)
{
	struct pidfile pf;
	pidfile_read(ln->inst->pid_path, &pf);
	pidfile_fini(&pf);
	if (pf.state == PIDFILE_RUNNING) {
		ctl_say("The daemon is already running: PID %d", (int)pf.pid);
		return CTL_FAILED;
	}
	if (pf.state == PIDFILE_ERROR) {
		ctl_say("Can't read pid file %s: %s", ln->inst->pid_path,
			strerror(errno));
		return CTL_UNREACHABLE;
	}
	if (pf.state == PIDFILE_BROKEN) {
		ctl_say("The pid file %s is held by a process that wrote no pid into it",
			ln->inst->pid_path);
		return CTL_FAILED;
	}
	struct probe p;
	probe_instance(ln->inst, false, deadline_after(LAUNCH_PROBE_MS), &p);
	probe_fini(&p);
	if (p.state == PROBE_RUNNING || p.state == PROBE_LOADING ||
		p.state == PROBE_HUNG) {
		ctl_say("The daemon is already running: PID %d (it listens on %s, but "
			"has no "
			"pid file)",
			(int)p.pid, ln->inst->sock_path);
		return CTL_FAILED;
	}
	if (p.state == PROBE_STALE)
		unlink(ln->inst->sock_path);
	return CTL_OK;
}

/** The launcher with its settings, as a file in memory. */
static int write_script(struct launch *ln)
{
	const struct instance *inst = ln->inst;
	_cleanup_(buf_fini) struct buf b = {0};
	const struct {
		const char *key, *value;
	} paths[] = {{"pid_file", inst->pid_path}, {"wal_dir", inst->wal_dir},
		{"memtx_dir", inst->memtx_dir}, {"vinyl_dir", inst->vinyl_dir},
		{"log", inst->log_path}};

	int rc = buf_printf(&b,
		"local opt = {ready_fd = %d, script_fd = %d, name = ", ln->ready_fd,
		ln->script_fd);
	rc |= luatext_cstring(&b, inst->name);
	rc |= buf_puts(&b, ", file = ") | luatext_cstring(&b, inst->file);
	rc |= buf_puts(&b, ", sock = ") | luatext_cstring(&b, inst->sock_path);
	if (ln->dir_fd >= 0)
		rc |= buf_printf(&b, ", dir_fd = %d, listen = '/proc/self/fd/%d/' .. ",
			      ln->dir_fd, ln->dir_fd) |
		      luatext_cstring(&b, strrchr(inst->sock_path, '/') + 1);
	else
		rc |= buf_puts(&b, ", listen = ") | luatext_cstring(&b, inst->sock_path);
	if (ln->has_user)
		rc |= buf_printf(
			&b, ", uid = %u, gid = %u", (unsigned)ln->uid, (unsigned)ln->gid);
	if (ln->cfg->username[0] != '\0')
		rc |= buf_puts(&b, ", username = ") |
		      luatext_cstring(&b, ln->cfg->username);
	rc |= buf_puts(&b, ", args = {");
	for (int i = 0; i < ln->opt->argc; i++)
		rc |= luatext_cstring(&b, ln->opt->argv[i]) | buf_puts(&b, ", ");
	rc |= buf_puts(&b, "}, defaults = {");
	rc |= buf_append(&b, ln->cfg->extra.data, ln->cfg->extra.len);
	for (size_t i = 0; i < lengthof(paths); i++) {
		rc |= buf_printf(&b, "%s = ", paths[i].key);
		rc |= luatext_cstring(&b, paths[i].value) | buf_puts(&b, ", ");
	}
	rc |= buf_puts(&b, "}, engine = ");
	rc |= luatext_string(&b, reload_lua, reload_lua_len);
	rc |= buf_puts(&b, ", metrics = ");
	rc |= luatext_string(&b, metrics_lua, metrics_lua_len);
	rc |= buf_puts(&b, "} ");
	rc |= buf_append(&b, launcher_lua, launcher_lua_len);
	if (rc != 0 || fd_write(ln->script_fd, b.data, b.len) != 0) {
		ctl_say("Can't write the launcher: %s", strerror(errno));
		return CTL_FAILED;
	}
	return CTL_OK;
}

static int prepare_script(struct launch *ln)
{
	ln->script_fd = memfd_create("launcher.lua", 0);
	if (strlen(ln->inst->sock_path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		ln->dir_fd = open(ln->cfg->run_dir, O_PATH | O_DIRECTORY);
	if (ln->script_fd < 0) {
		ctl_say("Can't make the launcher: %s", strerror(errno));
		return CTL_FAILED;
	}
	return write_script(ln);
}

static void exec_engine(const struct launch *ln)
{
	char script[32];
	text_set(script, sizeof(script), "/proc/self/fd/%d", ln->script_fd);
	setenv("TARANTOOLCTL", "true", 1);
	if (ln->opt->is_restart)
		setenv("TARANTOOL_RESTARTED", "true", 1);
	execl(ln->engine, ln->engine, script, (char *)NULL);
	ctl_say("Can't run %s: %s", ln->engine, strerror(errno));
}

static int run_in_foreground(struct launch *ln)
{
	int rc = prepare_script(ln);
	if (rc != CTL_OK)
		return rc;
	unlock_start(ln);
	exec_engine(ln);
	return CTL_FAILED;
}

static int fork_engine(struct launch *ln, int *ret_pipe)
{
	int pipe_fds[2];
	if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
		ctl_say("Can't make a pipe: %s", strerror(errno));
		return CTL_FAILED;
	}
	*ret_pipe = pipe_fds[0];
	ln->ready_fd = pipe_fds[1];
	int rc = prepare_script(ln);
	if (rc == CTL_OK) {
		/* The daemon's parents end: it becomes ours, so that we can end it. */
		prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
		ln->child = fork();
		if (ln->child == 0) {
			interrupt_stop();
			fcntl(ln->ready_fd, F_SETFD, 0);
			int null = open("/dev/null", O_RDONLY);
			if (null > 0)
				dup2(null, STDIN_FILENO);
			exec_engine(ln);
			_exit(127);
		}
		if (ln->child < 0) {
			ctl_say("Can't fork: %s", strerror(errno));
			rc = CTL_FAILED;
		}
	}
	close(ln->ready_fd);
	ln->ready_fd = -1;
	return rc;
}

static int set_error(struct launch *ln, const char *text)
{
	free(ln->error);
	ln->error = strdup(text);
	for (char *p = ln->error; p != NULL && *p != '\0'; p++) {
		if (*p == '\1')
			*p = '\n';
	}
	return -1;
}

static const char in_foreground[] =
	"Start failed: box.cfg keeps it in the foreground (background = false), and "
	"--restart is for instances in the background";

/** One line of the launcher. @return -1: the start failed */
static int handle_line(struct launch *ln, const char *line)
{
	switch (line[0]) {
	case 'L':
		ctl_say("Run console at unix/:%s", ln->inst->sock_path);
		return 0;
	case 'F':
		ln->is_foreground = true;
		return ln->opt->is_supervised ? set_error(ln, in_foreground) : 0;
	case 'C':
		ln->is_configured = true;
		ln->pid = (pid_t)strtol(line + 1, NULL, 10);
		return 0;
	case 'R':
		ln->is_ready = true;
		return 0;
	case 'E':
		return set_error(ln, line[1] != '\0' ? line + 2 : "Start failed");
	default:
		return 0;
	}
}

/** Take the whole lines out of `in`. @return -1: the start failed */
static int handle_lines(struct launch *ln, struct buf *in)
{
	char *eol;
	while (buf_used(in) > 0 &&
		(eol = memchr(buf_head(in), '\n', buf_used(in))) != NULL) {
		char *line = buf_head(in);
		*eol = '\0';
		in->rpos += (size_t)(eol - line) + 1;
		if (handle_line(ln, line) != 0)
			return -1;
	}
	return 0;
}

/**
 * Follow the launcher until the file returned.
 * @return CTL_OK: ready, or the deadline passed (ln->is_ready); CTL_FAILED: it
 *         failed or died; CTL_INTERRUPTED
 */
static int follow(struct launch *ln, int fd, deadline_ms deadline)
{
	_cleanup_(buf_fini) struct buf in = {0};
	while (!ln->is_ready) {
		/* In the foreground there is no hurry: the user watches it. */
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = interrupt_poll(&p, 1, deadline_left(deadline));
		if (n == 0)
			return CTL_OK;
		if (n < 0) {
			if (errno == EINTR && interrupt_take())
				return CTL_INTERRUPTED;
			continue;
		}
		char *room = buf_reserve(&in, 4096);
		ssize_t got = room != NULL ? read(fd, room, 4096) : -1;
		if (got <= 0)
			return CTL_FAILED;
		in.len += (size_t)got;
		if (handle_lines(ln, &in) != 0)
			return CTL_FAILED;
	}
	return CTL_OK;
}

/** It was configured, and does not answer: is it gone, or about to be? */
static bool has_ended(const struct launch *ln)
{
	struct pidfile pf;
	pidfile_read(ln->inst->pid_path, &pf);
	bool is_gone = pf.state == PIDFILE_NONE || pf.state == PIDFILE_STALE;
	if (pf.state == PIDFILE_RUNNING)
		is_gone = pidfile_wait_gone(&pf, deadline_after(LAUNCH_PROBE_MS)) == 0;
	pidfile_fini(&pf);
	return is_gone;
}

static bool does_answer(const struct launch *ln, deadline_ms deadline)
{
	struct conn c;
	conn_init(&c);
	bool is_ok = conn_open_unix(&c, ln->inst->sock_path, deadline) == CONN_OK &&
		     conn_ping(&c, deadline) == CONN_OK;
	conn_fini(&c);
	return is_ok;
}

/** End all that this start made. */
static void kill_made(const struct launch *ln)
{
	char path[64];
	text_set(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	/* Each round ends our children; theirs become ours. */
	for (int round = 0; round < 100; round++) {
		_cleanup_(buf_fini) struct buf list = {0};
		if (file_read(path, &list) != 0 || buf_append(&list, "", 1) != 0)
			kill(ln->child, SIGKILL);
		else
			for (char *p = list.data, *end; strtol(p, &end, 10) > 0; p = end)
				kill((pid_t)strtol(p, NULL, 10), SIGKILL);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

static void show_log(const struct launch *ln)
{
	_cleanup_(buf_fini) struct buf lines = {0};
	if (ln->opt->is_supervised && ln->opt->is_restart)
		return; /* what is said goes into this very log */
	if (tail_read(ln->inst->log_path, ln->log_from, LAUNCH_TAIL_LINES, &lines) != 0 ||
		lines.len == 0)
		return;
	ctl_say("The last lines of %s:", ln->inst->log_path);
	fd_write(STDERR_FILENO, lines.data, lines.len);
}

static int give_up(const struct launch *ln, int rc)
{
	if (ln->opt->keep) {
		ctl_say("%s is left as it is (--keep)", ln->inst->name);
		return rc;
	}
	kill_made(ln);
	pidfile_sweep(ln->inst->pid_path, ln->inst->sock_path);
	return rc;
}

/** How the process ended, as text. */
static void say_death(const struct launch *ln)
{
	int status;
	if (ln->error != NULL) {
		ctl_say("%s", ln->error);
	} else if (waitpid(ln->child, &status, WNOHANG) == ln->child &&
		   WIFSIGNALED(status)) {
		ctl_say("Start failed: the process was killed by signal %d",
			WTERMSIG(status));
	} else {
		ctl_say("Start failed: the process ended before %s was ready",
			ln->inst->name);
	}
}

/** The instance runs in the foreground: stay with it, and end as it does. */
static pid_t foreground_pid;

static void forward_signal(int sig)
{
	kill(foreground_pid, sig);
}

static int stay_with(const struct launch *ln)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	int status;
	foreground_pid = ln->child;
	interrupt_stop();
	struct sigaction sa = {.sa_handler = forward_signal, .sa_flags = SA_RESTART};
	for (size_t i = 0; i < lengthof(signals); i++)
		sigaction(signals[i], &sa, NULL);
	while (waitpid(ln->child, &status, 0) < 0) {
		if (errno != EINTR)
			return CTL_FAILED;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CTL_OK : CTL_FAILED;
}

static int see_through(struct launch *ln, int fd)
{
	deadline_ms deadline = deadline_after(ln->opt->timeout_ms);
	int rc = follow(ln, fd, deadline);
	if (rc == CTL_INTERRUPTED) {
		ctl_say("Interrupted");
		return give_up(ln, rc);
	}
	if (rc != CTL_OK) {
		int result = give_up(ln, CTL_FAILED);
		say_death(ln);
		show_log(ln);
		return result;
	}
	bool is_late = !ln->is_ready && !ln->is_configured;
	if (is_late || !does_answer(ln, deadline_after(LAUNCH_PING_MS))) {
		if (!is_late && has_ended(ln))
			say_death(ln);
		else
			ctl_say("Start failed: %s is not ready after %g s: %s",
				ln->inst->name, (double)ln->opt->timeout_ms / 1000,
				is_late ? "box is not configured" : "it does not answer");
		show_log(ln);
		return give_up(ln, CTL_FAILED);
	}
	if (ln->opt->ready_pid != NULL)
		*ln->opt->ready_pid = ln->pid;
	ctl_say("%s is ready (PID %d)", ln->inst->name, (int)ln->pid);
	if (!ln->is_ready)
		ctl_say("Note: %s still runs, but box is configured and the instance "
			"answers",
			ln->inst->file);
	unlock_start(ln);
	return ln->is_foreground ? stay_with(ln) : CTL_OK;
}

static int launch_locked(struct launch *ln)
{
	int rc = lock_start(ln);
	if (rc == CTL_OK)
		rc = check_not_running(ln);
	if (rc != CTL_OK)
		return rc;
	if (ln->cfg->is_foreground || getenv("NOTIFY_SOCKET") != NULL)
		return run_in_foreground(ln);
	struct stat st;
	ln->log_from = stat(ln->inst->log_path, &st) == 0 ? st.st_size : 0;
	_cleanup_(closefd) int pipe_fd = -1;
	interrupt_start();
	rc = fork_engine(ln, &pipe_fd);
	if (rc == CTL_OK)
		rc = see_through(ln, pipe_fd);
	interrupt_stop();
	return rc;
}

int launch_instance(const struct config *cfg, const struct instance *inst,
	const struct launch_options *opt)
{
	struct launch ln = {.cfg = cfg,
		.inst = inst,
		.opt = opt,
		.lock_fd = -1,
		.script_fd = -1,
		.dir_fd = -1,
		.ready_fd = -1};
	ctl_say("Starting instance %s...", inst->name);
	int rc = launch_check(inst);
	if (rc == CTL_FAILED)
		ctl_say("Error while checking syntax: halting");
	if (rc == CTL_OK && engine_find(opt->engine, ln.engine, sizeof(ln.engine)) != 0)
		rc = CTL_FAILED;
	if (rc == CTL_OK)
		rc = find_user(&ln);
	if (rc == CTL_OK)
		rc = make_run_dir(&ln);
	if (rc == CTL_OK)
		rc = launch_locked(&ln);
	unlock_start(&ln);
	closefd(&ln.script_fd);
	closefd(&ln.dir_fd);
	free(ln.error);
	return rc;
}

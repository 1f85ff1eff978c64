/*
 * Happy path: the supervisor is forked before the instance is started, so the instance
 * is its child (it is a subreaper), and its exit status is known. Each start runs in a
 * process of its own, as `ctl start` would, and ends; the supervisor then sleeps in
 * poll() on the instance's pidfd. When the instance dies by itself, it waits a moment
 * and starts it again.
 *
 * Failure modes: a start that fails counts as a death; so many deaths in so many seconds
 * are a crash loop, and the supervisor gives up: its file stays and says so. One that is
 * killed lets its instance serve on. SIGINT (`ctl stop`) ends it; a start that is under
 * way is ended as by Ctrl-C.
 */
#include "ctl/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "ctl/log_path.h"
#include "ctl/pidfile.h"
#include "proto/buf.h"

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 30 * 1000 };

/* One supervisor; owned by supervisor_run(). */
struct supervision {
	const struct config *cfg;
	const struct instance *inst;
	struct launch_options opt;
	struct supervisor state;
	int file_fd;
	char log_path[PATH_MAX];
	int64_t deaths[SUPERVISOR_DEATHS_MAX]; /* when, a ring */
	unsigned death_count;
	int64_t backoff_ms;
	int exit_status; /* of the instance; -1: unknown */
};

/* --- telling --- */

/** A line in the instance's log, in its form. */
static _format_(3, 4) void log_line(
	const struct supervision *sv, char level, const char *fmt, ...)
{
	char text[1024], when[32];
	struct timeval now;
	struct tm tm;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gettimeofday(&now, NULL);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&now.tv_sec, &tm));
	_cleanup_(buf_fini) struct buf line = {0};
	_cleanup_(closefd) int fd =
		open(sv->log_path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0 &&
		buf_printf(&line, "%s.%03d [%d] ctl/supervisor %c> %s\n", when,
			(int)(now.tv_usec / 1000), (int)getpid(), level, text) == 0)
		fd_write(fd, line.data, line.len);
}

static void set_state(struct supervision *sv, enum supervisor_state state)
{
	sv->state.state = state;
	supervisor_write(sv->file_fd, &sv->state);
}

/** How it ended, as text. */
static void describe_end(struct supervision *sv)
{
	int status = sv->exit_status;
	char *out = sv->state.reason;
	size_t size = sizeof(sv->state.reason);
	if (status != -1 && WIFSIGNALED(status))
		text_set(out, size, "killed by signal %d (SIG%s)", WTERMSIG(status),
			sigabbrev_np(WTERMSIG(status)) != NULL
				? sigabbrev_np(WTERMSIG(status))
				: "?");
	else if (status != -1)
		text_set(out, size, "exit code %d", WEXITSTATUS(status));
	else
		text_set(out, size, "its exit code is unknown");
}

/** Did somebody want it to end? The same rule as systemd's on-failure. */
static bool is_clean_end(int status)
{
	if (status == -1)
		return false;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0;
	int sig = WTERMSIG(status);
	return sig == SIGTERM || sig == SIGINT || sig == SIGHUP || sig == SIGPIPE;
}

/* --- starting --- */

/** What a start said, line by line into the log; the last line is the reason. */
static void log_said(struct supervision *sv, int fd, bool is_failed)
{
	_cleanup_(buf_fini) struct buf text = {0};
	lseek(fd, 0, SEEK_SET);
	if (fd_read(fd, &text) != 0 || buf_append(&text, "", 1) != 0)
		return;
	char *rest = text.data;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (line[0] == '\0')
			continue;
		log_line(sv, is_failed ? 'E' : 'I', "%s", line);
		if (is_failed)
			snprintf(sv->state.reason, sizeof(sv->state.reason), "%s", line);
	}
}

/** Wait for the process of a start. @return an exit code */
static int wait_start(pid_t pid, bool is_again)
{
	int status;
	bool is_told = false;
	interrupt_start();
	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);
		if (got == pid)
			break;
		/* SIGCHLD ends the wait; the time is for one that came just before. */
		if (interrupt_poll(NULL, 0, 100) < 0 && interrupt_take() && !is_told) {
			kill(pid, SIGINT);
			is_told = true;
		}
	}
	/* The first start: Ctrl-C came too late when it succeeded. */
	bool is_ended = (is_told || interrupt_take()) && is_again;
	interrupt_stop();
	return is_ended || WIFSIGNALED(status) ? CTL_INTERRUPTED : WEXITSTATUS(status);
}

/**
 * Start it in a process of its own.
 * @param said_fd where what it says goes; -1: to stderr
 */
static int start(struct supervision *sv, int said_fd)
{
	set_state(sv, SUPERVISOR_STARTING);
	*sv->opt.ready_pid = 0;
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0); /* Ctrl-C comes through us, and once */
		if (said_fd >= 0)
			dup2(said_fd, STDERR_FILENO);
		signal(SIGCHLD, SIG_DFL);
		_exit(launch_instance(sv->cfg, sv->inst, &sv->opt));
	}
	if (pid < 0) {
		ctl_say("Can't fork: %s", strerror(errno));
		return CTL_FAILED;
	}
	int rc = wait_start(pid, said_fd >= 0);
	if (rc == CTL_OK)
		log_path_find(sv->inst, sv->log_path);
	return rc;
}

static int start_again(struct supervision *sv)
{
	_cleanup_(closefd) int said = memfd_create("said", MFD_CLOEXEC);
	sv->opt.is_restart = true;
	sv->state.restarts++;
	int rc = start(sv, said);
	if (said >= 0)
		log_said(sv, said, rc != CTL_OK);
	return rc;
}

/* --- watching --- */

/** Take the exit statuses of children that ended; orphans of the instance are ours. */
static void reap(struct supervision *sv, pid_t pid)
{
	int status;
	pid_t got;
	while ((got = waitpid(-1, &status, WNOHANG)) > 0) {
		if (got == pid)
			sv->exit_status = status;
	}
}

static void on_child(int sig)
{
}

/** Sleep until the instance is gone. */
static void watch(struct supervision *sv)
{
	struct pidfile pf;
	pidfile_read(sv->inst->pid_path, &pf);
	sv->exit_status = -1;
	if (pf.state != PIDFILE_RUNNING) {
		/* Its pid file is gone already, and it will be in a moment. */
		int status;
		pid_t pid = *sv->opt.ready_pid, got = -1;
		while (pid > 0 && (got = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
			;
		sv->exit_status = got > 0 ? status : -1;
		pidfile_fini(&pf);
		return;
	}
	set_state(sv, SUPERVISOR_WATCHING);
	struct pollfd p = {.fd = pf.pidfd, .events = POLLIN};
	do
		reap(sv, pf.pid);
	while (poll(&p, 1, -1) <= 0);
	reap(sv, pf.pid);
	pidfile_fini(&pf);
}

/** Note a death. @return is it a crash loop? */
static bool is_crash_loop(struct supervision *sv)
{
	unsigned limit = (unsigned)sv->state.limit.deaths;
	int64_t now = clock_ms();
	int64_t *slot = &sv->deaths[sv->death_count++ % limit];
	int64_t window_ms = (int64_t)sv->state.limit.seconds * 1000;
	/* The slot holds the death `limit` deaths ago; the first of the last ones is
	 * in the next. */
	*slot = now;
	return sv->death_count >= limit &&
	       now - sv->deaths[sv->death_count % limit] <= window_ms;
}

/** After a death: wait. @return false: it gave up */
static bool wait_backoff(struct supervision *sv, int64_t lived_ms)
{
	if (is_crash_loop(sv)) {
		log_line(sv, 'E',
			"%s died %d times in %d s, the last time: %s. A crash loop: it "
			"is not started again; 'ctl start %s' does",
			sv->inst->name, sv->state.limit.deaths, sv->state.limit.seconds,
			sv->state.reason, sv->inst->name);
		set_state(sv, SUPERVISOR_CRASHED);
		return false;
	}
	if (sv->backoff_ms == 0 || lived_ms > (int64_t)sv->state.limit.seconds * 1000)
		sv->backoff_ms = BACKOFF_MIN_MS;
	log_line(sv, 'W', "%s died: %s. It is started again in %g s", sv->inst->name,
		sv->state.reason, (double)sv->backoff_ms / 1000);
	set_state(sv, SUPERVISOR_WAITING);
	for (deadline_ms end = deadline_after(sv->backoff_ms); deadline_left(end) > 0;)
		poll(NULL, 0, deadline_left(end));
	sv->backoff_ms *= 2;
	if (sv->backoff_ms > BACKOFF_MAX_MS)
		sv->backoff_ms = BACKOFF_MAX_MS;
	return true;
}

/** Did another one start it meanwhile? Then it is not ours to watch. */
static bool is_taken_over(const struct supervision *sv)
{
	struct pidfile pf;
	pidfile_read(sv->inst->pid_path, &pf);
	pidfile_fini(&pf);
	return pf.state == PIDFILE_RUNNING;
}

/** The instance runs. @return when the supervision is over */
static void supervise(struct supervision *sv)
{
	int rc = CTL_OK;
	for (;;) {
		int64_t from = clock_ms();
		if (rc == CTL_OK) {
			watch(sv);
			describe_end(sv);
			pidfile_sweep(sv->inst->pid_path, sv->inst->sock_path);
			if (is_clean_end(sv->exit_status)) {
				log_line(sv, 'I', "%s ended: %s. It is not started again",
					sv->inst->name, sv->state.reason);
				supervisor_remove(sv->inst);
				return;
			}
		}
		if (!wait_backoff(sv, clock_ms() - from))
			return;
		rc = start_again(sv);
		if (rc == CTL_INTERRUPTED)
			return;
		if (rc != CTL_OK && is_taken_over(sv)) {
			log_line(sv, 'W',
				"%s was started by somebody else: it is not "
				"supervised any more",
				sv->inst->name);
			supervisor_remove(sv->inst);
			return;
		}
	}
}

static void detach(void)
{
	setsid();
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

/** The process: start it, tell the caller by the pipe how that went, watch it. */
static void supervisor_run(struct supervision *sv, int report_fd)
{
	/* The instance's parents end: it becomes ours, so that its end is told us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	prctl(PR_SET_NAME, "ctl-supervisor", 0, 0, 0);
	sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child}, NULL);
	sv->state.pid = getpid();
	sv->file_fd = supervisor_lock(sv->inst);
	int rc = sv->file_fd >= 0 ? start(sv, -1) : CTL_FAILED;
	if (rc == CTL_OK) {
		set_state(sv, SUPERVISOR_WATCHING);
		detach();
	} else if (sv->file_fd >= 0) {
		supervisor_remove(sv->inst);
	}
	fd_write(report_fd, (const char *)&rc, sizeof(rc));
	close(report_fd);
	if (rc == CTL_OK)
		supervise(sv);
}

int supervise_instance(const struct config *cfg, const struct instance *inst,
	const struct launch_options *opt, struct supervisor_limit limit)
{
	struct supervision sv = {
		.cfg = cfg, .inst = inst, .opt = *opt, .state = {.limit = limit}};
	int fds[2], rc = CTL_FAILED;
	sv.opt.is_supervised = true;
	sv.opt.ready_pid = mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sv.opt.ready_pid == MAP_FAILED) {
		ctl_say("Can't map memory: %s", strerror(errno));
		return CTL_FAILED;
	}
	strcpy(sv.log_path, inst->log_path);
	if (cfg->is_foreground || getenv("NOTIFY_SOCKET") != NULL) {
		ctl_say("%s runs in the foreground: --restart is for instances in the "
			"background",
			inst->name);
		return CTL_FAILED;
	}
	if (pipe2(fds, O_CLOEXEC) != 0) {
		ctl_say("Can't make a pipe: %s", strerror(errno));
		return CTL_FAILED;
	}
	/* Ctrl-C is for the start: it ends in order and tells so. */
	void (*old)(int) = signal(SIGINT, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		close(fds[0]);
		supervisor_run(&sv, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	ssize_t n = -1;
	if (pid < 0)
		ctl_say("Can't fork: %s", strerror(errno));
	else
		while ((n = read(fds[0], &rc, sizeof(rc))) < 0 && errno == EINTR)
			;
	close(fds[0]);
	signal(SIGINT, old);
	return n == sizeof(rc) ? rc : CTL_FAILED;
}

int supervise_parse_limit(const char *text, struct supervisor_limit *ret)
{
	char *end;
	int64_t ms;
	long deaths = strtol(text, &end, 10);
	if (end == text || *end != '/' || deaths < 1 || deaths > SUPERVISOR_DEATHS_MAX ||
		duration_parse(end + 1, &ms) != 0 || ms < 1000 || ms > 86400000)
		return -1;
	ret->deaths = (int)deaths;
	ret->seconds = (int)(ms / 1000);
	return 0;
}

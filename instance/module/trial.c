/*
 * A constructor (or a library's) may abort, exit, crash, raise or never return, and
 * then the process that calls dlopen() is gone. So a file that runs code of its own
 * at that moment (trial_need.c) is opened in a forked child first; only when the
 * child comes through it is opened here.
 *
 * The child is a copy of the instance, so that whatever the constructor asks of it
 * answers; but it has no descriptors, so that nobody hears of it, no threads, and it
 * ends at once. A constructor that writes files writes them twice.
 */
#include "instance/module/trial.h"

#include <dlfcn.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/fiber/fiber.h"
#include "instance/module/module.h"
#include "proto/elf.h"

/* Shorter when the whole instance waits for it. */
enum { TIMEOUT_S = 10, BLOCKING_TIMEOUT_S = 3, TEXT_MAX = 1024 };

/* ---- The child ---- */

/* How the child ends; its first word in the pipe. */
enum { TRIAL_OK = 'k', TRIAL_REFUSED = 'r', TRIAL_RAISED = 'x', TRIAL_CLOSED = 'c' };

static void child_say(int fd, char verdict, const char *text)
{
	struct {
		char verdict;
		char text[TEXT_MAX];
	} message = {.verdict = verdict};
	snprintf(message.text, sizeof(message.text), "%s", text);
	if (write(fd, &message, 1 + strlen(message.text)) < 0)
		_exit(EXIT_FAILURE);
}

/* Like the process that it came from, but nobody hears of it. */
static void child_prepare(int pipe_fd, int image_fd)
{
	struct rlimit none = {0, 0};
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigset_t empty;
	sigemptyset(&empty);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	int low = pipe_fd < image_fd ? pipe_fd : image_fd;
	int high = pipe_fd < image_fd ? image_fd : pipe_fd;
	int null_fd = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++) {
		if (fd != pipe_fd && fd != image_fd)
			dup2(null_fd, fd);
	}
	if (low > 3)
		close_range(3, (unsigned)low - 1, 0);
	if (high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0u, 0);
	alarm(TIMEOUT_S);
}

static void *child_handle;

static int child_open(void *arg)
{
	const struct image *image = arg;
	child_handle = dlopen(image->open_path, RTLD_NOW | RTLD_LOCAL);
	return child_handle != NULL ? 0 : 1;
}

static int child_close(void *arg)
{
	return dlclose(child_handle);
}

/* Before the handlers that the instance registered: they are not for the child. */
static void exit_at_once(int code, void *arg)
{
	_exit(code);
}

static void exit_child(const int *code)
{
	_exit(*code);
}

__attribute__((noreturn)) static void child_main(const struct image *image, int pipe_fd)
{
	/* Whatever unwinds this frame must not come back into the instance. */
	_cleanup_(exit_child) int code = EXIT_FAILURE;
	child_prepare(pipe_fd, image->fd);
	on_exit(exit_at_once, NULL);
	int rc = module_guard(child_open, (void *)image);
	if (rc == 0) {
		child_say(pipe_fd, TRIAL_OK, "");
		module_guard(child_close, NULL);
		child_say(pipe_fd, TRIAL_CLOSED, "");
	} else if (rc > 0) {
		const char *text = dlerror();
		child_say(pipe_fd, TRIAL_REFUSED, text != NULL ? text : "unknown error");
	} else {
		child_say(pipe_fd, TRIAL_RAISED,
			diag_last() != NULL ? diag_last()->message : "unknown error");
	}
	_exit(EXIT_SUCCESS);
}

/* ---- The parent ---- */

struct trial {
	ev_child watcher;
	struct fiber *fiber;
	pid_t pid;
	int status;
	bool is_over, is_late;
};

static void on_exit_of_child(struct ev_loop *loop, struct ev_child *watcher, int events)
{
	struct trial *t = watcher->data;
	t->is_over = true;
	t->status = watcher->rstatus;
	fiber_wakeup(t->fiber);
}

static void stop_watcher(struct trial **t)
{
	ev_child_stop(fiber_loop, &(*t)->watcher);
}

static void wait_in_loop(struct trial *t)
{
	ev_child_init(&t->watcher, on_exit_of_child, t->pid, 0);
	t->watcher.data = t;
	t->fiber = fiber_current;
	ev_child_start(fiber_loop, &t->watcher);
	_cleanup_(stop_watcher) struct trial *guard = t;
	double deadline = fiber_clock() + TIMEOUT_S + 1;
	while (!guard->is_over) {
		/* Our wait is not to be cut short: the child is our copy. */
		if (fiber_clock() >= deadline) {
			t->is_late = true;
			kill(t->pid, SIGKILL);
			deadline = fiber_clock() + 1;
		}
		fiber_yield_timeout(deadline - fiber_clock());
	}
}

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void wait_blocking(struct trial *t, int pipe_fd)
{
	struct pollfd end = {.fd = pipe_fd, .events = 0}; /* until it hangs up */
	double deadline = seconds_now() + BLOCKING_TIMEOUT_S;
	int rc = -1;
	for (double left; rc < 0 && (left = deadline - seconds_now()) > 0;)
		rc = poll(&end, 1, (int)(left * 1000) + 1); /* signals interrupt it */
	if (rc <= 0) {
		t->is_late = true;
		kill(t->pid, SIGKILL);
	}
	while (waitpid(t->pid, &t->status, 0) < 0) {
		if (errno != EINTR) {
			t->status = -1;
			return;
		}
	}
}

static int report_death(const struct trial *t, const char *name, const char *path)
{
	if (t->is_late || (t->status != -1 && WIFSIGNALED(t->status) &&
				  WTERMSIG(t->status) == SIGALRM))
		return module_load_error(name,
			"%s was tried in a child process: loading it takes too long",
			path);
	if (t->status != -1 && WIFSIGNALED(t->status))
		return module_load_error(name,
			"%s was tried in a child process: loading it ends the process "
			"(%s)",
			path, strsignal(WTERMSIG(t->status)));
	return module_load_error(name,
		"%s was tried in a child process: loading it calls exit(%d)", path,
		t->status != -1 ? WEXITSTATUS(t->status) : 0);
}

static int report(const struct trial *t, const struct image *image, const char *name,
	const char *path, int pipe_fd, bool *ret_can_close)
{
	char text[TEXT_MAX + 2];
	ssize_t len = read(pipe_fd, text, sizeof(text) - 1);
	if (len <= 0)
		return report_death(t, name, path);
	text[len] = '\0';
	switch (text[0]) {
	case TRIAL_OK:
		*ret_can_close = text[1] == TRIAL_CLOSED;
		return 0;
	case TRIAL_RAISED:
		return module_load_error(name,
			"%s was tried in a child process: loading it raises: %s", path,
			text + 1);
	default:
		break;
	}
	size_t prefix = strlen(image->open_path);
	if (strncmp(text + 1, image->open_path, prefix) == 0)
		return module_load_error(name, "%s%s", path, text + 1 + prefix);
	return module_load_error(name, "%s", text + 1);
}

static void close_both(int (*fds)[2])
{
	closep(&(*fds)[0]);
	closep(&(*fds)[1]);
}

int trial_run(const struct image *image, const char *name, const char *path,
	bool may_yield, bool *ret_can_close)
{
	_cleanup_(close_both) int fds[2] = {-1, -1};
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return module_load_error(name, "can't make a pipe: %s", strerror(errno));
	struct trial t = {.pid = fork()};
	if (t.pid < 0)
		return module_load_error(
			name, "can't fork to try %s: %s", path, strerror(errno));
	if (t.pid == 0)
		child_main(image, fds[1]);
	close(take_fd(&fds[1]));
	if (may_yield)
		wait_in_loop(&t);
	else
		wait_blocking(&t, fds[0]);
	return report(&t, image, name, path, fds[0], ret_can_close);
}

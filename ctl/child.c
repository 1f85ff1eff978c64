#include "ctl/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"

extern char **environ;

static volatile sig_atomic_t child_pid;

void child_end(void)
{
	if (child_pid > 0)
		kill((pid_t)child_pid, SIGTERM);
}

/** Take what came while these signals were blocked: it was meant for the child. */
static void drop_pending(const sigset_t *set)
{
	static const struct timespec now = {0};
	while (sigtimedwait(set, NULL, &now) > 0)
		;
}

/** Signals as a program expects them, whatever is blocked or ignored here. */
static void set_signals(posix_spawnattr_t *attr, const sigset_t *ours)
{
	sigset_t none;
	sigemptyset(&none);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, ours);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int spawn(const char *command, int input_fd, const sigset_t *ours, pid_t *ret_pid)
{
	char *argv[] = {"sh", "-c", (char *)command, NULL};
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t actions;
	if (posix_spawnattr_init(&attr) != 0)
		return ENOMEM;
	if (posix_spawn_file_actions_init(&actions) != 0) {
		posix_spawnattr_destroy(&attr);
		return ENOMEM;
	}
	set_signals(&attr, ours);
	if (input_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, input_fd, STDIN_FILENO);
	fflush(NULL);
	int rc = posix_spawn(ret_pid, "/bin/sh", &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return rc;
}

static int wait_for_end(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_run(const char *command, const char *input, size_t len)
{
	int fds[2] = {-1, -1};
	sigset_t ours, before;
	pid_t pid = 0;
	if (input != NULL && pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGQUIT);
	sigaddset(&ours, SIGPIPE);
	sigprocmask(SIG_BLOCK, &ours, &before);
	int error = spawn(command, fds[0], &ours, &pid);
	if (fds[0] >= 0)
		close(fds[0]);
	int status = -1;
	if (error == 0) {
		child_pid = pid;
		/* A pager that is left early has not read it all: no failure. */
		if (input != NULL && fd_write(fds[1], input, len) != 0)
			errno = 0;
	}
	if (fds[1] >= 0)
		close(fds[1]);
	if (error == 0)
		status = wait_for_end(pid);
	child_pid = 0;
	drop_pending(&ours);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (error != 0)
		errno = error;
	return status;
}

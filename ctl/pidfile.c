#include "ctl/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Is the lock of this open file somebody else's? */
static bool is_locked(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		flock(fd, LOCK_UN);
		return false;
	}
	return true;
}

/** @return the pid in the file, 0: the file is empty, -1: something else */
static pid_t read_pid(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return n == 0 ? 0 : -1;
	text[n] = '\0';
	char *end;
	long pid = strtol(text, &end, 10);
	return (*end == '\0' || *end == '\n') && pid > 0 && pid <= (1 << 22) ? (pid_t)pid
									     : -1;
}

void pidfile_read(const char *path, struct pidfile *pf)
{
	*pf = (struct pidfile){.pidfd = -1};
	_cleanup_(closefd) int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		pf->state = errno == ENOENT || errno == ENOTDIR ? PIDFILE_NONE
								: PIDFILE_ERROR;
		return;
	}
	/*
	 * To test the lock is to take it for a moment, and an instance that starts
	 * just then would think that another one runs. So the lock is tested only
	 * when the pid in the file is a live one: a starting instance has written
	 * none yet.
	 */
	pf->state = PIDFILE_STALE;
	pf->pid = read_pid(fd);
	if (pf->pid == 0)
		return;
	if (pf->pid < 0) {
		if (is_locked(fd))
			pf->state = PIDFILE_BROKEN;
		return;
	}
	pf->pidfd = (int)syscall(SYS_pidfd_open, pf->pid, 0);
	/*
	 * Locked after the process was opened: so it is the owner, and not one that
	 * was given the number of an owner who had just died.
	 */
	if (pf->pidfd >= 0 && is_locked(fd))
		pf->state = PIDFILE_RUNNING;
	else
		pidfile_fini(pf);
}

void pidfile_fini(struct pidfile *pf)
{
	closefd(&pf->pidfd);
	pf->pidfd = -1;
}

int pidfile_wait_gone(const struct pidfile *pf, deadline_ms deadline)
{
	struct pollfd p = {.fd = pf->pidfd, .events = POLLIN};
	for (;;) {
		int n = poll(&p, 1, deadline_left(deadline));
		if (n > 0)
			return 0;
		if (n == 0 || errno != EINTR)
			return -1;
	}
}

int pidfile_signal(const struct pidfile *pf, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pf->pidfd, sig, NULL, 0);
}

void pidfile_sweep(const char *pid_path, const char *sock_path)
{
	int fd = open(pid_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		if (errno == ENOENT)
			unlink(sock_path);
		return;
	}
	/* Held while it is removed: a new owner locks first and would fail. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		struct stat mine, now;
		if (fstat(fd, &mine) == 0 && stat(pid_path, &now) == 0 &&
			mine.st_ino == now.st_ino && mine.st_dev == now.st_dev) {
			unlink(sock_path);
			unlink(pid_path);
		}
	}
	close(fd);
}

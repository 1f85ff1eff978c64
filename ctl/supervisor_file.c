#include "ctl/supervisor_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RECORD_SIZE = 512, END_WAIT_MS = 10 * 1000 };

static const char *const state_names[] = {
	"none", "starting", "watching", "waiting", "crash-loop", "gone"};

const char *supervisor_state_name(enum supervisor_state state)
{
	return state_names[state];
}

bool supervisor_is_alive(const struct supervisor *sv)
{
	return sv->state == SUPERVISOR_STARTING || sv->state == SUPERVISOR_WATCHING ||
	       sv->state == SUPERVISOR_WAITING;
}

/** NAME.pid becomes NAME.supervisor. @return -1: a socket has none */
static int file_path(const struct instance *inst, char *path)
{
	size_t len = strlen(inst->pid_path);
	if (len < 4)
		return -1;
	return text_set(path, PATH_MAX, "%.*s.supervisor", (int)len - 4, inst->pid_path);
}

/** Does another process hold the lock? */
static bool is_locked(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		flock(fd, LOCK_UN);
		return false;
	}
	return true;
}

static void parse(const char *text, struct supervisor *sv)
{
	char state[16] = "";
	int pid = 0, reason_at = 0;
	int n = sscanf(text, "pid %d state %15s restarts %u limit %d/%d reason %n", &pid,
		state, &sv->restarts, &sv->limit.deaths, &sv->limit.seconds, &reason_at);
	if (n != 5 || pid <= 0 || reason_at == 0)
		return;
	for (size_t i = 1; i < lengthof(state_names); i++) {
		if (strcmp(state, state_names[i]) == 0)
			sv->state = (enum supervisor_state)i;
	}
	sv->pid = (pid_t)pid;
	size_t len = strcspn(text + reason_at, "\n");
	if (len >= sizeof(sv->reason))
		len = sizeof(sv->reason) - 1;
	memcpy(sv->reason, text + reason_at, len);
}

/** Read an open file. */
static void read_fd(int fd, struct supervisor *sv)
{
	char text[RECORD_SIZE + 1];
	ssize_t n = pread(fd, text, RECORD_SIZE, 0);
	*sv = (struct supervisor){.state = SUPERVISOR_NONE};
	if (n <= 0)
		return;
	text[n] = '\0';
	parse(text, sv);
	if (supervisor_is_alive(sv) && !is_locked(fd))
		sv->state = SUPERVISOR_GONE;
}

static int open_file(const struct instance *inst)
{
	char path[PATH_MAX];
	if (file_path(inst, path) != 0)
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
}

void supervisor_read(const struct instance *inst, struct supervisor *sv)
{
	_cleanup_(closefd) int fd = open_file(inst);
	*sv = (struct supervisor){.state = SUPERVISOR_NONE};
	if (fd >= 0)
		read_fd(fd, sv);
}

int supervisor_lock(const struct instance *inst)
{
	char path[PATH_MAX] = "";
	struct stat mine, now;
	for (;;) {
		int fd = file_path(inst, path) != 0
				 ? -1
				 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
					   0644);
		if (fd < 0 || fstat(fd, &mine) != 0) {
			ctl_say("Can't make %s: %s", path, strerror(errno));
			closefd(&fd);
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			struct supervisor sv;
			read_fd(fd, &sv);
			ctl_say("%s is supervised already (by process %d)", inst->name,
				(int)sv.pid);
			close(fd);
			return -1;
		}
		if (stat(path, &now) == 0 && now.st_ino == mine.st_ino)
			return fd;
		close(fd); /* who had it removed it: again */
	}
}

void supervisor_write(int fd, const struct supervisor *sv)
{
	/* As long as ever: no rest of a longer one stays behind. */
	char text[RECORD_SIZE + 1];
	int n = snprintf(text, sizeof(text),
		"pid %d\nstate %s\nrestarts %u\nlimit %d/%d\nreason %s\n", (int)sv->pid,
		state_names[sv->state], sv->restarts, sv->limit.deaths, sv->limit.seconds,
		sv->reason);
	memset(text + n, '\n', sizeof(text) - (size_t)n);
	if (pwrite(fd, text, RECORD_SIZE, 0) != RECORD_SIZE)
		return; /* it is for people to look at: supervision goes on */
}

void supervisor_remove(const struct instance *inst)
{
	char path[PATH_MAX];
	if (file_path(inst, path) == 0)
		unlink(path);
}

/** Remove the file of one that is gone, unless a new one has it. */
static void sweep(const struct instance *inst, int fd)
{
	char path[PATH_MAX];
	struct stat mine, now;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && file_path(inst, path) == 0 &&
		fstat(fd, &mine) == 0 && stat(path, &now) == 0 &&
		mine.st_ino == now.st_ino)
		unlink(path);
}

static int wait_gone(int pidfd, int timeout_ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int n;
	while ((n = poll(&p, 1, timeout_ms)) < 0 && errno == EINTR)
		;
	return n > 0 ? 0 : -1;
}

int supervisor_end(const struct instance *inst)
{
	_cleanup_(closefd) int fd = open_file(inst);
	struct supervisor sv;
	if (fd < 0)
		return CTL_OK;
	read_fd(fd, &sv);
	_cleanup_(closefd) int pidfd =
		supervisor_is_alive(&sv) ? (int)syscall(SYS_pidfd_open, sv.pid, 0) : -1;
	/* Locked after the process was opened: so it is the owner. */
	if (pidfd >= 0 && is_locked(fd)) {
		/* As Ctrl-C: what it starts at this moment is ended in order. */
		static const int signals[] = {SIGINT, SIGKILL};
		int rc = -1;
		for (size_t i = 0; i < lengthof(signals) && rc != 0; i++) {
			rc = (int)syscall(
				SYS_pidfd_send_signal, pidfd, signals[i], NULL, 0);
			if (rc != 0 && errno != ESRCH) {
				ctl_say("Can't end process %d, which supervises %s: %s",
					(int)sv.pid, inst->name, strerror(errno));
				return CTL_FAILED;
			}
			rc = wait_gone(pidfd, END_WAIT_MS);
		}
		ctl_say("%s is not supervised any more", inst->name);
	}
	sweep(inst, fd);
	return CTL_OK;
}

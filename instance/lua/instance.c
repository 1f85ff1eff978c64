#include "instance/lua/instance.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance/base/diag.h"
#include "instance/base/notify.h"
#include "instance/base/say.h"
#include "instance/box/read_only.h"
#include "instance/box/session.h"
#include "instance/fiber/fiber.h"
#include "instance/lua/l_module.h"
#include "instance/lua/net_hooks.h"
#include "instance/lua/shutdown.h"
#include "instance/module/module.h"
#include "instance/net/net.h"

static struct {
	char *path; /* absolute; NULL: there is none */
	int fd;
	pid_t owner; /* who removes it */
} pid_file = {.fd = -1};

/** "main/101/app"; the event loop itself is "main". */
static void log_context(char *buf, int size)
{
	const struct fiber *f = fiber_current;
	if (f->id == FIBER_ID_SCHED)
		snprintf(buf, (size_t)size, "main");
	else
		snprintf(buf, (size_t)size, "main/%llu/%s", (unsigned long long)f->id,
			f->name);
}

int instance_init(void)
{
	say_context = log_context;
	lua_net_hooks_init();
	l_module_init();
	if (session_init() != 0 || module_init() != 0 || net_init() != 0)
		return -1;
	shutdown_init();
	box_set_read_only(true);
	return 0;
}

static void pid_file_remove(void)
{
	if (pid_file.path == NULL || pid_file.owner != getpid())
		return;
	unlink(pid_file.path);
	free(TAKE_PTR(pid_file.path));
}

void instance_fini(void)
{
	if (instance_is_server())
		notify_send("STOPPING=1\nSTATUS=stopping");
	net_fini();
	pid_file_remove();
	say_close();
}

static bool is_server;

void instance_set_server(void)
{
	is_server = true;
}

bool instance_is_server(void)
{
	return is_server;
}

void instance_notify_ready(void)
{
	if (!instance_is_server())
		return;
	char text[64];
	snprintf(
		text, sizeof(text), "READY=1\nSTATUS=running\nMAINPID=%d", (int)getpid());
	notify_send(text);
}

int instance_set_work_dir(const char *path)
{
	if (chdir(path) == 0)
		return 0;
	diag_set_errno("can't chdir to `%s': %s", path, strerror(errno));
	return -1;
}

int instance_set_user(const char *name)
{
	errno = 0;
	const struct passwd *pw = getpwnam(name);
	if (pw == NULL) {
		diag_set(illegal_params, "User not found: %s", name);
		return -1;
	}
	if (pw->pw_uid == geteuid())
		return 0;
	if (getuid() != 0 && geteuid() != 0) {
		diag_set(illegal_params, "can't switch to %s: i'm not root", name);
		return -1;
	}
	if (initgroups(name, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
		setuid(pw->pw_uid) != 0) {
		diag_set_errno("can't switch to %s: %s", name, strerror(errno));
		return -1;
	}
	/* Core dumps work as before the switch. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return 0;
}

void instance_allow_core_dumps(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_CORE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_CORE, &limit);
	}
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/** Who holds the lock, as it wrote itself. */
static int running_pid(int fd)
{
	char text[16] = {0};
	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? atoi(text) : -1;
}

/** The file that the lock is on must still be the one at the path. */
static bool is_same_file(int fd, const char *path)
{
	struct stat open_one, named;
	return fstat(fd, &open_one) == 0 && stat(path, &named) == 0 &&
	       open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

int instance_lock_pid_file(const char *path)
{
	_cleanup_(closep) int fd = -1;
	do {
		if (fd >= 0)
			close(fd);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0) {
			diag_set_errno("failed to create pid file '%s': %s", path,
				strerror(errno));
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			diag_set(system, "the daemon is already running: PID %d",
				running_pid(fd));
			return -1;
		}
	} while (!is_same_file(fd, path));
	pid_file.path = realpath(path, NULL);
	pid_file.fd = take_fd(&fd);
	return 0;
}

int instance_write_pid_file(void)
{
	if (pid_file.fd < 0)
		return 0;
	pid_file.owner = getpid();
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", (int)getpid());
	if (ftruncate(pid_file.fd, 0) == 0 &&
		pwrite(pid_file.fd, text, (size_t)len, 0) == len)
		return 0;
	diag_set_errno(
		"failed to write pid file '%s': %s", pid_file.path, strerror(errno));
	return -1;
}

void instance_unlock_pid_file(void)
{
	if (pid_file.fd < 0)
		return;
	unlink(pid_file.path);
	close(take_fd(&pid_file.fd));
	free(TAKE_PTR(pid_file.path));
}

int instance_daemonize(void)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		diag_set_errno("failed to fork: %s", strerror(errno));
		return -1;
	}
	if (pid > 0)
		_exit(EXIT_SUCCESS);
	setsid();
	ev_loop_fork(fiber_loop);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		close(null);
	}
	say_take_stdio();
	/* What print() says is in the log at once. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	return 0;
}

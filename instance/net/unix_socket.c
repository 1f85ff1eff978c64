#include "instance/net/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "instance/base/diag.h"
#include "instance/base/say.h"

enum { SOCKET_FLAGS = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC };

static void socket_error(const char *call, int fd)
{
	diag_set(socket, "%s, called on fd %d, aka unix/:(socket)", call, fd);
}

/*
 * The address of an absolute path: as it is, or through its directory's descriptor
 * when it is too long.
 */
static int make_address(const char *path, struct sockaddr_un *addr, int *ret_dir)
{
	*addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) < sizeof(addr->sun_path)) {
		strcpy(addr->sun_path, path);
		return 0;
	}
	const char *name = strrchr(path, '/') + 1;
	_cleanup_(freep) char *dir = strndup(path, (size_t)(name - path));
	*ret_dir = dir == NULL ? -1 : open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir < 0)
		return -1;
	int n = snprintf(addr->sun_path, sizeof(addr->sun_path), "/proc/self/fd/%d/%s",
		*ret_dir, name);
	if (n < (int)sizeof(addr->sun_path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static char *make_absolute(const char *path)
{
	char cwd[PATH_MAX];
	char *absolute = NULL;
	if (path[0] == '/')
		return strdup(path);
	if (getcwd(cwd, sizeof(cwd)) == NULL ||
		asprintf(&absolute, "%s/%s", cwd, path) < 0)
		return NULL;
	return absolute;
}

/* Is it a socket's file that nobody listens on? */
static bool is_dead(const struct sockaddr_un *addr)
{
	struct stat st;
	if (lstat(addr->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	if (fd < 0)
		return false;
	return connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 &&
	       errno == ECONNREFUSED;
}

/* bind() with a umask that leaves exactly `mode`. */
static int bind_with_mode(int fd, const struct sockaddr_un *addr, mode_t mode)
{
	mode_t old = umask(0777 & ~mode);
	int rc = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	int error = errno;
	umask(old);
	errno = error;
	return rc;
}

static int bind_anew(int fd, const struct sockaddr_un *addr, mode_t mode,
	const char *path, const char *who)
{
	if (bind_with_mode(fd, addr, mode) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!is_dead(addr)) {
		errno = EADDRINUSE;
		return -1;
	}
	say_info("%s: remove dead UNIX socket: %s", who, path);
	return unlink(addr->sun_path) == 0 ? bind_with_mode(fd, addr, mode) : -1;
}

/* Remember which file it is: another process may put its own in that place. */
static void note_file(struct unix_file *file)
{
	struct stat st;
	if (lstat(file->path, &st) != 0)
		return;
	file->dev = st.st_dev;
	file->ino = st.st_ino;
}

int unix_file_bind(struct unix_file *file, const char *path, mode_t mode, gid_t group,
	const char *who)
{
	struct sockaddr_un addr;
	_cleanup_(closep) int dir = -1;
	_cleanup_(closep) int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
	*file = (struct unix_file){.path = make_absolute(path)};
	if (fd < 0 || file->path == NULL || make_address(file->path, &addr, &dir) != 0) {
		socket_error("socket", fd);
		goto err;
	}
	if (bind_anew(fd, &addr, mode, path, who) != 0) {
		socket_error("bind", fd);
		goto err;
	}
	note_file(file);
	/* Nobody can connect before listen(): nobody slips in before the group is set. */
	if (group != (gid_t)-1 && lchown(addr.sun_path, (uid_t)-1, group) != 0) {
		socket_error("chown", fd);
		unix_file_remove(file);
		return -1;
	}
	return take_fd(&fd);
err:
	free(TAKE_PTR(file->path));
	return -1;
}

bool unix_file_is_own(const struct unix_file *file)
{
	struct stat st;
	return file->path != NULL && lstat(file->path, &st) == 0 &&
	       st.st_dev == file->dev && st.st_ino == file->ino;
}

void unix_file_remove(struct unix_file *file)
{
	if (unix_file_is_own(file))
		unlink(file->path);
	free(TAKE_PTR(file->path));
}

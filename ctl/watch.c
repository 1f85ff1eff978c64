#include "ctl/watch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "ctl/interrupt.h"

int watch_open(const char *path)
{
	char dir[PATH_MAX];
	if (text_set(dir, sizeof(dir), "%s", path) != 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	char *slash = strrchr(dir, '/');
	if (slash == NULL)
		strcpy(dir, ".");
	else if (slash == dir)
		dir[1] = '\0';
	else
		*slash = '\0';
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	uint32_t mask =
		IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE | IN_MOVE | IN_ATTRIB;
	if (fd >= 0 && inotify_add_watch(fd, dir, mask) < 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int watch_wait(int fd, deadline_ms deadline)
{
	char events[4096];
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = interrupt_poll(&p, 1, deadline_left(deadline));
		if (n == 0)
			return 0;
		if (n < 0) {
			if (errno == EINTR && !interrupt_take())
				continue;
			return -1;
		}
		while (read(fd, events, sizeof(events)) > 0)
			;
		return 1;
	}
}

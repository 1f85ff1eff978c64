/*
 * Happy path: reload; ask the instance which files its modules come from; watch their
 * folders; when something was saved, wait until nothing more comes, and begin again.
 *
 * A failed reload is shown and waited on: the next save may mend it. An instance that
 * is gone ends the watch.
 */
#include "ctl/reload_watch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "ctl/reload_op.h"

enum {
	QUIET_MS = 150,      /* an editor or a deployment writes several times */
	QUIET_MAX_MS = 5000, /* ... but not for ever */
	EVENTS = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM,
};

/** Watch the folder of each file; one that is watched already stays so. */
static int watch_folders(int fd, const char *paths, uint32_t len)
{
	int count = 0;
	const char *end = paths + len;
	while (paths < end) {
		const char *eol = memchr(paths, '\n', (size_t)(end - paths));
		size_t n = (size_t)((eol != NULL ? eol : end) - paths);
		const char *slash = memrchr(paths, '/', n);
		char dir[PATH_MAX];
		if (slash != NULL &&
			text_set(dir, sizeof(dir), "%.*s",
				slash == paths ? 1 : (int)(slash - paths), paths) == 0 &&
			inotify_add_watch(fd, dir, EVENTS) >= 0)
			count++;
		paths += n + 1;
	}
	return count;
}

/** Ask which files there are. @return CTL_OK or an exit code */
static int refresh(const struct request *rq, int fd)
{
	struct reload_call rc = {
		.instance = rq->instance, .op = "diff", .format = RELOAD_PATHS};
	buf_puts(&rc.args, "{}");
	int code = reload_call_run(&rc);
	if (code == CTL_OK && watch_folders(fd, rc.out, rc.out_len) == 0) {
		ctl_say("%s has loaded no module from a file: there is nothing to watch",
			rq->instance->name);
		code = CTL_FAILED;
	}
	reload_call_fini(&rc);
	return code;
}

static bool is_source(const char *name)
{
	size_t len = strlen(name);
	return len > 4 && name[0] != '.' && strcmp(name + len - 4, ".lua") == 0;
}

/** Read what there is. @return was there a source file? */
static bool read_events(int fd)
{
	char data[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool is_found = false;
	ssize_t n;
	while ((n = read(fd, data, sizeof(data))) > 0) {
		for (char *p = data; p < data + n;) {
			const struct inotify_event *event = (void *)p;
			is_found |= (event->mask & IN_Q_OVERFLOW) ||
				    (event->len > 0 && is_source(event->name));
			p += sizeof(*event) + event->len;
		}
	}
	return is_found;
}

/** @return 1: a source file changed; 0: the deadline passed; -1: Ctrl-C */
static int wait_event(int fd, deadline_ms deadline)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int n = interrupt_poll(&p, 1, deadline_left(deadline));
		if (n == 0)
			return 0;
		if (n < 0 && (errno != EINTR || interrupt_take()))
			return -1;
		if (n > 0 && read_events(fd))
			return 1;
	}
}

/** Wait for a change, then until nothing more comes. @return 0, or -1: Ctrl-C */
static int wait_change(int fd)
{
	if (wait_event(fd, DEADLINE_NONE) < 0)
		return -1;
	deadline_ms last = deadline_after(QUIET_MAX_MS);
	for (;;) {
		int rc = wait_event(fd, deadline_after(QUIET_MS));
		if (rc <= 0)
			return rc;
		if (deadline_left(last) == 0)
			return 0;
	}
}

int reload_watch(const struct request *rq)
{
	_cleanup_(closefd) int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0) {
		ctl_say("Can't watch files: %s", strerror(errno));
		return CTL_FAILED;
	}
	interrupt_start();
	/* Before the first reload: what is saved during it is seen. */
	int code = refresh(rq, fd);
	while (code == CTL_OK) {
		code = reload_op_run(rq, "reload", RELOAD_TEXT);
		if (code == CTL_UNREACHABLE || code == CTL_INTERRUPTED)
			return code;
		code = refresh(rq, fd);
		if (code == CTL_OK && wait_change(fd) < 0)
			code = CTL_INTERRUPTED;
	}
	return code;
}

/* The instance's log inside the console. */
#ifndef CTL_CONSOLE_LOG_H
#define CTL_CONSOLE_LOG_H

#include <limits.h>
#include <stdbool.h>

#include "proto/buf.h"

/* A log that is followed; owns its descriptors. */
struct console_log {
	char path[PATH_MAX];
	int fd, watch_fd;   /* -1: it is not followed */
	struct buf partial; /* a line that is not whole yet */
};

struct console;

/** Not followed. */
void console_log_init(struct console_log *log);
void console_log_close(struct console_log *log);
/** Find the instance's log and follow it from its end; says what fails. */
void console_log_open(struct console *con);
/** Print what was added since. */
void console_log_show(struct console *con);

#endif

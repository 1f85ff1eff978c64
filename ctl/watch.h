/* Waiting for files to appear and change: inotify on their directory. */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "ctl/ctl.h"

/**
 * Watch the directory that holds `path` (and so the file, whenever it comes).
 * @return a descriptor, or -1 with errno set
 */
int watch_open(const char *path);
/** Wait for a change. @return 1: there was one; 0: the deadline passed; -1: Ctrl-C */
int watch_wait(int fd, deadline_ms deadline);

#endif

/* The last lines of a file. */
#ifndef CTL_TAIL_H
#define CTL_TAIL_H

#include <sys/types.h>

#include "proto/buf.h"

/**
 * Read the last `lines` lines of a file, nothing before offset `from` (what is
 * smaller now was truncated: then from 0).
 * @return 0, or -1 with errno set
 */
int tail_read(const char *path, off_t from, int lines, struct buf *out);
/** The same on an open file, which stands at its end afterwards. */
int tail_read_fd(int fd, off_t from, int lines, struct buf *out);

#endif

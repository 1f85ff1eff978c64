/* The logs of several instances in one stream, each line with its instance's name. */
#ifndef CTL_LOG_FOLLOW_H
#define CTL_LOG_FOLLOW_H

#include <limits.h>

#include "proto/buf.h"

/* One log; owns its descriptors and the bytes of a line that is not whole. */
struct log_stream {
	const char *name; /* NULL: lines come as they are */
	int name_width;
	char path[PATH_MAX];
	int fd, watch_fd; /* -1: none */
	struct buf partial;
};

/**
 * Open the log and print its last lines.
 * @return CTL_OK, or an exit code after saying what is wrong; log_stream_close() in
 *         both cases
 */
int log_stream_open(struct log_stream *s, int lines);
/** Nothing more is expected: print the last line, also when it has no end. @return an
 * exit code */
int log_stream_finish(struct log_stream *s);
void log_stream_close(struct log_stream *s);
/** Print what is added, until Ctrl-C. @return an exit code */
int log_follow(struct log_stream *streams, int count);

#endif

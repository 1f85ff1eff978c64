/* Reading an .xlog or .snap file row by row, through a window of it. */
#ifndef CTL_XLOG_FILE_H
#define CTL_XLOG_FILE_H

#include <limits.h>

#include "ctl/ctl.h"
#include "proto/xlog.h"

/* Owns its descriptor and buffers. */
struct xlog_file {
	char path[PATH_MAX];
	int fd;
	struct xlog_meta meta;
	uint64_t offset; /* in the file, of the window's first byte */
	uint64_t limit;  /* read no further than that; 0: no limit */
	struct buf window;
	struct buf rows; /* of a compressed block */
	struct mp_cursor cur;
	uint64_t block_offset;      /* of the block that `cur` is in */
	bool is_unreadable;         /* the error is the system's: no use to go on */
	char error[PATH_MAX + 128]; /* what is wrong, and where */
};

/**
 * Open it and read its text header.
 * @return 0, or -1 and f->error is set; xlog_file_close() in both cases
 */
int xlog_file_open(struct xlog_file *f, const char *path);
void xlog_file_close(struct xlog_file *f);

/**
 * The next row; it points into f until the next call.
 * @return XLOG_OK; XLOG_EOF: the end marker; XLOG_MORE: the file ends without one (it
 *         is being written, or its writer was killed), call again when it grew;
 *         XLOG_BAD: f->error is set
 */
enum xlog_status xlog_file_next(struct xlog_file *f, struct xlog_row *row);
/** Bytes behind the last whole block, after XLOG_MORE: 0, or a torn block. */
uint64_t xlog_file_torn(const struct xlog_file *f);
/** After XLOG_BAD of a readable file: on to what looks like a block. @return bytes
 * skipped */
uint64_t xlog_file_skip(struct xlog_file *f);

#endif

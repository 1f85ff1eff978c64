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
/**
 * After XLOG_MORE of a file that nobody writes: is what comes next no torn block, but one
 * with a wrong length, since whole ones stand behind it? Then f->error is set.
 */
bool xlog_file_is_damaged(struct xlog_file *f);
/** After XLOG_MORE: say so when the file ends in a torn block. It grows, or its writer
 * was killed. */
void xlog_file_note_torn(const struct xlog_file *f);
/**
 * After XLOG_BAD or a damage: say what is wrong, and where.
 * @param is_skip go on to what looks like a block, and say how much was left out
 * @return 0, or -1: the file cannot or shall not be read on
 */
int xlog_file_recover(struct xlog_file *f, bool is_skip);

#endif

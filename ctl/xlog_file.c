#include "ctl/xlog_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024 };

static int fail(struct xlog_file *f, uint64_t offset, const char *what)
{
	text_set(f->error, sizeof(f->error), "%s: at byte %" PRIu64 ": %s", f->path,
		offset, what);
	return -1;
}

static int fail_errno(struct xlog_file *f)
{
	f->is_unreadable = true;
	text_set(f->error, sizeof(f->error), "Can't read %s: %s", f->path,
		strerror(errno));
	return -1;
}

/** Make the window at least `size` bytes long. @return 1, 0 at the end of the file, -1 */
static int fill(struct xlog_file *f, size_t size)
{
	struct buf *b = &f->window;
	while (buf_used(b) < size) {
		size_t want =
			size - buf_used(b) > READ_SIZE ? size - buf_used(b) : READ_SIZE;
		uint64_t end = f->offset + buf_used(b);
		if (f->limit != 0 && want > f->limit - end)
			want = (size_t)(f->limit - end);
		if (want == 0)
			return 0;
		buf_compact(b);
		char *p = buf_reserve(b, want);
		if (p == NULL) {
			errno = ENOMEM;
			return fail_errno(f);
		}
		ssize_t n = read(f->fd, p, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(f);
		if (n == 0)
			return 0;
		b->len += (size_t)n;
	}
	return 1;
}

static void consume(struct xlog_file *f, size_t n)
{
	f->window.rpos += n;
	f->offset += n;
}

int xlog_file_open(struct xlog_file *f, const char *path)
{
	size_t size = 0;
	const char *error = NULL;
	memset(f, 0, sizeof(*f));
	text_set(f->path, sizeof(f->path), "%s", path);
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	if (f->fd < 0 || fstat(f->fd, &st) != 0)
		return fail_errno(f);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return fail_errno(f);
	}
	if (fill(f, XLOG_META_MAX) < 0)
		return -1;
	switch (xlog_read_meta(
		buf_head(&f->window), buf_used(&f->window), &f->meta, &size, &error)) {
	case XLOG_OK:
		consume(f, size);
		return 0;
	case XLOG_MORE:
		return fail(f, 0, "the text header is cut off");
	default:
		return fail(f, 0, error);
	}
}

void xlog_file_close(struct xlog_file *f)
{
	closefd(&f->fd);
	buf_fini(&f->window);
	buf_fini(&f->rows);
}

/** Go to the next block. */
static enum xlog_status next_block(struct xlog_file *f)
{
	struct xlog_block block;
	const char *error = NULL;
	size_t size = 0;
	for (;;) {
		enum xlog_status rc = xlog_read_block(buf_head(&f->window),
			buf_used(&f->window), &block, &size, &error);
		if (rc == XLOG_MORE) {
			int got = fill(f, size);
			if (got > 0)
				continue;
			return got == 0 ? XLOG_MORE : XLOG_BAD;
		}
		f->block_offset = f->offset;
		if (rc == XLOG_BAD) {
			fail(f, f->offset, error);
			return XLOG_BAD;
		}
		if (rc == XLOG_EOF)
			return XLOG_EOF;
		break;
	}
	if (xlog_block_rows(&block, &f->rows, &f->cur, &error) != 0) {
		fail(f, f->offset, error);
		return XLOG_BAD;
	}
	consume(f, size); /* its bytes stay where they are until the next fill() */
	return XLOG_OK;
}

enum xlog_status xlog_file_next(struct xlog_file *f, struct xlog_row *row)
{
	const char *error;
	while (mp_left(&f->cur) == 0) {
		enum xlog_status rc = next_block(f);
		if (rc != XLOG_OK)
			return rc;
	}
	if (xlog_next_row(&f->cur, row, &error) == 0)
		return XLOG_OK;
	/* The checksum was right: whoever wrote it wrote this. */
	fail(f, f->block_offset, error);
	f->cur.pos = f->cur.end;
	return XLOG_BAD;
}

bool xlog_file_is_damaged(struct xlog_file *f)
{
	struct xlog_block block;
	const char *error, *head = buf_head(&f->window);
	size_t size, left = buf_used(&f->window);
	for (size_t at = 1; at < left; at++) {
		at += xlog_find_marker(head + at, left - at);
		if (at == left || xlog_read_block(head + at, left - at, &block, &size,
					  &error) != XLOG_OK)
			continue; /* its data may look like a marker */
		fail(f, f->offset, "the block's length is wrong");
		f->block_offset = f->offset;
		return true;
	}
	return false;
}

void xlog_file_note_torn(const struct xlog_file *f)
{
	size_t torn = buf_used(&f->window);
	if (torn > 0)
		ctl_say("%s: at byte %" PRIu64 ": the last block is not whole, %zu "
			"bytes are left out",
			f->path, f->offset, torn);
}

/** On to what looks like a block. @return bytes skipped */
static uint64_t skip(struct xlog_file *f)
{
	uint64_t from = f->offset;
	if (f->offset > f->block_offset)
		return f->offset -
		       f->block_offset; /* a bad row: its block is gone already */
	consume(f, buf_used(&f->window) > 0 ? 1 : 0);
	for (;;) {
		size_t left = buf_used(&f->window);
		size_t at = xlog_find_marker(buf_head(&f->window), left);
		if (at < left) {
			consume(f, at);
			break;
		}
		/* A marker may begin in the last three bytes. */
		consume(f, left > 3 ? left - 3 : 0);
		if (fill(f, buf_used(&f->window) + 1) <= 0) {
			consume(f, buf_used(&f->window));
			break;
		}
	}
	return f->offset - from;
}

int xlog_file_recover(struct xlog_file *f, bool is_skip)
{
	ctl_say("%s", f->error);
	if (f->is_unreadable || !is_skip)
		return -1;
	ctl_say("%s: %" PRIu64 " bytes skipped", f->path, skip(f));
	return 0;
}

#include "ctl/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"

enum { TAIL_BLOCK = 16 * 1024 };

/** Where the last `lines` lines of [from, size) begin. */
static off_t find_start(int fd, off_t from, off_t size, int lines)
{
	char block[TAIL_BLOCK];
	off_t pos = size;
	bool is_last = true;
	while (pos > from) {
		off_t start = pos - from > TAIL_BLOCK ? pos - TAIL_BLOCK : from;
		ssize_t n = pread(fd, block, (size_t)(pos - start), start);
		if (n != pos - start)
			return from;
		for (ssize_t i = n - 1; i >= 0; i--) {
			/* The newline that ends the file begins no line. */
			bool is_end = is_last;
			is_last = false;
			if (block[i] == '\n' && !is_end && --lines == 0)
				return start + i + 1;
		}
		pos = start;
	}
	return from;
}

int tail_read_fd(int fd, off_t from, int lines, struct buf *out)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return -1;
	if (st.st_size < from)
		from = 0;
	off_t start = lines > 0 ? find_start(fd, from, st.st_size, lines) : st.st_size;
	if (lseek(fd, start, SEEK_SET) < 0)
		return -1;
	return fd_read(fd, out);
}

int tail_read(const char *path, off_t from, int lines, struct buf *out)
{
	_cleanup_(closefd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -1 : tail_read_fd(fd, from, lines, out);
}

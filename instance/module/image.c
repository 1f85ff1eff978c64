#include "instance/module/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/fiber/coio.h"

enum {
	SIZE_MAX_MIB = 1024,
	TRIES = 3,
	/* A file that was changed within this time may change again unnoticed. */
	FRESH_NS = 20 * 1000 * 1000,
	/* Bits of the counter in a path to open. */
	PATH_BITS = 40,
	NAME_SHOWN = 255,
};

/* Private: read_once() would have to wait for a disk. */
enum { WOULD_BLOCK = 1, CHANGED = 2 };

struct job {
	struct image *image;
	const char *name, *path;
	bool may_wait;
};

int module_load_error(const char *name, const char *fmt, ...)
{
	char text[PATH_MAX + 512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_set_client(ER_LOAD_MODULE, (int)strnlen(name, NAME_SHOWN), name, text);
	return -1;
}

static int64_t timespec_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       timespec_ns(&a->st_mtim) == timespec_ns(&b->st_mtim) &&
	       timespec_ns(&a->st_ctim) == timespec_ns(&b->st_ctim);
}

static bool is_fresh(const struct stat *st)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return timespec_ns(&now) - timespec_ns(&st->st_mtim) < FRESH_NS;
}

/* All of it. @return 0, WOULD_BLOCK, CHANGED (too short), or -1 with errno */
static int read_all(int fd, char *data, size_t size, bool may_wait)
{
	size_t done = 0;
	while (done < size) {
		struct iovec part = {data + done, size - done};
		ssize_t n = -1;
		if (!may_wait)
			n = preadv2(fd, &part, 1, (off_t)done, RWF_NOWAIT);
		if (!may_wait && n < 0)
			return WOULD_BLOCK;
		if (may_wait)
			n = pread(fd, part.iov_base, part.iov_len, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return may_wait ? CHANGED : WOULD_BLOCK;
		done += (size_t)n;
	}
	return 0;
}

/* A second look at a file whose time says nothing: was it all the same? */
static int compare_all(int fd, const char *data, size_t size, bool may_wait)
{
	_cleanup_(freep) char *again = malloc(size);
	if (again == NULL)
		return -1;
	int rc = read_all(fd, again, size, may_wait);
	if (rc != 0)
		return rc;
	return memcmp(again, data, size) == 0 ? 0 : CHANGED;
}

/*
 * While we hold a read lease nobody can begin to write (he waits for us), and we get
 * it only when nobody has the file open for that. It is for the file's owner and on
 * some file systems only, so it comes on top of comparing times and content.
 */
static bool is_open_for_writing(int fd)
{
	/* Whoever breaks the lease makes a signal: one that is ignored by default. */
	if (fcntl(fd, F_SETSIG, SIGURG) != 0)
		return false;
	return fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
}

static int read_once(const struct job *job, int fd, const struct stat *st)
{
	struct image *image = job->image;
	struct stat now;
	image->size = (size_t)st->st_size;
	free(image->data);
	image->data = malloc(image->size);
	if (image->data == NULL)
		return -1;
	int rc = read_all(fd, image->data, image->size, job->may_wait);
	if (rc == 0 && is_fresh(st))
		rc = compare_all(fd, image->data, image->size, job->may_wait);
	if (rc != 0)
		return rc;
	if (fstat(fd, &now) != 0)
		return -1;
	return same_file(st, &now) ? 0 : CHANGED;
}

static int check_type(const struct job *job, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return module_load_error(job->name, "%s is a directory", job->path);
	if (!S_ISREG(st->st_mode))
		return module_load_error(job->name, "%s is not a file", job->path);
	if (st->st_size == 0)
		return module_load_error(job->name, "%s is empty", job->path);
	if (st->st_size / (1024 * 1024) >= SIZE_MAX_MIB)
		return module_load_error(
			job->name, "%s is larger than %d MiB", job->path, SIZE_MAX_MIB);
	return 0;
}

static int read_file(struct job *job)
{
	/* Not to hang on a FIFO. */
	_cleanup_(closep) int fd =
		open(job->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return module_load_error(
			job->name, "can't open %s: %s", job->path, strerror(errno));
	if (check_type(job, &st) != 0)
		return -1;
	if (is_open_for_writing(fd))
		return module_load_error(job->name,
			"%s is open for writing: it is not complete yet", job->path);
	int rc = CHANGED;
	for (int i = 0; rc == CHANGED && i < TRIES; i++) {
		if (i > 0 && fstat(fd, &st) != 0)
			rc = -1;
		else if (i > 0 && check_type(job, &st) != 0)
			return -1;
		else
			rc = read_once(job, fd, &st);
	}
	if (rc == CHANGED)
		return module_load_error(
			job->name, "%s changes while it is read", job->path);
	if (rc < 0)
		return module_load_error(
			job->name, "can't read %s: %s", job->path, strerror(errno));
	job->image->dev = st.st_dev;
	job->image->ino = st.st_ino;
	job->image->mtime_ns = timespec_ns(&st.st_mtim);
	return rc;
}

static ssize_t read_in_worker(void *arg)
{
	struct job *job = arg;
	return read_file(job);
}

int image_read(struct image *image, const char *name, const char *path, bool may_yield)
{
	/* What is in the page cache comes at once; only a disk is worth a thread. */
	struct job job = {
		.image = image, .name = name, .path = path, .may_wait = !may_yield};
	int rc = read_file(&job);
	if (rc != WOULD_BLOCK)
		return rc;
	job.may_wait = true;
	return (int)coio_run(read_in_worker, &job);
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

/*
 * A file in a directory, as Tarantool does it: its name (tntXXXXXX/mod.so) is what
 * /proc/PID/maps shows. It loses it before anything is written, so that nothing is
 * left there however this ends.
 */
static int open_in_dir(const char *parent, const char *path)
{
	char dir[PATH_MAX], file[PATH_MAX];
	if (snprintf(dir, sizeof(dir), "%s/tntXXXXXX", parent) >= (int)sizeof(dir) ||
		mkdtemp(dir) == NULL)
		return -1;
	int fd = -1;
	if (snprintf(file, sizeof(file), "%s/%s", dir, base_name(path)) <
		(int)sizeof(file)) {
		fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
		if (fd >= 0)
			unlink(file);
	}
	int saved_errno = errno;
	rmdir(dir);
	errno = saved_errno;
	return fd;
}

/* dir NULL: in memory */
static int open_in(const char *dir, const char *path)
{
	if (dir != NULL)
		return open_in_dir(dir, path);
	char label[200]; /* memfd_create() takes 249 bytes */
	snprintf(label, sizeof(label), "%s", base_name(path));
	return memfd_create(label, MFD_CLOEXEC);
}

/* Not on a file system mounted noexec, not where a policy forbids it. */
static bool can_execute(int fd)
{
	void *p = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	munmap(p, 1);
	return true;
}

static int copy_to(const struct image *image, const char *dir, const char *path)
{
	int fd = open_in(dir, path);
	if (fd == 0) { /* somebody closed stdin; 0 means none here */
		fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
		close(0);
	}
	if (fd >= 0 && write_all(fd, image->data, image->size) == 0 && can_execute(fd))
		return fd;
	int saved_errno = errno;
	if (fd >= 0)
		close(fd);
	errno = saved_errno;
	return -1;
}

/*
 * Where the copy goes: TMPDIR when somebody has set it, else memory. Creating and
 * deleting a file costs a disk's file system up to a hundred times what memory does,
 * and the event loop waits for it. Each is the other's substitute.
 */
static int make_copy(const struct image *image, const char *path)
{
	const char *tmp = getenv("TMPDIR");
	bool is_set = tmp != NULL && *tmp != '\0';
	int fd = copy_to(image, is_set ? tmp : NULL, path);
	return fd >= 0 ? fd : copy_to(image, is_set ? NULL : "/tmp", path);
}

/*
 * dlopen() takes a path that it has seen for what it opened then. So each one gets a
 * spelling of its own: a number, written with "./" for 1 and "/" for 0.
 */
static void make_open_path(struct image *image)
{
	static uint64_t last;
	uint64_t number = ++last;
	char digits[PATH_BITS * 2 + 1], *p = digits;
	for (int bit = PATH_BITS - 1; bit >= 0; bit--) {
		if (number >> bit & 1)
			*p++ = '.';
		*p++ = '/';
	}
	*p = '\0';
	snprintf(image->open_path, sizeof(image->open_path), "/proc/self/fd/%s%d", digits,
		image->fd);
}

int image_store(struct image *image, const char *name, const char *path)
{
	int fd = make_copy(image, path);
	if (fd < 0)
		return module_load_error(
			name, "can't copy %s: %s", path, strerror(errno));
	image->fd = fd;
	make_open_path(image);
	return 0;
}

void image_fini(struct image *image)
{
	free(TAKE_PTR(image->data));
	if (image->fd > 0)
		close(image->fd);
	image->fd = 0;
}

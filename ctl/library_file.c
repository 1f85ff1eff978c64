#include "ctl/library_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
	READ_TRIES = 25,
	READ_PAUSE_MS = 20, /* between two looks at a file that changes */
};

/** A path of the process as we can open it: below its root, from its cwd. */
static int path_from_here(
	pid_t pid, const char *cwd, const char *path, char out[PATH_MAX])
{
	char base[PATH_MAX];
	bool is_absolute = path[0] == '/';
	if (pid > 0 &&
		text_set(base, sizeof(base), "/proc/%d/%s", (int)pid,
			is_absolute ? "root" : "cwd") == 0 &&
		access(base, X_OK) == 0)
		return text_set(
			out, PATH_MAX, "%s/%s", base, is_absolute ? path + 1 : path);
	if (is_absolute)
		return text_set(out, PATH_MAX, "%s", path);
	return text_set(out, PATH_MAX, "%s/%s", cwd, path);
}

static bool is_same_version(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/** Has nobody written to it for a moment? The clock of files ticks every few ms. */
static bool is_settled(const struct stat *st)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t age_ms = (now.tv_sec - st->st_mtim.tv_sec) * 1000 +
			 (now.tv_nsec - st->st_mtim.tv_nsec) / 1000000;
	return age_ms >= READ_PAUSE_MS || age_ms < 0;
}

/**
 * Read the whole file once.
 * @return 1: whole and unchanged; 0: it changed meanwhile; -1 with `error`
 */
static int read_once(struct library_file *f, const char *here, char *error)
{
	struct stat before, after;
	buf_reset(&f->data);
	/* Not to hang in a FIFO. */
	_cleanup_(closefd) int fd = open(here, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &before) != 0) {
		text_set(error, LIBRARY_ERROR_SIZE, "%s: %s", f->path, strerror(errno));
		return -1;
	}
	if (!S_ISREG(before.st_mode)) {
		text_set(error, LIBRARY_ERROR_SIZE, "%s is %s", f->path,
			S_ISDIR(before.st_mode) ? "a directory" : "no regular file");
		return -1;
	}
	if (before.st_size > LIBRARY_FILE_MAX) {
		text_set(error, LIBRARY_ERROR_SIZE, "%s is too big", f->path);
		return -1;
	}
	if (fd_read(fd, &f->data) != 0) {
		text_set(error, LIBRARY_ERROR_SIZE, "%s: %s", f->path, strerror(errno));
		return -1;
	}
	/* By name: it may have been replaced. */
	if (stat(here, &after) != 0)
		return 0;
	return is_same_version(&before, &after) && is_settled(&after) &&
	       f->data.len == (size_t)after.st_size;
}

static int parse(struct library_file *f, char *error)
{
	char why[ELF_ERROR_SIZE];
	const char *data = f->data.data != NULL ? f->data.data : "";
	if (elf_parse(&f->elf, data, f->data.len, why) != 0) {
		text_set(error, LIBRARY_ERROR_SIZE, "%s %s", f->path, why);
		return -1;
	}
	elf_format_build_id(&f->elf, f->build_id);
	return 0;
}

int library_file_read(struct library_file *f, pid_t pid, const char *cwd,
	const char *path, char error[LIBRARY_ERROR_SIZE])
{
	char here[PATH_MAX];
	if (text_set(f->path, sizeof(f->path), "%s", path) != 0 ||
		path_from_here(pid, cwd, path, here) != 0) {
		text_set(error, LIBRARY_ERROR_SIZE, "its path is too long");
		return -1;
	}
	int rc = 0;
	for (int i = 0; i < READ_TRIES && rc == 0; i++) {
		rc = read_once(f, here, error);
		if (rc == 0)
			poll(NULL, 0, READ_PAUSE_MS);
	}
	if (rc == 0)
		text_set(error, LIBRARY_ERROR_SIZE, "%s changes while it is read", path);
	return rc == 1 ? parse(f, error) : -1;
}

/** Can code be mapped from files there? */
static bool is_executable_mount(const char *dir)
{
	struct statvfs st;
	return statvfs(dir, &st) == 0 && (st.f_flag & ST_NOEXEC) == 0;
}

static int write_copy(struct library_file *f)
{
	struct stat st;
	_cleanup_(closefd) int fd = mkostemps(f->copy_here, 3, O_CLOEXEC);
	if (fd < 0)
		return -1;
	/* The server may be another user. */
	if (fd_write(fd, f->data.data, f->data.len) != 0 || fchmod(fd, 0755) != 0 ||
		fstat(fd, &st) != 0) {
		int saved = errno;
		unlink(f->copy_here);
		errno = saved;
		return -1;
	}
	snprintf(f->copy_inode, sizeof(f->copy_inode), "%llu",
		(unsigned long long)st.st_ino);
	return 0;
}

int library_file_copy(struct library_file *f, pid_t pid, const char *tmpdir,
	char error[LIBRARY_ERROR_SIZE])
{
	const char *const dirs[] = {tmpdir, "/tmp", "/var/tmp", "/dev/shm"};
	char here[PATH_MAX];
	int first_errno = 0;
	for (size_t i = 0; i < lengthof(dirs); i++) {
		errno = ENAMETOOLONG;
		if (dirs[i][0] != '/' || path_from_here(pid, "/", dirs[i], here) != 0 ||
			text_set(f->copy_here, PATH_MAX, "%s/ctl-XXXXXX.so", here) != 0)
			continue;
		errno = EACCES;
		if (is_executable_mount(here) && write_copy(f) == 0) {
			const char *name = strrchr(f->copy_here, '/');
			return text_set(f->copy, PATH_MAX, "%s%s", dirs[i], name);
		}
		first_errno = first_errno != 0 ? first_errno : errno;
		f->copy_here[0] = '\0';
	}
	text_set(error, LIBRARY_ERROR_SIZE, "can't copy %s to %s: %s", f->path, tmpdir,
		strerror(first_errno));
	return -1;
}

void library_file_fini(struct library_file *f)
{
	if (f->copy_here[0] != '\0')
		unlink(f->copy_here);
	buf_fini(&f->data);
}

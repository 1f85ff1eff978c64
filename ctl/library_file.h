/*
 * The file of a C module, read and checked before any server opens it, and a private
 * copy of exactly the bytes that were checked.
 */
#ifndef CTL_LIBRARY_FILE_H
#define CTL_LIBRARY_FILE_H

#include <limits.h>
#include <sys/types.h>

#include "ctl/ctl.h"
#include "proto/buf.h"
#include "proto/elf.h"

enum {
	LIBRARY_FILE_MAX = 1 << 30,
	LIBRARY_ERROR_SIZE = 2 * PATH_MAX + 256,
};

/* In place; zeroed, then library_file_read(); library_file_fini() at the end. */
struct library_file {
	struct buf data;
	struct elf elf;      /* over data */
	char path[PATH_MAX]; /* as the server names it */
	char build_id[ELF_BUILD_ID_TEXT_SIZE];
	/* The copy; "": none was made. */
	char copy[PATH_MAX];      /* as the server names it */
	char copy_here[PATH_MAX]; /* as we do */
	char copy_inode[24];
};

/**
 * Read the file that a process would open: path counts from its cwd and its root.
 * A file that is being written is waited for, a moment.
 * @param cwd as the process tells it, for when /proc does not
 * @return 0, or -1 with what is wrong in `error`
 */
int library_file_read(struct library_file *f, pid_t pid, const char *cwd,
	const char *path, char error[LIBRARY_ERROR_SIZE]);
/**
 * Write the copy where the process can open it and code may be mapped: tmpdir, else
 * another directory for temporary files. library_file_fini() removes it.
 * @return 0, or -1 with `error`
 */
int library_file_copy(struct library_file *f, pid_t pid, const char *tmpdir,
	char error[LIBRARY_ERROR_SIZE]);
void library_file_fini(struct library_file *f);

#endif

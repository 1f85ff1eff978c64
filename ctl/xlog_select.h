/* Which files and which rows of them: the options that `cat` and `play` share. */
#ifndef CTL_XLOG_SELECT_H
#define CTL_XLOG_SELECT_H

#include "ctl/verb.h"
#include "ctl/xlog_file.h"

enum { XLOG_SELECT_MAX = 256, XLOG_SYSTEM_SPACE_MAX = 511 };

/* Points into the options. */
struct xlog_select {
	uint64_t from, to; /* from <= lsn < to */
	bool is_system;    /* rows of system spaces too */
	uint32_t spaces[XLOG_SELECT_MAX], replicas[XLOG_SELECT_MAX];
	int space_count, replica_count; /* 0: all */
};

/* The rows of a verb's table of options. */
#define XLOG_SELECT_OPTIONS                                                            \
	{"space", 0, "ID...", "only rows of this space; may be given again"},          \
		{"show-system", 0, NULL, "rows of system spaces too"},                 \
		{"from", 0, "LSN", "only rows from this lsn on"},                      \
		{"to", 0, "LSN", "only rows before this lsn"},                         \
	{                                                                              \
		"replica", 0, "ID...", "only rows of this replica; may be given again" \
	}

/** @return CTL_OK, or CTL_USAGE after saying what is wrong */
int xlog_select_init(struct xlog_select *sel, const struct request *rq);
bool xlog_select_matches(const struct xlog_select *sel, const struct xlog_row *row);
/** The space of a row, 0 when it has none. */
uint32_t xlog_row_space(const struct xlog_row *row);

/* Names of files, in order. Owns them. */
struct xlog_files {
	char **paths;
	int count;
};

/**
 * The arguments of a command: files, and of a directory its .snap and .xlog files by
 * name. @return 0, or -1 after saying what is wrong
 */
int xlog_files_init(struct xlog_files *files, int argc, char **argv);
void xlog_files_fini(struct xlog_files *files);
/**
 * The .xlog file that comes after this one in its directory.
 * @return false when there is none yet
 */
bool xlog_files_next(const char *path, char next[PATH_MAX]);

#endif

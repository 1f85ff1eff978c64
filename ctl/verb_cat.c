#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ctl/interrupt.h"
#include "ctl/verb.h"
#include "ctl/watch.h"
#include "ctl/xlog_file.h"
#include "ctl/xlog_select.h"
#include "ctl/xlog_text.h"

enum { OUT_SIZE = 256 * 1024 };

/* The command in work. */
struct cat {
	struct xlog_select select;
	enum mptext_format format;
	bool is_follow, is_skip;
	bool has_read;  /* a file was one */
	struct buf out; /* owned */
	int result;
};

static int flush(struct cat *cat)
{
	if (fd_write(STDOUT_FILENO, cat->out.data, cat->out.len) != 0) {
		ctl_say("Can't write the rows: %s", strerror(errno));
		return CTL_FAILED;
	}
	buf_reset(&cat->out);
	return CTL_OK;
}

static int print_row(
	struct cat *cat, const struct xlog_file *f, const struct xlog_row *row)
{
	if (!xlog_select_matches(&cat->select, row))
		return CTL_OK;
	size_t before = cat->out.len;
	if (xlog_row_text(&cat->out, row, cat->format) != 0) {
		cat->out.len = before;
		ctl_say("%s: the row with lsn %" PRIu64 " is no request", f->path,
			row->lsn);
		cat->result = CTL_UNREACHABLE;
		return cat->is_skip ? CTL_OK : CTL_UNREACHABLE;
	}
	return cat->out.len >= OUT_SIZE ? flush(cat) : CTL_OK;
}

/** After a damage: on with the next block, if that is wanted. */
static int skip(struct cat *cat, struct xlog_file *f)
{
	cat->result = CTL_UNREACHABLE;
	return xlog_file_recover(f, cat->is_skip) == 0 ? CTL_OK : CTL_UNREACHABLE;
}

/**
 * All rows there are now.
 * @param ret_is_closed the file has its end marker
 */
static int print_rows(struct cat *cat, struct xlog_file *f, bool *ret_is_closed)
{
	struct xlog_row row;
	int rc = CTL_OK;
	*ret_is_closed = false;
	while (rc == CTL_OK) {
		switch (xlog_file_next(f, &row)) {
		case XLOG_OK:
			rc = print_row(cat, f, &row);
			break;
		case XLOG_BAD:
			rc = skip(cat, f);
			break;
		case XLOG_EOF:
			*ret_is_closed = true;
			return flush(cat);
		case XLOG_MORE:
			if (cat->is_follow || !xlog_file_is_damaged(f))
				return flush(cat);
			rc = skip(cat, f);
			break;
		}
	}
	/* What could not be written once is not tried again. */
	return rc != CTL_FAILED && flush(cat) != CTL_OK ? CTL_FAILED : rc;
}

static int cat_file(struct cat *cat, const char *path)
{
	bool is_closed;
	__attribute__((cleanup(xlog_file_close))) struct xlog_file f;
	if (xlog_file_open(&f, path) != 0) {
		ctl_say("%s", f.error);
		cat->result = CTL_UNREACHABLE;
		return CTL_OK; /* the other files are read */
	}
	cat->has_read = true;
	int rc = print_rows(cat, &f, &is_closed);
	if (rc == CTL_OK && !is_closed)
		xlog_file_note_torn(&f);
	return rc == CTL_UNREACHABLE ? CTL_OK : rc;
}

/** The last file: what is added to it, then the files that come after it. */
static int follow(struct cat *cat, const char *path)
{
	char current[PATH_MAX], next[PATH_MAX];
	int rc = CTL_OK;
	text_set(current, sizeof(current), "%s", path);
	_cleanup_(closefd) int watch_fd = watch_open(current);
	if (watch_fd < 0) {
		ctl_say("Can't watch %s: %s", current, strerror(errno));
		return CTL_UNREACHABLE;
	}
	interrupt_start();
	while (rc == CTL_OK) {
		__attribute__((cleanup(xlog_file_close))) struct xlog_file f;
		if (xlog_file_open(&f, current) != 0) {
			ctl_say("%s", f.error);
			rc = CTL_UNREACHABLE;
			break;
		}
		for (;;) {
			bool is_closed;
			bool has_next = xlog_files_next(current, next);
			rc = print_rows(cat, &f, &is_closed);
			/* Who made a newer file writes to this one no more. */
			if (rc != CTL_OK || has_next)
				break;
			if (watch_wait(watch_fd, DEADLINE_NONE) < 0)
				rc = CTL_INTERRUPTED;
			if (rc != CTL_OK)
				break;
		}
		text_set(current, sizeof(current), "%s", next);
	}
	interrupt_stop();
	return rc;
}

static int run(const struct request *rq)
{
	struct cat cat = {
		.is_follow = request_option(rq, "follow") != NULL,
		.is_skip = request_option(rq, "skip-damaged") != NULL,
	};
	const char *format = request_option(rq, "format");
	struct xlog_files files;
	if (format != NULL)
		cat.format = format[0] == 'j'   ? MPTEXT_JSON
			     : format[0] == 'l' ? MPTEXT_LUA
						: MPTEXT_YAML;
	else
		cat.format = MPTEXT_YAML;
	if (xlog_select_init(&cat.select, rq) != CTL_OK)
		return CTL_USAGE;
	int rc = xlog_files_init(&files, rq->argc, rq->argv) == 0 ? CTL_OK
								  : CTL_UNREACHABLE;
	for (int i = 0; rc == CTL_OK && i < files.count; i++) {
		bool is_last = i == files.count - 1;
		ctl_say("Processing file '%s'", files.paths[i]);
		rc = is_last && cat.is_follow ? follow(&cat, files.paths[i])
					      : cat_file(&cat, files.paths[i]);
	}
	if (rc == CTL_OK && cat.has_read && cat.format == MPTEXT_YAML)
		rc = buf_puts(&cat.out, "...\n") == 0 ? flush(&cat) : CTL_FAILED;
	xlog_files_fini(&files);
	buf_fini(&cat.out);
	return rc != CTL_OK ? rc : cat.result;
}

static const struct verb_option options[] = {
	XLOG_SELECT_OPTIONS,
	{"format", 0, "yaml|json|lua", "how rows are shown (yaml)"},
	{"follow", 'f', NULL,
		"go on with what is added to the last file, and the next ones"},
	{"skip-damaged", 0, NULL, "leave out what is damaged and go on behind it"},
	{NULL},
};

const struct verb verb_row_cat = {
	.name = "cat",
	.args = "FILE...",
	.summary = "Show the rows of .snap and .xlog files",
	.help = "A FILE may be a directory: its .snap and .xlog files, by name. Rows of "
		"system\n"
		"spaces are left out unless they are asked for by --space or "
		"--show-system.\n"
		"A damage is told with its place, exit code 2.",
	.options = options,
	.min_args = 1,
	.max_args = -1,
	.run = run,
};

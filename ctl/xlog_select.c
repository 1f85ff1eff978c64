#include "ctl/xlog_select.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/iproto.h"

/* --- rows --- */

static int parse_number(const char *name, const char *text, uint64_t *ret)
{
	char *end;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0)
		return CTL_OK;
	ctl_say("Bad --%s '%s': a number is expected", name, text);
	return CTL_USAGE;
}

static int parse_lsn(const struct request *rq, const char *name, uint64_t *lsn)
{
	const char *text = request_option(rq, name);
	return text != NULL ? parse_number(name, text, lsn) : CTL_OK;
}

static int parse_list(
	const struct request *rq, const char *name, uint32_t *list, int *count)
{
	const char *text = request_option(rq, name);
	while (text != NULL) {
		char item[32];
		uint64_t value;
		size_t len = strcspn(text, ",");
		if (len >= sizeof(item) || *count == XLOG_SELECT_MAX) {
			ctl_say("Bad --%s '%s': too long", name, text);
			return CTL_USAGE;
		}
		text_set(item, sizeof(item), "%.*s", (int)len, text);
		if (parse_number(name, item, &value) != CTL_OK)
			return CTL_USAGE;
		if (value > UINT32_MAX) {
			ctl_say("Bad --%s '%s': the number is too big", name, item);
			return CTL_USAGE;
		}
		list[(*count)++] = (uint32_t)value;
		text = text[len] != '\0' ? text + len + 1 : NULL;
	}
	return CTL_OK;
}

int xlog_select_init(struct xlog_select *sel, const struct request *rq)
{
	memset(sel, 0, sizeof(*sel));
	sel->to = UINT64_MAX;
	sel->is_system = request_option(rq, "show-system") != NULL;
	if (parse_lsn(rq, "from", &sel->from) != CTL_OK ||
		parse_lsn(rq, "to", &sel->to) != CTL_OK ||
		parse_list(rq, "space", sel->spaces, &sel->space_count) != CTL_OK ||
		parse_list(rq, "replica", sel->replicas, &sel->replica_count) != CTL_OK)
		return CTL_USAGE;
	return CTL_OK;
}

uint32_t xlog_row_space(const struct xlog_row *row)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, row->body, row->body_end);
	if (row->body == row->body_end)
		return 0;
	uint32_t n = mp_read_map(&cur);
	for (uint32_t i = 0; i < n && cur.error == NULL; i++) {
		if (mp_peek(&cur) == MP_UINT && mp_read_uint(&cur) == IPROTO_SPACE_ID)
			return (uint32_t)mp_read_uint(&cur);
		mp_skip(&cur);
	}
	return 0;
}

static bool is_in(const uint32_t *list, int count, uint32_t value)
{
	for (int i = 0; i < count; i++) {
		if (list[i] == value)
			return true;
	}
	return false;
}

bool xlog_select_matches(const struct xlog_select *sel, const struct xlog_row *row)
{
	if (row->lsn < sel->from || row->lsn >= sel->to)
		return false;
	if (sel->replica_count > 0 &&
		!is_in(sel->replicas, sel->replica_count, row->replica_id))
		return false;
	uint32_t space = xlog_row_space(row);
	if (sel->space_count > 0)
		return is_in(sel->spaces, sel->space_count, space);
	/* Rows of no space at all are the system's own too. */
	return sel->is_system || space > XLOG_SYSTEM_SPACE_MAX;
}

/* --- files --- */

static int add(struct xlog_files *files, const char *path)
{
	char **paths =
		reallocarray(files->paths, (size_t)files->count + 1, sizeof(*paths));
	if (paths == NULL)
		return -1;
	files->paths = paths;
	paths[files->count] = strdup(path);
	return paths[files->count] != NULL ? (files->count++, 0) : -1;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);
	return len > n && strcmp(name + len - n, suffix) == 0;
}

static int is_data_file(const struct dirent *entry)
{
	return has_suffix(entry->d_name, ".snap") || has_suffix(entry->d_name, ".xlog");
}

static int is_xlog_file(const struct dirent *entry)
{
	return has_suffix(entry->d_name, ".xlog");
}

static void free_entries(struct dirent **entries, int n)
{
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
}

static int add_directory(struct xlog_files *files, const char *dir)
{
	struct dirent **entries;
	int rc = 0, n = scandir(dir, &entries, is_data_file, alphasort);
	if (n < 0)
		return -1;
	for (int i = 0; i < n && rc == 0; i++) {
		char path[PATH_MAX];
		rc = text_set(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		rc = rc == 0 ? add(files, path) : -1;
	}
	free_entries(entries, n);
	if (rc == 0 && n == 0) {
		errno = ENOENT;
		rc = -1;
	}
	return rc;
}

int xlog_files_init(struct xlog_files *files, int argc, char **argv)
{
	memset(files, 0, sizeof(*files));
	for (int i = 0; i < argc; i++) {
		struct stat st;
		bool is_dir = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);
		if ((is_dir ? add_directory(files, argv[i]) : add(files, argv[i])) == 0)
			continue;
		ctl_say("Can't read %s: %s", argv[i],
			is_dir && errno == ENOENT ? "no .snap and no .xlog file in it"
						  : strerror(errno));
		return -1;
	}
	return 0;
}

void xlog_files_fini(struct xlog_files *files)
{
	for (int i = 0; i < files->count; i++)
		free(files->paths[i]);
	free(files->paths);
}

bool xlog_files_next(const char *path, char next[PATH_MAX])
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	text_set(dir, sizeof(dir), "%.*s", slash != NULL ? (int)(slash - path + 1) : 2,
		slash != NULL ? path : "./");
	struct dirent **entries;
	bool is_found = false;
	int n = scandir(dir, &entries, is_xlog_file, alphasort);
	for (int i = 0; i < n && !is_found; i++) {
		is_found = strcmp(entries[i]->d_name, name) > 0 &&
			   text_set(next, PATH_MAX, "%s%s", dir, entries[i]->d_name) == 0;
	}
	if (n >= 0)
		free_entries(entries, n);
	return is_found;
}

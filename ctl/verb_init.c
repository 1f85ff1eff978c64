/*
 * A new instance: its file, its application, and where there is no configuration at all
 * one of its own. Nothing that exists is overwritten; what was made is taken back when
 * the rest cannot be made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/embedded.h"
#include "ctl/verb.h"

enum { MADE_MAX = 16 };

/* The command in work. */
struct init {
	const char *name;
	char dir[PATH_MAX];            /* the current one */
	char made[MADE_MAX][PATH_MAX]; /* files and directories, in order */
	int made_count;
};

static int fail(const char *what, const char *path)
{
	ctl_say("Can't %s %s: %s", what, path, strerror(errno));
	return CTL_FAILED;
}

static void add_made(struct init *in, const char *path)
{
	if (in->made_count < MADE_MAX)
		text_set(in->made[in->made_count++], PATH_MAX, "%s", path);
}

static void take_back(const struct init *in)
{
	for (int i = in->made_count - 1; i >= 0; i--) {
		if (unlink(in->made[i]) != 0)
			rmdir(in->made[i]);
	}
}

/** The template with @NAME@ and @DIR@ replaced. */
static int expand(const struct init *in, const char *text, struct buf *out)
{
	static const char name[] = "@NAME@", dir[] = "@DIR@";
	while (*text != '\0') {
		size_t n = strcspn(text, "@");
		int rc = buf_append(out, text, n);
		text += n;
		if (strncmp(text, name, strlen(name)) == 0) {
			rc |= buf_puts(out, in->name);
			text += strlen(name);
		} else if (strncmp(text, dir, strlen(dir)) == 0) {
			rc |= buf_puts(out, in->dir);
			text += strlen(dir);
		} else if (*text == '@') {
			rc |= buf_puts(out, "@");
			text++;
		}
		if (rc != 0)
			return -1;
	}
	return 0;
}

static int make_file(struct init *in, const char *path, const char *template)
{
	_cleanup_(buf_fini) struct buf text = {0};
	if (expand(in, template, &text) != 0) {
		errno = ENOMEM;
		return fail("write", path);
	}
	_cleanup_(closefd) int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail("make", path);
	add_made(in, path);
	return fd_write(fd, text.data, text.len) == 0 ? CTL_OK : fail("write", path);
}

static int make_dir(struct init *in, const char *path)
{
	if (mkdir(path, 0755) == 0) {
		add_made(in, path);
		return CTL_OK;
	}
	struct stat st;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return CTL_OK;
	return fail("make", path);
}

/** ./.tarantoolctl and its directories, for who has none. */
static int make_defaults(struct init *in, struct config *cfg)
{
	static const char *const dirs[] = {"run", "log", "data", "instances"};
	char path[PATH_MAX];
	int rc = make_file(in, ".tarantoolctl", init_defaults_lua);
	for (size_t i = 0; i < lengthof(dirs) && rc == CTL_OK; i++)
		rc = make_dir(in, dirs[i]);
	if (rc != CTL_OK)
		return rc;
	text_set(path, sizeof(path), "%s/.tarantoolctl", in->dir);
	ctl_say("Made %s", path);
	config_fini(cfg);
	return config_load(cfg);
}

static int make_instance(struct init *in, const struct config *cfg)
{
	char file[PATH_MAX], dir[PATH_MAX], app[PATH_MAX];
	if (text_set(file, PATH_MAX, "%s/%s.lua", cfg->instance_dir, in->name) != 0 ||
		text_set(dir, PATH_MAX, "%s/%s", cfg->instance_dir, in->name) != 0 ||
		text_set(app, PATH_MAX, "%s/app.lua", dir) != 0) {
		errno = ENAMETOOLONG;
		return fail("make", in->name);
	}
	int rc = make_dir(in, cfg->instance_dir);
	if (rc == CTL_OK)
		rc = make_file(in, file, init_instance_lua);
	if (rc == CTL_OK)
		rc = make_dir(in, dir);
	if (rc == CTL_OK)
		rc = make_file(in, app, init_app_lua);
	if (rc == CTL_OK)
		ctl_say("Made %s\nMade %s\nStart it: ctl start %s", file, app, in->name);
	return rc;
}

static bool is_good_name(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len < INSTANCE_NAME_MAX && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_-.") == len &&
	       strstr(name, ".lua") == NULL;
}

static int run(const struct request *rq)
{
	struct init in = {.name = rq->argv[0]};
	struct config cfg;
	if (!is_good_name(in.name)) {
		ctl_say("Bad instance name '%s': letters, digits, '_', '-' and '.' are "
			"expected",
			in.name);
		return CTL_USAGE;
	}
	int rc = config_load(&cfg);
	if (rc == CTL_OK && getcwd(in.dir, sizeof(in.dir)) == NULL)
		rc = fail("find", "the current directory");
	/* The system's place is root's; others begin with one of their own. */
	if (rc == CTL_OK && !cfg.is_user && access(cfg.instance_dir, W_OK) != 0)
		rc = make_defaults(&in, &cfg);
	if (rc == CTL_OK)
		rc = make_instance(&in, &cfg);
	if (rc != CTL_OK)
		take_back(&in);
	config_fini(&cfg);
	return rc;
}

const struct verb verb_row_init = {
	.name = "init",
	.args = "NAME",
	.summary = "Make a new instance: a commented instance file and application",
	.help = "They go to instance_dir. Where there is no configuration yet, one is "
		"made in "
		"the\ncurrent directory. Nothing is overwritten.",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};

#include "ctl/reload_op.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How long the instance may be silent: user code that does not yield may take its
 * whole time, and then some. */
enum { HOOK_TIMEOUT_MS = 30000, GRACE_MS = 5000 };

/* What an option is called in the op's table, where `--all` and more are taken. */
static const struct {
	const char *option, *key;
} renamed[] = {{"modules", "names"}, {"all-modules", "all"}};

static int add_key(struct buf *args, const char *name)
{
	for (size_t i = 0; i < lengthof(renamed); i++) {
		if (strcmp(name, renamed[i].option) == 0)
			name = renamed[i].key;
	}
	int rc = buf_puts(args, args->len > 1 ? ", \"" : "\"");
	for (const char *p = name; *p != '\0'; p++)
		rc |= buf_append(args, *p == '-' ? "_" : p, 1);
	return rc | buf_puts(args, "\": ");
}

/** A JSON string; bytes that are no UTF-8 (paths, Lua text) pass as they are. */
static int add_bytes(struct buf *args, const char *text, size_t len)
{
	int rc = buf_puts(args, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			rc |= buf_printf(args, "\\%c", c);
		else if (c < 0x20)
			rc |= buf_printf(args, "\\u%04x", c);
		else
			rc |= buf_append(args, text + i, 1);
	}
	return rc | buf_puts(args, "\"");
}

int reload_op_add(struct buf *args, const char *name, const char *text, size_t len)
{
	return add_key(args, name) | add_bytes(args, text, len);
}

static int add_string(struct buf *args, const char *name, const char *value)
{
	return reload_op_add(args, name, value, strlen(value));
}

/** "a,b c" as an array. */
static int add_list(struct buf *args, const char *text)
{
	const char *separators = ", ";
	int rc = buf_puts(args, "[");
	for (bool is_first = true;; is_first = false) {
		text += strspn(text, separators);
		size_t len = strcspn(text, separators);
		if (len == 0)
			break;
		rc |= is_first ? 0 : buf_puts(args, ", ");
		rc |= add_bytes(args, text, len);
		text += len;
	}
	return rc | buf_puts(args, "]");
}

static int add_option(struct buf *args, const struct verb_option *o, const char *value)
{
	int64_t ms = 0;
	int rc = add_key(args, o->name);
	if (o->arg == NULL)
		return rc | buf_puts(args, "true");
	if (strcmp(o->arg, "LIST") == 0)
		return rc | add_list(args, value);
	if (strcmp(o->arg, "N") == 0)
		return rc | buf_puts(args, value);
	if (strcmp(o->arg, "TIME") == 0 && duration_parse(value, &ms) == 0)
		return rc | buf_printf(args, "%.3f", (double)ms / 1000);
	return rc | add_bytes(args, value, strlen(value));
}

static bool is_number(const char *text)
{
	return *text != '\0' && strspn(text, "0123456789") == strlen(text) &&
	       strlen(text) < 10;
}

/** Options that ctl itself sees to. */
static bool is_own(const char *name)
{
	static const char *const names[] = {"json", "watch", "unit"};
	for (size_t i = 0; i < lengthof(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

int reload_op_options(const struct request *rq, struct buf *args)
{
	int rc = buf_puts(args, "{");
	for (int i = 0; rq->verb->options[i].name != NULL; i++) {
		const struct verb_option *o = &rq->verb->options[i];
		if (rq->options[i] == NULL || is_own(o->name))
			continue;
		if (o->arg != NULL && strcmp(o->arg, "N") == 0 &&
			!is_number(rq->options[i])) {
			ctl_say("Bad --%s '%s': a number is expected", o->name,
				rq->options[i]);
			return CTL_USAGE;
		}
		rc |= add_option(args, o, rq->options[i]);
	}
	const struct passwd *pw = getpwuid(getuid());
	rc |= add_string(args, "by", pw != NULL ? pw->pw_name : "ctl");
	rc |= add_string(args, "instance_file", rq->instance->file);
	if (rc == 0)
		return CTL_OK;
	ctl_say("Out of memory");
	return CTL_FAILED;
}

/** Lines for people, without the last line's end. */
static void say_text(const char *text, uint32_t len)
{
	while (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0)
		ctl_say("%.*s", (int)len, text);
}

static void print_outcome(const struct request *rq, const struct reload_call *rc)
{
	const char *name = rq->instance->name;
	_cleanup_(buf_fini) struct buf out = {0};
	if (rc->format == RELOAD_JSON && rc->out_len > 1 && rc->out[0] == '{') {
		buf_puts(&out, "{\"instance\":");
		json_string(&out, name, strlen(name));
		buf_puts(&out, rc->out[1] == '}' ? "" : ",");
		utf8_append(&out, rc->out + 1, rc->out_len - 1);
		buf_puts(&out, "\n");
	} else {
		if (rq->is_one_of_many && rc->out_len > 0)
			buf_printf(
				&out, rc->format == RELOAD_ROW ? "%s: " : "# %s\n", name);
		buf_append(&out, rc->out, rc->out_len);
	}
	if (out.len > 0)
		fwrite(out.data, 1, out.len, stdout);
	ctl_flush();
	say_text(rc->message, rc->message_len);
}

int reload_op_finish(const struct request *rq, struct reload_call *rc)
{
	rc->silence_ms = request_duration(rq, "hook-timeout", HOOK_TIMEOUT_MS) + GRACE_MS;
	int code = reload_call_run(rc);
	if (code != CTL_OK)
		return code;
	print_outcome(rq, rc);
	return rc->exit;
}

enum reload_format reload_op_format(const struct request *rq, enum reload_format of_many)
{
	if (request_option(rq, "json") != NULL)
		return RELOAD_JSON;
	return rq->is_one_of_many ? of_many : RELOAD_TEXT;
}

int reload_op_run(const struct request *rq, const char *op, enum reload_format of_many)
{
	struct reload_call rc = {.instance = rq->instance, .op = op};
	rc.format = reload_op_format(rq, of_many);
	int code = reload_op_options(rq, &rc.args);
	if (code == CTL_OK) {
		buf_puts(&rc.args, "}");
		code = reload_op_finish(rq, &rc);
	}
	reload_call_fini(&rc);
	return code;
}

static bool is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/** A file, and no instance is called so. */
static bool is_other_file(const struct config *cfg, const char *arg)
{
	char path[PATH_MAX], real[2][PATH_MAX];
	const char *base = strrchr(arg, '/') != NULL ? strrchr(arg, '/') + 1 : arg;
	size_t len = strlen(base);
	if (len <= 4 || strcmp(base + len - 4, ".lua") != 0 || !is_file(arg))
		return false;
	static const char *const suffixes[] = {"control", "pid"};
	for (size_t i = 0; i < lengthof(suffixes); i++) {
		if (text_set(path, sizeof(path), "%s/%.*s.%s", cfg->run_dir, (int)len - 4,
			    base, suffixes[i]) == 0 &&
			access(path, F_OK) == 0)
			return false;
	}
	if (text_set(path, sizeof(path), "%s/%s", cfg->instance_dir, base) != 0)
		return true;
	return realpath(path, real[0]) == NULL || realpath(arg, real[1]) == NULL ||
	       (strchr(arg, '/') != NULL && strcmp(real[0], real[1]) != 0);
}

int reload_op_check_args(const struct config *cfg, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!is_other_file(cfg, argv[i]))
			continue;
		if (i == 0)
			ctl_say("'%s' is a file, not an instance", argv[i]);
		else
			ctl_say("'%s' is a file, not an instance; did you mean "
				"'ctl eval %s %s'?",
				argv[i], argv[0], argv[i]);
		return CTL_USAGE;
	}
	return CTL_OK;
}

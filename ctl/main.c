/* ctl: the admin tool. Dispatch over the table of verbs. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/fanout.h"
#include "ctl/verb.h"

#define X(name) &verb_row_##name,
const struct verb *const verbs[] = {VERB_LIST(X) NULL};
#undef X

enum { OPTION_BASE = 1000, OPTION_HELP = 999, OPTION_ALL = 998 };

/* The command line of one verb, taken apart. Points into argv. */
struct command_line {
	int argc;
	char **argv; /* positional ones; owned */
	int rest_argc;
	char **rest_argv;
	bool is_all;
	bool is_help;
	const char *options[VERB_OPTION_MAX];
	char *joined[VERB_OPTION_MAX]; /* of options given again and again; owned */
};

const struct verb *verb_find(const char *name)
{
	for (int i = 0; verbs[i] != NULL; i++) {
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	}
	return NULL;
}

const char *request_option(const struct request *rq, const char *name)
{
	const struct verb_option *options = rq->verb->options;
	for (int i = 0; options != NULL && options[i].name != NULL; i++) {
		if (strcmp(options[i].name, name) == 0)
			return rq->options[i];
	}
	return NULL;
}

int64_t request_duration(const struct request *rq, const char *name, int64_t def_ms)
{
	const char *text = request_option(rq, name);
	int64_t value = def_ms;
	if (text != NULL)
		duration_parse(text, &value); /* was checked when it was read */
	return value;
}

/** How many edits make b of a; names are short. */
static int edit_distance(const char *a, const char *b)
{
	int row[64];
	int width = (int)strlen(b);
	if (width >= (int)lengthof(row))
		return width;
	for (int j = 0; j <= width; j++)
		row[j] = j;
	for (int i = 1; a[i - 1] != '\0'; i++) {
		int diagonal = row[0];
		row[0] = i;
		for (int j = 1; j <= width; j++) {
			int best = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[width];
}

static int unknown_command(const char *name)
{
	const struct verb *best = NULL;
	int best_distance = 3;
	for (int i = 0; verbs[i] != NULL; i++) {
		int distance = edit_distance(name, verbs[i]->name);
		if (distance < best_distance) {
			best_distance = distance;
			best = verbs[i];
		}
	}
	if (best != NULL)
		ctl_say("Unknown command '%s'. Did you mean '%s'?", name, best->name);
	else
		ctl_say("Unknown command '%s'. 'ctl help' lists the commands.", name);
	return CTL_USAGE;
}

/** The getopt tables of a verb. */
static void make_getopt(const struct verb *verb, struct option *longs, char *shorts)
{
	int n = 0;
	char *s = shorts;
	*s++ = '-'; /* positional ones come as option 1, in order: `--` is found */
	*s++ = 'h';
	for (const struct verb_option *o = verb->options; o != NULL && o->name != NULL;
		o++) {
		int has_arg = o->arg != NULL ? required_argument : no_argument;
		longs[n] = (struct option){o->name, has_arg, NULL, OPTION_BASE + n};
		n++;
		if (o->key != '\0') {
			*s++ = o->key;
			if (o->arg != NULL)
				*s++ = ':';
		}
	}
	longs[n++] = (struct option){"help", no_argument, NULL, OPTION_HELP};
	if (verb->flags & VERB_INSTANCES)
		longs[n++] = (struct option){"all", no_argument, NULL, OPTION_ALL};
	longs[n] = (struct option){0};
	*s = '\0';
}

static int option_row(const struct verb *verb, int c)
{
	if (c >= OPTION_BASE)
		return c - OPTION_BASE;
	for (int i = 0; verb->options != NULL && verb->options[i].name != NULL; i++) {
		if (verb->options[i].key == c)
			return i;
	}
	return -1;
}

/** Is the value one of `a|b|c`? */
static bool is_one_of(const char *choices, const char *value)
{
	size_t len = strlen(value);
	for (const char *p = choices; p != NULL; p = strchr(p, '|')) {
		p += *p == '|';
		if (strncmp(p, value, len) == 0 && (p[len] == '|' || p[len] == '\0'))
			return len > 0;
	}
	return false;
}

static int set_option(
	const struct verb *verb, int row, const char *value, struct command_line *cl)
{
	const struct verb_option *o = &verb->options[row];
	int64_t ms;
	if (o->arg != NULL && strcmp(o->arg, "TIME") == 0 &&
		duration_parse(value, &ms) != 0) {
		ctl_say("Bad --%s '%s': a time such as 500ms, 5s or 2m is expected",
			o->name, value);
		return CTL_USAGE;
	}
	if (o->arg != NULL && strchr(o->arg, '|') != NULL && !is_one_of(o->arg, value)) {
		ctl_say("Bad --%s '%s': should be one of %s", o->name, value, o->arg);
		return CTL_USAGE;
	}
	if (o->arg == NULL) {
		cl->options[row] = "";
	} else if (cl->options[row] != NULL && strstr(o->arg, "...") != NULL) {
		char *joined;
		if (asprintf(&joined, "%s,%s", cl->options[row], value) < 0) {
			ctl_say("Out of memory");
			return CTL_FAILED;
		}
		free(cl->joined[row]);
		cl->options[row] = cl->joined[row] = joined;
	} else {
		cl->options[row] = value;
	}
	return CTL_OK;
}

static int parse(const struct verb *verb, int argc, char **argv, struct command_line *cl)
{
	struct option longs[VERB_OPTION_MAX + 3];
	char shorts[2 * VERB_OPTION_MAX + 4];
	make_getopt(verb, longs, shorts);
	cl->argv = calloc((size_t)argc + 1, sizeof(*cl->argv));
	if (cl->argv == NULL) {
		ctl_say("Out of memory");
		return CTL_FAILED;
	}
	int c;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int rc = CTL_OK;
		if (c == 1)
			cl->argv[cl->argc++] = optarg;
		else if (c == OPTION_HELP || c == 'h')
			cl->is_help = true;
		else if (c == OPTION_ALL)
			cl->is_all = true;
		else if (c == '?')
			rc = CTL_USAGE; /* getopt said what is wrong */
		else
			rc = set_option(verb, option_row(verb, c), optarg, cl);
		if (rc != CTL_OK)
			return rc;
	}
	cl->rest_argc = argc - optind;
	cl->rest_argv = argv + optind;
	return CTL_OK;
}

static int check_count(const struct verb *verb, const struct command_line *cl)
{
	int count = cl->argc + (cl->is_all && cl->argc == 0);
	if (count < verb->min_args) {
		ctl_say("Not enough arguments for '%s' command", verb->name);
	} else if (verb->max_args >= 0 && count > verb->max_args) {
		ctl_say("Too many arguments for '%s' command: '%s'", verb->name,
			cl->argv[verb->max_args]);
	} else {
		return CTL_OK;
	}
	verb_help(verb, false);
	return CTL_USAGE;
}

static int resolve_one(const struct verb *verb, const struct config *cfg, const char *arg,
	struct instance_list *list)
{
	if (!instance_is_socket(arg))
		return instance_resolve(cfg, arg, verb->flags & VERB_NEEDS_FILE, list);
	if (verb->flags & VERB_SOCKET)
		return instance_resolve_socket(arg, list);
	ctl_say("'%s' needs an instance of the configuration, not a socket: %s",
		verb->name, arg);
	return CTL_USAGE;
}

/** Turn the instance arguments of the command into instances. */
static int resolve(const struct verb *verb, const struct config *cfg,
	const struct command_line *cl, struct instance_list *list)
{
	int result = CTL_OK;
	int count = verb->flags & VERB_INSTANCES ? cl->argc : 1;
	if (cl->is_all)
		return instance_resolve_all(cfg, list);
	for (int i = 0; i < count; i++) {
		int rc = resolve_one(verb, cfg, cl->argv[i], list);
		result = exit_code_merge(result, rc);
	}
	if (result == CTL_OK && (verb->flags & VERB_INTERACTIVE) && list->count > 1) {
		ctl_say("'%s' works on one instance, '%s' matches %d", verb->name,
			cl->argv[0], list->count);
		return CTL_USAGE;
	}
	return result;
}

/** Sockets are all that it names: what the configuration says of instances is not needed.
 */
static bool names_only_sockets(const struct verb *verb, const struct command_line *cl)
{
	int count = verb->flags & VERB_INSTANCES ? cl->argc : 1;
	if (cl->is_all || !(verb->flags & VERB_SOCKET))
		return false;
	for (int i = 0; i < count; i++) {
		if (!instance_is_socket(cl->argv[i]))
			return false;
	}
	return true;
}

static int run_on_instances(const struct verb *verb, const struct command_line *cl)
{
	struct config cfg;
	struct instance_list list = {0};
	int rc = config_load(&cfg);
	if (rc == CTL_OK && !names_only_sockets(verb, cl))
		rc = config_check_instances(&cfg);
	struct request rq = {.verb = verb,
		.config = &cfg,
		.argc = cl->argc,
		.argv = cl->argv,
		.rest_argc = cl->rest_argc,
		.rest_argv = cl->rest_argv};
	memcpy(rq.options, cl->options, sizeof(rq.options));
	if (rc == CTL_OK && (verb->flags & VERB_CONFIG)) {
		rc = verb->run(&rq);
	} else if (rc == CTL_OK && verb->check_args != NULL &&
		   (rc = verb->check_args(&cfg, cl->argc, cl->argv)) != CTL_OK) {
		; /* it said what is wrong */
	} else if (rc == CTL_OK) {
		int used = verb->flags & VERB_INSTANCES ? cl->argc : 1;
		rq.argc -= used;
		rq.argv += used;
		/* What could not be resolved does not stop the rest. */
		rc = resolve(verb, &cfg, cl, &list);
		if (rc != CTL_USAGE)
			rc = exit_code_merge(rc, verb->run_all != NULL
							 ? verb->run_all(&rq, &list)
							 : fanout_run(&rq, &list));
	}
	instance_list_fini(&list);
	config_fini(&cfg);
	return rc;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	struct command_line cl = {0};
	int rc = parse(verb, argc, argv, &cl);
	if (rc == CTL_OK && cl.is_help) {
		verb_help(verb, true);
	} else if (rc == CTL_OK && (rc = check_count(verb, &cl)) == CTL_OK) {
		if (verb->flags & (VERB_INSTANCE | VERB_INSTANCES | VERB_CONFIG)) {
			rc = run_on_instances(verb, &cl);
		} else {
			struct request rq = {.verb = verb,
				.argc = cl.argc,
				.argv = cl.argv,
				.rest_argc = cl.rest_argc,
				.rest_argv = cl.rest_argv};
			memcpy(rq.options, cl.options, sizeof(rq.options));
			rc = verb->run(&rq);
		}
	}
	free(cl.argv);
	for (int i = 0; i < VERB_OPTION_MAX; i++)
		free(cl.joined[i]);
	/* When the reader of a pipe has gone, that has been said. */
	if (rc == CTL_INTERRUPTED)
		return rc;
	int flushed = ctl_flush();
	return rc != CTL_OK ? rc : flushed;
}

/**
 * Who started us may have closed stdin, stdout or stderr: then a socket would get that
 * number, and be sent what is meant for people. A result that nobody gets is an error.
 */
static void hold_std_fds(void)
{
	static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(CTL_FAILED);
	}
}

int main(int argc, char **argv)
{
	hold_std_fds();
	if (argc < 2) {
		verb_help(NULL, false);
		return CTL_USAGE;
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0 || strcmp(name, "-v") == 0 ||
		 strcmp(name, "-V") == 0)
		name = "version";
	const struct verb *verb = verb_find(name);
	if (verb == NULL)
		return unknown_command(argv[1]);
	char title[64];
	text_set(title, sizeof(title), "ctl %s", verb->name);
	argv[1] = title; /* getopt's messages begin with it */
	return run_verb(verb, argc - 1, argv + 1);
}

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/child.h"
#include "ctl/console_inner.h"

/* A row: `rest` is what stands behind the word, without the blanks around it. */
struct command {
	const char *word; /* may be cut short; the first that fits is taken */
	const char *args, *help;
	const char *const *values; /* of the argument, NULL: anything */
	void (*run)(struct console *con, const char *rest);
};

static void complain(const struct console *con, const char *what, const char *arg)
{
	printf("%s---\n- error: '%s%s'\n...\n%s\n", style_on(STYLE_ERROR), what, arg,
		style_off());
}

/* --- \help, \quit, \set, \timing, \log --- */

static void run_help(struct console *con, const char *rest);

static void run_quit(struct console *con, const char *rest)
{
	con->is_over = true;
}

static void run_set(struct console *con, const char *rest)
{
	char name[256], value[256] = "";
	size_t n = strcspn(rest, " \t");
	const char *from = rest + n + strspn(rest + n, " \t");
	if (text_set(name, sizeof(name), "%.*s", (int)n, rest) != 0 ||
		text_set(value, sizeof(value), "%.*s", (int)strcspn(from, " \t"), from) !=
			0) {
		complain(con, "The command is too long", "");
		return;
	}
	console_set_run(&con->set, name, value);
}

static void run_timing(struct console *con, const char *rest)
{
	if (strcmp(rest, "on") == 0 || strcmp(rest, "off") == 0)
		con->set.is_timed = strcmp(rest, "on") == 0;
	else if (rest[0] != '\0')
		return complain(con, "\\timing is on or off, not ", rest);
	printf("---\n- timing: %s\n...\n\n", con->set.is_timed ? "on" : "off");
}

static void run_log(struct console *con, const char *rest)
{
	if (strcmp(rest, "on") == 0)
		return console_log_open(con);
	if (strcmp(rest, "off") == 0)
		console_log_close(&con->log);
	else if (rest[0] != '\0')
		return complain(con, "\\log is on or off, not ", rest);
	printf("---\n- log: %s\n...\n\n", con->log.fd >= 0 ? "on" : "off");
}

/* --- \sh, \edit --- */

/** Only who has a terminal can lend it. */
static bool has_terminal(const struct console *con, const char *word)
{
	if (edit_is_interactive(con->edit))
		return true;
	complain(con, word, " needs a terminal");
	return false;
}

static void say_status(int status, const char *what)
{
	if (status < 0)
		printf("%sCan't run %s: %s%s\n", style_on(STYLE_ERROR), what,
			strerror(errno), style_off());
	else if (status > 128)
		printf("%s%s was ended by signal %d%s\n", style_on(STYLE_WARNING), what,
			status - 128, style_off());
	else if (status > 0)
		printf("%s%s: exit code %d%s\n", style_on(STYLE_WARNING), what, status,
			style_off());
}

static void run_sh(struct console *con, const char *rest)
{
	if (has_terminal(con, "\\sh"))
		say_status(child_run(rest[0] != '\0' ? rest : "exec \"${SHELL:-sh}\"",
				   NULL, 0),
			rest[0] != '\0' ? rest : "the shell");
}

/** Write the statement to a new file. @return 0, or -1 with errno set */
static int write_statement(const struct console *con, char *path, size_t size)
{
	const char *dir = getenv("TMPDIR");
	bool is_sql = strcmp(con->set.language, "sql") == 0;
	if (text_set(path, size, "%s/ctl-XXXXXX.%s",
		    dir != NULL && dir[0] != '\0' ? dir : "/tmp",
		    is_sql ? "sql" : "lua") != 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	_cleanup_(closefd) int fd = mkostemps(path, 4, O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fd_write(fd, con->last.data, con->last.len) == 0 &&
		(con->last.len == 0 || fd_write(fd, "\n", 1) == 0))
		return 0;
	int saved = errno;
	unlink(path);
	errno = saved;
	return -1;
}

/** Let the user edit the file. @return 0, or -1 after saying why it came to nothing */
static int edit_file(const char *path, struct buf *out)
{
	const char *editor = getenv("VISUAL");
	char command[1024];
	if (editor == NULL || editor[0] == '\0')
		editor = getenv("EDITOR");
	if (editor == NULL || editor[0] == '\0')
		editor = "vi";
	if (text_set(command, sizeof(command), "%s \"$CTL_EDIT_FILE\"", editor) != 0) {
		puts("The value of EDITOR is too long.");
		return -1;
	}
	setenv("CTL_EDIT_FILE", path, 1);
	int status = child_run(command, NULL, 0);
	unsetenv("CTL_EDIT_FILE");
	if (status != 0) {
		say_status(status, editor);
		puts("Nothing was run.");
		return -1;
	}
	if (file_read(path, out) != 0) {
		printf("%s: %s\n", path, strerror(errno));
		return -1;
	}
	while (out->len > 0 && strchr(" \t\n", out->data[out->len - 1]) != NULL)
		out->len--;
	return 0;
}

static void run_edited(struct console *con, struct buf *text)
{
	if (text->len == 0) {
		puts("There is no text: nothing was run.");
	} else if (text->len == con->last.len &&
		   memcmp(text->data, con->last.data, text->len) == 0) {
		puts("The text is as it was: nothing was run.");
	} else if (buf_append(text, "", 1) == 0) {
		printf("%s%s%s\n", style_on(STYLE_DIM), text->data, style_off());
		edit_remember(con->edit, text->data);
		console_run_statement(con, text->data, text->len - 1);
	}
}

static void run_edit(struct console *con, const char *rest)
{
	char path[4096];
	_cleanup_(buf_fini) struct buf text = {0};
	if (rest[0] != '\0')
		return complain(con, "\\edit takes no argument: ", rest);
	if (!has_terminal(con, "\\edit"))
		return;
	if (write_statement(con, path, sizeof(path)) != 0) {
		printf("Can't make a file to edit: %s\n", strerror(errno));
		return;
	}
	int rc = edit_file(path, &text);
	unlink(path);
	if (rc == 0)
		run_edited(con, &text);
}

/* --- all of them --- */

static const char *const switches[] = {"off", "on", NULL};

static const struct command commands[] = {
	{"\\set", NULL, NULL, NULL, run_set}, /* console_set.c has its lines */
	{"\\sh", "[<command>]", "run a command of the shell here", NULL, run_sh},
	{"\\edit", "", "edit the last statement by $EDITOR and run it", NULL, run_edit},
	{"\\timing", "[<on|off>]", "tell how long each statement takes", switches,
		run_timing},
	{"\\log", "[<on|off>]", "show the log of the instance here", switches, run_log},
	{"\\help", "", "show this screen", NULL, run_help},
	{"\\quit", "", "quit interactive console", NULL, run_quit},
};

static void run_help(struct console *con, const char *rest)
{
	_cleanup_(buf_fini) struct buf out = {0};
	buf_puts(&out, "---\n"
		       "- - |\n"
		       "    An expression or a statement is run in the instance; one "
		       "that is not "
		       "whole\n"
		       "    goes on in the next line. Tab completes, Ctrl-R searches the "
		       "history, Ctrl-C\n"
		       "    clears the line or interrupts the running statement, Ctrl-D "
		       "ends the "
		       "console.\n"
		       "\n"
		       "    Available backslash commands:\n"
		       "\n");
	for (size_t i = 0; i < lengthof(commands); i++) {
		const struct command *cmd = &commands[i];
		char text[64];
		if (cmd->help == NULL) {
			console_set_help(&out);
			continue;
		}
		text_set(text, sizeof(text), "%s %s", cmd->word, cmd->args);
		buf_printf(&out, "      %-26s -- %s\n", text, cmd->help);
	}
	buf_puts(&out, "...\n\n");
	fwrite(out.data, 1, out.len, stdout);
}

static const struct command *find(const char *word, size_t len)
{
	for (size_t i = 0; len >= 2 && i < lengthof(commands); i++) {
		if (strncmp(commands[i].word, word, len) == 0)
			return &commands[i];
	}
	return NULL;
}

void console_command(struct console *con, const char *line)
{
	size_t len = strcspn(line, " \t;");
	const struct command *cmd = find(line, len);
	const char *from = line + len + strspn(line + len, " \t;");
	char *rest = strdup(from);
	for (size_t n = rest != NULL ? strlen(rest) : 0;
		n > 0 && strchr(" \t", rest[n - 1]) != NULL; n--)
		rest[n - 1] = '\0';
	if (rest == NULL) {
		console_end(con, CTL_FAILED, "Out of memory");
	} else if (len == 1) {
		run_help(con, "");
	} else if (cmd == NULL) {
		char word[128];
		text_set(word, sizeof(word), "%.*s", (int)len, line);
		strncat(word, ". Type \\help for help.", sizeof(word) - strlen(word) - 1);
		complain(con, "Invalid command ", word);
	} else {
		cmd->run(con, rest);
	}
	fflush(stdout);
	free(rest);
}

void console_command_complete(
	const char *line, size_t start, size_t end, struct edit_words *words)
{
	const char *names[lengthof(commands) + 1] = {NULL};
	const char *const *list = NULL;
	char before[256];
	size_t skip = 0;
	if (text_set(before, sizeof(before), "%.*s", (int)start, line) != 0)
		return;
	char *rest, *word = strtok_r(before, " \t", &rest);
	char *name = strtok_r(NULL, " \t", &rest);
	const struct command *cmd = word != NULL ? find(word, strlen(word)) : NULL;
	if (start == 1) {
		for (size_t i = 0; i < lengthof(commands); i++)
			names[i] = commands[i].word;
		list = names; /* the word begins behind the backslash */
		skip = 1;
	} else if (cmd != NULL && cmd->run == run_set) {
		list = console_set_words(name != NULL ? name : "");
	} else if (cmd != NULL && name == NULL) {
		list = cmd->values;
	}
	edit_words_add(words, line + start, end - start);
	for (; list != NULL && *list != NULL; list++) {
		const char *item = *list + skip;
		if (strncmp(item, line + start, end - start) == 0)
			edit_words_add(words, item, strlen(item));
	}
	/* One alone is the common prefix. */
	if (words->count == 2) {
		char *first = words->items[0];
		words->items[0] = words->items[1];
		words->items[1] = first;
	}
}

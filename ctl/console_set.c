#include "ctl/console_set.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/edit.h"

static const char help_text[] =
	"---\n"
	"- - |\n"
	"    An expression or a statement is run in the instance; one that is not whole\n"
	"    goes on in the next line. Tab completes, Ctrl-C clears the line or "
	"interrupts\n"
	"    the running statement, Ctrl-D ends the console.\n"
	"\n"
	"    Available backslash commands:\n"
	"\n"
	"      \\set language <language>   -- set language (lua or sql)\n"
	"      \\set output <format>       -- set output format (yaml, lua, json or "
	"table)\n"
	"      \\set delimiter <delimiter> -- set expression delimiter\n"
	"      \\help                      -- show this screen\n"
	"      \\quit                      -- quit interactive console\n"
	"...\n\n";

static const char *const commands[] = {"\\help", "\\quit", "\\set", NULL};
static const char *const parameters[] = {"delimiter", "language", "output", NULL};
static const char *const outputs[] = {"json", "lua", "table", "yaml", NULL};
static const char *const languages[] = {"lua", "sql", NULL};

void console_set_init(struct console_settings *set, const char *language)
{
	strcpy(set->output, "yaml");
	text_set(set->language, sizeof(set->language), "%s", language);
	set->delimiter[0] = '\0';
}

const char *console_set_format(const struct console_settings *set)
{
	return strcmp(set->output, "json") == 0 ? "json_lines" : set->output;
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list != NULL; list++) {
		if (strcmp(word, *list) == 0)
			return true;
	}
	return false;
}

static void print_error(const char *fmt, const char *arg)
{
	printf("---\n- error: '");
	printf(fmt, arg);
	printf("'\n...\n\n");
}

static void set_choice(char *out, size_t size, const char *value, const char *const *list,
	const char *current_name, const char *bad)
{
	if (value[0] == '\0') {
		printf("---\n- %s: %s\n...\n\n", current_name, out);
	} else if (!is_one_of(value, list)) {
		print_error(bad, value);
	} else {
		text_set(out, size, "%s", value);
		printf("---\n- true\n...\n\n");
	}
}

static void set_delimiter(struct console_settings *set, const char *value)
{
	if (text_set(set->delimiter, sizeof(set->delimiter), "%s", value) != 0)
		print_error("The delimiter is too long: %s", value);
	else
		printf("---\n...\n\n");
}

/** `\set NAME VALUE`; a name may be cut short. */
static void run_set(struct console_settings *set, char *name, char *value)
{
	size_t n = strlen(name);
	if (n == 0)
		print_error("Set what? %s", "delimiter, language or output");
	else if (strncmp("output", name, n) == 0)
		set_choice(set->output, sizeof(set->output), value, outputs, "output",
			"Invalid format \"%s\", supported: yaml, lua, json and table.");
	else if (strncmp("language", name, n) == 0)
		set_choice(set->language, sizeof(set->language), value, languages,
			"language",
			"Invalid language \"%s\", supported languages: lua and sql.");
	else if (strncmp("delimiter", name, n) == 0)
		set_delimiter(set, value);
	else
		print_error("Unknown parameter: %s", name);
}

static bool is_command(const char *word, const char *command)
{
	return strlen(word) >= 2 && strncmp(command, word, strlen(word)) == 0;
}

bool console_set_command(struct console_settings *set, const char *line)
{
	char copy[256];
	if (text_set(copy, sizeof(copy), "%s", line) != 0) {
		print_error("The command is too long%s", "");
		return false;
	}
	char *rest, *word = strtok_r(copy, " \t;", &rest);
	char *name = strtok_r(NULL, " \t", &rest);
	char *value = strtok_r(NULL, " \t", &rest);
	bool is_over = false;
	if (word == NULL || is_command(word, "\\help") || strcmp(word, "\\") == 0)
		fputs(help_text, stdout);
	else if (is_command(word, "\\quit"))
		is_over = true;
	else if (is_command(word, "\\set"))
		run_set(set, name != NULL ? name : "", value != NULL ? value : "");
	else
		print_error("Invalid command %s. Type \\help for help.", word);
	fflush(stdout);
	return is_over;
}

void console_set_complete(
	const char *line, size_t start, size_t end, struct edit_words *words)
{
	const char *const *list = NULL;
	char before[256];
	size_t skip = 0;
	if (text_set(before, sizeof(before), "%.*s", (int)start, line) != 0)
		return;
	char *rest, *word = strtok_r(before, " \t", &rest);
	char *name = strtok_r(NULL, " \t", &rest);
	if (start == 1 && line[0] == '\\') {
		list = commands; /* the word begins behind the backslash */
		skip = 1;
	} else if (word != NULL && is_command(word, "\\set") && name == NULL) {
		list = parameters;
	} else if (name != NULL && strncmp("output", name, strlen(name)) == 0) {
		list = outputs;
	} else if (name != NULL && strncmp("language", name, strlen(name)) == 0) {
		list = languages;
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

#include "ctl/console_set.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "proto/buf.h"

static const char *const outputs[] = {"json", "lua", "table", "vertical", "yaml", NULL};
static const char *const languages[] = {"lua", "sql", NULL};
static const char *const switches[] = {"off", "on", NULL};
static const char *const transactions[] = {"live", "together", NULL};

/* In this order a name that was cut short is looked for. */
static const struct parameter {
	const char *name;
	const char *const *values; /* NULL: any */
	const char *args, *help;
	const char *bad; /* format of what is said of another value */
} parameters[] = {
	{"language", languages, "<language>", "set language (lua or sql)",
		"Invalid language \"%s\", supported languages: lua and sql."},
	{"output", outputs, "<format>",
		"set output format (yaml, lua, json, table or vertical)",
		"Invalid format \"%s\", supported: yaml, lua, json, table and vertical."},
	{"delimiter", NULL, "<delimiter>", "set expression delimiter",
		"The delimiter is too long: %s"},
	{"pager", switches, "<on|off>", "show long results by $PAGER, or less (on)",
		"Invalid value \"%s\", supported: on and off."},
	{"transaction", transactions, "<when>",
		"box.begin() to box.commit() run together, or live",
		"Invalid value \"%s\", supported: together and live."},
};

void console_set_init(struct console_settings *set, const char *language)
{
	*set = (struct console_settings){.is_paged = true};
	strcpy(set->output, "yaml");
	text_set(set->language, sizeof(set->language), "%s", language);
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

static __attribute__((format(printf, 1, 0))) void print_error(
	const char *fmt, const char *arg)
{
	printf("---\n- error: '");
	printf(fmt, arg);
	printf("'\n...\n\n");
}

static const struct parameter *find(const char *name)
{
	for (size_t i = 0; name[0] != '\0' && i < lengthof(parameters); i++) {
		if (strncmp(parameters[i].name, name, strlen(name)) == 0)
			return &parameters[i];
	}
	return NULL;
}

static const char *current(
	const struct console_settings *set, const struct parameter *param)
{
	switch (param->name[0]) {
	case 'l':
		return set->language;
	case 'o':
		return set->output;
	case 'p':
		return set->is_paged ? "on" : "off";
	case 't':
		return set->is_live ? "live" : "together";
	default:
		return set->delimiter;
	}
}

/** @return 0, or -1 when it does not fit */
static int assign(
	struct console_settings *set, const struct parameter *param, const char *value)
{
	switch (param->name[0]) {
	case 'l':
		return text_set(set->language, sizeof(set->language), "%s", value);
	case 'o':
		return text_set(set->output, sizeof(set->output), "%s", value);
	case 'p':
		set->is_paged = strcmp(value, "on") == 0;
		return 0;
	case 't':
		set->is_live = strcmp(value, "live") == 0;
		return 0;
	default:
		if (strlen(value) >= sizeof(set->delimiter))
			return -1;
		return text_set(set->delimiter, sizeof(set->delimiter), "%s", value);
	}
}

void console_set_run(struct console_settings *set, const char *name, const char *value)
{
	const struct parameter *param = find(name);
	if (name[0] == '\0')
		print_error("Set what? %s",
			"language, output, delimiter, pager or transaction");
	else if (param == NULL)
		print_error("Unknown parameter: %s", name);
	else if (value[0] == '\0' && param->values != NULL)
		printf("---\n- %s: %s\n...\n\n", param->name, current(set, param));
	else if ((param->values != NULL && !is_one_of(value, param->values)) ||
		 assign(set, param, value) != 0)
		print_error(param->bad, value);
	else
		fputs(param->values != NULL ? "---\n- true\n...\n\n" : "---\n...\n\n",
			stdout);
}

const char *const *console_set_words(const char *name)
{
	static const char *names[lengthof(parameters) + 1];
	const struct parameter *param = find(name);
	if (name[0] != '\0')
		return param != NULL ? param->values : NULL;
	for (size_t i = 0; i < lengthof(parameters); i++)
		names[i] = parameters[i].name;
	return names;
}

void console_set_help(struct buf *out)
{
	for (size_t i = 0; i < lengthof(parameters); i++) {
		char text[64];
		text_set(text, sizeof(text), "\\set %s %s", parameters[i].name,
			parameters[i].args);
		buf_printf(out, "      %-26s -- %s\n", text, parameters[i].help);
	}
}

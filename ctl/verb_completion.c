/*
 * Completion in shells. A shell's part only asks `ctl completion words -- WORD...`,
 * whose last word is the one at the cursor, for candidates: a line each, the word and
 * what it is, with a tab between them. `:files` alone: complete names of files.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/verb.h"

static const char bash_text[] =
	"_ctl() {\n"
	"	local line cur=${COMP_WORDS[COMP_CWORD]}\n"
	"	COMPREPLY=()\n"
	"	while IFS= read -r line; do\n"
	"		if [ \"$line\" = :files ]; then\n"
	"			compopt -o default 2>/dev/null\n"
	"		elif [ \"${line:0:${#cur}}\" = \"$cur\" ]; then\n"
	"			COMPREPLY+=(\"${line%%$'\\t'*}\")\n"
	"		fi\n"
	"	done < <(\"$1\" completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" "
	"2>/dev/null)\n"
	"}\n"
	"complete -F _ctl ctl\n";

static const char zsh_text[] =
	"#compdef ctl\n"
	"_ctl() {\n"
	"	local line\n"
	"	local -a candidates\n"
	"	for line in \"${(@f)$(\"$words[1]\" completion words -- "
	"\"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
	"		if [[ $line = :files ]]; then\n"
	"			_files\n"
	"		elif [[ -n $line ]]; then\n"
	"			"
	"candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
	"		fi\n"
	"	done\n"
	"	(( $#candidates )) && _describe -V ctl candidates\n"
	"}\n"
	"if [[ $funcstack[1] = _ctl ]]; then\n"
	"	_ctl \"$@\"\n"
	"else\n"
	"	compdef _ctl ctl\n"
	"fi\n";

static const char fish_text[] =
	"function __ctl_words\n"
	"	set -l words (commandline -opc) (commandline -ct)\n"
	"	for line in ($words[1] completion words -- $words[2..-1] 2>/dev/null)\n"
	"		if test \"$line\" = :files\n"
	"			__fish_complete_path (commandline -ct)\n"
	"		else\n"
	"			echo $line\n"
	"		end\n"
	"	end\n"
	"end\n"
	"complete -c ctl -f -a '(__ctl_words)'\n";

static const struct {
	const char *name, *text;
} shells[] = {{"bash", bash_text}, {"zsh", zsh_text}, {"fish", fish_text}};

static void put(const char *word, const char *what)
{
	printf("%s\t%s\n", word, what);
}

static void put_verbs(void)
{
	for (int i = 0; verbs[i] != NULL; i++)
		put(verbs[i]->name, verbs[i]->summary);
}

static void put_instances(void)
{
	struct config cfg;
	struct instance_list list = {0};
	if (config_load(&cfg) == CTL_OK && instance_resolve_all(&cfg, &list) == CTL_OK) {
		for (int i = 0; i < list.count; i++)
			put(list.items[i].name, list.items[i].file);
	}
	for (int i = 0; i < cfg.group_count; i++)
		printf("@%s\tgroup\n", cfg.groups[i].name);
	instance_list_fini(&list);
	config_fini(&cfg);
}

static void put_options(const struct verb *verb)
{
	for (const struct verb_option *o = verb->options; o != NULL && o->name != NULL;
		o++)
		printf("--%s\t%s\n", o->name, o->help);
	if (verb->flags & VERB_INSTANCES)
		put("--all", "every instance of instance_dir");
	put("--help", "show the help of this command");
}

/** The option whose value comes next, when the word before the cursor is one. */
static const struct verb_option *open_option(const struct verb *verb, const char *word)
{
	for (const struct verb_option *o = verb->options; o != NULL && o->name != NULL;
		o++) {
		bool is_long = word[0] == '-' && word[1] == '-' &&
			       strcmp(word + 2, o->name) == 0;
		bool is_short = word[0] == '-' && o->key != '\0' && word[1] == o->key &&
				word[2] == '\0';
		if (o->arg != NULL && (is_long || is_short))
			return o;
	}
	return NULL;
}

/** The words of `a|b|c`. */
static void put_list(const char *list, size_t len, const char *what)
{
	for (const char *p = list, *end = list + len; p < end;) {
		int n = (int)strcspn(p, "|] ");
		if (p + n > end)
			n = (int)(end - p);
		printf("%.*s\t%s\n", n, p, what);
		p += n + 1;
	}
}

/** The values of an option: those of a list, or files. */
static void put_values(const struct verb_option *o)
{
	if (strcmp(o->arg, "FILE") == 0)
		puts(":files");
	else if (strchr(o->arg, '|') != NULL)
		put_list(o->arg, strlen(o->arg), o->help);
}

/** How many arguments stand in front of the cursor. */
static int count_arguments(const struct verb *verb, int argc, char **argv)
{
	int count = 0;
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] != '-')
			count++;
		else if (open_option(verb, argv[i]) != NULL)
			i++;
	}
	return count;
}

/** What the usage line says of the argument at this place; "" behind the last. */
static const char *argument_name(const struct verb *verb, int index, size_t *ret_len)
{
	const char *p = verb->args + strspn(verb->args, "[ ");
	for (;; index--) {
		size_t len = strcspn(p, " ]");
		bool is_repeated = len > 3 && memcmp(p + len - 3, "...", 3) == 0;
		const char *next = p + len + strspn(p + len, "] [");
		*ret_len = len;
		if (index == 0 || is_repeated || *p == '\0' || *next == '-')
			return index == 0 || is_repeated ? p : "";
		p = next;
	}
}

static void put_arguments(const struct verb *verb, int index)
{
	size_t len;
	const char *name = argument_name(verb, index, &len);
	if (strncmp(name, "INSTANCE", 8) == 0)
		put_instances();
	else if (strncmp(name, "FILE", 4) == 0)
		puts(":files");
	else if (strncmp(name, "COMMAND", 7) == 0)
		put_verbs();
	else if (memchr(name, '|', len) != NULL)
		put_list(name, len, verb->summary);
}

static int put_words(const struct request *rq)
{
	int argc = rq->rest_argc;
	char **argv = rq->rest_argv;
	if (argc < 2) {
		put_verbs();
		return CTL_OK;
	}
	const struct verb *verb = verb_find(argv[0]);
	if (verb == NULL)
		return CTL_OK;
	const struct verb_option *o = argc > 2 ? open_option(verb, argv[argc - 2]) : NULL;
	if (o != NULL)
		put_values(o);
	else if (argv[argc - 1][0] == '-')
		put_options(verb);
	else
		put_arguments(verb, count_arguments(verb, argc - 2, argv + 1));
	return CTL_OK;
}

static int run(const struct request *rq)
{
	if (strcmp(rq->argv[0], "words") == 0)
		return put_words(rq);
	for (size_t i = 0; i < lengthof(shells); i++) {
		if (strcmp(shells[i].name, rq->argv[0]) == 0) {
			fputs(shells[i].text, stdout);
			return CTL_OK;
		}
	}
	ctl_say("Unknown shell '%s': bash, zsh or fish is expected", rq->argv[0]);
	return CTL_USAGE;
}

const struct verb verb_row_completion = {
	.name = "completion",
	.args = "bash|zsh|fish",
	.summary = "Print what makes a shell complete the arguments of ctl",
	.help = "bash: eval \"$(ctl completion bash)\" in ~/.bashrc\n"
		"zsh:  eval \"$(ctl completion zsh)\" in ~/.zshrc, behind compinit\n"
		"fish: ctl completion fish > ~/.config/fish/completions/ctl.fish",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};

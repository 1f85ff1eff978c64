/*
 * tarantella: runs a Lua script as an instance.
 *
 * The script runs in a fiber. When it is over and box.cfg{} was not called, the
 * program ends as soon as nothing is left to run; else it runs until it is asked
 * to stop.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "instance/base/diag.h"
#include "instance/base/proc_title.h"
#include "instance/base/say.h"
#include "instance/base/version.h"
#include "instance/fiber/stack.h"
#include "instance/lua/init.h"
#include "instance/lua/instance.h"
#include "instance/lua/shutdown.h"
#include "instance/lua/title.h"
#include "instance/lua/utils.h"
#include "instance/signals.h"

/* -e and -l in the order they were given. */
struct step {
	int option;
	const char *text;
};

/* The command line. `script` is NULL without one, "-" for stdin. */
struct command {
	struct step *steps;
	int step_count;
	bool is_interactive;
	const char *script;
	int argc; /* the script's arguments */
	char **argv;
};

static const char help_text[] =
	"Tarantella - a Lua application server\n"
	"\n"
	"Usage: tarantella script.lua [OPTIONS] [SCRIPT [ARGS]]\n"
	"\n"
	"All command line options are passed to the interpreted script.\n"
	"When no script name is provided, the server responds to:\n"
	"  -h, --help\t\t\tdisplay this help and exit\n"
	"  -v, --version\t\t\tprint program version and exit\n"
	"  -e EXPR\t\t\texecute string 'EXPR'\n"
	"  -l NAME\t\t\trequire library 'NAME'\n"
	"  -i\t\t\t\tenter interactive mode after executing 'SCRIPT'\n"
	"  --\t\t\t\tstop handling options\n"
	"  -\t\t\t\texecute stdin and stop handling options\n"
	"\n"
	"Environment: TARANTELLA_JIT=auto|on|off\n";

static void print_version(void)
{
	printf("Tarantool " TARANTOOL_VERSION "\n"
	       "Package: " TARANTELLA_PACKAGE " " TARANTELLA_VERSION "\n"
	       "Target: Linux-x86_64\n"
	       "Compiler: cc " __VERSION__ "\n");
}

/** Read the options. @return -1 to go on, else the exit code */
static int parse_options(struct command *c, int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
	c->steps = calloc((size_t)argc, sizeof(*c->steps));
	for (int o; (o = getopt_long(argc, argv, "+hvVie:l:", longs, NULL)) != -1;) {
		switch (o) {
		case 'v':
		case 'V':
			print_version();
			return 0;
		case 'h':
			fputs(help_text, stdout);
			return 0;
		case 'i':
			c->is_interactive = true;
			break;
		case 'e':
		case 'l':
			c->steps[c->step_count++] = (struct step){o, optarg};
			break;
		default:
			return EX_USAGE;
		}
	}
	c->argc = argc - optind;
	c->argv = argv + optind;
	if (c->argc > 0) {
		c->script = c->argv[0];
		c->argc--;
		c->argv++;
	} else if (c->step_count == 0 && !c->is_interactive) {
		c->is_interactive = isatty(STDIN_FILENO);
		if (!c->is_interactive)
			c->script = "-";
	}
	return -1;
}

/** Set `arg`: [-1] is the program, [0] the script, then its arguments. */
static void set_arg(lua_State *L, const struct command *c, const char *program)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	lua_createtable(L, c->argc, 2);
	lua_pushstring(L, len > 0 ? path : program);
	lua_rawseti(L, -2, -1);
	lua_pushstring(L,
		c->script != NULL && strcmp(c->script, "-") != 0 ? c->script : program);
	lua_rawseti(L, -2, 0);
	for (int i = 0; i < c->argc; i++) {
		lua_pushstring(L, c->argv[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setglobal(L, "arg");
}

/** The text on the top: `package.loaded.NAME` becomes the global NAME. */
static int run_require(lua_State *L, const char *name)
{
	lua_getglobal(L, "require");
	lua_pushstring(L, name);
	if (luaT_call(L, 1, 1) != 0)
		return -1;
	lua_setglobal(L, name);
	return 0;
}

static int run_step(lua_State *L, const struct step *step)
{
	if (step->option == 'l')
		return run_require(L, step->text);
	if (luaL_loadbuffer(L, step->text, strlen(step->text), "=(command line)") != 0) {
		luaT_to_diag(L);
		return -1;
	}
	return luaT_call(L, 0, 0);
}

static int run_script(lua_State *L, const struct command *c)
{
	const char *file = strcmp(c->script, "-") == 0 ? NULL : c->script;
	if (luaL_loadfile(L, file) != 0) {
		luaT_to_diag(L);
		return -1;
	}
	luaL_checkstack(L, c->argc + LUA_MINSTACK, "arguments");
	for (int i = 0; i < c->argc; i++)
		lua_pushstring(L, c->argv[i]);
	return luaT_call(L, c->argc, 0);
}

/** Statements from the terminal, until its end. */
static int run_console(lua_State *L)
{
	lua_push_builtin(L, "console");
	lua_getfield(L, -1, "start");
	if (luaT_call(L, 0, 0) != 0)
		return -1;
	shutdown_start(0);
	return 0;
}

/** The fiber's function: all that the command line asks for. */
static int run_command(void *arg)
{
	const struct command *c = arg;
	lua_State *L = luaT_fiber_state();
	int rc = L != NULL ? 0 : -1;
	if (c->is_interactive) {
		printf("Tarantool " TARANTOOL_VERSION
		       "\ntype 'help' for interactive help\n");
		fflush(stdout);
	}
	for (int i = 0; rc == 0 && i < c->step_count; i++)
		rc = run_step(L, &c->steps[i]);
	if (rc == 0 && c->script != NULL)
		rc = run_script(L, c);
	if (rc == 0 && c->is_interactive)
		rc = run_console(L);
	fiber_loop_break();
	return rc;
}

static void log_error(const struct error *e)
{
	const char *name =
		error_is_a(e, &error_type_client) ? errcode_name(e->code) : e->type->name;
	say_write(S_ERROR, e->file, (int)e->line, e->message, "%s", name);
}

static int die(void)
{
	log_error(diag_last());
	say(S_FATAL, "fatal error, exiting the event loop");
	return EXIT_FAILURE;
}

/** The last part of the script's path; NULL when there is no file. */
static const char *script_name(const struct command *c)
{
	if (c->script == NULL || strcmp(c->script, "-") == 0)
		return NULL;
	const char *slash = strrchr(c->script, '/');
	return slash != NULL ? slash + 1 : c->script;
}

/** Run the command to its end, then what it left running. @return the exit code */
static int run_instance(struct command *c)
{
	const char *name = script_name(c);
	struct fiber *f =
		fiber_create(name != NULL ? name : "interactive", run_command, c);
	if (f == NULL)
		return die();
	fiber_set_joinable(f, true);
	fiber_wakeup(f);
	fiber_loop_run(false);
	if (f->flags & FIBER_IS_DEAD) {
		if (f->result != 0 && !shutdown_is_started()) {
			diag_move(&f->diag, diag_get());
			return die();
		}
	}
	if (!shutdown_is_started()) {
		bool is_server = instance_is_server();
		if (is_server)
			say_crit("entering the event loop");
		instance_notify_ready();
		fiber_loop_run(!is_server);
	}
	return shutdown_code(EXIT_SUCCESS);
}

/** @return -1 when there is a script to run or none is asked for, else the exit code */
static int check_script(const char *script)
{
	if (script == NULL || strcmp(script, "-") == 0 || access(script, R_OK) == 0)
		return -1;
	int saved_errno = errno;
	fprintf(stderr, "Can't open script %s: %s\n", script, strerror(saved_errno));
	return saved_errno;
}

int main(int argc, char **argv)
{
	argv = proc_title_init(argc, argv);
	program_invocation_name = program_invocation_short_name = argv[0];
	struct command c = {0};
	int code = parse_options(&c, argc, argv);
	if (code < 0)
		code = check_script(c.script);
	if (code >= 0) {
		free(c.steps);
		return code;
	}
	if (fiber_init() != 0 || stack_guards_from_env() != 0 ||
		lua_init(argc, argv) != 0 || instance_init() != 0 ||
		signals_init() != 0) {
		fprintf(stderr, "%s: %s\n", TARANTELLA_PACKAGE, diag_last()->message);
		return EXIT_FAILURE;
	}
	set_arg(lua_main, &c, argv[0]);
	title_init(TARANTELLA_PACKAGE, script_name(&c));
	if (lua_jit_off_reason() != NULL)
		say_warn("the JIT compiler is off: %s", lua_jit_off_reason());
	code = run_instance(&c);
	instance_fini();
	free(c.steps);
	return code;
}

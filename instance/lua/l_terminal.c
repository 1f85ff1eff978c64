/*
 * internal.terminal: lines from the terminal for console.start() and
 * `tarantella -i`, with the editor, the keys and the history file of `ctl enter`.
 * From a pipe or a file the lines are read as they are.
 */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/edit.h"
#include "instance/base/util.h"
#include "instance/fiber/coio.h"
#include "instance/lua/utils.h"

int luaopen_terminal(lua_State *L);

/* There is one terminal: made by the first read, lives as long as the process. */
static struct edit *terminal;
static bool is_reading;

/* Fibers run while the user types. A wait that was cut short ends the input when the
 * fiber is cancelled: an error must not fly through the editor's frames. */
static enum edit_input on_wait(void *arg)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	while (poll(&p, 1, 0) <= 0) {
		coio_wait(STDIN_FILENO, COIO_READ, TIMEOUT_INFINITY);
		if (fiber_is_cancelled())
			return EDIT_INPUT_END;
	}
	return EDIT_INPUT_READY;
}

/* Ask console.completion_handler, as `ctl enter` does. */
static void on_complete(
	void *arg, const char *line, size_t start, size_t end, struct edit_words *words)
{
	lua_State *L = luaT_fiber_state();
	if (L == NULL)
		return;
	int top = lua_gettop(L);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "console");
	if (luaT_call(L, 1, 1) != 0)
		goto out;
	lua_getfield(L, -1, "completion_handler");
	lua_pushlstring(L, line + start, end - start);
	lua_pushinteger(L, (lua_Integer)start);
	lua_pushinteger(L, (lua_Integer)end);
	if (luaT_call(L, 3, 1) != 0 || !lua_istable(L, -1))
		goto out;
	for (int i = 1; i <= (int)lua_objlen(L, -1); i++) {
		size_t len;
		lua_rawgeti(L, -1, i);
		const char *word = lua_tolstring(L, -1, &len);
		if (word == NULL || edit_words_add(words, word, len) != 0)
			break;
		lua_pop(L, 1);
	}
out:
	lua_settop(L, top);
}

static struct edit *open_terminal(void)
{
	static const struct edit_hooks hooks = {.wait = on_wait, .complete = on_complete};
	char history[PATH_MAX];
	const char *home = getenv("HOME");
	bool has_history = home != NULL &&
			   snprintf(history, sizeof(history), "%s/.tarantool_history",
				   home) < (int)sizeof(history);
	atexit(edit_restore);
	return edit_new("tarantella", has_history ? history : NULL, &hooks);
}

/* read_line(prompt): a line without its end, nil at the end of the input. Yields. */
static int l_terminal_read_line(lua_State *L)
{
	luaT_may_yield(L);
	const char *prompt = luaL_checkstring(L, 1);
	char *line;
	if (is_reading)
		return luaL_error(L, "the terminal is in use by another console");
	if (terminal == NULL && (terminal = open_terminal()) == NULL)
		return luaL_error(L, "not enough memory");
	/* As in Tarantool, a log of a piped session has the prompts too. */
	if (!edit_is_interactive(terminal)) {
		fputs(prompt, stdout);
		fflush(stdout);
	}
	is_reading = true;
	enum edit_status status = edit_read(terminal, prompt, &line);
	is_reading = false;
	luaT_testcancel(L);
	if (status == EDIT_LINE)
		lua_pushstring(L, line);
	else
		lua_pushnil(L);
	return 1;
}

/* remember(statement): add it to the history. */
static int l_terminal_remember(lua_State *L)
{
	const char *statement = luaL_checkstring(L, 1);
	if (terminal != NULL)
		edit_remember(terminal, statement);
	return 0;
}

int luaopen_terminal(lua_State *L)
{
	static const luaL_Reg funcs[] = {{"read_line", l_terminal_read_line},
		{"remember", l_terminal_remember}, {NULL, NULL}};
	lua_newtable(L);
	luaL_register(L, NULL, funcs);
	return 1;
}

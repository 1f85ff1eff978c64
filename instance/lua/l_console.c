/* What the module `console` needs from C: listeners, and lines from stdin. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "instance/fiber/coio.h"
#include "instance/lua/utils.h"
#include "instance/net/net.h"
#include "proto/buf.h"

static const char listener_type[] = "console.listener";

/* Bytes read from stdin that no line has taken yet; lives as long as the process. */
static struct buf stdin_buf;

static struct net_listener **check_listener(lua_State *L)
{
	return luaL_checkudata(L, 1, listener_type);
}

static int l_console_listen(lua_State *L)
{
	luaT_may_yield(L);
	const char *uri = luaL_checkstring(L, 1);
	struct net_listener **ref = lua_newuserdata(L, sizeof(struct net_listener *));
	*ref = NULL;
	luaL_getmetatable(L, listener_type);
	lua_setmetatable(L, -2);
	*ref = net_console_listen(uri);
	if (*ref == NULL)
		return luaT_error(L);
	return 1;
}

/* Dropping the handle keeps the listener: it is closed by name only. */
static int l_console_close(lua_State *L)
{
	struct net_listener **ref = check_listener(L);
	lua_pushboolean(L, *ref != NULL);
	if (*ref != NULL)
		net_console_close(TAKE_PTR(*ref));
	return 1;
}

static int l_console_address(lua_State *L)
{
	struct net_listener **ref = check_listener(L);
	if (*ref != NULL)
		lua_pushstring(L, net_console_address(*ref));
	else
		lua_pushnil(L);
	return 1;
}

/* Take a line out of the buffer; false when there is no whole one. */
static bool take_line(lua_State *L, bool is_eof)
{
	const char *head = buf_head(&stdin_buf);
	size_t used = buf_used(&stdin_buf);
	const char *newline = used > 0 ? memchr(head, '\n', used) : NULL;
	if (newline == NULL && (!is_eof || used == 0))
		return false;
	size_t len = newline != NULL ? (size_t)(newline - head) : used;
	lua_pushlstring(L, head, len);
	stdin_buf.rpos += newline != NULL ? len + 1 : len;
	buf_compact(&stdin_buf);
	return true;
}

/* read_line(prompt): the next line of stdin without its end; nil at EOF. Yields. */
static int l_console_read_line(lua_State *L)
{
	luaT_may_yield(L);
	if (isatty(STDIN_FILENO)) {
		fputs(luaL_optstring(L, 1, ""), stdout);
		fflush(stdout);
	}
	while (!take_line(L, false)) {
		char *space = buf_reserve(&stdin_buf, 4096);
		if (space == NULL)
			return luaL_error(L, "not enough memory");
		/* A plain file cannot be waited for and is always ready. */
		coio_wait(STDIN_FILENO, COIO_READ, TIMEOUT_INFINITY);
		luaT_testcancel(L);
		ssize_t n = read(STDIN_FILENO, space, 4096);
		if (n > 0) {
			stdin_buf.len += (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			if (!take_line(L, true))
				lua_pushnil(L);
			break;
		}
	}
	return 1;
}

int luaopen_console(lua_State *L);
int luaopen_console(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"listen", l_console_listen},
		{"close", l_console_close},
		{"address", l_console_address},
		{"read_line", l_console_read_line},
		{NULL, NULL},
	};
	luaL_newmetatable(L, listener_type);
	lua_pop(L, 1);
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}

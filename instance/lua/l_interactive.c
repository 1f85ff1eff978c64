/* internal.interactive: lines from the terminal, for `tarantella -i`. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "instance/fiber/coio.h"
#include "instance/lua/utils.h"
#include "proto/buf.h"

int luaopen_interactive(lua_State *L);

enum { READ_SIZE = 4096, LINE_MAX_SIZE = 256 << 20 };

static struct buf input;

/** Take the first `len` bytes of the input, without the line end. */
static int push_line(lua_State *L, size_t len)
{
	size_t text = len;
	while (text > 0 && strchr("\r\n", buf_head(&input)[text - 1]) != NULL)
		text--;
	lua_pushlstring(L, buf_head(&input), text);
	input.rpos += len;
	buf_compact(&input);
	return 1;
}

/* read_line(): a line without its end, nil at the end of the input. Yields. */
static int l_interactive_read_line(lua_State *L)
{
	luaT_may_yield(L);
	for (;;) {
		const char *end = buf_used(&input) > 0 ? memchr(buf_head(&input), '\n',
								 buf_used(&input))
						       : NULL;
		if (end != NULL)
			return push_line(L, (size_t)(end - buf_head(&input)) + 1);
		if (buf_used(&input) > LINE_MAX_SIZE)
			return luaL_error(L, "the line is too long");
		coio_wait(STDIN_FILENO, COIO_READ, TIMEOUT_INFINITY);
		luaT_testcancel(L);
		char *room = buf_reserve(&input, READ_SIZE);
		if (room == NULL)
			return luaL_error(L, "not enough memory");
		ssize_t n = read(STDIN_FILENO, room, READ_SIZE);
		if (n > 0)
			input.len += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			return buf_used(&input) > 0 ? push_line(L, buf_used(&input)) : 0;
	}
}

int luaopen_interactive(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{"read_line", l_interactive_read_line}, {NULL, NULL}};
	lua_newtable(L);
	luaL_register(L, NULL, funcs);
	return 1;
}

/*
 * The text console's I/O. What a line means is Lua's business (lua/console.lua).
 *
 * For each text connection a fiber named "console/<peer>" with a session of type
 * console (user admin) calls
 *
 *     require('console')._serve(client)
 *
 * which returns when the conversation is over; then the connection is closed. An
 * error that leaves _serve is logged. `client` is a userdata:
 *
 *   client:read(delim)   The bytes up to and including the next `delim .. '\n'` or
 *                        `delim .. '\r'` (delim: default ''); nil at EOF (what stood
 *                        before EOF without the end is returned first, once).
 *                        Yields. A request beyond TEXT_CONSOLE_REQUEST_MAX bytes raises
 *                        SocketError "... is too long".
 *   client:write(str)    Send; yields while the peer does not read. Returns true, or
 *                        nil and the error's text when the connection is broken.
 *   client:close()       End: read gives nil from now on.
 *   client:peer()        "unix/:", "127.0.0.1:4301".
 *   client:fd()          The descriptor's number.
 *
 * box.session.push of a console session calls require('console')._push(value, client)
 * (client: the same userdata) with the pushed value; it formats and writes.
 */
#ifndef LUA_TEXT_CONSOLE_H
#define LUA_TEXT_CONSOLE_H

enum {
	TEXT_CONSOLE_REQUEST_MAX = 64 << 20, /* one statement */
};

struct conn;
struct lua_State;

/**
 * Run the text console on a connection whose first bytes stand in its input
 * buffer. Called in a fiber of its own; returns when the console is over.
 */
void text_console_serve(struct conn *con);
/** Show a pushed value, at idx of L. May yield. @return 0, or -1 with diag set */
int text_console_push(struct conn *con, struct lua_State *L, int idx);

#endif

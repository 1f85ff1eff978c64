/* The text console: a fiber a connection, its I/O in plain reads and writes. */
#include "instance/lua/text_console.h"

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <string.h>
#include <sys/socket.h>

#include "instance/base/say.h"
#include "instance/fiber/coio.h"
#include "instance/lua/utils.h"
#include "instance/net/conn.h"
#include "proto/text.h"

enum {
	DELIM_MAX = 64,
	KEEP_MAX =
		64 << 10, /* a buffer that a long statement made bigger shrinks to that */
};

static const char client_type[] = "net.console_client";

/* A text connection as Lua sees it; owned by the userdata's fiber, see
 * text_console_serve(). con is NULL once that is over. */
struct client {
	struct conn *con;
	struct buf in;
	size_t scanned; /* bytes of `in` that hold no end of a statement */
};

static struct client *check_client(lua_State *L)
{
	return luaL_checkudata(L, 1, client_type);
}

static bool is_open(const struct client *c)
{
	return c->con != NULL && c->con->fd >= 0;
}

/* What the sniffing has read belongs to the console. */
static int take_chunk(struct client *c)
{
	struct conn *con = c->con;
	size_t n = conn_unread(con);
	int rc = n > 0 ? buf_append(&c->in, con->chunk->data + con->rpos, n) : 0;
	net_chunk_unref(con->chunk);
	con->chunk = NULL;
	con->rpos = 0;
	return rc;
}

/* @return bytes; 0 at the end; -1 with diag set. Yields. */
static ssize_t receive(struct client *c)
{
	while (is_open(c) && !fiber_is_cancelled()) {
		if (buf_used(&c->in) >= TEXT_CONSOLE_REQUEST_MAX) {
			diag_set(socket, "the statement is too long");
			return -1;
		}
		if (c->con->is_eof)
			return 0;
		char *p = buf_reserve(&c->in, net_readahead);
		if (p == NULL) {
			diag_set(oom, "can't allocate the input buffer");
			return -1;
		}
		ssize_t n = read(c->con->fd, p, net_readahead);
		if (n > 0) {
			c->in.len += (size_t)n;
			net_counters.received += (size_t)n;
			return n;
		}
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			c->con->is_eof = true;
			return 0;
		}
		coio_wait(c->con->fd, COIO_READ, TIMEOUT_INFINITY);
	}
	return 0;
}

/* Push n bytes of the input and forget them. */
static int push_input(lua_State *L, struct client *c, size_t n)
{
	lua_pushlstring(L, buf_head(&c->in), n);
	c->in.rpos += n;
	if (c->in.rpos == c->in.len) {
		buf_reset(&c->in);
		buf_shrink(&c->in, KEEP_MAX);
	} else if (c->in.rpos > c->in.len / 2) {
		buf_compact(&c->in);
	}
	return 1;
}

static int l_client_read(lua_State *L)
{
	luaT_may_yield(L);
	struct client *c = check_client(L);
	size_t delim_len, text_len;
	const char *delim = luaL_optlstring(L, 2, "", &delim_len);
	luaL_argcheck(L, delim_len <= DELIM_MAX, 2, "the delimiter is too long");
	c->scanned = 0;
	for (;;) {
		size_t used = buf_used(&c->in);
		size_t n = used == 0 ? 0
				     : text_find_request(buf_head(&c->in), used, delim,
					       delim_len, &c->scanned, &text_len);
		if (n > 0)
			return push_input(L, c, n);
		ssize_t got = receive(c);
		if (got < 0)
			return luaT_error(L);
		if (got == 0)
			break;
	}
	luaT_testcancel(L);
	if (buf_used(&c->in) > 0 && is_open(c))
		return push_input(L, c, buf_used(&c->in));
	lua_pushnil(L);
	return 1;
}

/* @return 0; -1: the connection is broken. Yields. */
static int send_all(struct client *c, const char *data, size_t len)
{
	while (len > 0) {
		if (!is_open(c)) {
			errno = EPIPE;
			return -1;
		}
		ssize_t n = send(c->con->fd, data, len, MSG_NOSIGNAL);
		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			net_counters.sent += (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		coio_wait(c->con->fd, COIO_WRITE, TIMEOUT_INFINITY);
		if (fiber_is_cancelled()) {
			errno = ECANCELED;
			return -1;
		}
	}
	return 0;
}

static int l_client_write(lua_State *L)
{
	luaT_may_yield(L);
	struct client *c = check_client(L);
	size_t len;
	const char *data = luaL_checklstring(L, 2, &len);
	if (send_all(c, data, len) == 0) {
		lua_pushboolean(L, 1);
		return 1;
	}
	lua_pushnil(L);
	lua_pushstring(L, strerror(errno));
	return 2;
}

static int l_client_close(lua_State *L)
{
	struct client *c = check_client(L);
	if (is_open(c)) {
		c->con->is_eof = true;
		shutdown(c->con->fd, SHUT_RD);
	}
	buf_reset(&c->in);
	return 0;
}

static int l_client_peer(lua_State *L)
{
	struct client *c = check_client(L);
	lua_pushstring(L, c->con != NULL ? c->con->session->peer : "");
	return 1;
}

static int l_client_fd(lua_State *L)
{
	struct client *c = check_client(L);
	lua_pushinteger(L, is_open(c) ? c->con->fd : -1);
	return 1;
}

static int l_client_gc(lua_State *L)
{
	buf_fini(&check_client(L)->in);
	return 0;
}

static struct client *push_client(lua_State *L, struct conn *con)
{
	static const luaL_Reg meta[] = {{"__gc", l_client_gc}, {NULL, NULL}};
	static const luaL_Reg methods[] = {
		{"read", l_client_read},
		{"write", l_client_write},
		{"close", l_client_close},
		{"peer", l_client_peer},
		{"fd", l_client_fd},
		{NULL, NULL},
	};
	struct client *c = lua_newuserdata(L, sizeof(*c));
	*c = (struct client){.con = con};
	luaL_getmetatable(L, client_type);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		luaT_type(L, client_type, meta, methods);
		luaL_getmetatable(L, client_type);
	}
	lua_setmetatable(L, -2);
	return c;
}

/* Push require('console')[name]. */
static void push_console_function(lua_State *L, const char *name)
{
	lua_getglobal(L, "require");
	lua_pushliteral(L, "console");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
}

/* In a pcall of its own: anything here may raise. Argument: the connection. */
static int serve(lua_State *L)
{
	struct conn *con = lua_touserdata(L, 1);
	push_console_function(L, "_serve");
	struct client *c = push_client(L, con);
	/* box.session.push finds the client by its session. */
	lua_pushlightuserdata(L, con);
	lua_pushvalue(L, -2);
	lua_rawset(L, LUA_REGISTRYINDEX);
	if (take_chunk(c) != 0)
		return luaL_error(L, "not enough memory");
	lua_call(L, 1, 0);
	return 0;
}

void text_console_serve(struct conn *con)
{
	char name[FIBER_NAME_MAX + 1];
	snprintf(name, sizeof(name), "console/%.200s",
		con->session->peer[0] == 'u' ? "unix/:" : con->session->peer);
	fiber_set_name(fiber_current, name);
	fiber_current->local[FIBER_LOCAL_SESSION] = con->session;
	lua_State *L = luaT_fiber_state();
	if (L == NULL) {
		say_error("%s", diag_last()->message);
		return;
	}
	bool is_refused = session_run_on_connect(con->session) != 0;
	if (!is_refused) {
		lua_pushcfunction(L, serve);
		lua_pushlightuserdata(L, con);
		int rc = luaT_call(L, 1, 0);
		if (rc != 0 && con->fd >= 0 && !fiber_is_cancelled())
			say_error("%s", diag_last()->message);
	}
	lua_pushlightuserdata(L, con);
	lua_rawget(L, LUA_REGISTRYINDEX);
	struct client *c = lua_touserdata(L, -1);
	if (c != NULL) {
		c->con = NULL;
		buf_fini(&c->in);
	}
	lua_pop(L, 1);
	lua_pushlightuserdata(L, con);
	lua_pushnil(L);
	lua_rawset(L, LUA_REGISTRYINDEX);
	if (!is_refused)
		session_run_on_disconnect(con->session);
	fiber_current->local[FIBER_LOCAL_SESSION] = NULL;
	diag_clear();
}

int text_console_push(struct conn *con, struct lua_State *L, int idx)
{
	if (idx < 0)
		idx += lua_gettop(L) + 1;
	lua_pushlightuserdata(L, con);
	lua_rawget(L, LUA_REGISTRYINDEX);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		diag_set_client(ER_SESSION_CLOSED);
		return -1;
	}
	push_console_function(L, "_push");
	lua_pushvalue(L, idx);
	lua_pushvalue(L, -3);
	lua_remove(L, -4);
	return luaT_call(L, 2, 0);
}

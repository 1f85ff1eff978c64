/*
 * The client's end of an IPROTO connection, for net.box: connect, greeting, one
 * buffer of requests to write and one of replies to read. Who waits for what,
 * reconnecting and the schema are lua/net/box/transport.lua and schema.lua.
 *
 * One fiber reads (next(), then body_*() on the frame that it found), one writes
 * (flush()), any appends requests. On close() the socket is shut down, which wakes
 * both; it is closed when neither uses it any more.
 */
#include "instance/lua/l_net_box.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "instance/box/tuple.h"
#include "instance/box/tuple_format.h"
#include "instance/fiber/coio.h"
#include "instance/lua/l_error.h"
#include "instance/lua/l_msgpack.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/utils.h"
#include "proto/iproto.h"

int luaopen_net_box(lua_State *L);

#define CONN_TYPE "net.box.connection"
#define FORMAT_TYPE "net.box.format"

static const uint64_t frame_size_max = 2147483648; /* Tarantool's limit of a packet */
enum { READ_SIZE = 16384, BUF_KEEP = 1 << 20, FIELDS_MAX = 65535 };

struct netbox_conn *netbox_check_conn(lua_State *L)
{
	return luaL_checkudata(L, 1, CONN_TYPE);
}

static void conn_use_end(struct netbox_conn **c)
{
	if (--(*c)->users == 0 && (*c)->is_closing) {
		close((*c)->fd);
		(*c)->fd = -1;
	}
}

static int l_conn_close(lua_State *L)
{
	struct netbox_conn *c = netbox_check_conn(L);
	if (c->fd < 0 || c->is_closing)
		return 0;
	c->is_closing = true;
	shutdown(c->fd, SHUT_RDWR);
	c->users++;
	conn_use_end(&c);
	return 0;
}

static int l_conn_gc(lua_State *L)
{
	struct netbox_conn *c = netbox_check_conn(L);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_fini(&c->in);
	buf_fini(&c->out);
	buf_fini(&c->writing);
	return 0;
}

/* --- connecting --- */

static int push_failure(lua_State *L, const char *text)
{
	lua_pushnil(L);
	lua_pushstring(L, text);
	return 2;
}

/** nil and the text of errno; 0 stands for the end of the stream. */
static int push_errno(lua_State *L, int error)
{
	return push_failure(L, error == 0 ? "Peer closed" : strerror(error));
}

/**
 * Connect a new socket. Yields.
 * @return the descriptor; -1 with errno set
 */
static int open_socket(const struct sockaddr *addr, socklen_t len, double deadline)
{
	_cleanup_(closep) int fd =
		socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (addr->sa_family != AF_UNIX) {
		int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	if (connect(fd, addr, len) == 0)
		return take_fd(&fd);
	if (errno != EINPROGRESS)
		return -1;
	if (coio_wait(fd, COIO_WRITE, fmax(0, deadline - fiber_clock())) == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	int error = 0;
	socklen_t error_len = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) != 0 || error != 0) {
		errno = error != 0 ? error : errno;
		return -1;
	}
	return take_fd(&fd);
}

static int open_unix(const char *path, double deadline)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(addr.sun_path, path);
	return open_socket((struct sockaddr *)&addr, sizeof(addr), deadline);
}

static void freeaddrinfop(struct addrinfo **list)
{
	if (*list != NULL)
		freeaddrinfo(*list);
}

/** Try each address of the host. As open_socket(). */
static int open_tcp(const char *host, const char *service, double deadline)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	_cleanup_(freeaddrinfop) struct addrinfo *list = NULL;
	if (coio_resolve(host, service, &hints, &list,
		    fmax(0, deadline - fiber_clock())) != 0) {
		errno = EHOSTUNREACH;
		return -1;
	}
	int fd = -1;
	errno = EHOSTUNREACH;
	for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next)
		fd = open_socket(a->ai_addr, a->ai_addrlen, deadline);
	return fd;
}

/**
 * Append what can be read. Yields.
 * @return 0; -1 with errno set, 0 at the end of the stream
 */
static int conn_read(struct netbox_conn *c, double deadline)
{
	for (;;) {
		char *p = buf_reserve(&c->in, READ_SIZE);
		if (p == NULL) {
			errno = ENOMEM;
			return -1;
		}
		ssize_t n = c->is_closing ? 0 : read(c->fd, p, READ_SIZE);
		if (n > 0) {
			c->in.len += (size_t)n;
			return 0;
		}
		if (n == 0) {
			errno = 0;
			return -1;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -1;
		double timeout_s = fmin(deadline - fiber_clock(), TIMEOUT_INFINITY);
		if (timeout_s <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		coio_wait(c->fd, COIO_READ, timeout_s);
		if (fiber_is_cancelled()) {
			errno = ECANCELED;
			return -1;
		}
	}
}

/**
 * connect(host, service, timeout): the connection and the greeting's protocol,
 * version and uuid; or nil and what went wrong. Yields.
 */
static int l_net_box_connect(lua_State *L)
{
	luaT_may_yield(L);
	const char *host = luaL_checkstring(L, 1);
	const char *service = luaL_checkstring(L, 2);
	double deadline = fiber_clock() + luaL_checknumber(L, 3);
	struct netbox_conn *c = lua_newuserdata(L, sizeof(*c));
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	luaL_getmetatable(L, CONN_TYPE);
	lua_setmetatable(L, -2);
	c->fd = strcmp(host, "unix/") == 0 ? open_unix(service, deadline)
					   : open_tcp(host, service, deadline);
	if (c->fd < 0)
		return push_errno(L, errno);
	while (buf_used(&c->in) < GREETING_SIZE) {
		if (conn_read(c, deadline) == 0)
			continue;
		if (errno == 0)
			return push_failure(L, "Invalid greeting");
		return push_errno(L, errno);
	}
	if (greeting_decode(buf_head(&c->in), &c->greeting) != 0)
		return push_failure(L, "Invalid greeting");
	c->in.rpos += GREETING_SIZE;
	lua_pushstring(
		L, c->greeting.protocol == GREETING_BINARY ? "Binary" : "Lua console");
	lua_pushstring(L, c->greeting.version);
	lua_pushstring(L, c->greeting.uuid);
	return 4;
}

/* --- writing --- */

/** How many bytes wait for flush(). */
static int l_conn_pending(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)buf_used(&netbox_check_conn(L)->out));
	return 1;
}

/** Write what waits. @return true; or nil and why not. Yields. */
static int l_conn_flush(lua_State *L)
{
	luaT_may_yield(L);
	struct netbox_conn *c = netbox_check_conn(L);
	if (c->fd < 0 || c->is_closing)
		return push_errno(L, ECONNRESET);
	struct buf tmp = c->writing;
	c->writing = c->out;
	c->out = tmp;
	_cleanup_(conn_use_end) struct netbox_conn *in_use = c;
	in_use->users++;
	while (buf_used(&c->writing) > 0) {
		ssize_t n = c->is_closing ? 0
					  : send(c->fd, buf_head(&c->writing),
						    buf_used(&c->writing), MSG_NOSIGNAL);
		if (n > 0)
			c->writing.rpos += (size_t)n;
		else if (c->is_closing)
			return push_errno(L, ECONNRESET);
		else if (errno == EAGAIN)
			coio_wait(c->fd, COIO_WRITE, TIMEOUT_INFINITY);
		else if (errno != EINTR)
			return push_errno(L, errno);
		if (fiber_is_cancelled())
			return push_errno(L, ECANCELED);
	}
	buf_reset(&c->writing);
	buf_shrink(&c->writing, BUF_KEEP);
	lua_pushboolean(L, true);
	return 1;
}

/* --- replies --- */

/**
 * next([timeout]): wait for a whole reply, which replaces the one before. Yields.
 * @return sync, type, schema version; or nil and why there is none
 */
static int l_conn_next(lua_State *L)
{
	luaT_may_yield(L);
	struct netbox_conn *c = netbox_check_conn(L);
	double deadline = fiber_clock() + luaL_optnumber(L, 2, TIMEOUT_INFINITY);
	if (c->fd < 0)
		return push_errno(L, ECONNRESET);
	_cleanup_(conn_use_end) struct netbox_conn *in_use = c;
	in_use->users++;
	c->in.rpos += c->frame_len;
	c->frame_len = 0;
	mp_cursor_init(&c->body, NULL, NULL);
	struct iproto_frame frame;
	for (;;) {
		enum iproto_split split = iproto_split_frame(
			buf_head(&c->in), c->in.data + c->in.len, frame_size_max, &frame);
		if (split == IPROTO_FRAME)
			break;
		if (split != IPROTO_MORE)
			return push_failure(L, "Invalid MsgPack - packet length");
		if (buf_used(&c->in) == 0) {
			buf_reset(&c->in);
			buf_shrink(&c->in, BUF_KEEP);
		} else {
			buf_compact(&c->in);
		}
		if (conn_read(c, deadline) != 0)
			return push_errno(L, errno);
	}
	struct iproto_header header;
	c->frame_len = (uint32_t)(frame.end - buf_head(&c->in));
	mp_cursor_init(&c->body, frame.data, frame.end);
	if (iproto_decode_header(&c->body, &header) != 0)
		return push_failure(L, "Invalid MsgPack - packet header");
	lua_pushnumber(L, (lua_Number)header.sync);
	lua_pushnumber(L, header.type);
	lua_pushnumber(L, header.schema_version);
	return 3;
}

/** The error object of an error reply of this type. */
static struct error *decode_error(struct mp_cursor *body, uint32_t type)
{
	struct iproto_error_view view;
	if (iproto_decode_error(body, &view) != 0)
		return error_new(&error_type_client, __FILE__, __LINE__,
			"Invalid MsgPack - error reply");
	struct error *e = NULL;
	if (view.stack != NULL) {
		/* The extension's form: the stack under key 0. */
		struct buf b = {0};
		if (buf_append(&b, "\x81\x00", 2) == 0 &&
			buf_append(&b, view.stack,
				(size_t)(view.stack_end - view.stack)) == 0)
			e = l_error_unpack(b.data, (uint32_t)b.len);
		buf_fini(&b);
	}
	if (e == NULL) {
		e = error_new(&error_type_client, __FILE__, __LINE__, "%.*s",
			(int)view.message_len, view.message);
		e->code = type & (IPROTO_TYPE_ERROR - 1);
	}
	return e;
}

/** body_error(type): the error object of the reply. */
static int l_conn_body_error(lua_State *L)
{
	struct netbox_conn *c = netbox_check_conn(L);
	struct mp_cursor body = c->body;
	struct error *e = decode_error(&body, (uint32_t)luaL_checknumber(L, 2));
	luaT_push_error(L, e);
	error_unref(e);
	return 1;
}

/** Bound the cursor to the array under DATA. @return its count; 0 without any */
static uint32_t open_data(struct netbox_conn *c, struct mp_cursor *ret_cur)
{
	struct mp_cursor body = c->body;
	const char *value, *end;
	mp_cursor_init(ret_cur, NULL, NULL);
	if (iproto_find_key(&body, IPROTO_DATA, &value, &end) != 0)
		return 0;
	mp_cursor_init(ret_cur, value, end);
	return mp_peek(ret_cur) == MP_ARRAY ? mp_read_array(ret_cur) : 0;
}

static int bad_reply(lua_State *L)
{
	return luaL_error(L, "Invalid MsgPack - reply data");
}

/** body_values(): an array of all values. */
static int l_conn_body_values(lua_State *L)
{
	struct mp_cursor cur;
	uint32_t count = open_data(netbox_check_conn(L), &cur);
	lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
	for (uint32_t i = 0; i < count; i++) {
		msgpack_to_lua(L, &lua_codec_msgpack, &cur);
		lua_rawseti(L, -2, (int)i + 1);
	}
	return cur.error != NULL ? bad_reply(L) : 1;
}

static struct tuple_format *check_format(lua_State *L, int idx)
{
	if (lua_isnoneornil(L, idx))
		return tuple_format_runtime;
	return *(struct tuple_format **)luaL_checkudata(L, idx, FORMAT_TYPE);
}

/** Push the next tuple. */
static void push_tuple(lua_State *L, struct mp_cursor *cur, struct tuple_format *format)
{
	const char *data = cur->pos;
	if (mp_peek(cur) != MP_ARRAY)
		mp_fail(cur, "not a tuple");
	mp_skip(cur);
	if (cur->error != NULL)
		bad_reply(L);
	_cleanup_(tuple_unrefp) struct tuple *tuple = tuple_new(format, data, cur->pos);
	if (tuple == NULL)
		luaT_error(L);
	luaT_push_tuple(L, tuple);
}

/** body_tuples([format]): an array of tuples. */
static int l_conn_body_tuples(lua_State *L)
{
	struct tuple_format *format = check_format(L, 2);
	struct mp_cursor cur;
	uint32_t count = open_data(netbox_check_conn(L), &cur);
	lua_createtable(L, count < INT32_MAX ? (int)count : 0, 0);
	for (uint32_t i = 0; i < count; i++) {
		push_tuple(L, &cur, format);
		lua_rawseti(L, -2, (int)i + 1);
	}
	return 1;
}

/** format(names): a tuple format with these field names; the fields hold anything. */
static int l_net_box_format(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	size_t count = lua_objlen(L, 1);
	luaL_argcheck(L, count <= FIELDS_MAX, 1, "too many fields");
	struct field_def *fields = lua_newuserdata(L, (count + 1) * sizeof(*fields));
	memset(fields, 0, (count + 1) * sizeof(*fields));
	for (size_t i = 0; i < count; i++) {
		lua_rawgeti(L, 1, (int)i + 1);
		fields[i].name = lua_tostring(L, -1); /* kept by the table */
		fields[i].type = field_type_by_name("any", 3);
		fields[i].is_nullable = true;
		lua_pop(L, 1);
	}
	struct tuple_format **format = lua_newuserdata(L, sizeof(struct tuple_format *));
	*format = tuple_format_new(fields, (uint32_t)count, 0, NULL, 0, NULL);
	if (*format == NULL)
		return luaT_error(L);
	luaL_getmetatable(L, FORMAT_TYPE);
	lua_setmetatable(L, -2);
	return 1;
}

static int l_format_gc(lua_State *L)
{
	tuple_format_unref(*(struct tuple_format **)luaL_checkudata(L, 1, FORMAT_TYPE));
	return 0;
}

static const luaL_Reg conn_methods[] = {
	{"body_error", l_conn_body_error},
	{"body_tuples", l_conn_body_tuples},
	{"body_values", l_conn_body_values},
	{"close", l_conn_close},
	{"flush", l_conn_flush},
	{"next", l_conn_next},
	{"pending", l_conn_pending},
	{NULL, NULL},
};

/** What lua/net/box.lua builds on; it is not the module itself. */
int luaopen_net_box(lua_State *L)
{
	static const luaL_Reg conn_meta[] = {{"__gc", l_conn_gc}, {NULL, NULL}};
	static const luaL_Reg format_meta[] = {{"__gc", l_format_gc}, {NULL, NULL}};
	static const luaL_Reg no_methods[] = {{NULL, NULL}};
	static const luaL_Reg functions[] = {
		{"connect", l_net_box_connect},
		{"format", l_net_box_format},
		{NULL, NULL},
	};
	luaT_type(L, CONN_TYPE, conn_meta, conn_methods);
	luaL_getmetatable(L, CONN_TYPE);
	lua_getfield(L, -1, "__index");
	luaL_register(L, NULL, netbox_request_methods);
	lua_pop(L, 2);
	luaT_type(L, FORMAT_TYPE, format_meta, no_methods);
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}

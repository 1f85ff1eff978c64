/*
 * The C part of `socket`: system calls on descriptors that do not block; waiting
 * is iowait(). What fails returns nil or false and leaves errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "instance/fiber/coio.h"
#include "instance/lua/l_socket.h"

enum { RECV_SIZE_MAX = 1 << 30 };

static int push_nothing(lua_State *L, int saved_errno)
{
	lua_pushnil(L);
	errno = saved_errno;
	return 1;
}

static int push_number_or_nil(lua_State *L, ssize_t n)
{
	if (n < 0)
		return push_nothing(L, errno);
	lua_pushnumber(L, (lua_Number)n);
	return 1;
}

static int push_success(lua_State *L, int rc)
{
	int saved = errno;
	lua_pushboolean(L, rc == 0);
	errno = saved;
	return 1;
}

static int l_new(lua_State *L)
{
	int type = luaL_checkint(L, 2) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	return push_number_or_nil(
		L, socket(luaL_checkint(L, 1), type, luaL_checkint(L, 3)));
}

static int l_close(lua_State *L)
{
	return push_success(L, coio_close(luaL_checkint(L, 1)));
}

static int l_sysconnect(lua_State *L)
{
	int fd = luaL_checkint(L, 1);
	struct sockaddr_storage sa;
	socklen_t len;
	if (l_socket_to_address(L, fd, 2, &sa, &len) != 0)
		return push_success(L, -1);
	return push_success(L, connect(fd, (struct sockaddr *)&sa, len));
}

static int l_bind(lua_State *L)
{
	int fd = luaL_checkint(L, 1);
	struct sockaddr_storage sa;
	socklen_t len;
	if (l_socket_to_address(L, fd, 2, &sa, &len) != 0)
		return push_success(L, -1);
	return push_success(L, bind(fd, (struct sockaddr *)&sa, len));
}

static int l_listen(lua_State *L)
{
	return push_success(L, listen(luaL_checkint(L, 1), luaL_checkint(L, 2)));
}

static int l_shutdown(lua_State *L)
{
	return push_success(L, shutdown(luaL_checkint(L, 1), luaL_checkint(L, 2)));
}

/* accept(fd): descriptor and address; nil */
static int l_accept(lua_State *L)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd = accept4(luaL_checkint(L, 1), (struct sockaddr *)&sa, &len,
		SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return push_nothing(L, errno);
	lua_pushinteger(L, fd);
	l_socket_push_address(L, (struct sockaddr *)&sa, len);
	return 2;
}

/* sysread(fd, size) */
static int l_sysread(lua_State *L)
{
	size_t size = (size_t)luaL_checknumber(L, 2);
	luaL_argcheck(L, size <= RECV_SIZE_MAX, 2, "too big");
	char *data = lua_newuserdata(L, size + 1);
	ssize_t n = read(luaL_checkint(L, 1), data, size);
	if (n < 0)
		return push_nothing(L, errno);
	lua_pushlstring(L, data, (size_t)n);
	return 1;
}

/* send(fd, text, flags [, offset]): MSG_NOSIGNAL is always on */
static int l_send(lua_State *L)
{
	size_t size;
	const char *data = luaL_checklstring(L, 2, &size);
	size_t skip = (size_t)luaL_optnumber(L, 4, 0);
	luaL_argcheck(L, skip <= size, 4, "beyond the end");
	int flags = luaL_optint(L, 3, 0) | MSG_NOSIGNAL;
	ssize_t n = send(luaL_checkint(L, 1), data + skip, size - skip, flags);
	if (n < 0 && errno == ENOTSOCK)
		n = write(luaL_checkint(L, 1), data + skip, size - skip);
	return push_number_or_nil(L, n);
}

/* sendto(fd, host, port, text, flags) */
static int l_sendto(lua_State *L)
{
	int fd = luaL_checkint(L, 1);
	size_t size;
	const char *data = luaL_optlstring(L, 4, "", &size);
	struct sockaddr_storage sa;
	socklen_t len;
	if (l_socket_to_address(L, fd, 2, &sa, &len) != 0)
		return push_nothing(L, errno);
	return push_number_or_nil(
		L, sendto(fd, data, size, luaL_optint(L, 5, 0) | MSG_NOSIGNAL,
			   (struct sockaddr *)&sa, len));
}

/* recvfrom(fd, size or nil for what is there, flags): text and address */
static int l_recvfrom(lua_State *L)
{
	int fd = luaL_checkint(L, 1);
	int waiting = 0;
	if (lua_isnoneornil(L, 2) && (ioctl(fd, FIONREAD, &waiting) != 0 || waiting <= 0))
		waiting = 512;
	size_t size =
		lua_isnoneornil(L, 2) ? (size_t)waiting : (size_t)lua_tonumber(L, 2);
	luaL_argcheck(L, size <= RECV_SIZE_MAX, 2, "too big");
	char *data = lua_newuserdata(L, size + 1);
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	ssize_t n = recvfrom(
		fd, data, size, luaL_optint(L, 3, 0), (struct sockaddr *)&sa, &len);
	if (n < 0)
		return push_nothing(L, errno);
	lua_pushlstring(L, data, (size_t)n);
	if (len == 0)
		return 1;
	l_socket_push_address(L, (struct sockaddr *)&sa, len);
	return 2;
}

/* nonblock(fd [, bool]): what it is now, or nil */
static int l_nonblock(lua_State *L)
{
	int fd = luaL_checkint(L, 1);
	int flags = fcntl(fd, F_GETFL, 0);
	if (flags < 0)
		return push_nothing(L, errno);
	if (!lua_isnoneornil(L, 2)) {
		int wanted =
			lua_toboolean(L, 2) ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
		if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0)
			return push_nothing(L, errno);
		flags = wanted;
	}
	lua_pushboolean(L, flags & O_NONBLOCK);
	return 1;
}

/* getsockopt(fd, level, option, is_text) */
static int l_getsockopt(lua_State *L)
{
	union {
		int number;
		char text[256];
	} value = {0};
	socklen_t len =
		lua_toboolean(L, 4) ? sizeof(value.text) - 1 : sizeof(value.number);
	if (getsockopt(luaL_checkint(L, 1), luaL_checkint(L, 2), luaL_checkint(L, 3),
		    &value, &len) != 0)
		return push_nothing(L, errno);
	if (lua_toboolean(L, 4))
		lua_pushlstring(L, value.text, strnlen(value.text, len));
	else
		lua_pushinteger(L, value.number);
	return 1;
}

/* setsockopt(fd, level, option, number or text) */
static int l_setsockopt(lua_State *L)
{
	int number = lua_toboolean(L, 4);
	const void *value = &number;
	size_t len = sizeof(number);
	if (lua_type(L, 4) == LUA_TNUMBER)
		number = (int)lua_tonumber(L, 4);
	else if (lua_type(L, 4) == LUA_TSTRING)
		value = lua_tolstring(L, 4, &len);
	return push_success(L, setsockopt(luaL_checkint(L, 1), luaL_checkint(L, 2),
				       luaL_checkint(L, 3), value, (socklen_t)len));
}

/* linger(fd [, is_active, seconds]): is_active, seconds; or nil */
static int l_linger(lua_State *L)
{
	int fd = luaL_checkint(L, 1);
	struct linger l = {0};
	socklen_t len = sizeof(l);
	if (lua_isnoneornil(L, 2)) {
		if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len) != 0)
			return push_nothing(L, errno);
	} else {
		l.l_onoff = lua_toboolean(L, 2);
		l.l_linger = luaL_optint(L, 3, 0);
		if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) != 0)
			return push_nothing(L, errno);
	}
	lua_pushboolean(L, l.l_onoff);
	lua_pushinteger(L, l.l_linger);
	return 2;
}

/** The events at idx: 1, 2, 3 or "r", "w", "rw". @return 0 for anything else */
static int to_events(lua_State *L, int idx)
{
	if (lua_type(L, idx) == LUA_TNUMBER)
		return lua_tointeger(L, idx) & (COIO_READ | COIO_WRITE);
	const char *text = lua_tostring(L, idx);
	if (text == NULL)
		return 0;
	if (strcasecmp(text, "r") == 0)
		return COIO_READ;
	if (strcasecmp(text, "w") == 0)
		return COIO_WRITE;
	return strcasecmp(text, "rw") == 0 ? COIO_READ | COIO_WRITE : 0;
}

/* iowait(fd, events, timeout): the events that came, in the form of the question */
static int l_iowait(lua_State *L)
{
	double timeout = luaL_optnumber(L, 3, TIMEOUT_INFINITY);
	luaT_may_yield(L);
	if (lua_isnil(L, 1) && lua_isnil(L, 2) && lua_isnumber(L, 3)) {
		fiber_yield_timeout(timeout);
		luaT_testcancel(L);
		return 0;
	}
	int wanted = to_events(L, 2), fd = (int)lua_tointeger(L, 1);
	if (lua_type(L, 1) != LUA_TNUMBER || fd < 0 || wanted == 0)
		return luaL_error(L, "Usage: iowait(fd, 1 | 'r' | 2 | 'w' | 3 | 'rw'"
				     " [, timeout])");
	double deadline = fiber_clock() + timeout;
	int events;
	for (;;) {
		events = coio_wait(fd, wanted, timeout);
		luaT_testcancel(L);
		if (events != 0 || timeout <= 0)
			break;
		/* Woken up for nothing, or the time is over. */
		timeout = fmax(deadline - fiber_clock(), 0);
		if (timeout == 0)
			break;
	}
	if (lua_type(L, 2) == LUA_TNUMBER)
		lua_pushinteger(L, events);
	else
		lua_pushfstring(L, "%s%s", events & COIO_READ ? "R" : "",
			events & COIO_WRITE ? "W" : "");
	return 1;
}

int luaopen_socket(lua_State *L);

int luaopen_socket(lua_State *L)
{
	static const luaL_Reg functions[] = {{"accept", l_accept}, {"bind", l_bind},
		{"close", l_close}, {"getaddrinfo", l_socket_getaddrinfo},
		{"getsockopt", l_getsockopt}, {"iowait", l_iowait}, {"linger", l_linger},
		{"listen", l_listen}, {"name", l_socket_name}, {"nonblock", l_nonblock},
		{"peer", l_socket_peer}, {"rbuf", l_socket_rbuf},
		{"recvfrom", l_recvfrom}, {"send", l_send}, {"sendto", l_sendto},
		{"setsockopt", l_setsockopt}, {"shutdown", l_shutdown}, {"socket", l_new},
		{"sysconnect", l_sysconnect}, {"sysread", l_sysread}, {NULL, NULL}};
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	l_socket_push_constants(L);
	return 1;
}

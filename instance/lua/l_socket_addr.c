/* Addresses between Lua and the system. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "instance/fiber/coio.h"
#include "instance/lua/l_socket.h"

static void set_text(lua_State *L, const char *name, const char *value)
{
	lua_pushstring(L, value);
	lua_setfield(L, -2, name);
}

static void set_inet(lua_State *L, int family, const void *addr, uint16_t port)
{
	char host[INET6_ADDRSTRLEN] = "";
	inet_ntop(family, addr, host, sizeof(host));
	set_text(L, "host", host);
	set_text(L, "family", family == AF_INET ? "AF_INET" : "AF_INET6");
	lua_pushinteger(L, ntohs(port));
	lua_setfield(L, -2, "port");
}

static void set_unix(lua_State *L, const struct sockaddr_un *un, socklen_t len)
{
	size_t max = len > offsetof(struct sockaddr_un, sun_path)
			     ? len - offsetof(struct sockaddr_un, sun_path)
			     : 0;
	set_text(L, "host", "unix/");
	set_text(L, "family", "AF_UNIX");
	lua_pushlstring(L, un->sun_path, strnlen(un->sun_path, max));
	lua_setfield(L, -2, "port");
}

void l_socket_push_address(lua_State *L, const struct sockaddr *sa, socklen_t len)
{
	int saved = errno;
	lua_createtable(L, 0, 5);
	switch (sa->sa_family) {
	case AF_INET: {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
		set_inet(L, AF_INET, &in->sin_addr, in->sin_port);
		break;
	}
	case AF_INET6: {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
		set_inet(L, AF_INET6, &in6->sin6_addr, in6->sin6_port);
		break;
	}
	default:
		set_unix(L, (const struct sockaddr_un *)sa, len);
	}
	errno = saved;
}

static const char *type_name(int type)
{
	switch (type) {
	case SOCK_STREAM:
		return "SOCK_STREAM";
	case SOCK_DGRAM:
		return "SOCK_DGRAM";
	case SOCK_RAW:
		return "SOCK_RAW";
	case SOCK_RDM:
		return "SOCK_RDM";
	case SOCK_SEQPACKET:
		return "SOCK_SEQPACKET";
	default:
		return "unknown";
	}
}

/* The names come from /etc/protocols in general; these are the ones in use. */
static void set_kind(lua_State *L, int type, int protocol)
{
	set_text(L, "type", type_name(type));
	if (protocol == IPPROTO_TCP)
		lua_pushliteral(L, "tcp");
	else if (protocol == IPPROTO_UDP)
		lua_pushliteral(L, "udp");
	else
		lua_pushinteger(L, protocol);
	lua_setfield(L, -2, "protocol");
}

static int push_end(lua_State *L,
	int (*get)(int fd, struct sockaddr *restrict sa, socklen_t *restrict len))
{
	int fd = luaL_checkint(L, 1);
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	int saved = 0;
	if (get(fd, (struct sockaddr *)&sa, &len) != 0) {
		saved = errno;
		lua_pushnil(L);
		errno = saved;
		return 1;
	}
	l_socket_push_address(L, (struct sockaddr *)&sa, len);
	int type = 0, protocol = 0;
	socklen_t int_len = sizeof(int);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_len);
	getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &int_len);
	set_kind(L, type, protocol);
	return 1;
}

static int get_name(int fd, struct sockaddr *restrict sa, socklen_t *restrict len)
{
	return getsockname(fd, sa, len);
}

static int get_peer(int fd, struct sockaddr *restrict sa, socklen_t *restrict len)
{
	return getpeername(fd, sa, len);
}

int l_socket_name(lua_State *L)
{
	return push_end(L, get_name);
}

int l_socket_peer(lua_State *L)
{
	return push_end(L, get_peer);
}

static int to_unix(const char *path, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_un *un = (struct sockaddr_un *)ret;
	size_t len = strlen(path);
	if (len >= sizeof(un->sun_path)) {
		errno = ENOBUFS;
		return -1;
	}
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	*ret_len = sizeof(*un);
	return 0;
}

int l_socket_to_address(
	lua_State *L, int fd, int idx, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	const char *host = lua_tostring(L, idx), *port = lua_tostring(L, idx + 1);
	if (host != NULL && strcmp(host, "unix/") == 0)
		return to_unix(port != NULL ? port : "", ret, ret_len);
	struct addrinfo hints = {.ai_family = AF_UNSPEC}, *list = NULL;
	socklen_t len = sizeof(int);
	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &hints.ai_family, &len);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &hints.ai_socktype, &len);
	/* Numbers need no thread; the common case. */
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(host, port, &hints, &list) != 0) {
		hints.ai_flags = 0;
		luaT_may_yield(L);
		if (coio_resolve(host, port, &hints, &list, TIMEOUT_INFINITY) != 0) {
			int saved = errno;
			luaT_testcancel(L);
			errno = saved;
			return -1;
		}
	}
	memcpy(ret, list->ai_addr, list->ai_addrlen);
	*ret_len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

static void freeaddrinfop(struct addrinfo **list)
{
	if (*list != NULL)
		freeaddrinfo(*list);
}

int l_socket_getaddrinfo(lua_State *L)
{
	const char *host = lua_tostring(L, 1), *port = lua_tostring(L, 2);
	double timeout = luaL_optnumber(L, 3, TIMEOUT_INFINITY);
	struct addrinfo hints = {.ai_flags = luaL_optint(L, 4, AI_ADDRCONFIG),
		.ai_socktype = luaL_optint(L, 5, 0),
		.ai_family = luaL_optint(L, 6, AF_UNSPEC),
		.ai_protocol = luaL_optint(L, 7, 0)};
	_cleanup_(freeaddrinfop) struct addrinfo *list = NULL;
	luaT_may_yield(L);
	if (coio_resolve(host, port != NULL ? port : "0", &hints, &list, timeout) != 0) {
		int saved = errno;
		luaT_testcancel(L);
		lua_pushnil(L);
		errno = saved;
		return 1;
	}
	lua_newtable(L);
	int n = 0;
	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		l_socket_push_address(L, a->ai_addr, a->ai_addrlen);
		set_kind(L, a->ai_socktype, a->ai_protocol);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

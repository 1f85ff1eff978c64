/*
 * Listening sockets.
 *
 * A Unix socket's file that is left from a process that died is removed and bound
 * anew; one that somebody answers on, or that is no socket, is refused.
 */
#include "instance/net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "instance/base/say.h"
#include "instance/fiber/coio.h"
#include "proto/uri.h"

enum { ACCEPT_BATCH = 64, PORT_MAX = 65535 };

#define RETRY_S 0.1 /* out of descriptors: look again then */
#define RESOLVE_TIMEOUT_S 30.0
#define UNIX_PEER "unix/:(socket)" /* what Tarantool calls the other end */

static void format_address(const struct sockaddr_storage *addr, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "";
	if (addr->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)addr;
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(in->sin_port));
	} else if (addr->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)addr;
		inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%u", host, ntohs(in->sin6_port));
	} else {
		snprintf(out, size, "%s", UNIX_PEER);
	}
}

static void socket_error(const char *call, int fd, const char *name)
{
	diag_set(socket, "%s, called on fd %d, aka %s", call, fd, name);
}

static void on_retry(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct net_listener *l = w->data;
	ev_io_start(loop, &l->ev);
}

/* @return false: no more now */
static bool accept_one(struct net_listener *l)
{
	struct sockaddr_storage addr = {0};
	socklen_t len = sizeof(addr);
	int fd = accept4(
		l->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			errno == ENOBUFS) {
			say_error("%s: accept: %s", l->address, strerror(errno));
			ev_io_stop(fiber_loop, &l->ev);
			ev_timer_set(&l->retry, RETRY_S, 0);
			ev_timer_start(fiber_loop, &l->retry);
		}
		return errno == EINTR || errno == ECONNABORTED;
	}
	char peer[sizeof(((struct session *)0)->peer)];
	format_address(&addr, peer, sizeof(peer));
	if (addr.ss_family != AF_UNIX) {
		int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	conn_start(fd, peer, l->kind);
	return true;
}

static void on_acceptable(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct net_listener *l = w->data;
	for (int i = 0; i < ACCEPT_BATCH && accept_one(l); i++)
		continue;
}

static const char *unix_path(const struct net_listener *l)
{
	return ((const struct sockaddr_un *)&l->addr)->sun_path;
}

/* Remember which file it is: another process may put its own in that place. */
static void note_file(struct net_listener *l)
{
	struct stat st;
	if (lstat(unix_path(l), &st) != 0)
		return;
	l->file_dev = st.st_dev;
	l->file_ino = st.st_ino;
}

/* Does the path still lead to this socket? */
static bool is_own_file(const struct net_listener *l)
{
	struct stat st;
	return lstat(unix_path(l), &st) == 0 && st.st_dev == l->file_dev &&
	       st.st_ino == l->file_ino;
}

/* Takes the descriptor, also on failure. */
static struct net_listener *listener_new(int fd, enum conn_kind kind, const char *who)
{
	struct net_listener *l = calloc(1, sizeof(*l));
	if (l == NULL) {
		close(fd);
		diag_set(oom, "can't allocate a listener");
		return NULL;
	}
	l->fd = fd;
	l->kind = kind;
	l->addr_len = sizeof(l->addr);
	getsockname(fd, (struct sockaddr *)&l->addr, &l->addr_len);
	if (l->addr.ss_family == AF_UNIX) {
		snprintf(l->address, sizeof(l->address), "unix/:%s", unix_path(l));
		note_file(l);
	} else {
		format_address(&l->addr, l->address, sizeof(l->address));
	}
	ev_io_init(&l->ev, on_acceptable, fd, EV_READ);
	ev_timer_init(&l->retry, on_retry, RETRY_S, 0);
	l->ev.data = l->retry.data = l;
	if (listen(fd, SOMAXCONN) != 0) {
		socket_error("listen", fd, l->address);
		close(fd);
		free(l);
		return NULL;
	}
	ev_io_start(fiber_loop, &l->ev);
	say(kind == CONN_IPROTO ? S_INFO : S_VERBOSE, "%s: bound to %s", who, l->address);
	return l;
}

static int open_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		socket_error("socket", fd, "");
	return fd;
}

/* Is it a socket's file that nobody listens on? */
static bool is_dead_socket(const struct sockaddr_un *addr)
{
	struct stat st;
	if (lstat(addr->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	_cleanup_(closep) int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	return connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 &&
	       errno == ECONNREFUSED;
}

/* bind() with a umask that leaves exactly `mode`. */
static int bind_with_mode(int fd, const struct sockaddr_un *addr, mode_t mode)
{
	mode_t old = umask(0777 & ~mode);
	int rc = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	int error = errno;
	umask(old);
	errno = error;
	return rc;
}

static int bind_unix(int fd, const struct sockaddr_un *addr, mode_t mode, const char *who)
{
	if (bind_with_mode(fd, addr, mode) == 0)
		return 0;
	if (errno == EADDRINUSE && is_dead_socket(addr)) {
		say_info("%s: remove dead UNIX socket: %s", who, addr->sun_path);
		if (unlink(addr->sun_path) == 0 && bind_with_mode(fd, addr, mode) == 0)
			return 0;
	}
	socket_error("bind", fd, UNIX_PEER);
	return -1;
}

struct net_listener *listener_open_unix(
	const char *path, enum conn_kind kind, const char *who, mode_t mode, gid_t group)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(addr.sun_path)) {
		diag_set(illegal_params,
			"the path of a Unix socket is too long (%zu of %zu bytes): %s",
			strlen(path), sizeof(addr.sun_path) - 1, path);
		return NULL;
	}
	strcpy(addr.sun_path, path);
	_cleanup_(closep) int fd = open_socket(AF_UNIX);
	if (fd < 0 || bind_unix(fd, &addr, mode, who) != 0)
		return NULL;
	/* Nobody can connect before listen(), so nobody slips in before the group is set.
	 */
	if (group != (gid_t)-1 && lchown(path, (uid_t)-1, group) != 0) {
		socket_error("chown", fd, UNIX_PEER);
		unlink(path);
		return NULL;
	}
	struct net_listener *l = listener_new(take_fd(&fd), kind, who);
	if (l == NULL)
		unlink(path);
	return l;
}

/* The first of the addresses that can be bound. */
static struct net_listener *open_first(
	const struct addrinfo *list, enum conn_kind kind, const char *who)
{
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		_cleanup_(closep) int fd = open_socket(ai->ai_family);
		if (fd < 0)
			continue;
		int on = 1;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (ai->ai_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
		if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
			return listener_new(take_fd(&fd), kind, who);
		int error = errno;
		char name[64];
		struct sockaddr_storage addr = {0};
		memcpy(&addr, ai->ai_addr, ai->ai_addrlen);
		format_address(&addr, name, sizeof(name));
		say_error("%s: failed to bind on %s: %s", who, name, strerror(error));
		errno = error;
	}
	diag_set(socket, "%s: failed to bind, called on fd -1", who);
	return NULL;
}

static void free_addrinfo(struct addrinfo **list)
{
	if (*list != NULL)
		freeaddrinfo(*list);
}

/* Numbers need no resolver, and so no yield. */
static int resolve(const char *host, const char *port, struct addrinfo **ret_list)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
	};
	if (host == NULL || strcmp(host, "*") == 0) {
		host = NULL;
		hints.ai_family = AF_INET;
	}
	if (getaddrinfo(host, port, &hints, ret_list) == 0)
		return 0;
	hints.ai_flags = AI_PASSIVE | AI_ADDRCONFIG;
	return coio_resolve(host, port, &hints, ret_list, RESOLVE_TIMEOUT_S);
}

static int copy_part(struct uri_part part, char *out, size_t size)
{
	if (part.len >= size)
		return -1;
	if (part.len > 0)
		memcpy(out, part.data, part.len);
	out[part.len] = '\0';
	return 0;
}

/* A number must be a port number: resolvers cut it to 16 bits. */
static bool is_port_valid(const char *service)
{
	size_t digits = strspn(service, "0123456789");
	return service[digits] != '\0' || (digits <= 5 && atoi(service) <= PORT_MAX);
}

/* What listens for an URI needs of it. */
struct address {
	bool is_unix;
	bool has_host;
	char host[256];
	char service[256]; /* port, service name, or path */
};

static int parse_address(const char *text, struct address *a)
{
	struct uri uri;
	const char *error;
	if (uri_parse(text, strlen(text), &uri, &error) != 0 ||
		uri_check_address(&uri, &error) != 0 ||
		copy_part(uri.host, a->host, sizeof(a->host)) != 0 ||
		copy_part(uri.service, a->service, sizeof(a->service)) != 0)
		return -1;
	a->is_unix = uri.host_kind == URI_HOST_UNIX;
	a->has_host = uri.host.data != NULL;
	return a->is_unix || is_port_valid(a->service) ? 0 : -1;
}

struct net_listener *listener_open(const char *uri, enum conn_kind kind, const char *who)
{
	struct address a;
	if (parse_address(uri, &a) != 0) {
		diag_set_client(
			ER_CFG, "listen", "expected host:service or /unix.socket");
		return NULL;
	}
	if (a.is_unix) {
		mode_t mask = umask(0);
		umask(mask);
		return listener_open_unix(a.service, kind, who, 0777 & ~mask, (gid_t)-1);
	}
	_cleanup_(free_addrinfo) struct addrinfo *list = NULL;
	if (resolve(a.has_host ? a.host : NULL, a.service, &list) != 0) {
		diag_set(socket, "can't resolve uri for bind, called on fd -1");
		return NULL;
	}
	return open_first(list, kind, who);
}

bool listener_is_at(const struct net_listener *l, const char *uri)
{
	struct address a;
	char name[300];
	if (parse_address(uri, &a) != 0)
		return false;
	if (a.is_unix) {
		snprintf(name, sizeof(name), "unix/:%s", a.service);
		return strcmp(name, l->address) == 0 && is_own_file(l);
	}
	if (strcmp(a.service, "0") == 0)
		return false;
	_cleanup_(free_addrinfo) struct addrinfo *list = NULL;
	if (resolve(a.has_host ? a.host : NULL, a.service, &list) != 0)
		return false;
	return list->ai_addrlen == l->addr_len &&
	       memcmp(list->ai_addr, &l->addr, l->addr_len) == 0;
}

void listener_close(struct net_listener *l)
{
	if (l == NULL)
		return;
	ev_io_stop(fiber_loop, &l->ev);
	ev_timer_stop(fiber_loop, &l->retry);
	if (l->addr.ss_family == AF_UNIX && is_own_file(l))
		unlink(unix_path(l));
	close(l->fd);
	free(l);
}

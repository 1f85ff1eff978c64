/* Listening sockets. */
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

/* Start to listen. Takes the descriptor, also on failure. @param path NULL: TCP */
static struct net_listener *listener_new(
	int fd, const char *path, enum conn_kind kind, const char *who)
{
	struct net_listener *l = calloc(1, sizeof(*l));
	char name[INET6_ADDRSTRLEN + 16] = "";
	if (l == NULL)
		goto err;
	l->fd = fd;
	l->kind = kind;
	l->addr_len = sizeof(l->addr);
	getsockname(fd, (struct sockaddr *)&l->addr, &l->addr_len);
	format_address(&l->addr, name, sizeof(name));
	if (asprintf(&l->address, "%s%s", path != NULL ? "unix/:" : "",
		    path != NULL ? path : name) < 0) {
		l->address = NULL;
		goto err;
	}
	ev_io_init(&l->ev, on_acceptable, fd, EV_READ);
	ev_timer_init(&l->retry, on_retry, RETRY_S, 0);
	l->ev.data = l->retry.data = l;
	if (listen(fd, SOMAXCONN) != 0) {
		socket_error("listen", fd, l->address);
		goto err_set;
	}
	ev_io_start(fiber_loop, &l->ev);
	say(kind == CONN_IPROTO ? S_INFO : S_VERBOSE, "%s: bound to %s", who, l->address);
	return l;
err:
	diag_set(oom, "can't allocate a listener");
err_set:
	close(fd);
	if (l != NULL)
		free(l->address);
	free(l);
	return NULL;
}

static int open_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		socket_error("socket", fd, "");
	return fd;
}

struct net_listener *listener_open_unix(
	const char *path, enum conn_kind kind, const char *who, mode_t mode, gid_t group)
{
	struct unix_file file;
	int fd = unix_file_bind(&file, path, mode, group, who);
	if (fd < 0)
		return NULL;
	struct net_listener *l = listener_new(fd, path, kind, who);
	if (l == NULL)
		unix_file_remove(&file);
	else
		l->file = file;
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
			return listener_new(take_fd(&fd), NULL, kind, who);
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
	char service[4096]; /* port, service name, or path */
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
	if (parse_address(uri, &a) != 0)
		return false;
	if (a.is_unix) {
		return l->file.path != NULL && strcmp(a.service, l->address + 6) == 0 &&
		       unix_file_is_own(&l->file);
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
	unix_file_remove(&l->file);
	close(l->fd);
	free(l->address);
	free(l);
}

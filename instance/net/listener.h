/* Sockets that accept connections. Internal to net/. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <ev.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "instance/net/conn.h"
#include "instance/net/unix_socket.h"

/* Owned by whoever opened it. */
struct net_listener {
	int fd;
	enum conn_kind kind;
	struct ev_io ev;
	struct ev_timer retry; /* after "too many open files" */
	char *address;         /* as bound: "127.0.0.1:3301", "unix/:/path" */
	struct sockaddr_storage addr;
	socklen_t addr_len;
	struct unix_file file; /* of a Unix socket */
};

/**
 * Bind and listen. Yields while a name is resolved.
 * @param who  names the service in messages ("binary", "console")
 * @return NULL with diag set
 */
struct net_listener *listener_open(const char *uri, enum conn_kind kind, const char *who);
/** Bind a Unix socket whose file has this mode (and group, unless -1). */
struct net_listener *listener_open_unix(
	const char *path, enum conn_kind kind, const char *who, mode_t mode, gid_t group);
/** Stop; removes the file of a Unix socket if that is still this socket. */
void listener_close(struct net_listener *l);
/** Is the URI the address of this listener, and is that still there? */
bool listener_is_at(const struct net_listener *l, const char *uri);

#endif

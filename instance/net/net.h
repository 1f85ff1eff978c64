/*
 * The network side of the instance, as the rest of it sees it.
 *
 * One event loop thread owns all connections. box.cfg{listen=...} sockets speak
 * IPROTO as guest; the control socket and console.listen sockets are admin's.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct session;
struct net_listener;

/** Once, after fiber_init() and session_init(). @return 0, or -1 with diag set. */
int net_init(void);
/** Close listeners and connections; what they run is cancelled, not waited for. */
void net_fini(void);

/**
 * box.cfg{listen = uri}: listen there instead of where it did before.
 * Yields while a name is resolved.
 * @param uri `host:port`, `port`, `unix/:/path`, `/path`; NULL: stop listening
 * @return 0, or -1 with diag set; then what listened before still does, except
 *         when the new address is the old one's
 */
int net_set_listen(const char *uri);
/** The bound address ("127.0.0.1:3301", "unix/:/path"); NULL while not listening. */
const char *net_listen_address(void);

/**
 * The control socket: IPROTO and text console on one Unix socket, admin's rights.
 * @param mode the file's mode; it never has more than that
 * @param group who else may connect, or -1: as created
 */
int net_control_listen(const char *path, mode_t mode, gid_t group);

/**
 * console.listen(uri): a socket that greets with "Lua console". Yields while a
 * name is resolved.
 * @return the listener, owned by the caller until net_console_close(); NULL with
 *         diag set
 */
struct net_listener *net_console_listen(const char *uri);
const char *net_console_address(const struct net_listener *l);
/** Stop listening; consoles that are connected stay. */
void net_console_close(struct net_listener *l);

/** Requests in work at one time, over all connections (box.cfg.net_msg_max, min. 2). */
int net_set_msg_max(int count);
/** Bytes to read ahead for each connection (box.cfg.readahead). */
int net_set_readahead(size_t size);

/* box.stat.net(); a rate is per second, over the last seconds. */
struct net_stat {
	uint64_t sent, sent_rps;               /* bytes */
	uint64_t received, received_rps;       /* bytes */
	uint64_t connections, connections_rps; /* accepted in all */
	uint64_t requests, requests_rps;
	uint64_t connections_now;
	uint64_t requests_now;
};
void net_stat_get(struct net_stat *ret_stat);
void net_stat_reset(void);

/* How long requests were in work; the last count is of what is above all bounds. */
enum { NET_LATENCY_BOUNDS = 19 };
struct net_latency {
	uint64_t counts[NET_LATENCY_BOUNDS + 1];
	double sum_s;
};
extern const double net_latency_bounds_s[NET_LATENCY_BOUNDS];
/**
 * What was measured so far; the first call begins it. Control connections do not count.
 */
const struct net_latency *net_latency_get(void);

/* What a fiber serves: its fiber_current->local[FIBER_LOCAL_REQUEST], or NULL. */
struct net_request_info {
	struct session *session;
	uint64_t sync;
};

/**
 * Cancel the fiber that runs a request.
 * @return false when there is no such request in work
 */
bool net_cancel_request(uint64_t session_id, uint64_t sync);

#endif

/*
 * A connection to an instance: the binary protocol or the text console, by what
 * the greeting says.
 */
#ifndef CTL_CONN_H
#define CTL_CONN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ctl/ctl.h"
#include "proto/buf.h"
#include "proto/greeting.h"
#include "proto/iproto.h"
#include "proto/uri.h"

enum { CONN_REPLY_MAX = 1 << 30 };

enum conn_status {
	CONN_OK = 0,
	CONN_FAILED = -1,      /* cannot connect or talk: conn.error says why */
	CONN_TIMEOUT = -2,     /* the deadline passed */
	CONN_INTERRUPTED = -3, /* Ctrl-C, see interrupt.h */
	CONN_CLOSED = -4,      /* the other side closed */
};

/* In place: conn_init() / conn_fini(). */
struct conn {
	int fd;
	bool is_text;
	int saved_errno; /* of the failure, 0: none */
	struct greeting greeting;
	uint64_t sync; /* of the last request */
	struct buf in, out;
	size_t scanned;  /* of a text reply that is not whole */
	size_t consumed; /* bytes of `in` that the last reply took */
	char error[512];
};

/** Not connected; what conn_open_*() then open, conn_fini() closes and frees. */
void conn_init(struct conn *c);
void conn_fini(struct conn *c);
/** Connect to a Unix socket (a path of any length) and read the greeting. */
enum conn_status conn_open_unix(struct conn *c, const char *path, deadline_ms deadline);
/** Connect to what the URI names, and log in when it has a user. */
enum conn_status conn_open_uri(
	struct conn *c, const struct uri *uri, deadline_ms deadline);
/** Send what is in c->out. */
enum conn_status conn_flush(struct conn *c, deadline_ms deadline);
/** Read a whole frame; it is valid until the next read. */
enum conn_status conn_read_frame(
	struct conn *c, struct iproto_frame *ret_frame, deadline_ms deadline);
/** Read a whole text reply, its end marker included. */
enum conn_status conn_read_text(
	struct conn *c, const char **ret_reply, size_t *ret_len, deadline_ms deadline);
/** Does the instance's event loop answer? */
enum conn_status conn_ping(struct conn *c, deadline_ms deadline);

#endif

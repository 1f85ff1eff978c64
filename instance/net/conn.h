/*
 * A connection, and what the pieces of the server do with it. Internal to net/.
 *
 * Bytes are read in big chunks and decoded in place. What needs no fiber (PING,
 * faults) is answered at once; a connection with other requests goes to the list
 * of ready ones, which a pooled fiber takes one request after another from
 * (dispatch.c). Replies gather in `out` and are sent when the batch is done.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "instance/base/list.h"
#include "instance/box/session.h"
#include "instance/fiber/cond.h"
#include "instance/net/net.h"
#include "proto/buf.h"
#include "proto/greeting.h"
#include "proto/iproto.h"

enum {
	NET_FRAME_MAX = 256 << 20, /* bytes of one request */
	NET_OUT_FLUSH = 64 << 10,  /* replies are sent early beyond */
	NET_OUT_MAX = 1 << 20,     /* a peer that leaves more unread is not read from */
	NET_READAHEAD = 16320,     /* box.cfg.readahead's default */
	NET_MSG_MAX = 768,         /* box.cfg.net_msg_max's default */
	NET_MSG_MAX_MIN = 2,
};

/* How long to wait for more before a line that may be binary is text. */
#define NET_SNIFF_S 0.1
/* The API level: clients look at it. */
#define NET_VERSION "2.6.0"

/* Input of one connection; requests that run hold references to what they read. */
struct net_chunk {
	struct net_chunk *next; /* in the pool */
	uint32_t refs;
	size_t cap;
	size_t len; /* bytes received */
	char data[];
};

enum conn_kind {
	CONN_IPROTO,
	CONN_CONTROL, /* the first bytes decide */
	CONN_TEXT,
};

/* Referenced by its socket while that is open, by each request in work, and by
 * the job of its on_disconnect triggers. */
struct conn {
	uint32_t refs;
	int fd; /* -1: closed */
	enum conn_kind kind;
	bool is_control;       /* an admin's: not held up by net_msg_max */
	bool is_eof;           /* the peer sends no more */
	bool is_broken;        /* close as soon as what is in `out` is sent */
	bool is_reading;       /* ev_in is active */
	bool is_connected;     /* on_connect has run; frames may be looked at */
	bool has_disconnected; /* on_disconnect has run, or its job is on the way */
	bool has_header;       /* `header`, `frame_end`: decoded, not taken yet */
	bool wants_disconnect; /* the job of on_disconnect waits for a fiber */
	bool is_slow;          /* `out` went beyond NET_OUT_MAX */
	uint32_t in_flight;    /* requests in work */
	struct list all;
	struct list ready; /* in net_ready: has work for a fiber; or in net_stalled */
	struct list dirty; /* in net_dirty: has replies to send */
	struct ev_io ev_in;
	struct ev_io ev_out;
	struct ev_timer sniff_timer;
	struct net_chunk *chunk; /* NULL: nothing received that is not done with */
	size_t rpos;             /* first byte not taken yet */
	struct iproto_header header;
	struct mp_cursor body; /* of the frame whose header was decoded */
	struct buf out;
	struct fiber_cond_queue drained; /* `out` is below NET_OUT_MAX again, or closed */
	struct session *session;
	struct fiber *text_fiber; /* runs the text console; NULL in IPROTO */
	unsigned char salt[GREETING_SALT_SIZE];
};

/* A request in work; lives on the stack of the fiber that runs it. */
struct net_request {
	struct net_request_info info; /* what FIBER_LOCAL_REQUEST points to */
	struct conn *con;
	struct net_chunk *chunk;
	struct fiber *fiber;
	struct list running; /* in the list of requests that sleep */
	uint32_t type;
	struct iproto_body body;
};

/* --- conn.c --- */

extern struct list net_conns;
/**
 * A new connection over an accepted socket: sends the greeting, starts reading.
 * Takes the descriptor, also when it fails (which is logged).
 */
void conn_start(int fd, const char *peer, enum conn_kind kind);
/** The socket goes; what runs for it goes on. */
void conn_close(struct conn *con);
void conn_unref(struct conn *con);
/** Have the on_disconnect triggers run, once, if the on_connect ones have. */
void conn_start_disconnect(struct conn *con);
/** The protocol is IPROTO: run on_connect, then look at frames. */
void conn_begin(struct conn *con);
/** Close when nothing is left to do: the peer is gone, all replies are sent. */
void conn_check_end(struct conn *con);
/** Read, or do not, from the socket. */
void conn_set_reading(struct conn *con, bool yesno);
void conn_close_all(void);

/* --- input.c --- */

enum conn_next {
	CONN_NOTHING, /* no whole frame */
	CONN_REQUEST, /* `header` and `body` stand for a request that needs a fiber */
};

extern size_t net_readahead;
/** Read once. @return bytes, 0 at the end, -1: nothing now or an error (closed) */
ssize_t conn_read(struct conn *con);
/**
 * Take frames from the input: faults and what needs no fiber are answered on the
 * way.
 */
enum conn_next conn_next_frame(struct conn *con);
/** Bytes received that no request has taken. */
size_t conn_unread(const struct conn *con);
void net_chunk_unref(struct net_chunk *c);
void net_chunk_pool_free(void);

/* --- output.c --- */

extern struct list net_dirty;
/** Append a reply with the body given; nothing happens on a closed connection. */
void conn_reply(
	struct conn *con, uint32_t type, uint64_t sync, const char *body, size_t len);
/** Append the running fiber's error as a reply. */
void conn_reply_error(struct conn *con, uint64_t sync);
/**
 * Send a whole frame: `frame` begins with IPROTO_REPLY_HEADER_SIZE bytes that are
 * filled in here. The memory may be taken over (the buffer is empty then).
 */
void conn_reply_frame(struct conn *con, uint32_t type, uint64_t sync, struct buf *frame);
void conn_on_writable(struct ev_loop *loop, struct ev_io *w, int events);
/** Send what there is. */
void conn_flush(struct conn *con);
void net_flush_dirty(void);
void net_out_pool_free(void);

/* --- dispatch.c --- */

extern uint32_t net_in_flight;
extern uint32_t net_msg_max;
/** Put a connection on the list of those with work for a fiber, wake a fiber. */
void net_dispatch(struct conn *con);
/** It has nothing for fibers any more. */
void net_undispatch(struct conn *con);
/** The limit went up, or a request is over: who waited for that goes on. */
void net_unstall(void);
int net_dispatch_init(void);
void net_dispatch_fini(void);

/* --- request.c --- */

/**
 * Execute a request in the running fiber; may yield.
 * @param out the reply's body is appended
 * @return 0, or -1 with diag set
 */
int net_request_execute(struct net_request *req, struct buf *out);
extern const struct session_vtab net_session_vtab;

/* --- control.c --- */

/** Look at the first bytes of a control connection; true: it is IPROTO. */
bool conn_sniff(struct conn *con);
/** The protocol is the text console: hand the connection to a fiber of its own. */
void conn_become_text(struct conn *con);

/* --- stat.c --- */

struct net_counters {
	uint64_t sent, received, connections, requests;
	uint64_t connections_now;
};
extern struct net_counters net_counters;
/* Does somebody want to know how long requests take? Then two looks at the clock. */
extern bool net_latency_is_on;
/** Seconds of the monotonic clock. */
double net_latency_clock(void);
/** A request that began then has ended. */
void net_latency_add(double from_s);
/** Once per batch: keeps the history that rates are computed from. */
void net_stat_tick(void);

#endif

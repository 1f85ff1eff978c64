/*
 * The life of a connection.
 *
 * Happy path: conn_start() sends the greeting; on_connect triggers run in a fiber
 * when there are any; bytes come (on_readable), frames are answered or dispatched;
 * the peer closes, the replies still due are sent, conn_close() closes the socket;
 * on_disconnect triggers run; the last reference frees it.
 *
 * Failure modes: a bad length or a write error closes at once; a request that is
 * in work then goes on, its reply is dropped. on_connect that refuses: the error
 * is sent, then the connection is closed.
 */
#include "instance/net/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "instance/base/say.h"
#include "instance/box/box.h"
#include "instance/net/listener.h"

struct list net_conns = {&net_conns, &net_conns};

static void conn_free(struct conn *con)
{
	list_del(&con->all);
	list_del(&con->ready);
	list_del(&con->dirty);
	net_chunk_unref(con->chunk);
	buf_fini(&con->out);
	session_free(con->session);
	free(con);
}

void conn_unref(struct conn *con)
{
	if (--con->refs == 0)
		conn_free(con);
}

void conn_set_reading(struct conn *con, bool yesno)
{
	if (con->is_reading == yesno || con->fd < 0)
		return;
	con->is_reading = yesno;
	if (yesno)
		ev_io_start(fiber_loop, &con->ev_in);
	else
		ev_io_stop(fiber_loop, &con->ev_in);
}

void conn_start_disconnect(struct conn *con)
{
	if (con->has_disconnected || !con->is_connected)
		return;
	con->has_disconnected = true;
	if (list_is_empty(&session_on_disconnect) || con->kind == CONN_TEXT)
		return;
	con->refs++;
	con->wants_disconnect = true;
	net_dispatch(con);
}

void conn_close(struct conn *con)
{
	if (con->fd < 0)
		return;
	conn_set_reading(con, false);
	ev_io_stop(fiber_loop, &con->ev_out);
	ev_timer_stop(fiber_loop, &con->sniff_timer);
	close(take_fd(&con->fd));
	net_counters.connections_now--;
	con->has_header = false;
	list_del(&con->dirty);
	net_undispatch(con);
	cond_broadcast(&con->drained);
	conn_start_disconnect(con);
	conn_unref(con);
}

void conn_check_end(struct conn *con)
{
	if (con->fd < 0 || buf_used(&con->out) > 0)
		return;
	bool is_idle = con->in_flight == 0 && list_is_empty(&con->ready) &&
		       !con->has_header && con->is_connected;
	if (con->is_broken || (con->is_eof && is_idle))
		conn_close(con);
}

/* More input must wait: enough stands there for the fibers already. */
static bool is_full(const struct conn *con)
{
	if (con->is_slow)
		return true;
	bool must_wait = !con->is_connected || !list_is_empty(&con->ready);
	return must_wait && con->kind == CONN_IPROTO && conn_unread(con) >= net_readahead;
}

/* Bytes have come, or the end: answer, or have a fiber do it. */
static void process(struct conn *con)
{
	if (con->kind == CONN_CONTROL && !conn_sniff(con))
		return;
	if (!con->is_connected || !list_is_empty(&con->ready))
		return;
	if (conn_next_frame(con) == CONN_REQUEST)
		net_dispatch(con);
	if (!list_is_empty(&con->dirty) && list_is_empty(&con->ready))
		conn_flush(con);
	if (con->is_eof && con->in_flight > 0)
		conn_start_disconnect(con);
	conn_check_end(con);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct conn *con = w->data;
	if (is_full(con)) {
		conn_set_reading(con, false);
		return;
	}
	con->refs++;
	ssize_t n = conn_read(con);
	if (n == 0) {
		con->is_eof = true;
		conn_set_reading(con, false);
	}
	if (con->fd >= 0 && n >= 0)
		process(con);
	else if (con->has_header)
		conn_set_reading(con, false);
	net_stat_tick();
	conn_unref(con);
}

/* Nothing followed a line that could have been the front of a frame. */
static void on_sniff_timeout(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct conn *con = w->data;
	conn_become_text(con);
}

/* Write the greeting: the socket is fresh, so its buffer takes it. */
static int send_greeting(struct conn *con)
{
	char greeting[GREETING_SIZE];
	if (con->kind == CONN_TEXT)
		greeting_encode_text(greeting, NET_VERSION);
	else
		greeting_encode(greeting, NET_VERSION, box_instance_uuid, con->salt);
	ssize_t n = send(con->fd, greeting, sizeof(greeting), MSG_NOSIGNAL);
	net_counters.sent += n > 0 ? (size_t)n : 0;
	return n == (ssize_t)sizeof(greeting) ? 0 : -1;
}

static void make_salt(struct conn *con)
{
	if (getrandom(con->salt, sizeof(con->salt), 0) == (ssize_t)sizeof(con->salt))
		return;
	for (size_t i = 0; i < sizeof(con->salt); i++)
		con->salt[i] = (unsigned char)random();
}

static struct conn *conn_new(int fd, const char *peer, enum conn_kind kind)
{
	struct conn *con = calloc(1, sizeof(*con));
	if (con == NULL) {
		diag_set(oom, "can't allocate a connection");
		return NULL;
	}
	bool is_guest = kind == CONN_IPROTO;
	con->session = session_new(kind == CONN_TEXT ? SESSION_CONSOLE : SESSION_BINARY,
		is_guest ? USER_GUEST : USER_ADMIN);
	if (con->session == NULL) {
		free(con);
		return NULL;
	}
	con->session->owner = con;
	con->session->vtab = &net_session_vtab;
	snprintf(con->session->peer, sizeof(con->session->peer), "%s", peer);
	con->refs = 1;
	con->fd = fd;
	con->kind = kind;
	con->is_control = kind == CONN_CONTROL;
	list_add_tail(&net_conns, &con->all);
	list_init(&con->ready);
	list_init(&con->dirty);
	cond_init(&con->drained);
	ev_io_init(&con->ev_in, on_readable, fd, EV_READ);
	ev_io_init(&con->ev_out, conn_on_writable, fd, EV_WRITE);
	ev_timer_init(&con->sniff_timer, on_sniff_timeout, NET_SNIFF_S, 0);
	con->ev_in.data = con->ev_out.data = con->sniff_timer.data = con;
	make_salt(con);
	return con;
}

void conn_begin(struct conn *con)
{
	con->kind = CONN_IPROTO;
	if (list_is_empty(&session_on_connect))
		con->is_connected = true;
	else
		net_dispatch(con);
}

void conn_start(int fd, const char *peer, enum conn_kind kind)
{
	struct conn *con = conn_new(fd, peer, kind);
	if (con == NULL) {
		say_error("%s", diag_last()->message);
		close(fd);
		return;
	}
	net_counters.connections++;
	net_counters.connections_now++;
	if (send_greeting(con) != 0) {
		conn_close(con);
		return;
	}
	if (kind == CONN_TEXT) {
		conn_become_text(con);
		return;
	}
	if (kind == CONN_IPROTO)
		conn_begin(con);
	conn_set_reading(con, true);
}

void conn_close_all(void)
{
	list_foreach_safe(con, tmp, &net_conns, struct conn, all)
	{
		con->has_disconnected = true;
		conn_close(con);
	}
}

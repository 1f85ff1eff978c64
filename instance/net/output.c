/*
 * Output: replies gather in the connection's buffer and leave in one write when
 * the batch is done. Buffers of idle connections go to a small pool.
 */
#include <errno.h>
#include <sys/socket.h>

#include "instance/base/diag.h"
#include "instance/box/box.h"
#include "instance/net/conn.h"

enum {
	POOL_MAX = 64,
	KEEP_MAX = 32 << 10, /* a buffer that grew beyond is given back */
	COPY_MAX = 4 << 10,  /* a longer frame changes owner instead */
};

struct list net_dirty = {&net_dirty, &net_dirty};

static struct buf pool[POOL_MAX];
static unsigned pool_size;

void net_out_pool_free(void)
{
	while (pool_size > 0)
		buf_fini(&pool[--pool_size]);
}

static void out_take(struct conn *con)
{
	if (con->out.cap == 0 && pool_size > 0)
		con->out = pool[--pool_size];
}

static void out_give_back(struct conn *con)
{
	buf_reset(&con->out);
	if (con->out.cap <= KEEP_MAX && pool_size < POOL_MAX && con->out.cap > 0) {
		pool[pool_size++] = con->out;
		buf_init(&con->out);
	} else {
		buf_fini(&con->out);
	}
}

static inline void mark_dirty(struct conn *con)
{
	if (list_is_empty(&con->dirty))
		list_add_tail(&net_dirty, &con->dirty);
}

/* No memory for a reply: the client must not wait for what never comes. */
static void out_of_memory(struct conn *con)
{
	con->is_broken = true;
	mark_dirty(con);
}

void conn_reply(
	struct conn *con, uint32_t type, uint64_t sync, const char *body, size_t len)
{
	if (con->fd < 0)
		return;
	out_take(con);
	char *p = buf_reserve(&con->out, IPROTO_REPLY_HEADER_SIZE + len);
	if (p == NULL) {
		out_of_memory(con);
		return;
	}
	iproto_write_reply_header(p, type, sync, box_schema_version, (uint32_t)len);
	memcpy(p + IPROTO_REPLY_HEADER_SIZE, body, len);
	con->out.len += IPROTO_REPLY_HEADER_SIZE + len;
	mark_dirty(con);
}

enum { STACK_MAX = 16 }; /* causes that are sent */

void conn_reply_error(struct conn *con, uint64_t sync)
{
	struct iproto_error stack[STACK_MAX];
	uint32_t count = 0;
	struct error *first = diag_last();
	for (struct error *e = first; e != NULL && count < STACK_MAX; e = e->cause) {
		stack[count++] = (struct iproto_error){.type = e->type->name,
			.file = e->file,
			.message = e->message,
			.custom_type = e->custom_type,
			.object_type = e->object_type,
			.object_name = e->object_name,
			.access_type = e->access_type,
			.line = e->line,
			.saved_errno = (uint32_t)e->saved_errno,
			.code = error_iproto_code(e)};
	}
	_cleanup_(buf_fini) struct buf body = {0};
	if (count == 0 || iproto_encode_error(&body, stack, count) != 0) {
		out_of_memory(con);
		return;
	}
	conn_reply(con, IPROTO_TYPE_ERROR | stack[0].code, sync, body.data, body.len);
}

void conn_reply_frame(struct conn *con, uint32_t type, uint64_t sync, struct buf *frame)
{
	if (con->fd < 0)
		return;
	iproto_write_reply_header(frame->data, type, sync, box_schema_version,
		(uint32_t)(frame->len - IPROTO_REPLY_HEADER_SIZE));
	mark_dirty(con);
	if (frame->len > COPY_MAX && con->out.len == 0) {
		struct buf old = con->out;
		con->out = *frame;
		*frame = old;
		return;
	}
	out_take(con);
	if (buf_append(&con->out, frame->data, frame->len) != 0)
		out_of_memory(con);
}

/* The peer reads again: it is read from again, and who waited to push goes on. */
static void become_fast(struct conn *con)
{
	if (!con->is_slow)
		return;
	con->is_slow = false;
	cond_broadcast(&con->drained);
	net_dispatch(con);
}

void conn_flush(struct conn *con)
{
	list_del(&con->dirty);
	struct buf *out = &con->out;
	if (con->fd < 0)
		return;
	if (ev_is_active(&con->ev_out)) {
		con->is_slow |= buf_used(out) > NET_OUT_MAX;
		return;
	}
	if (buf_used(out) > 0) {
		ssize_t n = send(con->fd, buf_head(out), buf_used(out), MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			conn_close(con);
			return;
		}
		if (n > 0) {
			out->rpos += (size_t)n;
			net_counters.sent += (size_t)n;
		}
	}
	if (buf_used(out) > 0) {
		con->is_slow |= buf_used(out) > NET_OUT_MAX;
		ev_io_start(fiber_loop, &con->ev_out);
		return;
	}
	out_give_back(con);
	conn_check_end(con);
}

/* The socket takes bytes again. */
void conn_on_writable(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct conn *con = w->data;
	ev_io_stop(fiber_loop, w);
	con->refs++;
	conn_flush(con);
	if (con->fd >= 0 && buf_used(&con->out) <= NET_OUT_MAX / 2)
		become_fast(con);
	if (con->out.rpos > con->out.len / 2)
		buf_compact(&con->out);
	conn_unref(con);
}

void net_flush_dirty(void)
{
	while (!list_is_empty(&net_dirty))
		conn_flush(list_first(&net_dirty, struct conn, dirty));
}

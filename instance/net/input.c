/*
 * Input: chunks of bytes, and the frames in them.
 *
 * A connection has a chunk only while there are bytes that nobody took: idle ones
 * hold no memory. A chunk that a sleeping request still reads from is never moved;
 * what is left of it goes to a fresh one when it is full.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "instance/base/say.h"
#include "instance/net/conn.h"

enum {
	POOL_MAX = 64,
	READ_MIN = 1024, /* less room than that is no room */
};

size_t net_readahead = NET_READAHEAD;

static struct net_chunk *pool;
static unsigned pool_size;

static struct net_chunk *chunk_new(size_t cap)
{
	struct net_chunk *c = pool;
	if (c != NULL && c->cap >= cap) {
		pool = c->next;
		pool_size--;
	} else {
		c = malloc(sizeof(*c) + cap);
		if (c == NULL)
			return NULL;
		c->cap = cap;
	}
	c->refs = 1;
	c->len = 0;
	return c;
}

void net_chunk_unref(struct net_chunk *c)
{
	if (c == NULL || --c->refs > 0)
		return;
	if (c->cap != net_readahead || pool_size >= POOL_MAX) {
		free(c);
		return;
	}
	c->next = pool;
	pool = c;
	pool_size++;
}

void net_chunk_pool_free(void)
{
	while (pool != NULL) {
		struct net_chunk *c = pool;
		pool = c->next;
		free(c);
	}
	pool_size = 0;
}

size_t conn_unread(const struct conn *con)
{
	return con->chunk == NULL ? 0 : con->chunk->len - con->rpos;
}

/* Everything was taken (a header that waits is not): the next one may have the chunk. */
static void drop_if_empty(struct conn *con)
{
	if (con->chunk == NULL || con->has_header || con->rpos < con->chunk->len)
		return;
	net_chunk_unref(con->chunk);
	con->chunk = NULL;
	con->rpos = 0;
}

/*
 * Move the rest to a chunk with room. It grows by doubling while bytes come: what
 * the length in front of a frame promises is never allocated in advance.
 */
static int move_to_new_chunk(struct conn *con)
{
	struct net_chunk *old = con->chunk;
	size_t left = conn_unread(con);
	size_t cap = net_readahead;
	while (cap < 2 * left)
		cap *= 2;
	struct net_chunk *c = chunk_new(cap);
	if (c == NULL)
		return -1;
	memcpy(c->data, old->data + con->rpos, left);
	c->len = left;
	net_chunk_unref(old);
	con->chunk = c;
	con->rpos = 0;
	return 0;
}

/* Room for at least READ_MIN bytes behind what is there. */
static int make_room(struct conn *con)
{
	struct net_chunk *c = con->chunk;
	if (c == NULL) {
		con->chunk = chunk_new(net_readahead);
		con->rpos = 0;
		return con->chunk == NULL ? -1 : 0;
	}
	if (c->cap - c->len >= READ_MIN)
		return 0;
	/* A header that waits to be taken points into the chunk. */
	if (c->refs == 1 && !con->has_header && con->rpos >= c->cap / 2) {
		memmove(c->data, c->data + con->rpos, c->len - con->rpos);
		c->len -= con->rpos;
		con->rpos = 0;
		return 0;
	}
	if (con->has_header)
		return -1;
	return move_to_new_chunk(con);
}

ssize_t conn_read(struct conn *con)
{
	if (make_room(con) != 0) {
		if (!con->has_header)
			conn_close(con);
		return -1;
	}
	struct net_chunk *c = con->chunk;
	ssize_t n = read(con->fd, c->data + c->len, c->cap - c->len);
	if (n > 0) {
		c->len += (size_t)n;
		net_counters.received += (size_t)n;
		return n;
	}
	int error = errno;
	drop_if_empty(con);
	if (n == 0)
		return 0;
	if (error != EAGAIN && error != EINTR)
		conn_close(con);
	return -1;
}

/* The frame stream cannot be followed any more: say why, then close. */
static void break_off(struct conn *con, uint64_t sync)
{
	conn_reply_error(con, sync);
	say_error("%s", diag_last()->message);
	con->is_broken = true;
	con->rpos = con->chunk->len;
}

static void refuse_size(
	struct conn *con, const struct iproto_frame *frame, bool is_too_big)
{
	char text[80] = "packet length";
	if (is_too_big)
		snprintf(text, sizeof(text), "too big packet size in the header: %llu",
			(unsigned long long)frame->size);
	diag_set_client(ER_INVALID_MSGPACK, text);
	break_off(con, 0);
}

/* A PING is answered here, and so is a frame whose header is bad. True: done. */
static bool answer_at_once(struct conn *con)
{
	struct iproto_header *h = &con->header;
	if (con->body.error != NULL) {
		diag_set_client(ER_INVALID_MSGPACK, "packet header");
		conn_reply_error(con, h->sync);
		return true;
	}
	if (h->type != IPROTO_TYPE_PING || h->schema_version != 0)
		return false;
	if (mp_left(&con->body) > 0) {
		mp_skip(&con->body);
		if (con->body.error != NULL || mp_left(&con->body) > 0) {
			diag_set_client(ER_INVALID_MSGPACK, "packet body");
			conn_reply_error(con, h->sync);
			return true;
		}
	}
	conn_reply(con, IPROTO_OK, h->sync, "\x80", 1);
	return true;
}

enum conn_next conn_next_frame(struct conn *con)
{
	while (!con->is_broken && !con->has_header && con->chunk != NULL &&
		con->fd >= 0) {
		struct iproto_frame frame;
		const char *data = con->chunk->data;
		enum iproto_split split = iproto_split_frame(
			data + con->rpos, data + con->chunk->len, NET_FRAME_MAX, &frame);
		if (unlikely(split == IPROTO_BAD_SIZE || split == IPROTO_TOO_BIG)) {
			refuse_size(con, &frame, split == IPROTO_TOO_BIG);
			break;
		}
		if (split == IPROTO_MORE)
			break;
		con->rpos = (size_t)(frame.end - data);
		net_counters.requests++;
		mp_cursor_init(&con->body, frame.data, frame.end);
		iproto_decode_header(&con->body, &con->header);
		con->has_header = !answer_at_once(con);
	}
	if (con->has_header)
		return CONN_REQUEST;
	drop_if_empty(con);
	return CONN_NOTHING;
}

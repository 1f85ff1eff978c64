/*
 * A growable byte buffer: what packers write into and sockets read into.
 *
 * The bytes in use are [data + rpos, data + len). Consumers move rpos,
 * producers move len; buf_compact() gives the consumed front back.
 */
#ifndef PROTO_BUF_H
#define PROTO_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Owns `data`. Zero-initialised is a valid empty buffer. */
struct buf {
	char *data;
	size_t rpos; /* first byte not consumed yet */
	size_t len;  /* end of the bytes written */
	size_t cap;  /* bytes allocated */
};

/** Empty; for memory that is not zeroed. */
void buf_init(struct buf *b);
/** Free the memory; the buffer is empty then. */
void buf_fini(struct buf *b);

/** Forget the content, keep the memory. */
static inline void buf_reset(struct buf *b)
{
	b->rpos = b->len = 0;
}

/** Bytes not consumed yet. */
static inline size_t buf_used(const struct buf *b)
{
	return b->len - b->rpos;
}

static inline char *buf_head(const struct buf *b)
{
	return b->data + b->rpos;
}

/** Slow path of buf_reserve(). */
char *buf_grow(struct buf *b, size_t n);

/**
 * Make room for n more bytes at the end.
 * @return where they go, NULL when out of memory (the buffer is unchanged)
 */
static inline char *buf_reserve(struct buf *b, size_t n)
{
	if (b->cap - b->len >= n)
		return b->data + b->len;
	return buf_grow(b, n);
}

/** Append n bytes. @return 0, or -1 when out of memory. */
static inline int buf_append(struct buf *b, const void *src, size_t n)
{
	if (n == 0)
		return 0;
	char *p = buf_reserve(b, n);
	if (p == NULL)
		return -1;
	memcpy(p, src, n);
	b->len += n;
	return 0;
}

static inline int buf_puts(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

/** printf to the end. @return 0, or -1 when out of memory. */
__attribute__((format(printf, 2, 3))) int buf_printf(struct buf *b, const char *fmt, ...);

/** Move what is not consumed yet to the front. */
void buf_compact(struct buf *b);

/** Give the memory back when more than `keep` bytes are allocated. */
void buf_shrink(struct buf *b, size_t keep);

#endif

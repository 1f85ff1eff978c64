#include "proto/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b)
{
	*b = (struct buf){0};
}

void buf_fini(struct buf *b)
{
	free(b->data);
	buf_init(b);
}

char *buf_grow(struct buf *b, size_t n)
{
	if (n > SIZE_MAX / 2 - b->len)
		return NULL;
	size_t cap = b->cap < 256 ? 256 : b->cap;
	while (cap - b->len < n)
		cap *= 2;
	char *data = realloc(b->data, cap);
	if (data == NULL)
		return NULL;
	b->data = data;
	b->cap = cap;
	return data + b->len;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	enum { GUESS = 64 }; /* most texts fit, and are made once then */
	va_list ap, again;
	if (buf_reserve(b, GUESS) == NULL)
		return -1;
	va_start(ap, fmt);
	va_copy(again, ap);
	size_t room = b->cap - b->len;
	int n = vsnprintf(b->data + b->len, room, fmt, ap);
	va_end(ap);
	bool is_ok = n >= 0;
	if (is_ok && (size_t)n >= room) {
		char *p = buf_reserve(b, (size_t)n + 1);
		is_ok = p != NULL;
		if (is_ok)
			vsnprintf(p, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (is_ok)
		b->len += (size_t)n;
	return is_ok ? 0 : -1;
}

void buf_compact(struct buf *b)
{
	if (b->rpos == 0)
		return;
	memmove(b->data, b->data + b->rpos, b->len - b->rpos);
	b->len -= b->rpos;
	b->rpos = 0;
}

void buf_shrink(struct buf *b, size_t keep)
{
	if (b->cap <= keep || buf_used(b) > 0)
		return;
	buf_fini(b);
}

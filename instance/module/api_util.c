#include "instance/module/api_util.h"

#include <stdlib.h>

#include "instance/base/list.h"
#include "instance/base/util.h"
#include "instance/box/box.h"
#include "instance/fiber/fiber.h"

struct tuple *api_last_tuple;

int api_result(int rc, struct tuple *tuple, struct tuple **ret)
{
	if (unlikely(rc != 0)) {
		if (!box_is_configured())
			diag_set_client(ER_LOADING);
		return -1;
	}
	if (ret != NULL)
		*ret = api_give(tuple);
	else
		tuple_unrefp(&tuple);
	return 0;
}

int api_wrong_argument(const char *function, const char *argument)
{
	diag_set(illegal_params, "%s: wrong argument '%s'", function, argument);
	return -1;
}

/* ---- msgpack from modules ---- */

/* The end of the value at p, or NULL when it is malformed. */
static const char *skip_any(const char *p, const char *end)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, p, end);
	mp_skip(&cur);
	return cur.error == NULL ? cur.pos : NULL;
}

/* Flat arrays, which most are, do not need the stack of a full check. */
static const char *skip_array(const char *p, const char *end)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, p, end);
	uint32_t count = mp_read_array(&cur);
	if (cur.error != NULL)
		return NULL;
	for (p = cur.pos; count > 0 && p != NULL; count--) {
		if (unlikely(p >= end))
			return NULL;
		uint8_t size = mp_raw_sizes[(uint8_t)*p];
		if (size != 0 && size <= end - p && (uint8_t)*p != 0xc1)
			p += size;
		else
			p = skip_any(p, end);
	}
	return p;
}

/* NULL with diag set when there is no well-formed array. */
static const char *array_end(const char *data, const char *end, const char *what)
{
	if (data != NULL && data < end) {
		const char *p = skip_array(data, end);
		if (likely(p != NULL))
			return p;
		if (mp_raw_type(data) != MP_ARRAY && skip_any(data, end) != NULL) {
			diag_set_client(ER_TUPLE_NOT_ARRAY);
			return NULL;
		}
	}
	diag_set_client(ER_INVALID_MSGPACK, what);
	return NULL;
}

int api_check_tuple(const char *data, const char *end, const char *what)
{
	const char *p = array_end(data, end, what);
	if (p == end && p != NULL)
		return 0;
	if (p != NULL)
		diag_set_client(ER_INVALID_MSGPACK, what);
	return -1;
}

int api_check_key(const char *data, const char **end)
{
	const char *p = array_end(data, *end, "key");
	if (p == NULL)
		return -1;
	*end = p;
	return 0;
}

int api_check_value(const char *data, const char *end, const char *what)
{
	if (data != NULL && data < end && skip_any(data, end) == end)
		return 0;
	diag_set_client(ER_INVALID_MSGPACK, what);
	return -1;
}

/* ---- Memory of a call ---- */

enum {
	CHUNK_SIZE = 4096,
	/* A fiber whose call never ends (a Lua module's) keeps so much at most. */
	SCRATCH_MAX = 16 << 20,
};

/* Owned by the scratch it is in. */
struct chunk {
	struct list link; /* oldest first */
	uint64_t begin;   /* scratch->taken when it was made */
	size_t size, used;
	char data[];
};

/* Owned by its fiber: made at the first use, freed with it. */
struct scratch {
	struct fiber_hook on_stop;
	struct list chunks;
	size_t size;    /* of all chunks */
	uint64_t taken; /* bytes so far, those that are free again not counted; from 1 */
};

/* All chunks of all fibers: 0 makes the end of a call cheap. */
static size_t chunk_count;

static void chunk_free(struct scratch *s, struct chunk *chunk)
{
	list_del(&chunk->link);
	s->size -= chunk->size;
	chunk_count--;
	free(chunk);
}

static struct chunk *last_chunk(struct scratch *s)
{
	return list_is_empty(&s->chunks)
		       ? NULL
		       : container_of(s->chunks.prev, struct chunk, link);
}

static void scratch_release(struct scratch *s, uint64_t mark)
{
	struct chunk *chunk;
	while ((chunk = last_chunk(s)) != NULL && chunk->begin >= mark)
		chunk_free(s, chunk);
	if (chunk != NULL && chunk->begin + chunk->used > mark)
		chunk->used = (size_t)(mark - chunk->begin);
	s->taken = chunk != NULL ? chunk->begin + chunk->used : 1;
}

static void scratch_stop(struct fiber_hook *hook)
{
	struct scratch *s = container_of(hook, struct scratch, on_stop);
	list_del(&hook->link);
	scratch_release(s, 0);
	free(s);
}

/* The running fiber's; pools reset all other places where it could be kept. */
static struct scratch *scratch_find(void)
{
	list_foreach(hook, &fiber_current->on_stop, struct fiber_hook, link)
	{
		if (hook->run == scratch_stop)
			return container_of(hook, struct scratch, on_stop);
	}
	return NULL;
}

static struct scratch *scratch_new(void)
{
	struct scratch *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->taken = 1;
	s->on_stop.run = scratch_stop;
	list_init(&s->chunks);
	list_add_tail(&fiber_current->on_stop, &s->on_stop.link);
	return s;
}

static struct chunk *chunk_new(struct scratch *s, size_t size)
{
	size = size > CHUNK_SIZE ? size : CHUNK_SIZE;
	while (s->size > SCRATCH_MAX)
		chunk_free(s, list_first(&s->chunks, struct chunk, link));
	struct chunk *chunk = malloc(sizeof(*chunk) + size);
	if (chunk == NULL)
		return NULL;
	chunk->begin = s->taken;
	chunk->size = size;
	chunk->used = 0;
	s->size += size;
	chunk_count++;
	list_add_tail(&s->chunks, &chunk->link);
	return chunk;
}

void *api_scratch_alloc(size_t size)
{
	struct scratch *s = scratch_find();
	if (s == NULL)
		s = scratch_new();
	struct chunk *chunk = s != NULL ? last_chunk(s) : NULL;
	if (s != NULL && (chunk == NULL || chunk->size - chunk->used < size))
		chunk = chunk_new(s, size);
	if (chunk == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for a key", size);
		return NULL;
	}
	void *p = chunk->data + chunk->used;
	chunk->used += size;
	s->taken += size;
	return p;
}

uint64_t api_scratch_mark(void)
{
	const struct scratch *s = chunk_count > 0 ? scratch_find() : NULL;
	return s != NULL ? s->taken : 0;
}

void api_scratch_release(uint64_t mark)
{
	struct scratch *s = chunk_count > 0 ? scratch_find() : NULL;
	if (s != NULL)
		scratch_release(s, mark);
}

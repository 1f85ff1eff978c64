/*
 * A tuple: an immutable msgpack array with a reference count and a format.
 */
#ifndef BOX_TUPLE_H
#define BOX_TUPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/box/mp_raw.h"
#include "instance/box/tuple_format.h"

/* Reference counted. */
struct tuple {
	uint32_t refs;
	uint32_t size; /* of the msgpack data */
	uint16_t format_id;
	char data[];
};

/** Memory of all tuples, and the limits (box.cfg.memtx_memory, memtx_max_tuple_size). */
extern size_t tuple_memory_used, tuple_memory_max, tuple_size_max;

/**
 * Copy msgpack data into a new tuple.
 * @param data one well-formed array; it is checked against the format
 * @return a tuple with one reference; NULL with diag set
 */
struct tuple *tuple_new(struct tuple_format *format, const char *data, const char *end);
void tuple_free(struct tuple *tuple);

static inline void tuple_ref(struct tuple *tuple)
{
	tuple->refs++;
}

static inline void tuple_unref(struct tuple *tuple)
{
	if (--tuple->refs == 0)
		tuple_free(tuple);
}

/** For _cleanup_. */
static inline void tuple_unrefp(struct tuple **tuple)
{
	if (*tuple != NULL)
		tuple_unref(*tuple);
}

static inline struct tuple_format *tuple_format(const struct tuple *tuple)
{
	return tuple_formats[tuple->format_id];
}

static inline const char *tuple_data(const struct tuple *tuple, uint32_t *ret_size)
{
	*ret_size = tuple->size;
	return tuple->data;
}

static inline const char *tuple_end(const struct tuple *tuple)
{
	return tuple->data + tuple->size;
}

static inline uint32_t tuple_field_count(const struct tuple *tuple)
{
	const char *p = tuple->data;
	return mp_raw_array(&p);
}

/** The field's msgpack, or NULL when there are not that many. Counts from 0. */
static inline const char *tuple_field(const struct tuple *tuple, uint32_t fieldno)
{
	const char *p = tuple->data;
	if (fieldno >= mp_raw_array(&p))
		return NULL;
	while (fieldno-- > 0)
		p = mp_raw_next(p);
	return p;
}

/** The field of that name, or NULL. */
const char *tuple_field_by_name(const struct tuple *tuple, const char *name, size_t len);

/*
 * Typed access for system spaces and the like. -1/NULL with ER_FIELD_TYPE or
 * ER_NO_SUCH_FIELD_NO set.
 */
int tuple_field_u32(const struct tuple *tuple, uint32_t fieldno, uint32_t *ret);
int tuple_field_u64(const struct tuple *tuple, uint32_t fieldno, uint64_t *ret);
/** @return the bytes inside the tuple, not terminated */
const char *tuple_field_str(
	const struct tuple *tuple, uint32_t fieldno, uint32_t *ret_len);

/**
 * Names for messages, as Tarantool numbers fields in them: "3".
 * @return a static buffer, good for two calls
 */
const char *tuple_field_label(uint32_t fieldno);

#endif

/*
 * Reading MessagePack from outside: a bounded cursor with a sticky error.
 *
 * Once `error` is set every read returns a zero value and moves nothing, so a
 * decoder reads all its fields and checks cur.error once at the end. No length
 * from the wire is used before it was compared with the bytes left.
 *
 * Writing goes through msgpack-c: mp_packer_init() binds one to a struct buf.
 */
#ifndef PROTO_MP_H
#define PROTO_MP_H

#include <msgpack/pack.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/buf.h"

enum {
	MP_DEPTH_MAX = 128, /* nesting that mp_skip() accepts */
};

enum mp_type {
	MP_NIL,
	MP_UINT,
	MP_INT, /* negative */
	MP_STR,
	MP_BIN,
	MP_ARRAY,
	MP_MAP,
	MP_BOOL,
	MP_FLOAT,
	MP_DOUBLE,
	MP_EXT,
	MP_BAD, /* 0xc1, or no byte left */
};

enum mp_ext_type {
	MP_EXT_DECIMAL = 1,
	MP_EXT_UUID = 2,
	MP_EXT_ERROR = 3,
};

/* Points into memory of somebody else. */
struct mp_cursor {
	const char *pos;
	const char *end;
	const char *error; /* first fault, a static text; NULL while all is well */
};

static inline void mp_cursor_init(
	struct mp_cursor *cur, const char *data, const char *end)
{
	*cur = (struct mp_cursor){data, end, NULL};
}

static inline size_t mp_left(const struct mp_cursor *cur)
{
	return (size_t)(cur->end - cur->pos);
}

/** Set the sticky error (the first one stays). */
void mp_fail(struct mp_cursor *cur, const char *error);

/** Type of the next value; MP_BAD at the end or after an error. Moves nothing. */
enum mp_type mp_peek(const struct mp_cursor *cur);

/** mp_read_uint() of anything that is not a single byte. */
uint64_t mp_read_uint_wide(struct mp_cursor *cur);

static inline uint64_t mp_read_uint(struct mp_cursor *cur)
{
	if (cur->pos < cur->end && (signed char)*cur->pos >= 0 && cur->error == NULL)
		return (uint64_t)*cur->pos++;
	return mp_read_uint_wide(cur);
}

/** A non-negative or negative integer; one above INT64_MAX is an error. */
int64_t mp_read_int(struct mp_cursor *cur);
/** A float, double or integer. */
double mp_read_double(struct mp_cursor *cur);
bool mp_read_bool(struct mp_cursor *cur);
void mp_read_nil(struct mp_cursor *cur);
/** @return the string's bytes (not terminated), inside the cursor's memory */
const char *mp_read_str(struct mp_cursor *cur, uint32_t *ret_len);
const char *mp_read_bin(struct mp_cursor *cur, uint32_t *ret_len);
/** @return the payload; *ret_type is the extension's type */
const char *mp_read_ext(struct mp_cursor *cur, int8_t *ret_type, uint32_t *ret_len);
/** Count of elements that follow; never more than there are bytes left. */
uint32_t mp_read_array(struct mp_cursor *cur);
/** mp_read_map() of more than 15 pairs. */
uint32_t mp_read_map_wide(struct mp_cursor *cur);

/** Count of pairs that follow. */
static inline uint32_t mp_read_map(struct mp_cursor *cur)
{
	if (cur->pos < cur->end && ((unsigned char)*cur->pos & 0xf0) == 0x80 &&
		cur->error == NULL) {
		uint32_t n = (unsigned char)*cur->pos & 0x0f;
		if (2 * n < mp_left(cur)) {
			cur->pos++;
			return n;
		}
	}
	return mp_read_map_wide(cur);
}
/** Step over one value of any type, MP_DEPTH_MAX levels deep at most. */
void mp_skip(struct mp_cursor *cur);

/** Check that [data, end) is exactly one well-formed value. NULL, or what is wrong. */
const char *mp_check(const char *data, const char *end);

/** msgpack-c's write callback for a struct buf. */
int mp_buf_write(void *buf, const char *data, size_t len);

static inline void mp_packer_init(msgpack_packer *pk, struct buf *b)
{
	msgpack_packer_init(pk, b, mp_buf_write);
}

#endif

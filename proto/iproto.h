/*
 * IPROTO, the binary protocol: frames, headers, request bodies, replies, errors.
 *
 * A frame is a length (an unsigned MessagePack integer of any width), then a header
 * map and a body map. Decoders point into the caller's memory and copy nothing.
 */
#ifndef PROTO_IPROTO_H
#define PROTO_IPROTO_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "proto/buf.h"
#include "proto/iproto_table.h"
#include "proto/mp.h"

enum iproto_key {
#define X(code, name, text) IPROTO_##name = code,
	IPROTO_HEADER_KEY_LIST(X) IPROTO_BODY_KEY_LIST(X)
#undef X
};

enum iproto_error_key {
#define X(code, name) IPROTO_ERROR_##name = code,
	IPROTO_ERROR_KEY_LIST(X)
#undef X
};

enum iproto_type {
	IPROTO_OK = 0,
#define X(code, name, keys, required) IPROTO_TYPE_##name = code,
	IPROTO_TYPE_LIST(X)
#undef X
		IPROTO_TYPE_ID = 73, /* since 2.10; clients send it to anyone */
	IPROTO_CHUNK = 128,
	IPROTO_TYPE_ERROR = 1 << 15,
};

/* Body keys fit a 64-bit mask. */
#define IPROTO_KEY_BIT(key) (UINT64_C(1) << ((key)-0x10))

/** Name of a request type ("SELECT"), NULL when 2.6 has no such type. */
const char *iproto_type_name(uint32_t type);
/** Name of a header or body key ("space id"), NULL when there is none. */
const char *iproto_key_name(uint32_t key);

/* --- frames --- */

enum iproto_split {
	IPROTO_MORE,     /* the frame is not whole yet */
	IPROTO_FRAME,    /* here it is */
	IPROTO_BAD_SIZE, /* what stands there is no length */
	IPROTO_TOO_BIG,  /* the length is beyond size_max */
};

/* Points into the memory that was split. */
struct iproto_frame {
	const char *data; /* header and body */
	const char *end;
	uint64_t size;     /* of header and body; 0 while unknown */
	uint32_t size_len; /* bytes that the length takes; 0 while unknown */
};

/** Find the first frame in [data, end). */
enum iproto_split iproto_split_frame(const char *data, const char *end, uint64_t size_max,
	struct iproto_frame *ret_frame);

struct iproto_header {
	uint32_t type;
	uint32_t schema_version; /* 0: any */
	uint64_t sync;
	uint64_t stream_id; /* only clients of 2.10 and later have streams */
};

/**
 * Decode the header map; the cursor stands at the body (or at the end) afterwards.
 * What was decoded before a fault (the sync) is kept.
 * @return 0; -1 when it is none
 */
int iproto_decode_header(struct mp_cursor *cur, struct iproto_header *ret_header);

/* A request's body. `seen` tells which keys there were. */
struct iproto_body {
	uint64_t seen;
	uint32_t space_id;
	uint32_t index_id;
	uint32_t limit;
	uint32_t offset;
	uint32_t iterator;
	uint32_t index_base;
	uint32_t stmt_id;
	uint32_t name_len; /* function, user, expression or SQL text */
	const char *name;
	const char *key, *key_end;     /* each an array with its header */
	const char *tuple, *tuple_end; /* tuple, arguments, update operations */
	const char *ops, *ops_end;     /* upsert operations, SQL bind */
};

enum iproto_body_fault {
	IPROTO_BODY_OK,
	IPROTO_BODY_INVALID, /* "Invalid MsgPack - packet body" */
	IPROTO_BODY_MISSING, /* "Invalid MsgPack - missing request body" */
	IPROTO_BODY_FIELD,   /* "Missing mandatory field '%s' in request" */
};

/**
 * Decode the rest of the frame as the body of a request of this type.
 * @param ret_field the name of the key that lacks (IPROTO_BODY_FIELD), or NULL
 */
enum iproto_body_fault iproto_decode_body(struct mp_cursor *cur, uint32_t type,
	struct iproto_body *ret_body, const char **ret_field);

/* --- replies --- */

enum {
	IPROTO_REPLY_HEADER_SIZE = 28, /* length and header, always in this form */
	IPROTO_DATA_HEADER_SIZE = 7,   /* {DATA: [ with a 32-bit count */
};

/** Write the 28 bytes that precede a body of body_len bytes. */
static inline void iproto_write_reply_header(
	char *p, uint32_t type, uint64_t sync, uint32_t schema_version, uint32_t body_len)
{
	uint32_t size_be = htobe32(IPROTO_REPLY_HEADER_SIZE - 5 + body_len);
	uint32_t type_be = htobe32(type), schema_be = htobe32(schema_version);
	uint64_t sync_be = htobe64(sync);
	p[0] = (char)0xce;
	memcpy(p + 1, &size_be, 4);
	memcpy(p + 5, "\x83\x00\xce", 3);
	memcpy(p + 8, &type_be, 4);
	memcpy(p + 12, "\x01\xcf", 2);
	memcpy(p + 14, &sync_be, 8);
	memcpy(p + 22, "\x05\xce", 2);
	memcpy(p + 24, &schema_be, 4);
}

/** Write the 7 bytes that precede `count` values of a reply. */
static inline void iproto_write_data_header(char *p, uint32_t count)
{
	uint32_t count_be = htobe32(count);
	memcpy(p, "\x81\x30\xdd", 3);
	memcpy(p + 3, &count_be, 4);
}

/* One error of a stack; texts belong to somebody else. NULL: absent. */
struct iproto_error {
	const char *type; /* "ClientError" */
	const char *file;
	const char *message;
	/* What some types have beside: CustomError, AccessDeniedError. */
	const char *custom_type;
	const char *object_type;
	const char *object_name;
	const char *access_type;
	uint32_t line;
	uint32_t saved_errno;
	uint32_t code;
};

/**
 * Append the body of an error reply: the message as a string and the stack.
 * @param stack the error first, then its cause and so on
 * @return 0, or -1 when out of memory (the buffer is as before)
 */
int iproto_encode_error(struct buf *b, const struct iproto_error *stack, uint32_t count);

/* A reply's error as a client sees it; points into the frame. */
struct iproto_error_view {
	const char *message;
	uint32_t message_len;
	const char *stack, *stack_end; /* the array of maps; NULL: the old, string form */
};

/** Decode the body of an error reply. @return 0; -1 when it is none */
int iproto_decode_error(struct mp_cursor *cur, struct iproto_error_view *ret_error);

/* One error of iproto_error_view.stack. */
struct iproto_error_item {
	const char *type, *file, *message;
	uint32_t type_len, file_len, message_len;
	uint32_t line, saved_errno, code;
	const char *fields, *fields_end; /* a map, or NULL */
};

/** Decode one map of the stack. @return 0; -1 when it is none */
int iproto_decode_error_item(struct mp_cursor *cur, struct iproto_error_item *ret_item);

/** Find the value of a key in a body map. @return 0 with its bounds; -1: not there */
int iproto_find_key(struct mp_cursor *cur, uint32_t key, const char **ret_value,
	const char **ret_end);

/* --- requests, for clients --- */

/*
 * Each appends a whole frame and returns 0, or -1 when out of memory (the buffer is
 * as before then). Arguments, keys, tuples and operations are msgpack arrays.
 */
int iproto_encode_ping(struct buf *b, uint64_t sync);
/** @param scramble 20 bytes of chap-sha1, or NULL: without a password */
int iproto_encode_auth(
	struct buf *b, uint64_t sync, const char *user, const unsigned char *scramble);
int iproto_encode_eval(struct buf *b, uint64_t sync, const char *expr, size_t expr_len,
	const char *args, const char *args_end);
/** @param type IPROTO_TYPE_CALL or IPROTO_TYPE_CALL_16 */
int iproto_encode_call(struct buf *b, uint64_t sync, uint32_t type, const char *name,
	size_t name_len, const char *args, const char *args_end);
int iproto_encode_id(struct buf *b, uint64_t sync, uint32_t version,
	const uint32_t *features, uint32_t feature_count);
/** The data requests: what the type reads of `body` is sent. */
int iproto_encode_data(
	struct buf *b, uint64_t sync, uint32_t type, const struct iproto_body *body);

#endif

#include "proto/iproto.h"

#include <stdbool.h>

static void pack_str(msgpack_packer *pk, const char *s, size_t len)
{
	msgpack_pack_str(pk, len);
	msgpack_pack_str_body(pk, s, len);
}

static void pack_cstr(msgpack_packer *pk, const char *s)
{
	pack_str(pk, s, strlen(s));
}

/* Pack "name": "value" unless the value is absent. */
static void pack_field(msgpack_packer *pk, const char *name, const char *value)
{
	if (value == NULL)
		return;
	pack_cstr(pk, name);
	pack_cstr(pk, value);
}

static unsigned field_count(const struct iproto_error *e)
{
	return (e->custom_type != NULL) + (e->object_type != NULL) +
	       (e->object_name != NULL) + (e->access_type != NULL);
}

static void pack_error(msgpack_packer *pk, const struct iproto_error *e)
{
	unsigned fields = field_count(e);
	msgpack_pack_map(pk, fields > 0 ? 7 : 6);
	msgpack_pack_uint8(pk, IPROTO_ERROR_TYPE);
	pack_cstr(pk, e->type);
	msgpack_pack_uint8(pk, IPROTO_ERROR_LINE);
	msgpack_pack_uint32(pk, e->line);
	msgpack_pack_uint8(pk, IPROTO_ERROR_FILE);
	pack_cstr(pk, e->file);
	msgpack_pack_uint8(pk, IPROTO_ERROR_MESSAGE);
	pack_cstr(pk, e->message);
	msgpack_pack_uint8(pk, IPROTO_ERROR_ERRNO);
	msgpack_pack_uint32(pk, e->saved_errno);
	msgpack_pack_uint8(pk, IPROTO_ERROR_CODE);
	msgpack_pack_uint32(pk, e->code);
	if (fields == 0)
		return;
	msgpack_pack_uint8(pk, IPROTO_ERROR_FIELDS);
	msgpack_pack_map(pk, fields);
	pack_field(pk, "custom_type", e->custom_type);
	pack_field(pk, "object_type", e->object_type);
	pack_field(pk, "object_name", e->object_name);
	pack_field(pk, "access_type", e->access_type);
}

/*
 * A packer whose failures stick: the bytes go where they fit, and the caller looks
 * once at the end.
 */
struct packer {
	msgpack_packer pk;
	struct buf *buf;
	size_t start; /* length of the buffer before */
	bool failed;
};

static int packer_write(void *arg, const char *data, size_t len)
{
	struct packer *p = arg;
	if (buf_append(p->buf, data, len) != 0)
		p->failed = true;
	return p->failed ? -1 : 0;
}

static void packer_init(struct packer *p, struct buf *b)
{
	p->buf = b;
	p->start = b->len;
	p->failed = false;
	msgpack_packer_init(&p->pk, p, packer_write);
}

/* 0, or -1 and the buffer is as before. */
static int packer_end(struct packer *p)
{
	if (p->failed)
		p->buf->len = p->start;
	return p->failed ? -1 : 0;
}

int iproto_encode_error(struct buf *b, const struct iproto_error *stack, uint32_t count)
{
	struct packer p;
	packer_init(&p, b);
	msgpack_pack_map(&p.pk, 2);
	msgpack_pack_uint8(&p.pk, IPROTO_ERROR_24);
	pack_cstr(&p.pk, stack[0].message);
	msgpack_pack_uint8(&p.pk, IPROTO_ERROR);
	msgpack_pack_map(&p.pk, 1);
	msgpack_pack_uint8(&p.pk, 0);
	msgpack_pack_array(&p.pk, count);
	for (uint32_t i = 0; i < count; i++)
		pack_error(&p.pk, &stack[i]);
	return packer_end(&p);
}

/* --- requests --- */

/* Leave room for the length, write the header. */
static void request_begin(struct packer *p, struct buf *b, uint32_t type, uint64_t sync)
{
	packer_init(p, b);
	packer_write(p, "\xce\0\0\0", 5);
	msgpack_pack_map(&p->pk, 2);
	msgpack_pack_uint8(&p->pk, IPROTO_REQUEST_TYPE);
	msgpack_pack_uint32(&p->pk, type);
	msgpack_pack_uint8(&p->pk, IPROTO_SYNC);
	msgpack_pack_uint64(&p->pk, sync);
}

/* Fill the length in. */
static int request_end(struct packer *p)
{
	size_t size = p->buf->len - p->start - 5;
	if (size > UINT32_MAX)
		p->failed = true;
	if (packer_end(p) != 0)
		return -1;
	uint32_t size_be = htobe32((uint32_t)size);
	memcpy(p->buf->data + p->start + 1, &size_be, 4);
	return 0;
}

static void pack_raw(struct packer *p, const char *data, const char *end)
{
	if (data == NULL)
		msgpack_pack_array(&p->pk, 0);
	else
		packer_write(p, data, (size_t)(end - data));
}

int iproto_encode_ping(struct buf *b, uint64_t sync)
{
	struct packer p;
	request_begin(&p, b, IPROTO_TYPE_PING, sync);
	return request_end(&p);
}

int iproto_encode_auth(
	struct buf *b, uint64_t sync, const char *user, const unsigned char *scramble)
{
	struct packer p;
	request_begin(&p, b, IPROTO_TYPE_AUTH, sync);
	msgpack_pack_map(&p.pk, 2);
	msgpack_pack_uint8(&p.pk, IPROTO_USER_NAME);
	pack_cstr(&p.pk, user);
	msgpack_pack_uint8(&p.pk, IPROTO_TUPLE);
	msgpack_pack_array(&p.pk, scramble == NULL ? 0 : 2);
	if (scramble != NULL) {
		pack_cstr(&p.pk, "chap-sha1");
		pack_str(&p.pk, (const char *)scramble, 20);
	}
	return request_end(&p);
}

/* EVAL and CALL: a text and arguments. */
static int encode_code(struct buf *b, uint64_t sync, uint32_t type, uint8_t key,
	const char *text, size_t len, const char *args, const char *args_end)
{
	struct packer p;
	request_begin(&p, b, type, sync);
	msgpack_pack_map(&p.pk, 2);
	msgpack_pack_uint8(&p.pk, key);
	pack_str(&p.pk, text, len);
	msgpack_pack_uint8(&p.pk, IPROTO_TUPLE);
	pack_raw(&p, args, args_end);
	return request_end(&p);
}

int iproto_encode_eval(struct buf *b, uint64_t sync, const char *expr, size_t expr_len,
	const char *args, const char *args_end)
{
	return encode_code(
		b, sync, IPROTO_TYPE_EVAL, IPROTO_EXPR, expr, expr_len, args, args_end);
}

int iproto_encode_call(struct buf *b, uint64_t sync, uint32_t type, const char *name,
	size_t name_len, const char *args, const char *args_end)
{
	return encode_code(
		b, sync, type, IPROTO_FUNCTION_NAME, name, name_len, args, args_end);
}

int iproto_encode_id(struct buf *b, uint64_t sync, uint32_t version,
	const uint32_t *features, uint32_t feature_count)
{
	struct packer p;
	request_begin(&p, b, IPROTO_TYPE_ID, sync);
	msgpack_pack_map(&p.pk, 2);
	msgpack_pack_uint8(&p.pk, IPROTO_VERSION);
	msgpack_pack_uint32(&p.pk, version);
	msgpack_pack_uint8(&p.pk, IPROTO_FEATURES);
	msgpack_pack_array(&p.pk, feature_count);
	for (uint32_t i = 0; i < feature_count; i++)
		msgpack_pack_uint32(&p.pk, features[i]);
	return request_end(&p);
}

static void pack_u32(struct packer *p, uint8_t key, uint32_t value)
{
	msgpack_pack_uint8(&p->pk, key);
	msgpack_pack_uint32(&p->pk, value);
}

static void pack_array(struct packer *p, uint8_t key, const char *data, const char *end)
{
	msgpack_pack_uint8(&p->pk, key);
	pack_raw(p, data, end);
}

int iproto_encode_data(
	struct buf *b, uint64_t sync, uint32_t type, const struct iproto_body *body)
{
	bool has_index = type == IPROTO_TYPE_SELECT || type == IPROTO_TYPE_UPDATE ||
			 type == IPROTO_TYPE_DELETE;
	bool has_tuple = type != IPROTO_TYPE_SELECT && type != IPROTO_TYPE_DELETE;
	bool has_ops = type == IPROTO_TYPE_UPSERT;
	bool is_select = type == IPROTO_TYPE_SELECT;
	/* 0, the server's default, need not be said. */
	bool has_base = (type == IPROTO_TYPE_UPDATE || type == IPROTO_TYPE_UPSERT) &&
			body->index_base != 0;
	struct packer p;
	request_begin(&p, b, type, sync);
	msgpack_pack_map(&p.pk, 1u + (is_select ? 3 : 0) + (has_index ? 2 : 0) +
					has_tuple + has_ops + has_base);
	pack_u32(&p, IPROTO_SPACE_ID, body->space_id);
	if (has_base)
		pack_u32(&p, IPROTO_INDEX_BASE, body->index_base);
	if (is_select) {
		pack_u32(&p, IPROTO_LIMIT, body->limit);
		pack_u32(&p, IPROTO_OFFSET, body->offset);
		pack_u32(&p, IPROTO_ITERATOR, body->iterator);
	}
	if (has_index) {
		pack_u32(&p, IPROTO_INDEX_ID, body->index_id);
		pack_array(&p, IPROTO_KEY, body->key, body->key_end);
	}
	if (has_tuple)
		pack_array(&p, IPROTO_TUPLE, body->tuple, body->tuple_end);
	if (has_ops)
		pack_array(&p, IPROTO_OPS, body->ops, body->ops_end);
	return request_end(&p);
}

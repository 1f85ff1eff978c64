#include "proto/iproto.h"

/* What is read of a request's body. */
struct type_info {
	const char *name;
	uint64_t keys;
	uint64_t required;
};

static const struct type_info types[] = {
#define X(code, type_name, type_keys, type_required) \
	[code] = {#type_name, type_keys, type_required},
	IPROTO_TYPE_LIST(X)
#undef X
};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

const char *iproto_type_name(uint32_t type)
{
	return type < TYPE_COUNT ? types[type].name : NULL;
}

const char *iproto_key_name(uint32_t key)
{
	static const char *names[] = {
#define X(code, name, text) [code] = text,
		IPROTO_HEADER_KEY_LIST(X) IPROTO_BODY_KEY_LIST(X)
#undef X
	};
	return key < sizeof(names) / sizeof(names[0]) ? names[key] : NULL;
}

enum iproto_split iproto_split_frame(const char *data, const char *end, uint64_t size_max,
	struct iproto_frame *ret_frame)
{
	*ret_frame = (struct iproto_frame){0};
	if (data == end)
		return IPROTO_MORE;
	unsigned char c = (unsigned char)*data;
	uint32_t size_len = 1;
	if (c > 0x7f) {
		if (c < 0xcc || c > 0xcf)
			return IPROTO_BAD_SIZE;
		size_len += 1u << (c - 0xcc);
	}
	if ((size_t)(end - data) < size_len)
		return IPROTO_MORE;
	struct mp_cursor cur;
	mp_cursor_init(&cur, data, end);
	uint64_t size = mp_read_uint(&cur);
	ret_frame->size = size;
	ret_frame->size_len = size_len;
	if (size > size_max)
		return IPROTO_TOO_BIG;
	if (size > mp_left(&cur))
		return IPROTO_MORE;
	ret_frame->data = cur.pos;
	ret_frame->end = cur.pos + size;
	return IPROTO_FRAME;
}

int iproto_decode_header(struct mp_cursor *cur, struct iproto_header *ret_header)
{
	*ret_header = (struct iproto_header){0};
	uint32_t n = mp_read_map(cur);
	for (uint32_t i = 0; i < n && cur->error == NULL; i++) {
		switch (mp_read_uint(cur)) {
		case IPROTO_REQUEST_TYPE: {
			uint64_t type = mp_read_uint(cur);
			if (type > UINT32_MAX)
				mp_fail(cur, "the request type is too large");
			else
				ret_header->type = (uint32_t)type;
			break;
		}
		case IPROTO_SYNC:
			ret_header->sync = mp_read_uint(cur);
			break;
		case IPROTO_SCHEMA_VERSION:
			ret_header->schema_version = (uint32_t)mp_read_uint(cur);
			break;
		case IPROTO_STREAM_ID:
			ret_header->stream_id = mp_read_uint(cur);
			break;
		default:
			mp_skip(cur);
		}
	}
	return cur->error == NULL ? 0 : -1;
}

/* A number that fits 32 bits. */
static uint32_t read_u32(struct mp_cursor *cur)
{
	uint64_t v = mp_read_uint(cur);
	if (v > UINT32_MAX)
		mp_fail(cur, "the number is too large");
	return (uint32_t)v;
}

/* An array with all that is in it. */
static void read_array(struct mp_cursor *cur, const char **ret_data, const char **ret_end)
{
	const char *data = cur->pos;
	if (mp_peek(cur) != MP_ARRAY) {
		mp_fail(cur, "an array is expected");
		return;
	}
	mp_skip(cur);
	*ret_data = data;
	*ret_end = cur->pos;
}

static void read_body_value(struct mp_cursor *cur, uint64_t key, struct iproto_body *body)
{
	switch (key) {
	case IPROTO_SPACE_ID:
		body->space_id = read_u32(cur);
		break;
	case IPROTO_INDEX_ID:
		body->index_id = read_u32(cur);
		break;
	case IPROTO_LIMIT:
		body->limit = read_u32(cur);
		break;
	case IPROTO_OFFSET:
		body->offset = read_u32(cur);
		break;
	case IPROTO_ITERATOR:
		body->iterator = read_u32(cur);
		break;
	case IPROTO_INDEX_BASE:
		body->index_base = read_u32(cur);
		break;
	case IPROTO_STMT_ID:
		body->stmt_id = read_u32(cur);
		break;
	case IPROTO_FUNCTION_NAME:
	case IPROTO_USER_NAME:
	case IPROTO_EXPR:
	case IPROTO_SQL_TEXT:
		body->name = mp_read_str(cur, &body->name_len);
		break;
	case IPROTO_KEY:
		read_array(cur, &body->key, &body->key_end);
		break;
	case IPROTO_TUPLE:
		read_array(cur, &body->tuple, &body->tuple_end);
		break;
	case IPROTO_OPS:
	case IPROTO_SQL_BIND:
		read_array(cur, &body->ops, &body->ops_end);
		break;
	default:
		mp_skip(cur);
	}
}

/* The first required key that was not there; Tarantool's order is that of the codes. */
static const char *missing_key(uint64_t missing)
{
	if ((missing & K(USER_NAME)) != 0) /* looked for before the scramble */
		return iproto_key_name(IPROTO_USER_NAME);
	return iproto_key_name((uint32_t)__builtin_ctzll(missing) + 0x10);
}

enum iproto_body_fault iproto_decode_body(struct mp_cursor *cur, uint32_t type,
	struct iproto_body *ret_body, const char **ret_field)
{
	*ret_body = (struct iproto_body){0};
	*ret_field = NULL;
	const struct type_info *info = type < TYPE_COUNT ? &types[type] : &types[0];
	if (mp_left(cur) == 0)
		return info->keys == 0 ? IPROTO_BODY_OK : IPROTO_BODY_MISSING;
	if (info->keys == 0) {
		mp_skip(cur);
		return cur->error == NULL && mp_left(cur) == 0 ? IPROTO_BODY_OK
							       : IPROTO_BODY_INVALID;
	}
	uint32_t n = mp_read_map(cur);
	for (uint32_t i = 0; i < n && cur->error == NULL; i++) {
		uint64_t key = mp_read_uint(cur);
		uint64_t bit = key - 0x10 < 64 ? info->keys & IPROTO_KEY_BIT(key) : 0;
		if (bit != 0)
			read_body_value(cur, key, ret_body);
		else
			mp_skip(cur);
		ret_body->seen |= bit;
	}
	if (cur->error != NULL || mp_left(cur) > 0)
		return IPROTO_BODY_INVALID;
	uint64_t missing = info->required & ~ret_body->seen;
	if (missing != 0)
		*ret_field = missing_key(missing);
	else if ((type == IPROTO_TYPE_EXECUTE || type == IPROTO_TYPE_PREPARE) &&
		 (ret_body->seen & (K(SQL_TEXT) | K(STMT_ID))) == 0)
		*ret_field = "SQL text or stmt id";
	return *ret_field == NULL ? IPROTO_BODY_OK : IPROTO_BODY_FIELD;
}

int iproto_find_key(
	struct mp_cursor *cur, uint32_t key, const char **ret_value, const char **ret_end)
{
	*ret_value = *ret_end = NULL;
	uint32_t n = mp_read_map(cur);
	for (uint32_t i = 0; i < n && cur->error == NULL; i++) {
		bool is_it = mp_read_uint(cur) == key && cur->error == NULL;
		const char *value = cur->pos;
		mp_skip(cur);
		if (is_it && cur->error == NULL) {
			*ret_value = value;
			*ret_end = cur->pos;
		}
	}
	return cur->error == NULL && *ret_value != NULL ? 0 : -1;
}

int iproto_decode_error(struct mp_cursor *cur, struct iproto_error_view *ret_error)
{
	*ret_error = (struct iproto_error_view){0};
	uint32_t n = mp_read_map(cur);
	for (uint32_t i = 0; i < n && cur->error == NULL; i++) {
		uint64_t key = mp_read_uint(cur);
		if (key == IPROTO_ERROR_24) {
			ret_error->message = mp_read_str(cur, &ret_error->message_len);
		} else if (key == IPROTO_ERROR && mp_peek(cur) == MP_MAP) {
			struct mp_cursor map = *cur;
			mp_skip(cur);
			map.end = cur->pos;
			if (cur->error == NULL)
				iproto_find_key(&map, 0, &ret_error->stack,
					&ret_error->stack_end);
		} else {
			mp_skip(cur);
		}
	}
	return cur->error == NULL && ret_error->message != NULL ? 0 : -1;
}

int iproto_decode_error_item(struct mp_cursor *cur, struct iproto_error_item *ret_item)
{
	struct iproto_error_item *e = ret_item;
	*e = (struct iproto_error_item){0};
	uint32_t n = mp_read_map(cur);
	for (uint32_t i = 0; i < n && cur->error == NULL; i++) {
		switch (mp_read_uint(cur)) {
		case IPROTO_ERROR_TYPE:
			e->type = mp_read_str(cur, &e->type_len);
			break;
		case IPROTO_ERROR_FILE:
			e->file = mp_read_str(cur, &e->file_len);
			break;
		case IPROTO_ERROR_LINE:
			e->line = read_u32(cur);
			break;
		case IPROTO_ERROR_MESSAGE:
			e->message = mp_read_str(cur, &e->message_len);
			break;
		case IPROTO_ERROR_ERRNO:
			e->saved_errno = read_u32(cur);
			break;
		case IPROTO_ERROR_CODE:
			e->code = read_u32(cur);
			break;
		case IPROTO_ERROR_FIELDS:
			e->fields = cur->pos;
			mp_skip(cur);
			e->fields_end = cur->pos;
			break;
		default:
			mp_skip(cur);
		}
	}
	return cur->error == NULL ? 0 : -1;
}

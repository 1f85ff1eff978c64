/* Errors as msgpack extension: a map with a stack of maps, the top one first. */
#include <string.h>

#include "instance/lua/l_error.h"
#include "proto/mp.h"

enum { ERROR_STACK = 0 };
enum {
	ERROR_TYPE,
	ERROR_FILE,
	ERROR_LINE,
	ERROR_MESSAGE,
	ERROR_ERRNO,
	ERROR_CODE,
	ERROR_FIELDS
};

enum { ERROR_CHAIN_MAX = 256 };

static const struct error_type *type_by_name(const char *name, uint32_t len)
{
	static const struct error_type *const types[] = {&error_type_client,
		&error_type_access_denied, &error_type_custom, &error_type_luajit,
		&error_type_system, &error_type_socket, &error_type_timed_out,
		&error_type_oom, &error_type_illegal_params, &error_type_cancelled,
		&error_type_channel_closed, &error_type_xlog};
	for (size_t i = 0; i < lengthof(types); i++)
		if (strlen(types[i]->name) == len &&
			memcmp(types[i]->name, name, len) == 0)
			return types[i];
	return &error_type_client;
}

static void replace_string(char **field, struct mp_cursor *cur)
{
	uint32_t len;
	const char *s = mp_read_str(cur, &len);
	char *copy = s != NULL ? strndup(s, len) : NULL;
	if (copy == NULL)
		return;
	free(*field);
	*field = copy;
}

static void read_fields(struct error *e, struct mp_cursor *cur)
{
	for (uint32_t n = mp_read_map(cur); n > 0 && cur->error == NULL; n--) {
		uint32_t len;
		const char *key = mp_read_str(cur, &len);
		if (key == NULL)
			return;
		if (len == 11 && memcmp(key, "custom_type", 11) == 0)
			replace_string(&e->custom_type, cur);
		else if (len == 11 && memcmp(key, "object_type", 11) == 0)
			replace_string(&e->object_type, cur);
		else if (len == 11 && memcmp(key, "object_name", 11) == 0)
			replace_string(&e->object_name, cur);
		else if (len == 11 && memcmp(key, "access_type", 11) == 0)
			replace_string(&e->access_type, cur);
		else
			mp_skip(cur);
	}
}

static void read_field(struct error *e, uint64_t key, struct mp_cursor *cur)
{
	uint32_t len;
	const char *s;
	switch (key) {
	case ERROR_TYPE:
		s = mp_read_str(cur, &len);
		if (s != NULL)
			e->type = type_by_name(s, len);
		break;
	case ERROR_FILE:
		s = mp_read_str(cur, &len);
		if (s != NULL) {
			if (len >= sizeof(e->file))
				len = sizeof(e->file) - 1;
			memcpy(e->file, s, len);
			e->file[len] = '\0';
		}
		break;
	case ERROR_LINE:
		e->line = (unsigned)mp_read_uint(cur);
		break;
	case ERROR_MESSAGE:
		replace_string(&e->message, cur);
		break;
	case ERROR_ERRNO:
		e->saved_errno = (int)mp_read_int(cur);
		break;
	case ERROR_CODE:
		e->code = (unsigned)mp_read_uint(cur);
		break;
	case ERROR_FIELDS:
		read_fields(e, cur);
		break;
	default:
		mp_skip(cur);
	}
}

static struct error *read_one(struct mp_cursor *cur)
{
	struct error *e = error_new(&error_type_client, "", 0, "%s", "");
	for (uint32_t n = mp_read_map(cur); n > 0 && cur->error == NULL; n--) {
		uint64_t key = mp_read_uint(cur);
		read_field(e, key, cur);
	}
	return e;
}

static void unref_errorp(struct error **e)
{
	error_unref(*e);
}

/* The stack: the first error is what is returned, the next its cause. */
static struct error *read_stack(struct mp_cursor *cur)
{
	_cleanup_(unref_errorp) struct error *top = NULL;
	struct error *last = NULL; /* borrowed: the chain holds it */
	uint32_t n = mp_read_array(cur);
	if (n > ERROR_CHAIN_MAX)
		mp_fail(cur, "the chain of errors is too long");
	for (; n > 0 && cur->error == NULL; n--) {
		struct error *e = read_one(cur);
		if (last == NULL) {
			top = e;
		} else {
			error_set_cause(last, e);
			error_unref(e);
		}
		last = e;
	}
	return cur->error == NULL ? TAKE_PTR(top) : NULL;
}

struct error *l_error_unpack(const char *data, uint32_t len)
{
	_cleanup_(unref_errorp) struct error *result = NULL;
	struct mp_cursor cur;
	mp_cursor_init(&cur, data, data + len);
	for (uint32_t n = mp_read_map(&cur); n > 0 && cur.error == NULL; n--) {
		if (mp_read_uint(&cur) == ERROR_STACK && cur.error == NULL) {
			error_unref(result);
			result = read_stack(&cur);
		} else {
			mp_skip(&cur);
		}
	}
	return cur.error == NULL ? TAKE_PTR(result) : NULL;
}

#include "instance/box/update_op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/box/mp_raw.h"
#include "instance/box/tuple_format.h"
#include "instance/box/update.h"

const char *update_op_label(const struct update_op *op, char *buf)
{
	if (op->name != NULL)
		snprintf(buf, UPDATE_LABEL_MAX, "'%.*s'", (int)op->name_len, op->name);
	else
		snprintf(buf, UPDATE_LABEL_MAX, "%lld",
			(long long)(op->fieldno >= 0 ? op->fieldno + 1 : op->fieldno));
	return buf;
}

int update_op_bad_type(const struct update_op *op, const char *expected)
{
	char label[UPDATE_LABEL_MAX];
	diag_set_client(
		ER_UPDATE_ARG_TYPE, op->code, update_op_label(op, label), expected);
	return -1;
}

static int illegal(const char *text)
{
	diag_set_client(ER_ILLEGAL_PARAMS, text);
	return -1;
}

/*
 * "[N]" at the start of a path: the field number from 1, and where it ends. 0 when
 * it is none: *ret_end is the position (from 1) of what is wrong.
 */
static uint32_t bracket_number(const char *s, uint32_t len, uint32_t *ret_end)
{
	uint32_t i = 1, v = 0;
	while (i < len && s[i] >= '0' && s[i] <= '9' && v < 100000000)
		v = v * 10 + (uint32_t)(s[i++] - '0');
	*ret_end = i < len ? i + 1 : len;
	return i > 1 && i < len && s[i] == ']' ? v : 0;
}

static int bad_path(const struct update_op *op, uint32_t position)
{
	char label[UPDATE_LABEL_MAX], text[40];
	snprintf(text, sizeof(text), "invalid JSON in position %u", position);
	diag_set_client(ER_UPDATE_FIELD, update_op_label(op, label), text);
	return -1;
}

static int deep_path(void)
{
	diag_set_client(ER_UNSUPPORTED, "Tarantella",
		"updates by path; engine = \"tarantool\" runs them");
	return -1;
}

/* A name of the format, or a path of one step. */
static int read_name(struct update_op *op, const char **p, const struct tuple_dict *dict)
{
	op->name = mp_raw_str(p, &op->name_len);
	const char *name = op->name;
	uint32_t len = op->name_len, end = 0;
	op->fieldno = tuple_dict_find(dict, name, len);
	if (op->fieldno >= 0)
		return 0;
	if (len > 0 && *name == '[') {
		uint32_t number = bracket_number(name, len, &end);
		if (number == 0)
			return bad_path(op, end);
		op->fieldno = number - 1;
		return end == len ? 0 : deep_path();
	}
	while (end < len && name[end] != '.' && name[end] != '[')
		end++;
	if (end < len && tuple_dict_find(dict, name, end) >= 0)
		return deep_path();
	char text[UPDATE_LABEL_MAX];
	snprintf(text, sizeof(text), "%.*s", (int)len, name);
	diag_set_client(ER_NO_SUCH_FIELD_NAME, text);
	return -1;
}

static int read_number(struct update_op *op, const char **p, uint32_t index_base)
{
	int64_t v;
	if (mp_raw_type(*p) == MP_INT) {
		v = mp_raw_int(p);
	} else {
		uint64_t u = mp_raw_uint(p);
		v = u > INT32_MAX ? INT64_MAX : (int64_t)u;
	}
	if (v > INT32_MAX || v < INT32_MIN) {
		op->fieldno = -1;
		return update_op_bad_type(op, "an integer");
	}
	if (v >= 0 && v < index_base) {
		diag_set_client(ER_NO_SUCH_FIELD_NO, (int)v);
		return -1;
	}
	op->fieldno = v >= 0 ? v - index_base : v;
	return 0;
}

static int read_field(struct update_op *op, const char **p, const struct tuple_dict *dict,
	uint32_t index_base)
{
	switch (mp_raw_type(*p)) {
	case MP_INT:
	case MP_UINT:
		return read_number(op, p, index_base);
	case MP_STR:
		return read_name(op, p, dict);
	default:
		return illegal("field id must be a number or a string");
	}
}

/* An integer of any sign; one above INT64_MAX counts as that. */
static int read_integer(const struct update_op *op, const char **p, int64_t *ret)
{
	if (mp_raw_type(*p) == MP_INT) {
		*ret = mp_raw_int(p);
		return 0;
	}
	if (mp_raw_type(*p) != MP_UINT)
		return update_op_bad_type(op, "an integer");
	uint64_t v = mp_raw_uint(p);
	*ret = v > INT32_MAX ? INT32_MAX : (int64_t)v;
	return 0;
}

static int read_splice(struct update_op *op, const char *p, uint32_t index_base)
{
	if (read_integer(op, &p, &op->offset) != 0 || read_integer(op, &p, &op->cut) != 0)
		return -1;
	if (mp_raw_type(p) != MP_STR)
		return update_op_bad_type(op, "a string");
	op->paste = mp_raw_str(&p, &op->paste_len);
	if (op->offset < 0)
		return 0;
	if (op->offset < index_base) {
		char label[UPDATE_LABEL_MAX];
		diag_set_client(ER_UPDATE_SPLICE, update_op_label(op, label),
			"offset is out of bound");
		return -1;
	}
	op->offset -= index_base;
	return 0;
}

static int read_args(struct update_op *op, const char *p, uint32_t index_base)
{
	op->arg = p;
	op->arg_end = mp_raw_next(p);
	switch (op->code) {
	case '+':
	case '-':
		if (!field_type_matches(FIELD_TYPE_NUMBER, p, false))
			return update_op_bad_type(op, "a number");
		return 0;
	case '&':
	case '|':
	case '^':
		if (mp_raw_type(p) != MP_UINT)
			return update_op_bad_type(op, "a positive integer");
		return 0;
	case '#':
		if (mp_raw_type(p) != MP_UINT)
			return update_op_bad_type(op, "a positive integer");
		op->count = mp_raw_uint(&p);
		if (op->count == 0) {
			char label[UPDATE_LABEL_MAX];
			diag_set_client(ER_UPDATE_FIELD, update_op_label(op, label),
				"cannot delete 0 fields");
			return -1;
		}
		return 0;
	case ':':
		return read_splice(op, p, index_base);
	default:
		return 0;
	}
}

static int read_op(struct update_op *op, int number, const char *p,
	const struct tuple_dict *dict, uint32_t index_base)
{
	if (mp_raw_type(p) != MP_ARRAY)
		return illegal("update operation must be an array {op,..}");
	uint32_t count = mp_raw_array(&p), len;
	if (count == 0)
		return illegal(
			"update operation must be an array {op,..}, got empty array");
	if (mp_raw_type(p) != MP_STR)
		return illegal("update operation name must be a string");
	const char *code = mp_raw_str(&p, &len);
	char text[80];
	if (len != 1 || memchr("=+-&|^:!#", *code, 9) == NULL) {
		snprintf(text, sizeof(text), "\"%.*s\"", (int)len, code);
		diag_set_client(ER_UNKNOWN_UPDATE_OP, number, text);
		return -1;
	}
	op->code = *code;
	uint32_t expected = op->code == ':' ? 5 : 3;
	if (count != expected) {
		snprintf(text, sizeof(text),
			"wrong number of arguments, expected %u, got %u", expected,
			count);
		diag_set_client(ER_UNKNOWN_UPDATE_OP, number, text);
		return -1;
	}
	if (read_field(op, &p, dict, index_base) != 0)
		return -1;
	return read_args(op, p, index_base);
}

int update_ops_read(const char *ops, const struct tuple_dict *dict, uint32_t index_base,
	struct update_op **ret_ops, uint32_t *ret_count)
{
	*ret_ops = NULL;
	*ret_count = 0;
	if (mp_raw_type(ops) != MP_ARRAY)
		return illegal("update operations must be an array {{op,..}, {op,..}}");
	uint32_t count = mp_raw_array(&ops);
	if (count > UPDATE_OPS_MAX)
		return illegal("too many operations for update");
	if (count == 0)
		return 0;
	struct update_op *list = calloc(count, sizeof(*list));
	if (list == NULL) {
		diag_set(oom, "out of memory for an update");
		return -1;
	}
	for (uint32_t i = 0; i < count; i++, ops = mp_raw_next(ops)) {
		if (read_op(&list[i], (int)i + 1, ops, dict, index_base) != 0) {
			free(list);
			return -1;
		}
	}
	*ret_ops = list;
	*ret_count = count;
	return 0;
}

#include "instance/box/update.h"

#include <stdlib.h>
#include <string.h>

#include "instance/base/decimal.h"
#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/mp_raw.h"
#include "instance/box/update_op.h"

enum { FIELD_INLINE = 15 };

/* One field of the tuple as it is by now. */
struct field {
	const char *data; /* in the tuple or an operation; NULL: in inline_data or heap */
	char *heap;       /* owned, or NULL */
	uint32_t size;
	bool is_changed; /* an operation has set it: no arithmetic on it any more */
	char inline_data[FIELD_INLINE];
};

/* The tuple taken apart. */
struct fields {
	struct field *list; /* owned */
	uint32_t count, cap;
};

static int oom(void)
{
	diag_set(oom, "out of memory for an update");
	return -1;
}

static const char *field_data(const struct field *f)
{
	if (f->data != NULL)
		return f->data;
	return f->heap != NULL ? f->heap : f->inline_data;
}

/* ---- The list of fields ---- */

static void fields_fini(struct fields *fields)
{
	for (uint32_t i = 0; i < fields->count; i++)
		free(fields->list[i].heap);
	free(fields->list);
}

/* Take the tuple apart; `extra`: room for insertions. */
static int fields_init(struct fields *fields, const char *data, uint32_t extra)
{
	uint32_t count = mp_raw_array(&data);
	fields->cap = count + extra;
	fields->list = malloc((fields->cap + 1) * sizeof(*fields->list));
	if (fields->list == NULL)
		return oom();
	for (fields->count = 0; fields->count < count; fields->count++) {
		const char *next = mp_raw_next(data);
		struct field *f = &fields->list[fields->count];
		f->data = data;
		f->heap = NULL;
		f->size = (uint32_t)(next - data);
		f->is_changed = false;
		data = next;
	}
	return 0;
}

static void fields_insert(struct fields *fields, uint32_t at, const struct update_op *op)
{
	struct field *f = &fields->list[at];
	memmove(f + 1, f, (fields->count - at) * sizeof(*f));
	fields->count++;
	f->data = op->arg;
	f->heap = NULL;
	f->size = (uint32_t)(op->arg_end - op->arg);
	f->is_changed = false;
}

static void fields_delete(struct fields *fields, uint32_t at, uint32_t n)
{
	struct field *f = &fields->list[at];
	for (uint32_t i = 0; i < n; i++)
		free(f[i].heap);
	memmove(f, f + n, (fields->count - at - n) * sizeof(*f));
	fields->count -= n;
}

static int fields_write(const struct fields *fields, struct buf *out)
{
	size_t size = 5;
	for (uint32_t i = 0; i < fields->count; i++)
		size += fields->list[i].size;
	char *p = buf_reserve(out, size);
	if (p == NULL)
		return oom();
	char *start = p;
	p = mp_raw_put_array(p, fields->count);
	for (uint32_t i = 0; i < fields->count; i++) {
		memcpy(p, field_data(&fields->list[i]), fields->list[i].size);
		p += fields->list[i].size;
	}
	out->len += (size_t)(p - start);
	return 0;
}

/* ---- Operations on one field ---- */

static int overflow(const struct update_op *op)
{
	char label[UPDATE_LABEL_MAX];
	diag_set_client(ER_UPDATE_INTEGER_OVERFLOW, op->code, update_op_label(op, label));
	return -1;
}

static void set_inline(struct field *f, const char *end)
{
	f->data = NULL;
	f->size = (uint32_t)(end - f->inline_data);
}

static bool is_floating(const char *p)
{
	return mp_raw_type(p) == MP_DOUBLE || mp_raw_type(p) == MP_FLOAT;
}

static double to_double(const char *p)
{
	switch (mp_raw_type(p)) {
	case MP_DOUBLE:
		return mp_raw_double(&p);
	case MP_FLOAT:
		return mp_raw_float(&p);
	case MP_INT:
		return (double)mp_raw_int(&p);
	default:
		return (double)mp_raw_uint(&p);
	}
}

static __int128 to_int128(const char *p)
{
	return mp_raw_type(p) == MP_INT ? (__int128)mp_raw_int(&p)
					: (__int128)mp_raw_uint(&p);
}

static int arith_decimal(struct field *f, const struct update_op *op, const char *value)
{
	char packed[DECIMAL_MP_LEN_MAX + 3];
	int len = update_decimal(op, value, packed);
	if (len < 0)
		return -1;
	f->heap = malloc((size_t)len);
	if (f->heap == NULL)
		return oom();
	memcpy(f->heap, packed, (size_t)len);
	f->data = NULL;
	f->size = (uint32_t)len;
	return 0;
}

static int apply_arith(struct field *f, const struct update_op *op, const char *value)
{
	if (!field_type_matches(FIELD_TYPE_NUMBER, value, false))
		return update_op_bad_type(op, "a number");
	if (mp_raw_type(value) == MP_EXT || mp_raw_type(op->arg) == MP_EXT)
		return arith_decimal(f, op, value);
	if (is_floating(value) || is_floating(op->arg)) {
		double a = to_double(value), b = to_double(op->arg);
		double c = op->code == '+' ? a + b : a - b;
		/* A float stays one as long as it can hold the result. */
		bool is_double = mp_raw_type(value) == MP_DOUBLE ||
				 mp_raw_type(op->arg) == MP_DOUBLE ||
				 (double)(float)c != c;
		set_inline(f, is_double ? mp_raw_put_double(f->inline_data, c)
					: mp_raw_put_float(f->inline_data, (float)c));
		return 0;
	}
	__int128 a = to_int128(value), b = to_int128(op->arg);
	__int128 c = op->code == '+' ? a + b : a - b;
	if (c > (__int128)UINT64_MAX || c < (__int128)INT64_MIN)
		return overflow(op);
	set_inline(f, c >= 0 ? mp_raw_put_uint(f->inline_data, (uint64_t)c)
			     : mp_raw_put_int(f->inline_data, (int64_t)c));
	return 0;
}

static int apply_bit(struct field *f, const struct update_op *op, const char *value)
{
	if (mp_raw_type(value) != MP_UINT)
		return update_op_bad_type(op, "a positive integer");
	const char *arg = op->arg;
	uint64_t a = mp_raw_uint(&value), b = mp_raw_uint(&arg);
	uint64_t c = op->code == '&' ? a & b : op->code == '|' ? a | b : a ^ b;
	set_inline(f, mp_raw_put_uint(f->inline_data, c));
	return 0;
}

static int apply_splice(struct field *f, const struct update_op *op, const char *value)
{
	if (mp_raw_type(value) != MP_STR)
		return update_op_bad_type(op, "a string");
	uint32_t len;
	const char *str = mp_raw_str(&value, &len);
	int64_t offset = op->offset, cut = op->cut;
	if (offset < 0) {
		if (-offset > (int64_t)len + 1) {
			char label[UPDATE_LABEL_MAX];
			diag_set_client(ER_UPDATE_SPLICE, update_op_label(op, label),
				"offset is out of bound");
			return -1;
		}
		offset += (int64_t)len + 1;
	}
	if (offset > len)
		offset = len;
	int64_t left = (int64_t)len - offset;
	if (cut < 0)
		cut = -cut > left ? 0 : cut + left;
	else if (cut > left)
		cut = left;
	uint64_t new_len = (uint64_t)(len - cut) + op->paste_len;
	char *heap = new_len > UINT32_MAX ? NULL : malloc(new_len + 5);
	if (heap == NULL)
		return oom();
	char *p = mp_raw_put_strl(heap, (uint32_t)new_len);
	memcpy(p, str, (size_t)offset);
	memcpy(p + offset, op->paste, op->paste_len);
	memcpy(p + offset + op->paste_len, str + offset + cut, (size_t)(left - cut));
	f->heap = heap;
	f->data = NULL;
	f->size = (uint32_t)((size_t)(p - heap) + new_len);
	return 0;
}

static int apply_to_field(struct field *f, const struct update_op *op)
{
	if (f->is_changed) {
		char label[UPDATE_LABEL_MAX];
		diag_set_client(ER_UPDATE_FIELD, update_op_label(op, label),
			"double update of the same field");
		return -1;
	}
	int rc;
	if (op->code == '+' || op->code == '-')
		rc = apply_arith(f, op, field_data(f));
	else if (op->code == ':')
		rc = apply_splice(f, op, field_data(f));
	else
		rc = apply_bit(f, op, field_data(f));
	if (rc == 0)
		f->is_changed = true;
	return rc;
}

static void apply_set(struct field *f, const struct update_op *op)
{
	free(f->heap);
	f->heap = NULL;
	f->data = op->arg;
	f->size = (uint32_t)(op->arg_end - op->arg);
	f->is_changed = true;
}

/* ---- All of them ---- */

static int apply(struct fields *fields, const struct update_op *given)
{
	struct update_op op = *given;
	int64_t at = op.fieldno, count = fields->count;
	if (at < 0)
		at += count + (op.code == '!');
	/* = and ! may also add behind the last one. */
	bool may_append = op.code == '!' || (op.code == '=' && op.fieldno >= 0);
	if (at < 0 || at > count || (at == count && !may_append)) {
		char label[UPDATE_LABEL_MAX];
		if (op.name != NULL)
			diag_set_client(
				ER_NO_SUCH_FIELD_NAME, update_op_label(&op, label));
		else
			diag_set_client(ER_NO_SUCH_FIELD_NO,
				(int)(op.fieldno >= 0 ? op.fieldno + 1 : op.fieldno));
		return -1;
	}
	op.fieldno = at;
	switch (op.code) {
	case '=':
		if (at == count)
			fields_insert(fields, (uint32_t)at, &op);
		else
			apply_set(&fields->list[at], &op);
		return 0;
	case '!':
		fields_insert(fields, (uint32_t)at, &op);
		return 0;
	case '#': {
		uint64_t left = (uint64_t)(count - at);
		uint64_t n = op.count < left ? op.count : left;
		fields_delete(fields, (uint32_t)at, (uint32_t)n);
		return 0;
	}
	default:
		return apply_to_field(&fields->list[at], &op);
	}
}

static int execute(const char *ops, const char *data, const struct tuple_dict *dict,
	uint32_t index_base, bool is_upsert, struct buf *out)
{
	_cleanup_(freep) struct update_op *list = NULL;
	uint32_t count;
	if (update_ops_read(ops, dict, index_base, &list, &count) != 0)
		return -1;
	_cleanup_(fields_fini) struct fields fields = {NULL, 0, 0};
	if (fields_init(&fields, data, count) != 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		if (apply(&fields, &list[i]) == 0)
			continue;
		if (!is_upsert || diag_last()->type == &error_type_oom)
			return -1;
		diag_clear();
	}
	return fields_write(&fields, out);
}

int update_execute(const char *ops, const char *ops_end, const char *data,
	const char *end, const struct tuple_dict *dict, uint32_t index_base,
	struct buf *out)
{
	(void)ops_end;
	(void)end;
	return execute(ops, data, dict, index_base, false, out);
}

int upsert_execute(const char *ops, const char *ops_end, const char *data,
	const char *end, const struct tuple_dict *dict, uint32_t index_base,
	struct buf *out)
{
	(void)ops_end;
	(void)end;
	return execute(ops, data, dict, index_base, true, out);
}

int update_check_ops(const char *ops, const char *ops_end, const struct tuple_dict *dict,
	uint32_t index_base)
{
	(void)ops_end;
	_cleanup_(freep) struct update_op *list = NULL;
	uint32_t count;
	return update_ops_read(ops, dict, index_base, &list, &count);
}

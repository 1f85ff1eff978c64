#include "instance/box/tuple.h"

#include <stdio.h>
#include <stdlib.h>

#include "instance/base/diag.h"

size_t tuple_memory_used;
size_t tuple_memory_max = SIZE_MAX;
size_t tuple_size_max = 1024 * 1024;

/* What counts against memtx_memory: tuples of no space do not, as in Tarantool. */
static size_t tuple_alloc_size(const struct tuple_format *format, uint32_t data_size)
{
	if (format->is_runtime)
		return 0;
	/* What malloc takes for it: a word more, rounded up to two words. */
	return (offsetof(struct tuple, data) + data_size + 8 + 15) & ~(size_t)15;
}

struct tuple *tuple_new(struct tuple_format *format, const char *data, const char *end)
{
	size_t size = (size_t)(end - data);
	if (tuple_format_check(format, data, end) != 0)
		return NULL;
	size_t total = offsetof(struct tuple, data) + size;
	if (!format->is_runtime && total > tuple_size_max) {
		diag_set_client(ER_MEMTX_MAX_TUPLE_SIZE, (unsigned)total);
		return NULL;
	}
	size_t taken = tuple_alloc_size(format, (uint32_t)size);
	struct tuple *tuple = NULL;
	if (size <= UINT32_MAX - 64 && tuple_memory_used + taken <= tuple_memory_max)
		tuple = malloc(total);
	if (tuple == NULL) {
		diag_set_client(ER_MEMORY_ISSUE, (unsigned)total, "slab allocator",
			"memtx_tuple");
		return NULL;
	}
	tuple_memory_used += taken;
	tuple->refs = 1;
	tuple->size = (uint32_t)size;
	tuple->format_id = format->id;
	memcpy(tuple->data, data, size);
	tuple_format_ref(format);
	return tuple;
}

void tuple_free(struct tuple *tuple)
{
	struct tuple_format *format = tuple_formats[tuple->format_id];
	tuple_memory_used -= tuple_alloc_size(format, tuple->size);
	tuple_format_unref(format);
	free(tuple);
}

const char *tuple_field_by_name(const struct tuple *tuple, const char *name, size_t len)
{
	int64_t fieldno = tuple_dict_find(tuple_format(tuple)->dict, name, len);
	return fieldno < 0 ? NULL : tuple_field(tuple, (uint32_t)fieldno);
}

/* The field, of one of the two types; NULL with diag set. */
static const char *typed_field(const struct tuple *tuple, uint32_t fieldno,
	enum mp_type a, enum mp_type b, enum field_type expected)
{
	const char *field = tuple_field(tuple, fieldno);
	if (field == NULL) {
		diag_set_client(ER_NO_SUCH_FIELD_NO, (int)fieldno + 1);
		return NULL;
	}
	if (mp_raw_type(field) != a && mp_raw_type(field) != b) {
		diag_set_client(ER_FIELD_TYPE, tuple_field_label(fieldno),
			field_type_name[expected]);
		return NULL;
	}
	return field;
}

int tuple_field_u64(const struct tuple *tuple, uint32_t fieldno, uint64_t *ret)
{
	const char *field =
		typed_field(tuple, fieldno, MP_UINT, MP_UINT, FIELD_TYPE_UNSIGNED);
	if (field == NULL)
		return -1;
	*ret = mp_raw_uint(&field);
	return 0;
}

int tuple_field_u32(const struct tuple *tuple, uint32_t fieldno, uint32_t *ret)
{
	uint64_t v;
	if (tuple_field_u64(tuple, fieldno, &v) != 0)
		return -1;
	if (v > UINT32_MAX) {
		diag_set_client(ER_FIELD_TYPE, tuple_field_label(fieldno),
			field_type_name[FIELD_TYPE_UNSIGNED]);
		return -1;
	}
	*ret = (uint32_t)v;
	return 0;
}

const char *tuple_field_str(
	const struct tuple *tuple, uint32_t fieldno, uint32_t *ret_len)
{
	const char *field =
		typed_field(tuple, fieldno, MP_STR, MP_STR, FIELD_TYPE_STRING);
	return field == NULL ? NULL : mp_raw_str(&field, ret_len);
}

const char *tuple_field_label(uint32_t fieldno)
{
	static char labels[2][16];
	static unsigned turn;
	char *label = labels[turn++ % 2];
	snprintf(label, sizeof(labels[0]), "%u", fieldno + 1);
	return label;
}

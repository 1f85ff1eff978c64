/* The C API: tuples. */
#include "instance/base/util.h"
#include "instance/box/update.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

/* Result of the operations; used up before anything else can run. */
static struct buf update_buf;

enum { UPDATE_BUF_KEEP = 1 << 20 };

int box_tuple_ref(box_tuple_t *tuple)
{
	if (tuple == NULL)
		return api_wrong_argument("box_tuple_ref", "tuple");
	tuple_ref(tuple);
	return 0;
}

void box_tuple_unref(box_tuple_t *tuple)
{
	if (tuple != NULL)
		tuple_unref(tuple);
}

uint32_t box_tuple_field_count(box_tuple_t *tuple)
{
	return tuple != NULL ? tuple_field_count(tuple) : 0;
}

size_t box_tuple_bsize(box_tuple_t *tuple)
{
	return tuple != NULL ? tuple->size : 0;
}

ssize_t box_tuple_to_buf(box_tuple_t *tuple, char *buf, size_t size)
{
	if (tuple == NULL)
		return api_wrong_argument("box_tuple_to_buf", "tuple");
	if (tuple->size <= size && buf != NULL)
		memcpy(buf, tuple->data, tuple->size);
	return tuple->size;
}

box_tuple_format_t *box_tuple_format(box_tuple_t *tuple)
{
	return tuple != NULL ? tuple_format(tuple) : NULL;
}

const char *box_tuple_field(box_tuple_t *tuple, uint32_t fieldno)
{
	return tuple != NULL ? tuple_field(tuple, fieldno) : NULL;
}

box_tuple_t *box_tuple_new(box_tuple_format_t *format, const char *data, const char *end)
{
	if (format == NULL) {
		api_wrong_argument("box_tuple_new", "format");
		return NULL;
	}
	if (api_check_tuple(data, end, "tuple") != 0)
		return NULL;
	return api_give(tuple_new(format, data, end));
}

typedef int (*change_cb)(const char *ops, const char *ops_end, const char *data,
	const char *end, const struct tuple_dict *dict, uint32_t index_base,
	struct buf *out);

/* A copy of the tuple with the operations applied, of the same format. */
static struct tuple *change(
	struct tuple *tuple, const char *ops, const char *end, change_cb apply)
{
	if (tuple == NULL) {
		api_wrong_argument("box_tuple_update", "tuple");
		return NULL;
	}
	if (api_check_value(ops, end, "operations") != 0)
		return NULL;
	struct tuple_format *format = tuple_format(tuple);
	buf_reset(&update_buf);
	struct tuple *made = NULL;
	if (apply(ops, end, tuple->data, tuple_end(tuple), format->dict, 1,
		    &update_buf) == 0)
		made = tuple_new(
			format, update_buf.data, update_buf.data + update_buf.len);
	buf_reset(&update_buf);
	buf_shrink(&update_buf, UPDATE_BUF_KEEP);
	return api_give(made);
}

box_tuple_t *box_tuple_update(box_tuple_t *tuple, const char *expr, const char *expr_end)
{
	return change(tuple, expr, expr_end, update_execute);
}

box_tuple_t *box_tuple_upsert(box_tuple_t *tuple, const char *expr, const char *expr_end)
{
	return change(tuple, expr, expr_end, upsert_execute);
}

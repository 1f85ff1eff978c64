/* The C API: iterators over the fields of a tuple. */
#include <stdlib.h>

#include "instance/module/api.h"
#include "instance/module/api_util.h"

/* Owned by the module that asked for it. */
struct tuple_iterator {
	struct tuple *tuple; /* a reference */
	const char *pos;     /* the next field */
	uint32_t fieldno;    /* its number */
};

box_tuple_iterator_t *box_tuple_iterator(box_tuple_t *tuple)
{
	if (tuple == NULL) {
		api_wrong_argument("box_tuple_iterator", "tuple");
		return NULL;
	}
	struct tuple_iterator *it = malloc(sizeof(*it));
	if (it == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for it",
			sizeof(*it));
		return NULL;
	}
	tuple_ref(tuple);
	it->tuple = tuple;
	box_tuple_rewind(it);
	return it;
}

void box_tuple_iterator_free(box_tuple_iterator_t *it)
{
	if (it == NULL)
		return;
	tuple_unref(it->tuple);
	free(it);
}

uint32_t box_tuple_position(box_tuple_iterator_t *it)
{
	return it->fieldno;
}

void box_tuple_rewind(box_tuple_iterator_t *it)
{
	it->pos = it->tuple->data;
	mp_raw_array(&it->pos);
	it->fieldno = 0;
}

const char *box_tuple_seek(box_tuple_iterator_t *it, uint32_t fieldno)
{
	const char *field = tuple_field(it->tuple, fieldno);
	if (field == NULL) {
		it->pos = tuple_end(it->tuple);
		it->fieldno = tuple_field_count(it->tuple);
		return NULL;
	}
	it->pos = field;
	it->fieldno = fieldno;
	return box_tuple_next(it);
}

const char *box_tuple_next(box_tuple_iterator_t *it)
{
	const char *field = it->pos;
	if (field >= tuple_end(it->tuple))
		return NULL;
	it->pos = mp_raw_next(field);
	it->fieldno++;
	return field;
}

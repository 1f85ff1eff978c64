#include "instance/box/dml.h"

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/box.h"
#include "instance/box/session.h"
#include "instance/box/txn.h"
#include "instance/box/stat.h"

int dml_insert(uint32_t space_id, const char *tuple, const char *end, struct tuple **ret)
{
	struct request request = {.type = REQUEST_INSERT,
		.space_id = space_id,
		.tuple = tuple,
		.tuple_end = end};
	return request_execute(&request, ret);
}

int dml_replace(uint32_t space_id, const char *tuple, const char *end, struct tuple **ret)
{
	struct request request = {.type = REQUEST_REPLACE,
		.space_id = space_id,
		.tuple = tuple,
		.tuple_end = end};
	return request_execute(&request, ret);
}

int dml_delete(uint32_t space_id, uint32_t index_id, const char *key, const char *end,
	struct tuple **ret)
{
	struct request request = {.type = REQUEST_DELETE,
		.space_id = space_id,
		.index_id = index_id,
		.key = key,
		.key_end = end};
	return request_execute(&request, ret);
}

int dml_update(uint32_t space_id, uint32_t index_id, const char *key, const char *key_end,
	const char *ops, const char *ops_end, uint32_t index_base, struct tuple **ret)
{
	struct request request = {.type = REQUEST_UPDATE,
		.space_id = space_id,
		.index_id = index_id,
		.index_base = index_base,
		.key = key,
		.key_end = key_end,
		.tuple = ops,
		.tuple_end = ops_end};
	return request_execute(&request, ret);
}

int dml_upsert(uint32_t space_id, uint32_t index_id, const char *tuple,
	const char *tuple_end, const char *ops, const char *ops_end, uint32_t index_base)
{
	struct request request = {.type = REQUEST_UPSERT,
		.space_id = space_id,
		.index_id = index_id,
		.index_base = index_base,
		.tuple = tuple,
		.tuple_end = tuple_end,
		.ops = ops,
		.ops_end = ops_end};
	return request_execute(&request, NULL);
}

struct index *dml_index_for_read(
	uint32_t space_id, uint32_t index_id, struct space **ret_space)
{
	struct space *space = space_find(space_id);
	if (space == NULL)
		return NULL;
	if (space_access_check != NULL && space_access_check(space, PRIV_R) != 0)
		return NULL;
	if (ret_space != NULL)
		*ret_space = space;
	txn_note_read();
	return space_index_find(space, index_id);
}

/* -1 with diag set: no such iterator, or not such a key. *key moves past the header. */
static int check_search(
	const struct index *index, int type, const char **key, uint32_t *ret_parts)
{
	if (type < 0 || type >= ITER_MAX) {
		diag_set_client(ER_ILLEGAL_PARAMS, "Invalid iterator type");
		return -1;
	}
	*ret_parts = mp_raw_array(key);
	return index_check_key(index, (enum iterator_type)type, *key, *ret_parts);
}

/* A reference for the caller. */
static int give(int rc, struct tuple **ret)
{
	if (rc == 0 && *ret != NULL)
		tuple_ref(*ret);
	return rc;
}

int dml_get(uint32_t space_id, uint32_t index_id, const char *key, const char *end,
	struct tuple **ret)
{
	(void)end;
	struct index *index = dml_index_for_read(space_id, index_id, NULL);
	if (index == NULL)
		return -1;
	uint32_t part_count = mp_raw_array(&key);
	if (index_check_exact_key(index, key, part_count) != 0)
		return -1;
	box_stat_count(BOX_STAT_SELECT);
	return give(index->vtab->get(index, key, part_count, ret), ret);
}

/* Only a tree knows its edges; that comes before what is wrong with the key. */
static int check_edge(const struct index *index, const char *what)
{
	if (index->def->type == INDEX_TREE)
		return 0;
	index_set_unsupported(index, what);
	return -1;
}

int dml_min(uint32_t space_id, uint32_t index_id, const char *key, const char *end,
	struct tuple **ret)
{
	(void)end;
	struct index *index = dml_index_for_read(space_id, index_id, NULL);
	uint32_t part_count;
	if (index == NULL || check_edge(index, "min()") != 0 ||
		check_search(index, ITER_ALL, &key, &part_count) != 0)
		return -1;
	return give(index->vtab->min(index, key, part_count, ret), ret);
}

int dml_max(uint32_t space_id, uint32_t index_id, const char *key, const char *end,
	struct tuple **ret)
{
	(void)end;
	struct index *index = dml_index_for_read(space_id, index_id, NULL);
	uint32_t part_count;
	if (index == NULL || check_edge(index, "max()") != 0 ||
		check_search(index, ITER_ALL, &key, &part_count) != 0)
		return -1;
	return give(index->vtab->max(index, key, part_count, ret), ret);
}

int dml_random(uint32_t space_id, uint32_t index_id, uint32_t rnd, struct tuple **ret)
{
	struct index *index = dml_index_for_read(space_id, index_id, NULL);
	return index == NULL ? -1 : give(index->vtab->random(index, rnd, ret), ret);
}

int dml_count(uint32_t space_id, uint32_t index_id, int type, const char *key,
	const char *end, size_t *ret)
{
	(void)end;
	struct index *index = dml_index_for_read(space_id, index_id, NULL);
	uint32_t part_count;
	if (index == NULL || check_search(index, type, &key, &part_count) != 0)
		return -1;
	return index->vtab->count(index, (enum iterator_type)type, key, part_count, ret);
}

int dml_len(uint32_t space_id, uint32_t index_id, size_t *ret)
{
	struct index *index = dml_index_for_read(space_id, index_id, NULL);
	if (index == NULL)
		return -1;
	*ret = index_size(index);
	return 0;
}

int dml_bsize(uint32_t space_id, uint32_t index_id, size_t *ret)
{
	struct index *index = dml_index_for_read(space_id, index_id, NULL);
	if (index == NULL)
		return -1;
	*ret = index->vtab->bsize(index);
	return 0;
}

struct iterator *dml_iterator(
	uint32_t space_id, uint32_t index_id, int type, const char *key, const char *end)
{
	(void)end;
	struct index *index = dml_index_for_read(space_id, index_id, NULL);
	uint32_t part_count;
	if (index == NULL || check_search(index, type, &key, &part_count) != 0)
		return NULL;
	return index->vtab->create_iterator(
		index, (enum iterator_type)type, key, part_count);
}

int dml_skip(struct iterator *it, size_t n)
{
	if (it->index->vtab->skip != NULL)
		return it->index->vtab->skip(it, n);
	struct tuple *tuple = NULL;
	while (n-- > 0)
		if (iterator_next(it, &tuple) != 0 || tuple == NULL)
			return tuple == NULL ? 0 : -1;
	return 0;
}

int box_select(uint32_t space_id, uint32_t index_id, int iterator, uint32_t offset,
	uint32_t limit, const char *key, const char *key_end, struct buf *out,
	uint32_t *ret_count)
{
	size_t len_before = out->len;
	_cleanup_(iterator_freep) struct iterator *it =
		dml_iterator(space_id, index_id, iterator, key, key_end);
	if (it == NULL || dml_skip(it, offset) != 0)
		return -1;
	uint32_t count = 0;
	while (count < limit) {
		struct tuple *tuple;
		if (iterator_next(it, &tuple) != 0)
			goto fail;
		if (tuple == NULL)
			break;
		if (buf_append(out, tuple->data, tuple->size) != 0) {
			diag_set(oom, "out of memory for a reply");
			goto fail;
		}
		count++;
	}
	*ret_count = count;
	box_stat_count(BOX_STAT_SELECT);
	return 0;
fail:
	out->len = len_before;
	return -1;
}

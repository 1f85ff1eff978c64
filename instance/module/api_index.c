/* The C API: reading. */
#include "instance/box/dml.h"
#include "instance/box/stat.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

static int check_type(int type)
{
	if (type >= 0 && type < ITER_MAX)
		return 0;
	diag_set_client(ER_ILLEGAL_PARAMS, "Invalid iterator type");
	return -1;
}

box_iterator_t *box_index_iterator(uint32_t space_id, uint32_t index_id, int type,
	const char *key, const char *key_end)
{
	if (check_type(type) != 0 || api_check_key(key, &key_end) != 0)
		return NULL;
	struct iterator *it = dml_iterator(space_id, index_id, type, key, key_end);
	if (it != NULL)
		box_stat_count(BOX_STAT_SELECT);
	else
		api_result(-1, NULL, NULL);
	return it;
}

int box_iterator_next(box_iterator_t *iterator, box_tuple_t **result)
{
	struct tuple *tuple = NULL;
	if (iterator == NULL)
		return api_wrong_argument("box_iterator_next", "iterator");
	if (iterator_next(iterator, &tuple) != 0)
		return -1;
	if (tuple != NULL)
		tuple_ref(tuple);
	return api_result(0, tuple, result);
}

void box_iterator_free(box_iterator_t *iterator)
{
	iterator_free(iterator);
}

ssize_t box_index_len(uint32_t space_id, uint32_t index_id)
{
	size_t len;
	if (dml_len(space_id, index_id, &len) != 0)
		return api_result(-1, NULL, NULL);
	return (ssize_t)len;
}

ssize_t box_index_bsize(uint32_t space_id, uint32_t index_id)
{
	size_t size;
	if (dml_bsize(space_id, index_id, &size) != 0)
		return api_result(-1, NULL, NULL);
	return (ssize_t)size;
}

int box_index_random(
	uint32_t space_id, uint32_t index_id, uint32_t rnd, box_tuple_t **result)
{
	struct tuple *tuple = NULL;
	int rc = dml_random(space_id, index_id, rnd, &tuple);
	return api_result(rc, tuple, result);
}

int box_index_get(uint32_t space_id, uint32_t index_id, const char *key,
	const char *key_end, box_tuple_t **result)
{
	struct tuple *tuple = NULL;
	if (api_check_key(key, &key_end) != 0)
		return -1;
	int rc = dml_get(space_id, index_id, key, key_end, &tuple);
	return api_result(rc, tuple, result);
}

int box_index_min(uint32_t space_id, uint32_t index_id, const char *key,
	const char *key_end, box_tuple_t **result)
{
	struct tuple *tuple = NULL;
	if (api_check_key(key, &key_end) != 0)
		return -1;
	int rc = dml_min(space_id, index_id, key, key_end, &tuple);
	return api_result(rc, tuple, result);
}

int box_index_max(uint32_t space_id, uint32_t index_id, const char *key,
	const char *key_end, box_tuple_t **result)
{
	struct tuple *tuple = NULL;
	if (api_check_key(key, &key_end) != 0)
		return -1;
	int rc = dml_max(space_id, index_id, key, key_end, &tuple);
	return api_result(rc, tuple, result);
}

ssize_t box_index_count(uint32_t space_id, uint32_t index_id, int type, const char *key,
	const char *key_end)
{
	size_t count;
	if (check_type(type) != 0 || api_check_key(key, &key_end) != 0)
		return -1;
	if (dml_count(space_id, index_id, type, key, key_end, &count) != 0)
		return api_result(-1, NULL, NULL);
	return (ssize_t)count;
}

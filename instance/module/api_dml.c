/* The C API: changes of data. */
#include "instance/box/dml.h"

#include "instance/box/schema.h"
#include "instance/fiber/fiber.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

int box_insert(
	uint32_t space_id, const char *tuple, const char *tuple_end, box_tuple_t **result)
{
	struct tuple *made = NULL;
	fiber_find_lua(); /* for triggers */
	if (api_check_tuple(tuple, tuple_end, "tuple") != 0)
		return -1;
	int rc = dml_insert(space_id, tuple, tuple_end, &made);
	return api_result(rc, made, result);
}

int box_replace(
	uint32_t space_id, const char *tuple, const char *tuple_end, box_tuple_t **result)
{
	struct tuple *made = NULL;
	fiber_find_lua(); /* for triggers */
	if (api_check_tuple(tuple, tuple_end, "tuple") != 0)
		return -1;
	int rc = dml_replace(space_id, tuple, tuple_end, &made);
	return api_result(rc, made, result);
}

int box_delete(uint32_t space_id, uint32_t index_id, const char *key, const char *key_end,
	box_tuple_t **result)
{
	struct tuple *gone = NULL;
	fiber_find_lua(); /* for triggers */
	if (api_check_key(key, &key_end) != 0)
		return -1;
	int rc = dml_delete(space_id, index_id, key, key_end, &gone);
	return api_result(rc, gone, result);
}

int box_update(uint32_t space_id, uint32_t index_id, const char *key, const char *key_end,
	const char *ops, const char *ops_end, int index_base, box_tuple_t **result)
{
	struct tuple *made = NULL;
	fiber_find_lua(); /* for triggers */
	if (api_check_key(key, &key_end) != 0 ||
		api_check_value(ops, ops_end, "operations") != 0)
		return -1;
	int rc = dml_update(space_id, index_id, key, key_end, ops, ops_end,
		(uint32_t)index_base, &made);
	return api_result(rc, made, result);
}

int box_upsert(uint32_t space_id, uint32_t index_id, const char *tuple,
	const char *tuple_end, const char *ops, const char *ops_end, int index_base,
	box_tuple_t **result)
{
	fiber_find_lua(); /* for triggers */
	if (api_check_tuple(tuple, tuple_end, "tuple") != 0 ||
		api_check_value(ops, ops_end, "operations") != 0)
		return -1;
	int rc = dml_upsert(
		space_id, index_id, tuple, tuple_end, ops, ops_end, (uint32_t)index_base);
	return api_result(rc, NULL, result);
}

/* A row of _truncate empties the space; its number counts how often that was done. */
int box_truncate(uint32_t space_id)
{
	char tuple[16];
	static const char ops[] = "\x91\x93\xa1+\x01\x01"; /* {{'+', 1, 1}} */
	/* For triggers. */
	fiber_find_lua();
	if (space_find(space_id) == NULL)
		return api_result(-1, NULL, NULL);
	char *p = mp_raw_put_array(tuple, 2);
	p = mp_raw_put_uint(p, space_id);
	p = mp_raw_put_uint(p, 1);
	return dml_upsert(SPACE_TRUNCATE, 0, tuple, p, ops, ops + sizeof(ops) - 1, 0);
}

/* The C API: key definitions. */
#include "instance/box/key_def.h"

#include <stdlib.h>

#include "instance/base/util.h"
#include "instance/box/mp_compare.h"
#include "instance/box/space.h"
#include "instance/box/txn.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

enum { KEY_FIELD_MAX = 0x7fffffff };

box_key_def_t *box_key_def_new(uint32_t *fields, uint32_t *types, uint32_t part_count)
{
	if (part_count > 0 && (fields == NULL || types == NULL)) {
		api_wrong_argument(
			"box_key_def_new", fields == NULL ? "fields" : "types");
		return NULL;
	}
	if (part_count > INDEX_PART_MAX) {
		api_wrong_argument("box_key_def_new", "part_count");
		return NULL;
	}
	struct key_part parts[INDEX_PART_MAX];
	for (uint32_t i = 0; i < part_count; i++) {
		if (types[i] >= FIELD_TYPE_MAX || fields[i] >= KEY_FIELD_MAX) {
			api_wrong_argument("box_key_def_new",
				types[i] >= FIELD_TYPE_MAX ? "types" : "fields");
			return NULL;
		}
		parts[i] = (struct key_part){fields[i], types[i], false, COLL_NONE};
	}
	return key_def_new(parts, part_count);
}

void box_key_def_delete(box_key_def_t *key_def)
{
	key_def_free(key_def);
}

/* Values that a module compares may be of other types than the key's. */
static int compare_part(const char *a, const char *b, enum field_type type)
{
	bool has_nil = a == NULL || b == NULL || mp_raw_type(a) == MP_NIL ||
		       mp_raw_type(b) == MP_NIL;
	if (has_nil || (field_type_matches(type, a, false) &&
			       field_type_matches(type, b, false)))
		return mp_compare_field(a, b, type);
	return mp_compare_scalar(a, b);
}

int box_tuple_compare(box_tuple_t *tuple_a, box_tuple_t *tuple_b, box_key_def_t *key_def)
{
	if (tuple_a == NULL || tuple_b == NULL || key_def == NULL)
		return api_wrong_argument("box_tuple_compare", "NULL");
	for (uint32_t i = 0; i < key_def->part_count; i++) {
		const struct key_part *part = &key_def->parts[i];
		int rc = compare_part(tuple_field(tuple_a, part->fieldno),
			tuple_field(tuple_b, part->fieldno), part->type);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int box_tuple_compare_with_key(
	box_tuple_t *tuple_a, const char *key_b, box_key_def_t *key_def)
{
	if (tuple_a == NULL || key_b == NULL || key_def == NULL)
		return api_wrong_argument("box_tuple_compare_with_key", "NULL");
	/* Nobody says where the key ends: its header is all that can be checked. */
	if (mp_raw_type(key_b) != MP_ARRAY)
		return api_wrong_argument("box_tuple_compare_with_key", "key");
	uint32_t count = mp_raw_array(&key_b);
	for (uint32_t i = 0; i < count && i < key_def->part_count; i++) {
		const struct key_part *part = &key_def->parts[i];
		int rc = compare_part(
			tuple_field(tuple_a, part->fieldno), key_b, part->type);
		if (rc != 0)
			return rc;
		key_b = mp_raw_next(key_b);
	}
	return 0;
}

/* Bytes of the key that key_def_extract() would give. */
static size_t key_size(const struct key_def *def, const struct tuple *tuple)
{
	size_t size = 5;
	for (uint32_t i = 0; i < def->part_count; i++) {
		const char *field = tuple_field(tuple, def->parts[i].fieldno);
		size += field != NULL ? (size_t)(mp_raw_next(field) - field) : 1;
	}
	return size;
}

char *box_tuple_extract_key(
	box_tuple_t *tuple, uint32_t space_id, uint32_t index_id, uint32_t *ret_size)
{
	struct space *space = space_find(space_id);
	struct index *index = space != NULL ? space_index_find(space, index_id) : NULL;
	if (index == NULL) {
		api_result(-1, NULL, NULL);
		return NULL;
	}
	if (tuple == NULL) {
		api_wrong_argument("box_tuple_extract_key", "tuple");
		return NULL;
	}
	const struct key_def *def = index->def->key_def;
	size_t size = key_size(def, tuple);
	char *key = txn_current() != NULL ? box_txn_alloc(size) : api_scratch_alloc(size);
	if (key == NULL)
		return NULL;
	char *p = mp_raw_put_array(key, def->part_count);
	for (uint32_t i = 0; i < def->part_count; i++) {
		const char *field = tuple_field(tuple, def->parts[i].fieldno);
		if (field == NULL) {
			p = mp_raw_put_nil(p);
			continue;
		}
		size_t len = (size_t)(mp_raw_next(field) - field);
		memcpy(p, field, len);
		p += len;
	}
	if (ret_size != NULL)
		*ret_size = (uint32_t)(p - key);
	return key;
}

#include "instance/box/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "instance/base/diag.h"
#include "instance/box/index_hash.h"
#include "instance/box/index_tree.h"
#include "instance/box/space.h"

const char *const index_type_name[] = {"TREE", "HASH", "BITSET", "RTREE", NULL};
const char *const iterator_type_name[] = {"EQ", "REQ", "ALL", "LT", "LE", "GE", "GT",
	"BITS_ALL_SET", "BITS_ANY_SET", "BITS_ALL_NOT_SET", "OVERLAPS", "NEIGHBOR", NULL};

static int find_name(const char *const *names, int count, const char *name, size_t len)
{
	for (int i = 0; i < count; i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0)
			return i;
	return count;
}

enum index_type index_type_by_name(const char *name, size_t len)
{
	return (enum index_type)find_name(index_type_name, INDEX_TYPE_MAX, name, len);
}

enum iterator_type iterator_type_by_name(const char *name, size_t len)
{
	return (enum iterator_type)find_name(iterator_type_name, ITER_MAX, name, len);
}

struct index_def *index_def_new(uint32_t space_id, uint32_t iid, const char *name,
	size_t name_len, enum index_type type, bool is_unique,
	const struct key_part *parts, uint32_t part_count, const struct key_def *pk)
{
	struct index_def *def = calloc(1, sizeof(*def));
	if (def == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	def->space_id = space_id;
	def->iid = iid;
	def->type = type;
	def->is_unique = is_unique;
	def->name = strndup(name, name_len);
	def->key_def = key_def_new(parts, part_count);
	if (def->name == NULL || def->key_def == NULL)
		goto fail;
	/* A unique index needs the primary key only behind keys with a nil. */
	if (pk == NULL || (is_unique && !def->key_def->is_nullable))
		def->cmp_def = key_def_dup(def->key_def);
	else
		def->cmp_def = key_def_merge(def->key_def, pk, is_unique);
	if (def->cmp_def == NULL)
		goto fail;
	return def;
fail:
	if (def->name == NULL)
		diag_set(oom, "out of memory");
	index_def_free(def);
	return NULL;
}

void index_def_free(struct index_def *def)
{
	if (def == NULL)
		return;
	key_def_free(def->key_def);
	key_def_free(def->cmp_def);
	free(def->name);
	free(def);
}

void index_init(struct index *index, const struct index_vtab *vtab, struct index_def *def)
{
	*index = (struct index){.vtab = vtab, .def = def, .refs = 1};
}

struct index *index_new(struct index_def *def)
{
	if (def->type == INDEX_TREE)
		return index_tree_new(def);
	if (def->type == INDEX_HASH)
		return index_hash_new(def);
	char what[80];
	snprintf(what, sizeof(what), "%s indexes; engine = \"tarantool\" runs them",
		index_type_name[def->type]);
	diag_set_client(ER_UNSUPPORTED, "Tarantella", what);
	return NULL;
}

void index_ref(struct index *index)
{
	index->refs++;
}

void index_unref(struct index *index)
{
	if (index == NULL || --index->refs > 0)
		return;
	struct index_def *def = index->def;
	index->vtab->free(index);
	index_def_free(def);
}

void iterator_free(struct iterator *it)
{
	if (it != NULL)
		it->free(it);
}

int index_check_key(const struct index *index, enum iterator_type type, const char *key,
	uint32_t part_count)
{
	const struct key_def *def = index->def->key_def;
	bool is_hash = index->def->type == INDEX_HASH;
	if (part_count == 0 && (!is_hash || type == ITER_ALL || type == ITER_GT))
		return 0;
	if (is_hash && part_count < def->part_count) {
		diag_set_client(ER_PARTIAL_KEY, index_type_name[INDEX_HASH],
			def->part_count, part_count);
		return -1;
	}
	return key_def_check_key(def, key, part_count, true, true);
}

int index_check_exact_key(const struct index *index, const char *key, uint32_t part_count)
{
	if (!index->def->is_unique) {
		diag_set_client(ER_MORE_THAN_ONE_TUPLE);
		return -1;
	}
	return key_def_check_key(index->def->key_def, key, part_count, false, false);
}

int index_check_dup(const struct index *index, const struct space *space,
	const struct tuple *old_tuple, const struct tuple *found, enum dup_mode mode)
{
	if (found == NULL) {
		if (mode != DUP_REPLACE)
			return 0;
		diag_set_client(
			ER_CANT_UPDATE_PRIMARY_KEY, index->def->name, space_name(space));
		return -1;
	}
	if (found == old_tuple || (old_tuple == NULL && mode != DUP_INSERT))
		return 0;
	diag_set_client(ER_TUPLE_FOUND, index->def->name, space_name(space));
	return -1;
}

void index_set_unsupported(const struct index *index, const char *what)
{
	const struct space *space = space_by_id(index->def->space_id);
	diag_set_client(ER_UNSUPPORTED_INDEX_FEATURE, index->def->name,
		index_type_name[index->def->type], space != NULL ? space_name(space) : "",
		space != NULL ? space->def->engine : "memtx", what);
}

/* ---- The slow way, by an iterator ---- */

int generic_index_count(struct index *index, enum iterator_type type, const char *key,
	uint32_t part_count, size_t *ret)
{
	_cleanup_(iterator_freep) struct iterator *it =
		index->vtab->create_iterator(index, type, key, part_count);
	if (it == NULL)
		return -1;
	*ret = 0;
	for (;;) {
		struct tuple *tuple;
		if (iterator_next(it, &tuple) != 0)
			return -1;
		if (tuple == NULL)
			return 0;
		++*ret;
	}
}

static int first_of(struct index *index, enum iterator_type type, const char *key,
	uint32_t part_count, struct tuple **ret)
{
	_cleanup_(iterator_freep) struct iterator *it =
		index->vtab->create_iterator(index, type, key, part_count);
	return it == NULL ? -1 : iterator_next(it, ret);
}

int generic_index_min(
	struct index *index, const char *key, uint32_t part_count, struct tuple **ret)
{
	return first_of(index, ITER_EQ, key, part_count, ret);
}

int generic_index_max(
	struct index *index, const char *key, uint32_t part_count, struct tuple **ret)
{
	return first_of(index, ITER_REQ, key, part_count, ret);
}

int generic_index_random(struct index *index, uint32_t rnd, struct tuple **ret)
{
	(void)rnd;
	(void)ret;
	index_set_unsupported(index, "random()");
	return -1;
}

int generic_index_replace(struct index *index, struct space *space,
	struct tuple *old_tuple, struct tuple *new_tuple, enum dup_mode mode,
	struct tuple **ret_old)
{
	(void)space;
	(void)old_tuple;
	(void)new_tuple;
	(void)mode;
	(void)ret_old;
	index_set_unsupported(index, "replace()");
	return -1;
}

void generic_index_compact(struct index *index)
{
	(void)index;
}

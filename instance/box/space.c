#include "instance/box/space.h"

#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/index_tree.h"
#include "instance/box/tuple.h"

static int oom(void)
{
	diag_set(oom, "out of memory");
	return -1;
}

/* ---- Definitions ---- */

static int copy_fields(
	struct space_def *def, const struct field_def *fields, uint32_t count)
{
	def->fields = calloc(count + 1, sizeof(*fields));
	if (def->fields == NULL)
		return oom();
	for (uint32_t i = 0; i < count; i++) {
		def->fields[i] = fields[i];
		if (fields[i].name != NULL) {
			def->fields[i].name = strdup(fields[i].name);
			if (def->fields[i].name == NULL)
				return oom();
		}
		def->field_count++;
	}
	return 0;
}

struct space_def *space_def_new(uint32_t id, uint32_t uid, const char *name,
	size_t name_len, const char *engine, uint32_t exact_field_count,
	const struct field_def *fields, uint32_t field_count)
{
	struct space_def *def = calloc(1, sizeof(*def));
	if (def == NULL) {
		oom();
		return NULL;
	}
	def->id = id;
	def->uid = uid;
	def->exact_field_count = exact_field_count;
	def->name = strndup(name, name_len);
	def->engine = strdup(engine);
	if (def->name == NULL || def->engine == NULL)
		oom();
	else if (copy_fields(def, fields, field_count) == 0)
		return def;
	space_def_free(def);
	return NULL;
}

void space_def_free(struct space_def *def)
{
	if (def == NULL)
		return;
	for (uint32_t i = 0; i < def->field_count; i++)
		free((char *)def->fields[i].name);
	free(def->fields);
	free(def->name);
	free(def->engine);
	free(def);
}

/* ---- Spaces ---- */

int (*space_access_check)(struct space *space, unsigned priv);
int (*space_next_sequence)(struct space *space, const int64_t *given, int64_t *ret);

/* The format of the definition and these indexes. */
static struct tuple_format *make_format(const struct space_def *def,
	struct index *const *indexes, uint32_t index_count, struct tuple_dict *dict)
{
	const struct key_def *keys[INDEX_ID_MAX + 1] = {NULL};
	for (uint32_t i = 0; i < index_count; i++)
		keys[i] = indexes[i]->def->key_def;
	return tuple_format_new(def->fields, def->field_count, def->exact_field_count,
		keys, index_count, dict);
}

struct space *space_new(struct space_def *def)
{
	struct space *space = calloc(1, sizeof(*space));
	if (space == NULL) {
		oom();
		return NULL;
	}
	space->indexes = calloc(INDEX_ID_MAX, sizeof(struct index *));
	if (space->indexes == NULL)
		oom();
	else
		space->format = make_format(def, NULL, 0, NULL);
	if (space->format == NULL) {
		free(space->indexes);
		free(space);
		return NULL;
	}
	space->def = def;
	space->refs = 1;
	space->run_triggers = true;
	list_init(&space->before_replace);
	list_init(&space->on_replace);
	return space;
}

void space_ref(struct space *space)
{
	space->refs++;
}

void space_unref(struct space *space)
{
	if (--space->refs > 0)
		return;
	triggers_clear(&space->before_replace);
	triggers_clear(&space->on_replace);
	/* The primary one holds the tuples: it goes last. */
	for (uint32_t i = space->index_count; i-- > 0;) {
		space->indexes[i]->is_dropped = true;
		index_unref(space->indexes[i]);
	}
	tuple_format_unref(space->format);
	space_def_free(space->def);
	free(space->indexes);
	free(space);
}

struct index *space_index_find(const struct space *space, uint32_t iid)
{
	struct index *index = space_index(space, iid);
	if (index == NULL)
		diag_set_client(ER_NO_SUCH_INDEX_ID, iid, space_name(space));
	return index;
}

/* ---- Data ---- */

int space_replace(struct space *space, struct tuple *old_tuple, struct tuple *new_tuple,
	enum dup_mode mode, struct tuple **ret_old)
{
	uint32_t i = 0;
	struct tuple *old = old_tuple, *unused;
	if (index_replace(space->indexes[0], space, old_tuple, new_tuple, mode, &old) !=
		0)
		return -1;
	for (i = 1; i < space->index_count; i++)
		if (index_replace(space->indexes[i], space, old, new_tuple, DUP_INSERT,
			    &unused) != 0)
			goto undo;
	if (new_tuple != NULL) {
		tuple_ref(new_tuple);
		space->bsize += new_tuple->size;
	}
	if (old != NULL)
		space->bsize -= old->size;
	*ret_old = old;
	return 0;
undo:
	while (i-- > 0)
		if (index_replace(space->indexes[i], space, new_tuple, old,
			    DUP_REPLACE_OR_INSERT, &unused) != 0)
			abort(); /* out of memory where nothing can be given up */
	return -1;
}

/* ---- Changes of the schema ---- */

/* All tuples of the space, by the primary key. */
static struct tuple **collect(struct space *space, size_t *ret_count)
{
	struct index *pk = space_primary(space);
	size_t size = index_size(pk), count = 0;
	_cleanup_(freep) struct tuple **tuples = malloc((size + 1) * sizeof(*tuples));
	if (tuples == NULL) {
		oom();
		return NULL;
	}
	_cleanup_(iterator_freep) struct iterator *it =
		pk->vtab->create_iterator(pk, ITER_ALL, NULL, 0);
	while (it != NULL && count < size) {
		if (iterator_next(it, &tuples[count]) != 0)
			return NULL;
		if (tuples[count] == NULL)
			break;
		count++;
	}
	*ret_count = count;
	return it == NULL ? NULL : TAKE_PTR(tuples);
}

static int check_tuples(
	const struct tuple_format *format, struct tuple *const *tuples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (tuple_format_check(format, tuples[i]->data, tuple_end(tuples[i])) !=
			0)
			return -1;
	return 0;
}

/* The indexes with one more in its place, or instead of the one of its id. */
static uint32_t indexes_with(
	const struct space *space, struct index *index, struct index **ret_indexes)
{
	uint32_t count = 0;
	for (uint32_t iid = 0; iid < INDEX_ID_MAX; iid++) {
		struct index *other =
			iid == index->def->iid ? index : space->index_map[iid];
		if (other != NULL)
			ret_indexes[count++] = other;
	}
	return count;
}

/* Fill an index one by one. */
static int insert_all(struct index *index, struct space *space,
	struct tuple *const *tuples, size_t count)
{
	struct tuple *unused;
	for (size_t i = 0; i < count; i++)
		if (index_replace(index, space, NULL, tuples[i], DUP_INSERT, &unused) !=
			0)
			return -1;
	return 0;
}

int space_build_index(struct space *space, struct index *index)
{
	if (space_primary(space) == NULL || index_size(space_primary(space)) == 0)
		return 0;
	struct index *indexes[INDEX_ID_MAX];
	uint32_t index_count = indexes_with(space, index, indexes);
	struct tuple_format *format =
		make_format(space->def, indexes, index_count, space->format->dict);
	if (format == NULL)
		return -1;
	size_t count = 0;
	_cleanup_(freep) struct tuple **tuples = collect(space, &count);
	int rc = tuples == NULL ? -1 : check_tuples(format, tuples, count);
	tuple_format_unref(format);
	if (rc != 0)
		return -1;
	rc = index->def->type == INDEX_TREE
		     ? index_tree_build(index, space, tuples, count)
		     : insert_all(index, space, tuples, count);
	if (rc != 0)
		return -1;
	/* A new primary index holds references of its own. */
	if (index->def->iid == 0) {
		index->is_primary = true;
		for (size_t i = 0; i < count; i++)
			tuple_ref(tuples[i]);
	}
	return 0;
}

/* Take these indexes into use. -1 with diag set and nothing changed. */
static int set_indexes(struct space *space, struct index *const *indexes, uint32_t count)
{
	struct tuple_format *format =
		make_format(space->def, indexes, count, space->format->dict);
	if (format == NULL)
		return -1;
	tuple_format_unref(space->format);
	space->format = format;
	memset(space->index_map, 0, sizeof(space->index_map));
	for (uint32_t i = 0; i < count; i++) {
		space->indexes[i] = indexes[i];
		space->index_map[indexes[i]->def->iid] = indexes[i];
	}
	space->index_count = count;
	return 0;
}

int space_add_index(struct space *space, struct index *index, struct index **ret_old)
{
	struct index *indexes[INDEX_ID_MAX];
	struct index *old = space_index(space, index->def->iid);
	uint32_t count = indexes_with(space, index, indexes);
	if (set_indexes(space, indexes, count) != 0)
		return -1;
	if (index->def->iid == 0)
		index->is_primary = true;
	index->is_dropped = false;
	if (old != NULL)
		old->is_dropped = true;
	if (ret_old != NULL)
		*ret_old = old;
	else
		index_unref(old);
	return 0;
}

struct index *space_remove_index(struct space *space, uint32_t iid)
{
	struct index *old = space_index(space, iid), *indexes[INDEX_ID_MAX];
	uint32_t count = 0;
	for (uint32_t i = 0; i < space->index_count; i++)
		if (space->indexes[i] != old)
			indexes[count++] = space->indexes[i];
	if (old == NULL || set_indexes(space, indexes, count) != 0)
		return NULL;
	old->is_dropped = true;
	return old;
}

int space_check_format(struct space *space, const struct space_def *def)
{
	struct tuple_format *format =
		make_format(def, space->indexes, space->index_count, NULL);
	if (format == NULL)
		return -1;
	int rc = 0;
	if (space_primary(space) != NULL) {
		size_t count = 0;
		_cleanup_(freep) struct tuple **tuples = collect(space, &count);
		rc = tuples == NULL ? -1 : check_tuples(format, tuples, count);
	}
	tuple_format_unref(format);
	return rc;
}

int space_set_def(struct space *space, struct space_def *def, struct space_def **ret_old)
{
	struct tuple_format *format =
		make_format(def, space->indexes, space->index_count, NULL);
	if (format == NULL)
		return -1;
	/* Tuples of the old format see the new names. */
	tuple_dict_swap(format->dict, space->format->dict);
	struct tuple_dict *dict = format->dict;
	format->dict = space->format->dict;
	tuple_dict_ref(format->dict);
	tuple_dict_unref(dict);
	tuple_format_unref(space->format);
	space->format = format;
	if (ret_old != NULL)
		*ret_old = space->def;
	else
		space_def_free(space->def);
	space->def = def;
	return 0;
}

/* A new empty index of the same definition. */
static struct index *index_copy_empty(
	const struct space *space, const struct index *index)
{
	const struct index_def *def = index->def;
	struct index *pk = space_primary(space);
	struct index_def *copy = index_def_new(def->space_id, def->iid, def->name,
		strlen(def->name), def->type, def->is_unique, def->key_def->parts,
		def->key_def->part_count,
		index == pk || pk == NULL ? NULL : pk->def->key_def);
	struct index *empty = copy != NULL ? index_new(copy) : NULL;
	if (empty == NULL)
		index_def_free(copy);
	else
		empty->is_primary = index->is_primary;
	return empty;
}

int space_truncate_indexes(struct space *space, struct index **ret_old)
{
	struct index *empty[INDEX_ID_MAX] = {NULL};
	for (uint32_t i = 0; i < space->index_count; i++) {
		empty[i] = index_copy_empty(space, space->indexes[i]);
		if (empty[i] != NULL)
			continue;
		while (i-- > 0)
			index_unref(empty[i]);
		return -1;
	}
	if (ret_old != NULL)
		memset(ret_old, 0, INDEX_ID_MAX * sizeof(*ret_old));
	for (uint32_t i = space->index_count; i-- > 0;) {
		struct index *old = space->indexes[i];
		space->indexes[i] = empty[i];
		space->index_map[old->def->iid] = empty[i];
		old->is_dropped = true;
		if (ret_old != NULL)
			ret_old[old->def->iid] = old;
		else
			index_unref(old);
	}
	space->bsize = 0;
	return 0;
}

void space_restore_indexes(struct space *space, struct index **old)
{
	for (uint32_t i = space->index_count; i-- > 0;) {
		uint32_t iid = space->indexes[i]->def->iid;
		if (old[iid] == NULL)
			continue;
		space->indexes[i]->is_dropped = true;
		index_unref(space->indexes[i]);
		space->indexes[i] = space->index_map[iid] = old[iid];
		old[iid]->is_dropped = false;
		old[iid] = NULL;
	}
	size_t count = 0;
	struct tuple **tuples =
		space_primary(space) != NULL ? collect(space, &count) : NULL;
	for (size_t i = 0; i < count; i++)
		space->bsize += tuples[i]->size;
	free(tuples);
}

#include "instance/box/index_hash.h"

#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/box/hash_table.h"
#include "instance/box/mp_compare.h"
#include "instance/box/space.h"

struct hash_index {
	struct index base;
	struct hash_table table;
	const struct key_def *key_def; /* of base.def */
};

/* Owned by who asked for it. */
struct hash_iterator {
	struct iterator base;
	bool is_started;
	bool is_ended;
	bool is_single; /* EQ: at most one */
	size_t slot;    /* of `last`, while the version is the same */
	uint64_t version;
	struct bptree_item last; /* has a reference; tuple NULL before the first */
};

/* ---- Order and hashes ---- */

static int compare_items(
	const struct bptree_item *a, const struct bptree_item *b, const void *arg)
{
	return key_def_compare(arg, a->tuple, b->tuple, 0);
}

static int compare_key(
	const struct bptree_item *a, const struct bptree_key *key, const void *arg)
{
	return key_def_compare_key(arg, a->tuple, key->key, key->part_count, 0);
}

static struct bptree_item make_item(const struct hash_index *index, struct tuple *tuple)
{
	const struct key_def *def = index->key_def;
	uint64_t hash = 0;
	for (uint32_t i = 0; i < def->part_count; i++)
		hash = mp_hash(hash, tuple_field(tuple, def->parts[i].fieldno));
	return (struct bptree_item){mp_hash_finish(hash), tuple};
}

static struct bptree_key make_key(const char *key, uint32_t part_count)
{
	uint64_t hash = 0;
	const char *p = key;
	for (uint32_t i = 0; i < part_count; i++, p = mp_raw_next(p))
		hash = mp_hash(hash, p);
	return (struct bptree_key){mp_hash_finish(hash), key, part_count};
}

/* ---- Methods ---- */

static void hash_index_free(struct index *base)
{
	struct hash_index *index = (struct hash_index *)base;
	const struct hash_table *table = &index->table;
	if (base->is_primary)
		for (size_t i = hash_table_next(table, 0); i < table->slot_count;
			i = hash_table_next(table, i + 1))
			tuple_unref(table->slots[i].tuple);
	hash_table_fini(&index->table);
	free(index);
}

static size_t hash_index_size(struct index *base)
{
	return ((struct hash_index *)base)->table.size;
}

static size_t hash_index_bsize(struct index *base)
{
	return ((struct hash_index *)base)->table.slot_count * sizeof(struct bptree_item);
}

static int hash_index_get(
	struct index *base, const char *key, uint32_t part_count, struct tuple **ret)
{
	struct bptree_key probe = make_key(key, part_count);
	const struct bptree_item *item =
		hash_table_find_key(&((struct hash_index *)base)->table, &probe);
	*ret = item != NULL ? item->tuple : NULL;
	return 0;
}

static int hash_index_replace(struct index *base, struct space *space,
	struct tuple *old_tuple, struct tuple *new_tuple, enum dup_mode mode,
	struct tuple **ret_old)
{
	struct hash_index *index = (struct hash_index *)base;
	*ret_old = old_tuple;
	if (new_tuple != NULL) {
		struct bptree_item item = make_item(index, new_tuple), found;
		if (hash_table_insert(&index->table, item, &found) != 0) {
			diag_set(oom, "out of memory for an index");
			return -1;
		}
		if (index_check_dup(base, space, old_tuple, found.tuple, mode) != 0) {
			if (found.tuple != NULL)
				hash_table_insert(&index->table, found, &item);
			else
				hash_table_delete(&index->table, item);
			return -1;
		}
		if (found.tuple != NULL) {
			*ret_old = found.tuple;
			return 0;
		}
	}
	if (old_tuple != NULL)
		hash_table_delete(&index->table, make_item(index, old_tuple));
	return 0;
}

static int hash_index_random(struct index *base, uint32_t rnd, struct tuple **ret)
{
	const struct hash_table *table = &((struct hash_index *)base)->table;
	*ret = NULL;
	if (table->size == 0)
		return 0;
	size_t slot = hash_table_next(table, rnd % table->slot_count);
	if (slot == table->slot_count)
		slot = hash_table_next(table, 0);
	*ret = table->slots[slot].tuple;
	return 0;
}

static int hash_index_count(struct index *base, enum iterator_type type, const char *key,
	uint32_t part_count, size_t *ret)
{
	if (type != ITER_ALL)
		return generic_index_count(base, type, key, part_count, ret);
	*ret = hash_index_size(base);
	return 0;
}

static int hash_index_min(
	struct index *base, const char *key, uint32_t part_count, struct tuple **ret)
{
	index_set_unsupported(base, "min()");
	return -1;
}

static int hash_index_max(
	struct index *base, const char *key, uint32_t part_count, struct tuple **ret)
{
	index_set_unsupported(base, "max()");
	return -1;
}

/* ---- Iterators ---- */

static void hash_iterator_end(struct hash_iterator *it)
{
	it->is_ended = true;
	if (it->last.tuple != NULL)
		tuple_unref(it->last.tuple);
	it->last.tuple = NULL;
}

static void hash_iterator_free(struct iterator *base)
{
	hash_iterator_end((struct hash_iterator *)base);
	index_unref(base->index);
	free(base);
}

static int hash_iterator_next(struct iterator *base, struct tuple **ret)
{
	struct hash_iterator *it = (struct hash_iterator *)base;
	const struct hash_table *table = &((struct hash_index *)base->index)->table;
	*ret = NULL;
	size_t slot = table->slot_count;
	if (base->index->is_dropped || (it->is_single && it->is_started))
		it->is_ended = true;
	else if (it->last.tuple == NULL)
		slot = hash_table_next(table, 0);
	else if (it->version == table->version)
		slot = hash_table_next(table, it->slot + 1);
	else
		slot = hash_table_after(table, it->last);
	if (it->is_single && !it->is_ended)
		slot = it->slot;
	it->is_started = true;
	if (it->is_ended || slot >= table->slot_count) {
		hash_iterator_end(it);
		return 0;
	}
	struct tuple *before = it->last.tuple;
	it->slot = slot;
	it->version = table->version;
	it->last = table->slots[slot];
	tuple_ref(it->last.tuple);
	if (before != NULL)
		tuple_unref(before);
	*ret = it->last.tuple;
	return 0;
}

/* EQ and GT begin at the item of their key; without one they are at the end. */
static void hash_iterator_seek(struct hash_iterator *it, enum iterator_type type,
	const char *key, uint32_t part_count)
{
	const struct hash_table *table = &((struct hash_index *)it->base.index)->table;
	struct bptree_key probe = make_key(key, part_count);
	const struct bptree_item *item = hash_table_find_key(table, &probe);
	if (item == NULL) {
		it->is_ended = true;
		return;
	}
	it->last = *item;
	tuple_ref(item->tuple);
	it->slot = (size_t)(item - table->slots);
	it->version = table->version;
	it->is_single = type == ITER_EQ;
}

static struct iterator *hash_index_create_iterator(
	struct index *base, enum iterator_type type, const char *key, uint32_t part_count)
{
	if (type != ITER_EQ && type != ITER_ALL && type != ITER_GT) {
		index_set_unsupported(base, "requested iterator type");
		return NULL;
	}
	struct hash_iterator *it = calloc(1, sizeof(*it));
	if (it == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	it->base = (struct iterator){hash_iterator_next, hash_iterator_free, base};
	index_ref(base);
	if (type != ITER_ALL && part_count > 0)
		hash_iterator_seek(it, type, key, part_count);
	return &it->base;
}

static const struct index_vtab hash_index_vtab = {
	.free = hash_index_free,
	.size = hash_index_size,
	.bsize = hash_index_bsize,
	.get = hash_index_get,
	.replace = hash_index_replace,
	.create_iterator = hash_index_create_iterator,
	.count = hash_index_count,
	.min = hash_index_min,
	.max = hash_index_max,
	.random = hash_index_random,
	.compact = generic_index_compact,
};

struct index *index_hash_new(struct index_def *def)
{
	if (def->key_def->is_nullable) {
		diag_set_client(ER_UNSUPPORTED, "HASH", "nullable parts");
		return NULL;
	}
	struct hash_index *index = calloc(1, sizeof(*index));
	if (index == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	index_init(&index->base, &hash_index_vtab, def);
	index->key_def = def->key_def;
	struct bptree_order order = {compare_items, compare_key, def->key_def};
	hash_table_init(&index->table, &order);
	return &index->base;
}

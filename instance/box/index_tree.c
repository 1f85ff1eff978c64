#include "instance/box/index_tree.h"

#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/bptree.h"
#include "instance/box/space.h"

struct tree_index {
	struct index base;
	struct bptree tree;
	const struct key_def *cmp_def; /* of base.def */
};

enum { ITER_KEY_INLINE = 64 };

/* Owned by who asked for it. */
struct tree_iterator {
	struct iterator base;
	enum iterator_type type;
	bool is_reverse;
	bool is_started;
	bool is_ended;
	struct bptree_pos pos; /* of `last`, while the tree's version is the same */
	uint64_t version;
	struct bptree_item last; /* has a reference; tuple NULL before the first */
	struct bptree_key key;   /* of key_inline or on the heap */
	char key_inline[ITER_KEY_INLINE];
};

/* ---- Order ---- */

static int compare_items(
	const struct bptree_item *a, const struct bptree_item *b, const void *arg)
{
	const struct key_def *def = arg;
	uint32_t first = def->is_hint_complete && hint_is_exact(a->hint);
	return key_def_compare(def, a->tuple, b->tuple, first);
}

static int compare_key(
	const struct bptree_item *a, const struct bptree_key *key, const void *arg)
{
	const struct key_def *def = arg;
	uint32_t first = def->is_hint_complete && hint_is_exact(a->hint);
	return key_def_compare_key(def, a->tuple, key->key, key->part_count, first);
}

static inline struct bptree_item make_item(
	const struct tree_index *index, struct tuple *tuple)
{
	return (struct bptree_item){key_def_hint_tuple(index->cmp_def, tuple), tuple};
}

static inline struct bptree_key make_key(
	const struct tree_index *index, const char *key, uint32_t part_count)
{
	return (struct bptree_key){
		key_def_hint_key(index->cmp_def, key, part_count), key, part_count};
}

/* ---- Methods ---- */

static void tree_index_free(struct index *base)
{
	struct tree_index *index = (struct tree_index *)base;
	if (base->is_primary) {
		struct bptree_pos pos = bptree_first(&index->tree);
		for (; bptree_get(pos) != NULL; bptree_next(&pos))
			tuple_unref(bptree_get(pos)->tuple);
	}
	bptree_fini(&index->tree);
	free(index);
}

static size_t tree_index_size(struct index *base)
{
	return ((struct tree_index *)base)->tree.size;
}

static size_t tree_index_bsize(struct index *base)
{
	return ((struct tree_index *)base)->tree.node_bytes;
}

static int tree_index_get(
	struct index *base, const char *key, uint32_t part_count, struct tuple **ret)
{
	struct tree_index *index = (struct tree_index *)base;
	struct bptree_key probe = make_key(index, key, part_count);
	const struct bptree_item *item = bptree_find_key(&index->tree, &probe);
	*ret = item != NULL ? item->tuple : NULL;
	return 0;
}

static int tree_index_replace(struct index *base, struct space *space,
	struct tuple *old_tuple, struct tuple *new_tuple, enum dup_mode mode,
	struct tuple **ret_old)
{
	struct tree_index *index = (struct tree_index *)base;
	*ret_old = old_tuple;
	if (new_tuple != NULL) {
		struct bptree_item item = make_item(index, new_tuple), found;
		if (bptree_insert(&index->tree, item, &found) != 0) {
			diag_set(oom, "out of memory for an index");
			return -1;
		}
		if (index_check_dup(base, space, old_tuple, found.tuple, mode) != 0) {
			if (found.tuple != NULL)
				bptree_insert(&index->tree, found, &item);
			else
				bptree_delete(&index->tree, item);
			return -1;
		}
		if (found.tuple != NULL) {
			*ret_old = found.tuple;
			return 0;
		}
	}
	if (old_tuple != NULL)
		bptree_delete(&index->tree, make_item(index, old_tuple));
	return 0;
}

static int tree_index_random(struct index *base, uint32_t rnd, struct tuple **ret)
{
	struct tree_index *index = (struct tree_index *)base;
	const struct bptree_item *item = NULL;
	if (index->tree.size > 0)
		item = bptree_get(bptree_at(&index->tree, rnd % index->tree.size));
	*ret = item != NULL ? item->tuple : NULL;
	return 0;
}

/*
 * An empty key makes every type a walk over all, in its direction; ALL with a key
 * is GE, as in Tarantool.
 */
static enum iterator_type effective_type(enum iterator_type type, uint32_t part_count)
{
	if (type == ITER_ALL)
		return ITER_GE;
	if (part_count > 0)
		return type;
	return type == ITER_REQ || type == ITER_LT || type == ITER_LE ? ITER_LE : ITER_GE;
}

static bool is_type_built(const struct index *index, enum iterator_type type)
{
	if (type <= ITER_GT)
		return true;
	index_set_unsupported(index, "requested iterator type");
	return false;
}

static int tree_index_count(struct index *base, enum iterator_type type, const char *key,
	uint32_t part_count, size_t *ret)
{
	struct tree_index *index = (struct tree_index *)base;
	if (!is_type_built(base, type))
		return -1;
	size_t size = index->tree.size;
	*ret = size;
	if (type == ITER_ALL || part_count == 0)
		return 0;
	struct bptree_key probe = make_key(index, key, part_count);
	size_t lower = 0, upper = 0;
	if (type <= ITER_REQ && base->def->is_unique && !index->cmp_def->is_nullable &&
		part_count == base->def->key_def->part_count) {
		*ret = bptree_find_key(&index->tree, &probe) != NULL;
		return 0;
	}
	if (type != ITER_GT && type != ITER_LE)
		lower = bptree_rank(
			&index->tree, bptree_lower_bound(&index->tree, &probe, NULL));
	if (type != ITER_GE && type != ITER_LT)
		upper = bptree_rank(
			&index->tree, bptree_upper_bound(&index->tree, &probe));
	switch (type) {
	case ITER_LT:
		*ret = lower;
		break;
	case ITER_LE:
		*ret = upper;
		break;
	case ITER_GE:
		*ret = size - lower;
		break;
	case ITER_GT:
		*ret = size - upper;
		break;
	default:
		*ret = upper - lower;
		break;
	}
	return 0;
}

/* ---- Iterators ---- */

static void tree_iterator_end(struct tree_iterator *it)
{
	it->is_ended = true;
	if (it->last.tuple != NULL)
		tuple_unref(it->last.tuple);
	it->last.tuple = NULL;
}

static void tree_iterator_free(struct iterator *base)
{
	struct tree_iterator *it = (struct tree_iterator *)base;
	tree_iterator_end(it);
	if (it->key.key != it->key_inline)
		free((char *)it->key.key);
	index_unref(base->index);
	free(it);
}

static struct bptree_pos start_pos(
	const struct bptree *tree, const struct tree_iterator *it)
{
	if (it->key.part_count == 0)
		return it->is_reverse ? bptree_last(tree) : bptree_first(tree);
	switch (it->type) {
	case ITER_EQ:
	case ITER_GE:
		return bptree_lower_bound(tree, &it->key, NULL);
	case ITER_GT:
		return bptree_upper_bound(tree, &it->key);
	case ITER_LT:
		return bptree_before(tree, bptree_lower_bound(tree, &it->key, NULL));
	default: /* REQ, LE */
		return bptree_before(tree, bptree_upper_bound(tree, &it->key));
	}
}

/* From the last tuple on; it may be gone from the tree by now. */
static struct bptree_pos next_pos(const struct bptree *tree, struct tree_iterator *it)
{
	if (it->version == tree->version) {
		struct bptree_pos pos = it->pos;
		if (it->is_reverse)
			bptree_prev(&pos);
		else
			bptree_next(&pos);
		return pos;
	}
	if (it->is_reverse)
		return bptree_before(tree, bptree_lower_bound_item(tree, it->last, NULL));
	return bptree_upper_bound_item(tree, it->last);
}

static int tree_iterator_next(struct iterator *base, struct tuple **ret)
{
	struct tree_iterator *it = (struct tree_iterator *)base;
	struct tree_index *index = (struct tree_index *)base->index;
	*ret = NULL;
	if (it->is_ended || base->index->is_dropped) {
		tree_iterator_end(it);
		return 0;
	}
	it->pos =
		it->is_started ? next_pos(&index->tree, it) : start_pos(&index->tree, it);
	it->is_started = true;
	it->version = index->tree.version;
	const struct bptree_item *item = bptree_get(it->pos);
	bool is_eq = it->type == ITER_EQ || it->type == ITER_REQ;
	if (item == NULL ||
		(is_eq && (item->hint != it->key.hint ||
				  compare_key(item, &it->key, index->cmp_def) != 0))) {
		tree_iterator_end(it);
		return 0;
	}
	struct tuple *before = it->last.tuple;
	it->last = *item;
	tuple_ref(item->tuple);
	if (before != NULL)
		tuple_unref(before);
	*ret = it->last.tuple;
	return 0;
}

static int copy_key(struct tree_iterator *it, const char *key, uint32_t part_count)
{
	const char *end = key;
	for (uint32_t i = 0; i < part_count; i++)
		end = mp_raw_next(end);
	size_t size = (size_t)(end - key);
	char *copy = it->key_inline;
	if (size > sizeof(it->key_inline))
		copy = malloc(size);
	if (copy == NULL)
		return -1;
	if (size > 0)
		memcpy(copy, key, size);
	it->key.key = copy;
	return 0;
}

static struct iterator *tree_index_create_iterator(
	struct index *base, enum iterator_type type, const char *key, uint32_t part_count)
{
	struct tree_index *index = (struct tree_index *)base;
	if (!is_type_built(base, type))
		return NULL;
	struct tree_iterator *it = malloc(sizeof(*it));
	if (it == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	it->base = (struct iterator){tree_iterator_next, tree_iterator_free, base};
	it->type = effective_type(type, part_count);
	it->is_reverse =
		it->type == ITER_REQ || it->type == ITER_LT || it->type == ITER_LE;
	it->is_started = it->is_ended = false;
	it->last = (struct bptree_item){0, NULL};
	it->key = make_key(index, key, part_count);
	if (copy_key(it, key, part_count) != 0) {
		free(it);
		diag_set(oom, "out of memory");
		return NULL;
	}
	index_ref(base);
	return &it->base;
}

/* Step over n tuples: only before the first next(). */
static int tree_iterator_skip(struct iterator *base, size_t n)
{
	struct tree_iterator *it = (struct tree_iterator *)base;
	struct tree_index *index = (struct tree_index *)base->index;
	if (it->is_started || n == 0)
		return 0;
	struct bptree_pos pos = start_pos(&index->tree, it);
	if (bptree_get(pos) == NULL) {
		tree_iterator_end(it);
		return 0;
	}
	/* Stand on the n-th one, so that next() gives the one after it. */
	size_t rank = bptree_rank(&index->tree, pos), steps = n - 1;
	bool is_past = it->is_reverse ? steps > rank : steps >= index->tree.size - rank;
	if (is_past) {
		tree_iterator_end(it);
		return 0;
	}
	it->pos = bptree_at(&index->tree, it->is_reverse ? rank - steps : rank + steps);
	it->version = index->tree.version;
	it->is_started = true;
	it->last = *bptree_get(it->pos);
	tuple_ref(it->last.tuple);
	return 0;
}

static const struct index_vtab tree_index_vtab = {
	.free = tree_index_free,
	.size = tree_index_size,
	.bsize = tree_index_bsize,
	.get = tree_index_get,
	.replace = tree_index_replace,
	.create_iterator = tree_index_create_iterator,
	.count = tree_index_count,
	.min = generic_index_min,
	.max = generic_index_max,
	.random = tree_index_random,
	.compact = generic_index_compact,
	.skip = tree_iterator_skip,
};

struct index *index_tree_new(struct index_def *def)
{
	struct tree_index *index = calloc(1, sizeof(*index));
	if (index == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	index_init(&index->base, &tree_index_vtab, def);
	index->cmp_def = def->cmp_def;
	struct bptree_order order = {compare_items, compare_key, def->cmp_def};
	bptree_init(&index->tree, &order);
	return &index->base;
}

/* ---- Building ---- */

static int compare_for_sort(const void *a, const void *b, void *arg)
{
	const struct bptree_item *x = a, *y = b;
	if (x->hint != y->hint)
		return x->hint < y->hint ? -1 : 1;
	return compare_items(x, y, arg);
}

int index_tree_build(
	struct index *base, struct space *space, struct tuple **tuples, size_t count)
{
	struct tree_index *index = (struct tree_index *)base;
	_cleanup_(freep) struct bptree_item *items =
		malloc((count > 0 ? count : 1) * sizeof(*items));
	if (items == NULL) {
		diag_set(oom, "out of memory for an index");
		return -1;
	}
	for (size_t i = 0; i < count; i++)
		items[i] = make_item(index, tuples[i]);
	qsort_r(items, count, sizeof(*items), compare_for_sort, (void *)index->cmp_def);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && compare_for_sort(&items[i - 1], &items[i],
				     (void *)index->cmp_def) == 0) {
			bptree_fini(&index->tree);
			diag_set_client(
				ER_TUPLE_FOUND, base->def->name, space_name(space));
			return -1;
		}
		if (bptree_append(&index->tree, items[i]) != 0) {
			bptree_fini(&index->tree);
			diag_set(oom, "out of memory for an index");
			return -1;
		}
	}
	return 0;
}

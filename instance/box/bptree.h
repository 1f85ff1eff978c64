/*
 * B+tree over tuples with compare hints.
 *
 * Leaves hold the items and are linked both ways; inner nodes hold, per child,
 * the first item below it and how many there are, so position and count are
 * O(log n). Items with equal order never meet in one tree: the caller's order
 * is total.
 */
#ifndef BOX_BPTREE_H
#define BOX_BPTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tuple;

struct bptree_item {
	uint64_t hint;
	struct tuple *tuple;
};

/* What to look for; hint and key are the caller's to understand. */
struct bptree_key {
	uint64_t hint;
	const char *key;
	uint32_t part_count;
};

/* Order of items whose hints are equal. */
struct bptree_order {
	int (*compare)(const struct bptree_item *a, const struct bptree_item *b,
		const void *arg);
	int (*compare_key)(const struct bptree_item *a, const struct bptree_key *key,
		const void *arg);
	const void *arg;
};

struct bptree_node;

/* In place. Does not own what the items point to. */
struct bptree {
	struct bptree_node *root; /* NULL: empty */
	size_t size;
	uint32_t height;  /* inner levels */
	uint64_t version; /* changes with each insertion and deletion */
	size_t node_bytes;
	struct bptree_order order;
};

/* A place between items or on one; good until the tree changes. */
struct bptree_pos {
	struct bptree_node *leaf; /* NULL: past the end */
	uint32_t index;
};

/** An empty tree in place; nothing is allocated yet. */
void bptree_init(struct bptree *tree, const struct bptree_order *order);
/** Free the nodes. */
void bptree_fini(struct bptree *tree);

/**
 * Insert, or put in place of the equal item.
 * @param ret_replaced the item that was there; tuple is NULL when there was none
 * @return 0, or -1 when out of memory (the tree is unchanged; errors are not set)
 */
int bptree_insert(
	struct bptree *tree, struct bptree_item item, struct bptree_item *ret_replaced);
/** Take out the item equal to this one. @return false when there is none */
bool bptree_delete(struct bptree *tree, struct bptree_item item);
/** Add after the last; items come in order (building). -1 when out of memory. */
int bptree_append(struct bptree *tree, struct bptree_item item);

/** The item equal to this one, or NULL. */
const struct bptree_item *bptree_find(const struct bptree *tree, struct bptree_item item);
/** An item that the key (all parts) equals, or NULL. */
const struct bptree_item *bptree_find_key(
	const struct bptree *tree, const struct bptree_key *key);

/** First item >= key. @param ret_is_equal is it equal; may be NULL */
struct bptree_pos bptree_lower_bound(
	const struct bptree *tree, const struct bptree_key *key, bool *ret_is_equal);
/** First item > key. */
struct bptree_pos bptree_upper_bound(
	const struct bptree *tree, const struct bptree_key *key);
/** First item >= item. */
struct bptree_pos bptree_lower_bound_item(
	const struct bptree *tree, struct bptree_item item, bool *ret_is_equal);
struct bptree_pos bptree_upper_bound_item(
	const struct bptree *tree, struct bptree_item item);
struct bptree_pos bptree_first(const struct bptree *tree);
struct bptree_pos bptree_last(const struct bptree *tree);
/** The n-th item (from 0); past the end when there are not that many. */
struct bptree_pos bptree_at(const struct bptree *tree, size_t n);
/** How many items stand before the place. */
size_t bptree_rank(const struct bptree *tree, struct bptree_pos pos);

/** The item at the place, or NULL past the end. */
const struct bptree_item *bptree_get(struct bptree_pos pos);
/** Move on; past the end stays there. */
void bptree_next(struct bptree_pos *pos);
/** Move back: before the first one is past the end; past the end is not moved. */
void bptree_prev(struct bptree_pos *pos);
/** Move back from past the end too: to the last item. */
struct bptree_pos bptree_before(const struct bptree *tree, struct bptree_pos pos);

/** Check all invariants (tests). NULL, or what is broken. */
const char *bptree_check(const struct bptree *tree);

#endif

/* What the nodes of a tree are; internal to bptree*.c. */
#ifndef BOX_BPTREE_NODE_H
#define BOX_BPTREE_NODE_H

#include "instance/box/bptree.h"

enum {
	LEAF_MAX = 32,
	INNER_MAX = 32,
	MERGE_MAX = 24, /* neighbours of so many items together become one */
	HEIGHT_MAX = 32,
};

/* A leaf or an inner node. */
struct bptree_node {
	uint16_t count;
	bool is_leaf;
};

struct leaf {
	struct bptree_node base;
	struct leaf *prev, *next;
	struct bptree_item items[LEAF_MAX];
};

struct inner {
	struct bptree_node base;
	size_t sizes[INNER_MAX];            /* items below each child */
	struct bptree_item keys[INNER_MAX]; /* first item below each child */
	struct bptree_node *children[INNER_MAX];
};

static inline struct leaf *to_leaf(struct bptree_node *node)
{
	return (struct leaf *)node;
}

static inline struct inner *to_inner(struct bptree_node *node)
{
	return (struct inner *)node;
}

/* ---- Order ---- */

static inline int compare_items(const struct bptree *tree, const struct bptree_item *a,
	const struct bptree_item *b)
{
	if (a->hint != b->hint)
		return a->hint < b->hint ? -1 : 1;
	if (a->tuple == b->tuple)
		return 0;
	return tree->order.compare(a, b, tree->order.arg);
}

static inline struct bptree_item first_item(const struct bptree_node *node)
{
	return node->is_leaf ? ((const struct leaf *)node)->items[0]
			     : ((const struct inner *)node)->keys[0];
}

static inline size_t node_size(const struct bptree_node *node)
{
	if (node->is_leaf)
		return node->count;
	size_t size = 0;
	for (uint32_t i = 0; i < node->count; i++)
		size += ((const struct inner *)node)->sizes[i];
	return size;
}

#endif

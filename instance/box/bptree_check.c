/* The invariants of a tree, for tests. */
#include "instance/box/bptree_node.h"

struct check {
	const struct bptree *tree;
	const struct bptree_item *last; /* the item before */
	const struct leaf *leaf;        /* the leaf before */
	size_t size;
};

static const char *check_leaf(struct check *check, const struct leaf *leaf)
{
	if (leaf->prev != check->leaf ||
		(check->leaf != NULL && check->leaf->next != leaf))
		return "leaves are not linked in order";
	for (uint32_t i = 0; i < leaf->base.count; i++) {
		const struct bptree_item *item = &leaf->items[i];
		if (check->last != NULL &&
			compare_items(check->tree, check->last, item) >= 0)
			return "items are out of order";
		check->last = item;
	}
	check->leaf = leaf;
	check->size += leaf->base.count;
	return NULL;
}

static const char *check_node(
	struct check *check, const struct bptree_node *node, uint32_t height)
{
	if (node->count == 0)
		return "a node is empty";
	if (node->is_leaf != (height == 0))
		return "a leaf is at the wrong height";
	if (node->is_leaf)
		return check_leaf(check, (const struct leaf *)node);
	const struct inner *inner = (const struct inner *)node;
	for (uint32_t i = 0; i < node->count; i++) {
		const struct bptree_node *child = inner->children[i];
		struct bptree_item first = first_item(child);
		if (first.tuple != inner->keys[i].tuple ||
			first.hint != inner->keys[i].hint)
			return "a key is not the first item below";
		const char *error = check_node(check, child, height - 1);
		if (error != NULL)
			return error;
		if (inner->sizes[i] != node_size(child))
			return "a size is wrong";
	}
	return NULL;
}

const char *bptree_check(const struct bptree *tree)
{
	struct check check = {.tree = tree};
	if (tree->root == NULL)
		return tree->size == 0 && tree->node_bytes == 0 ? NULL : "no root";
	const char *error = check_node(&check, tree->root, tree->height);
	if (error != NULL)
		return error;
	if (check.leaf->next != NULL)
		return "a leaf follows the last one";
	return check.size == tree->size ? NULL : "the size is wrong";
}

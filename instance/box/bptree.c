/*
 * The tree is kept so that keys[i] of an inner node is exactly the first item
 * below children[i], also after deletions: an inner node never refers to a tuple
 * that is no longer in a leaf.
 *
 * An insertion allocates all nodes it needs before it changes anything. A
 * deletion merges neighbours that fit together with some room left; it does not
 * balance otherwise, so nodes may be small but never empty.
 *
 * Search, insertion and deletion share the path and its helpers, so they stand in
 * one file; the nodes are in bptree_node.h, the checks in bptree_check.c.
 */
#include "instance/box/bptree.h"

#include <stdlib.h>
#include <string.h>

#include "instance/box/bptree_node.h"

/* The way from the root to a leaf. */
struct path {
	struct inner *nodes[HEIGHT_MAX];
	uint32_t slots[HEIGHT_MAX]; /* which child of each */
	struct leaf *leaf;
	uint32_t index;
};

static inline int compare_key(const struct bptree *tree, const struct bptree_item *a,
	const struct bptree_key *key)
{
	if (a->hint != key->hint)
		return a->hint < key->hint ? -1 : 1;
	return tree->order.compare_key(a, key, tree->order.arg);
}

/* What to look for: an item or a key; `is_upper`: behind equal ones. */
struct probe {
	const struct bptree_item *item;
	const struct bptree_key *key;
	bool is_upper;
	bool is_equal; /* an equal item was met */
};

/* Does the item stand before the place looked for? */
static inline bool is_before(
	const struct bptree *tree, const struct bptree_item *item, struct probe *probe)
{
	int rc = probe->item != NULL ? compare_items(tree, item, probe->item)
				     : compare_key(tree, item, probe->key);
	if (rc == 0)
		probe->is_equal = true;
	return rc < 0 || (rc == 0 && probe->is_upper);
}

/* How many of the items stand before the place. */
static inline uint32_t search(const struct bptree *tree, const struct bptree_item *items,
	uint32_t from, uint32_t count, struct probe *probe)
{
	while (from < count) {
		uint32_t mid = (from + count) / 2;
		if (is_before(tree, &items[mid], probe))
			from = mid + 1;
		else
			count = mid;
	}
	return from;
}

/* The child where the place is: the last one whose first item is before it. */
static inline uint32_t search_child(
	const struct bptree *tree, const struct inner *node, struct probe *probe)
{
	return search(tree, node->keys, 1, node->base.count, probe) - 1;
}

static struct bptree_pos seek(const struct bptree *tree, struct probe *probe)
{
	struct bptree_node *node = tree->root;
	if (node == NULL)
		return (struct bptree_pos){NULL, 0};
	while (!node->is_leaf)
		node = to_inner(node)
			       ->children[search_child(tree, to_inner(node), probe)];
	struct leaf *leaf = to_leaf(node);
	uint32_t i = search(tree, leaf->items, 0, node->count, probe);
	if (i < node->count)
		return (struct bptree_pos){node, i};
	return (struct bptree_pos){leaf->next != NULL ? &leaf->next->base : NULL, 0};
}

/* The way to where the item is or would be. */
static void seek_path(const struct bptree *tree, const struct bptree_item *item,
	struct path *path, bool *found)
{
	struct probe probe = {.item = item, .is_upper = true};
	struct bptree_node *node = tree->root;
	for (uint32_t level = 0; !node->is_leaf; level++) {
		path->nodes[level] = to_inner(node);
		path->slots[level] = search_child(tree, to_inner(node), &probe);
		node = to_inner(node)->children[path->slots[level]];
	}
	path->leaf = to_leaf(node);
	probe.is_upper = false;
	path->index = search(tree, path->leaf->items, 0, node->count, &probe);
	*found = path->index < node->count &&
		 compare_items(tree, &path->leaf->items[path->index], item) == 0;
}

/* ---- Nodes ---- */

static void *node_alloc(struct bptree *tree, bool is_leaf)
{
	size_t size = is_leaf ? sizeof(struct leaf) : sizeof(struct inner);
	struct bptree_node *node = malloc(size);
	if (node == NULL)
		return NULL;
	node->count = 0;
	node->is_leaf = is_leaf;
	if (is_leaf)
		to_leaf(node)->prev = to_leaf(node)->next = NULL;
	tree->node_bytes += size;
	return node;
}

static void node_free(struct bptree *tree, struct bptree_node *node)
{
	tree->node_bytes -= node->is_leaf ? sizeof(struct leaf) : sizeof(struct inner);
	free(node);
}

/* Note the size and the first item of a child anew. */
static void refresh_child(struct inner *node, uint32_t slot)
{
	node->sizes[slot] = node_size(node->children[slot]);
	node->keys[slot] = first_item(node->children[slot]);
}

/* After a change of a leaf: sizes by delta and first items on the way up. */
static void refresh_path(struct bptree *tree, struct path *path, int delta)
{
	struct bptree_item first = path->leaf->items[0];
	bool is_first = true; /* the leaf is the leftmost one below the node */
	for (uint32_t level = tree->height; level-- > 0;) {
		struct inner *node = path->nodes[level];
		uint32_t slot = path->slots[level];
		node->sizes[slot] += (size_t)(int64_t)delta;
		if (is_first)
			node->keys[slot] = first;
		is_first &= slot == 0;
	}
}

void bptree_init(struct bptree *tree, const struct bptree_order *order)
{
	*tree = (struct bptree){.order = *order};
}

static void free_below(struct bptree *tree, struct bptree_node *node)
{
	if (!node->is_leaf)
		for (uint32_t i = 0; i < node->count; i++)
			free_below(tree, to_inner(node)->children[i]);
	node_free(tree, node);
}

void bptree_fini(struct bptree *tree)
{
	if (tree->root != NULL)
		free_below(tree, tree->root);
	tree->root = NULL;
	tree->size = 0;
	tree->height = 0;
	tree->version++;
}

/* ---- Insertion ---- */

/* Nodes for the splits of one insertion, made before anything changes. */
struct spare {
	struct bptree_node *nodes[HEIGHT_MAX + 2];
	uint32_t count, used;
};

static int spare_add(struct bptree *tree, struct spare *spare, bool is_leaf)
{
	struct bptree_node *node = node_alloc(tree, is_leaf);
	if (node == NULL) {
		while (spare->count > 0)
			node_free(tree, spare->nodes[--spare->count]);
		return -1;
	}
	spare->nodes[spare->count++] = node;
	return 0;
}

/* Make the nodes that an insertion into the full leaf takes, bottom up. */
static int spare_fill(struct bptree *tree, const struct path *path, struct spare *spare)
{
	spare->count = spare->used = 0;
	if (spare_add(tree, spare, true) != 0)
		return -1;
	uint32_t level = tree->height;
	while (level > 0 && path->nodes[level - 1]->base.count == INNER_MAX) {
		if (spare_add(tree, spare, false) != 0)
			return -1;
		level--;
	}
	return level == 0 ? spare_add(tree, spare, false) : 0;
}

static void leaf_put(struct leaf *leaf, uint32_t at, struct bptree_item item)
{
	memmove(&leaf->items[at + 1], &leaf->items[at],
		(leaf->base.count - at) * sizeof(leaf->items[0]));
	leaf->items[at] = item;
	leaf->base.count++;
}

static void inner_put(struct inner *node, uint32_t at, struct bptree_node *child)
{
	uint32_t n = node->base.count - at;
	memmove(&node->sizes[at + 1], &node->sizes[at], n * sizeof(node->sizes[0]));
	memmove(&node->keys[at + 1], &node->keys[at], n * sizeof(node->keys[0]));
	memmove(&node->children[at + 1], &node->children[at],
		n * sizeof(node->children[0]));
	node->children[at] = child;
	node->base.count++;
	refresh_child(node, at);
}

/* Where to cut: an insertion at the very end leaves the left node full. */
static uint32_t cut_at(uint32_t max, uint32_t at, bool is_last)
{
	return is_last && at == max ? max : max / 2;
}

/* Split the full leaf and put the item in; the right half is returned. */
static struct leaf *leaf_split(
	struct leaf *leaf, struct leaf *right, uint32_t at, struct bptree_item item)
{
	uint32_t cut = cut_at(LEAF_MAX, at, leaf->next == NULL);
	right->base.count = (uint16_t)(LEAF_MAX - cut);
	memcpy(right->items, &leaf->items[cut],
		right->base.count * sizeof(leaf->items[0]));
	leaf->base.count = (uint16_t)cut;
	right->prev = leaf;
	right->next = leaf->next;
	if (right->next != NULL)
		right->next->prev = right;
	leaf->next = right;
	if (at > cut || cut == LEAF_MAX)
		leaf_put(right, at - cut, item);
	else
		leaf_put(leaf, at, item);
	return right;
}

static struct inner *inner_split(
	struct inner *node, struct inner *right, uint32_t at, struct bptree_node *child)
{
	uint32_t cut = cut_at(INNER_MAX, at, true);
	uint32_t n = INNER_MAX - cut;
	memcpy(right->sizes, &node->sizes[cut], n * sizeof(node->sizes[0]));
	memcpy(right->keys, &node->keys[cut], n * sizeof(node->keys[0]));
	memcpy(right->children, &node->children[cut], n * sizeof(node->children[0]));
	right->base.count = (uint16_t)n;
	node->base.count = (uint16_t)cut;
	if (at > cut || cut == INNER_MAX)
		inner_put(right, at - cut, child);
	else
		inner_put(node, at, child);
	return right;
}

/* Put a new right neighbour of the path's node into its parents, splitting full ones. */
static void insert_up(struct bptree *tree, struct path *path, struct spare *spare,
	struct bptree_node *child)
{
	for (uint32_t level = tree->height; level-- > 0;) {
		struct inner *node = path->nodes[level];
		uint32_t slot = path->slots[level];
		refresh_child(node, slot);
		if (child == NULL)
			continue;
		if (node->base.count < INNER_MAX) {
			inner_put(node, slot + 1, child);
			child = NULL;
			continue;
		}
		struct inner *right = to_inner(spare->nodes[spare->used++]);
		child = &inner_split(node, right, slot + 1, child)->base;
	}
	if (child == NULL)
		return;
	struct inner *root = to_inner(spare->nodes[spare->used++]);
	inner_put(root, 0, tree->root);
	inner_put(root, 1, child);
	tree->root = &root->base;
	tree->height++;
}

static int insert_at(struct bptree *tree, struct path *path, struct bptree_item item)
{
	struct leaf *leaf = path->leaf;
	if (leaf->base.count < LEAF_MAX) {
		leaf_put(leaf, path->index, item);
		refresh_path(tree, path, 1);
	} else {
		struct spare spare;
		if (spare_fill(tree, path, &spare) != 0)
			return -1;
		struct leaf *right = to_leaf(spare.nodes[spare.used++]);
		leaf_split(leaf, right, path->index, item);
		insert_up(tree, path, &spare, &right->base);
	}
	tree->size++;
	tree->version++;
	return 0;
}

static int insert_first(struct bptree *tree, struct bptree_item item)
{
	struct leaf *leaf = node_alloc(tree, true);
	if (leaf == NULL)
		return -1;
	leaf_put(leaf, 0, item);
	tree->root = &leaf->base;
	tree->size = 1;
	tree->version++;
	return 0;
}

int bptree_insert(
	struct bptree *tree, struct bptree_item item, struct bptree_item *ret_replaced)
{
	*ret_replaced = (struct bptree_item){0, NULL};
	if (tree->root == NULL)
		return insert_first(tree, item);
	struct path path;
	bool found;
	seek_path(tree, &item, &path, &found);
	if (!found)
		return insert_at(tree, &path, item);
	*ret_replaced = path.leaf->items[path.index];
	path.leaf->items[path.index] = item;
	if (path.index == 0)
		refresh_path(tree, &path, 0);
	tree->version++;
	return 0;
}

int bptree_append(struct bptree *tree, struct bptree_item item)
{
	if (tree->root == NULL)
		return insert_first(tree, item);
	struct path path;
	struct bptree_node *node = tree->root;
	for (uint32_t level = 0; !node->is_leaf; level++) {
		path.nodes[level] = to_inner(node);
		path.slots[level] = node->count - 1u;
		node = to_inner(node)->children[node->count - 1];
	}
	path.leaf = to_leaf(node);
	path.index = node->count;
	return insert_at(tree, &path, item);
}

/* ---- Deletion ---- */

static void inner_take(struct inner *node, uint32_t at)
{
	uint32_t n = --node->base.count - at;
	memmove(&node->sizes[at], &node->sizes[at + 1], n * sizeof(node->sizes[0]));
	memmove(&node->keys[at], &node->keys[at + 1], n * sizeof(node->keys[0]));
	memmove(&node->children[at], &node->children[at + 1],
		n * sizeof(node->children[0]));
}

static void leaf_unlink(struct leaf *leaf)
{
	if (leaf->prev != NULL)
		leaf->prev->next = leaf->next;
	if (leaf->next != NULL)
		leaf->next->prev = leaf->prev;
}

/* Move all of `from` (the right neighbour) into `to`. */
static void node_merge(struct bptree_node *to, struct bptree_node *from)
{
	uint32_t n = from->count, at = to->count;
	if (to->is_leaf) {
		memcpy(&to_leaf(to)->items[at], to_leaf(from)->items,
			n * sizeof(struct bptree_item));
		leaf_unlink(to_leaf(from));
	} else {
		struct inner *a = to_inner(to), *b = to_inner(from);
		memcpy(&a->sizes[at], b->sizes, n * sizeof(a->sizes[0]));
		memcpy(&a->keys[at], b->keys, n * sizeof(a->keys[0]));
		memcpy(&a->children[at], b->children, n * sizeof(a->children[0]));
	}
	to->count = (uint16_t)(at + n);
}

/* Drop the child when it is empty, or merge it with a neighbour when they fit. */
static void settle_child(struct bptree *tree, struct inner *node, uint32_t slot)
{
	struct bptree_node *child = node->children[slot];
	if (child->count == 0) {
		if (child->is_leaf)
			leaf_unlink(to_leaf(child));
		node_free(tree, child);
		inner_take(node, slot);
		return;
	}
	refresh_child(node, slot);
	for (uint32_t left = slot > 0 ? slot - 1 : slot; left <= slot; left++) {
		if (left + 1 >= node->base.count)
			return;
		struct bptree_node *a = node->children[left],
				   *b = node->children[left + 1];
		if (a->count + b->count > MERGE_MAX)
			continue;
		node_merge(a, b);
		node_free(tree, b);
		inner_take(node, left + 1);
		refresh_child(node, left);
		return;
	}
}

/* A root with one child gives way to it; an empty one goes. */
static void settle_root(struct bptree *tree)
{
	while (tree->root->count == 1 && !tree->root->is_leaf) {
		struct bptree_node *child = to_inner(tree->root)->children[0];
		node_free(tree, tree->root);
		tree->root = child;
		tree->height--;
	}
	if (tree->root->count == 0) {
		node_free(tree, tree->root);
		tree->root = NULL;
		tree->height = 0;
	}
}

bool bptree_delete(struct bptree *tree, struct bptree_item item)
{
	if (tree->root == NULL)
		return false;
	struct path path;
	bool found;
	seek_path(tree, &item, &path, &found);
	if (!found)
		return false;
	struct leaf *leaf = path.leaf;
	leaf->base.count--;
	memmove(&leaf->items[path.index], &leaf->items[path.index + 1],
		(leaf->base.count - path.index) * sizeof(leaf->items[0]));
	tree->size--;
	tree->version++;
	if (leaf->base.count >= MERGE_MAX / 2) {
		refresh_path(tree, &path, -1);
		return true;
	}
	for (uint32_t level = tree->height; level-- > 0;)
		settle_child(tree, path.nodes[level], path.slots[level]);
	settle_root(tree);
	return true;
}

/* ---- Looking ---- */

const struct bptree_item *bptree_find(const struct bptree *tree, struct bptree_item item)
{
	if (tree->root == NULL)
		return NULL;
	struct path path;
	bool found;
	seek_path(tree, &item, &path, &found);
	return found ? &path.leaf->items[path.index] : NULL;
}

const struct bptree_item *bptree_find_key(
	const struct bptree *tree, const struct bptree_key *key)
{
	bool is_equal;
	struct bptree_pos pos = bptree_lower_bound(tree, key, &is_equal);
	return is_equal ? bptree_get(pos) : NULL;
}

struct bptree_pos bptree_lower_bound(
	const struct bptree *tree, const struct bptree_key *key, bool *ret_is_equal)
{
	struct probe probe = {.key = key};
	struct bptree_pos pos = seek(tree, &probe);
	if (ret_is_equal != NULL)
		*ret_is_equal = probe.is_equal;
	return pos;
}

struct bptree_pos bptree_upper_bound(
	const struct bptree *tree, const struct bptree_key *key)
{
	struct probe probe = {.key = key, .is_upper = true};
	return seek(tree, &probe);
}

struct bptree_pos bptree_lower_bound_item(
	const struct bptree *tree, struct bptree_item item, bool *ret_is_equal)
{
	struct probe probe = {.item = &item};
	struct bptree_pos pos = seek(tree, &probe);
	if (ret_is_equal != NULL)
		*ret_is_equal = probe.is_equal;
	return pos;
}

struct bptree_pos bptree_upper_bound_item(
	const struct bptree *tree, struct bptree_item item)
{
	struct probe probe = {.item = &item, .is_upper = true};
	return seek(tree, &probe);
}

struct bptree_pos bptree_first(const struct bptree *tree)
{
	struct bptree_node *node = tree->root;
	while (node != NULL && !node->is_leaf)
		node = to_inner(node)->children[0];
	return (struct bptree_pos){node, 0};
}

struct bptree_pos bptree_last(const struct bptree *tree)
{
	struct bptree_node *node = tree->root;
	while (node != NULL && !node->is_leaf)
		node = to_inner(node)->children[node->count - 1];
	return (struct bptree_pos){node, node != NULL ? node->count - 1u : 0};
}

struct bptree_pos bptree_at(const struct bptree *tree, size_t n)
{
	struct bptree_node *node = tree->root;
	if (n >= tree->size)
		return (struct bptree_pos){NULL, 0};
	while (!node->is_leaf) {
		struct inner *inner = to_inner(node);
		uint32_t i = 0;
		while (n >= inner->sizes[i])
			n -= inner->sizes[i++];
		node = inner->children[i];
	}
	return (struct bptree_pos){node, (uint32_t)n};
}

size_t bptree_rank(const struct bptree *tree, struct bptree_pos pos)
{
	if (pos.leaf == NULL)
		return tree->size;
	struct probe probe = {
		.item = &to_leaf(pos.leaf)->items[pos.index], .is_upper = true};
	size_t rank = pos.index;
	struct bptree_node *node = tree->root;
	while (!node->is_leaf) {
		struct inner *inner = to_inner(node);
		uint32_t slot = search_child(tree, inner, &probe);
		for (uint32_t i = 0; i < slot; i++)
			rank += inner->sizes[i];
		node = inner->children[slot];
	}
	return rank;
}

const struct bptree_item *bptree_get(struct bptree_pos pos)
{
	return pos.leaf != NULL ? &to_leaf(pos.leaf)->items[pos.index] : NULL;
}

void bptree_next(struct bptree_pos *pos)
{
	if (pos->leaf == NULL || ++pos->index < pos->leaf->count)
		return;
	struct leaf *next = to_leaf(pos->leaf)->next;
	*pos = (struct bptree_pos){next != NULL ? &next->base : NULL, 0};
}

void bptree_prev(struct bptree_pos *pos)
{
	if (pos->leaf == NULL)
		return;
	if (pos->index > 0) {
		pos->index--;
		return;
	}
	struct leaf *prev = to_leaf(pos->leaf)->prev;
	pos->leaf = prev != NULL ? &prev->base : NULL;
	pos->index = prev != NULL ? prev->base.count - 1u : 0;
}

struct bptree_pos bptree_before(const struct bptree *tree, struct bptree_pos pos)
{
	if (pos.leaf == NULL)
		return bptree_last(tree);
	bptree_prev(&pos);
	return pos;
}

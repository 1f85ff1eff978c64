/*
 * A hash table of tuples whose items stand in the order of their hashes: an item's
 * home is its hash's top bits, and it is in the first free place from there. So a
 * walk goes by (hash, order of keys), which a growth of the table does not change,
 * and can go on behind an item that is gone.
 */
#ifndef BOX_HASH_TABLE_H
#define BOX_HASH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/box/bptree.h"

/* Items are those of the tree: `hint` is the hash. The order is for equal hashes. */
struct hash_table {
	struct bptree_item *slots; /* tuple NULL: free; owned */
	size_t slot_count;         /* homes and the room behind the last one */
	unsigned shift;            /* hash >> shift is the home */
	size_t size;
	uint64_t version; /* changes with each insertion and deletion */
	struct bptree_order order;
};

/** An empty table in place; nothing is allocated yet. */
void hash_table_init(struct hash_table *table, const struct bptree_order *order);
/** Free the slots, not the tuples; the table is empty then. */
void hash_table_fini(struct hash_table *table);
/** Insert or replace the equal one: see bptree_insert(). */
int hash_table_insert(struct hash_table *table, struct bptree_item item,
	struct bptree_item *ret_replaced);
bool hash_table_delete(struct hash_table *table, struct bptree_item item);
/** The item that the key equals, or NULL. */
const struct bptree_item *hash_table_find_key(
	const struct hash_table *table, const struct bptree_key *key);
/** The first slot in use from this one on, or slot_count. */
size_t hash_table_next(const struct hash_table *table, size_t slot);
/** The first slot whose item is behind this one, or slot_count. */
size_t hash_table_after(const struct hash_table *table, struct bptree_item item);
/** NULL, or what is broken (tests). */
const char *hash_table_check(const struct hash_table *table);

#endif

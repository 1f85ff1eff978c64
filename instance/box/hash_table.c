#include "instance/box/hash_table.h"

#include <stdlib.h>
#include <string.h>

enum {
	HOME_BITS_MIN = 4,
	HOME_BITS_MAX = 40,
	EXTRA_SLOTS = 32, /* behind the last home */
};

void hash_table_init(struct hash_table *table, const struct bptree_order *order)
{
	*table = (struct hash_table){.order = *order, .shift = 64 - HOME_BITS_MIN};
}

void hash_table_fini(struct hash_table *table)
{
	free(table->slots);
	hash_table_init(table, &table->order);
}

static size_t home_of(const struct hash_table *table, uint64_t hash)
{
	return (size_t)(hash >> table->shift);
}

static int compare(const struct hash_table *table, const struct bptree_item *a,
	const struct bptree_item *b)
{
	if (a->hint != b->hint)
		return a->hint < b->hint ? -1 : 1;
	return a->tuple == b->tuple ? 0 : table->order.compare(a, b, table->order.arg);
}

static int compare_key(const struct hash_table *table, const struct bptree_item *a,
	const struct bptree_key *key)
{
	if (a->hint != key->hint)
		return a->hint < key->hint ? -1 : 1;
	return table->order.compare_key(a, key, table->order.arg);
}

/* Put items, which come in order, into a table of 2^bits homes. false: no room, no
 * memory. */
static bool rebuild(struct hash_table *table, unsigned bits)
{
	size_t count = ((size_t)1 << bits) + EXTRA_SLOTS, at = 0;
	struct bptree_item *slots = calloc(count, sizeof(*slots));
	if (slots == NULL)
		return false;
	for (size_t i = 0; i < table->slot_count; i++) {
		const struct bptree_item *item = &table->slots[i];
		if (item->tuple == NULL)
			continue;
		size_t home = (size_t)(item->hint >> (64 - bits));
		if (at < home)
			at = home;
		if (at == count) {
			free(slots);
			return false;
		}
		slots[at++] = *item;
	}
	free(table->slots);
	table->slots = slots;
	table->slot_count = count;
	table->shift = 64 - bits;
	return true;
}

/* Keep at most three of four homes in use. */
static bool reserve_one(struct hash_table *table)
{
	unsigned bits = 64 - table->shift;
	if (table->slots == NULL)
		return rebuild(table, bits);
	if (table->size + 1 <= ((size_t)3 << bits) / 4)
		return true;
	return bits < HOME_BITS_MAX && rebuild(table, bits + 1);
}

/* Where the item is or belongs: the first slot that is free or not before it. */
static size_t place_of(const struct hash_table *table, const struct bptree_item *item,
	bool *ret_is_equal)
{
	size_t i = home_of(table, item->hint);
	*ret_is_equal = false;
	for (; i < table->slot_count && table->slots[i].tuple != NULL; i++) {
		int rc = compare(table, &table->slots[i], item);
		if (rc >= 0) {
			*ret_is_equal = rc == 0;
			break;
		}
	}
	return i;
}

/* Make the slot free by moving what is there one on. false: there is no room behind. */
static bool open_slot(struct hash_table *table, size_t at)
{
	size_t end = at;
	while (end < table->slot_count && table->slots[end].tuple != NULL)
		end++;
	if (end == table->slot_count)
		return false;
	memmove(&table->slots[at + 1], &table->slots[at],
		(end - at) * sizeof(table->slots[0]));
	return true;
}

int hash_table_insert(struct hash_table *table, struct bptree_item item,
	struct bptree_item *ret_replaced)
{
	*ret_replaced = (struct bptree_item){0, NULL};
	if (!reserve_one(table))
		return -1;
	for (;;) {
		bool is_equal;
		size_t at = place_of(table, &item, &is_equal);
		if (is_equal) {
			*ret_replaced = table->slots[at];
			table->slots[at] = item;
			table->version++;
			return 0;
		}
		if (open_slot(table, at)) {
			table->slots[at] = item;
			table->size++;
			table->version++;
			return 0;
		}
		unsigned bits = 64 - table->shift;
		if (bits == HOME_BITS_MAX || !rebuild(table, bits + 1))
			return -1;
	}
}

bool hash_table_delete(struct hash_table *table, struct bptree_item item)
{
	bool is_equal;
	if (table->slots == NULL)
		return false;
	size_t at = place_of(table, &item, &is_equal);
	if (!is_equal)
		return false;
	/* Those that are not at home move one back. */
	size_t end = at + 1;
	while (end < table->slot_count && table->slots[end].tuple != NULL &&
		home_of(table, table->slots[end].hint) < end)
		end++;
	memmove(&table->slots[at], &table->slots[at + 1],
		(end - at - 1) * sizeof(table->slots[0]));
	table->slots[end - 1] = (struct bptree_item){0, NULL};
	table->size--;
	table->version++;
	unsigned bits = 64 - table->shift;
	if (bits > HOME_BITS_MIN && table->size < ((size_t)1 << bits) / 8)
		rebuild(table, bits - 1); /* a failure leaves it as it is */
	return true;
}

const struct bptree_item *hash_table_find_key(
	const struct hash_table *table, const struct bptree_key *key)
{
	if (table->slots == NULL)
		return NULL;
	for (size_t i = home_of(table, key->hint);
		i < table->slot_count && table->slots[i].tuple != NULL; i++) {
		int rc = compare_key(table, &table->slots[i], key);
		if (rc >= 0)
			return rc == 0 ? &table->slots[i] : NULL;
	}
	return NULL;
}

size_t hash_table_next(const struct hash_table *table, size_t slot)
{
	while (slot < table->slot_count && table->slots[slot].tuple == NULL)
		slot++;
	return slot;
}

size_t hash_table_after(const struct hash_table *table, struct bptree_item item)
{
	if (table->slots == NULL)
		return 0;
	bool is_equal;
	size_t at = place_of(table, &item, &is_equal);
	return hash_table_next(table, at + is_equal);
}

const char *hash_table_check(const struct hash_table *table)
{
	const struct bptree_item *last = NULL;
	size_t size = 0;
	for (size_t i = 0; i < table->slot_count; i++) {
		const struct bptree_item *item = &table->slots[i];
		if (item->tuple == NULL)
			continue;
		size_t home = home_of(table, item->hint);
		if (home > i)
			return "an item is before its home";
		if (last != NULL && compare(table, last, item) >= 0)
			return "items are out of order";
		for (size_t j = home; j < i; j++)
			if (table->slots[j].tuple == NULL)
				return "a free slot between an item and its home";
		last = item;
		size++;
	}
	return size == table->size ? NULL : "the size is wrong";
}

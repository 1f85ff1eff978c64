/*
 * Key definitions: which fields make an index's key and how keys compare.
 */
#ifndef BOX_KEY_DEF_H
#define BOX_KEY_DEF_H

#include <stdbool.h>
#include <stdint.h>

#include "instance/box/tuple_format.h"

struct buf;
struct tuple;

enum { INDEX_PART_MAX = 255 };

struct key_part {
	uint32_t fieldno; /* from 0 */
	enum field_type type;
	bool is_nullable;
	uint32_t coll_id; /* COLL_NONE or COLL_BINARY; others are refused */
};

/* Owned by whoever made it; immutable. */
struct key_def {
	uint32_t part_count;
	/*
	 * Tuples are equal when so many parts are; the parts after them order
	 * equal ones in a tree (a non-unique index is followed by the primary
	 * key; a nullable unique one too, for keys with a nil).
	 */
	uint32_t unique_part_count;
	bool is_nullable;      /* a part is */
	bool is_hint_complete; /* equal exact hints mean equal first parts */
	uint32_t field_count;  /* up to the last field that is a part */
	struct key_part parts[];
};

/** Copies the parts. NULL with diag set (memory; a collation that is not built). */
struct key_def *key_def_new(const struct key_part *parts, uint32_t part_count);
/** NULL is fine. */
void key_def_free(struct key_def *def);
struct key_def *key_def_dup(const struct key_def *def);
/**
 * First `def`, then the parts of `pk` whose field is not among them.
 * @param is_unique of the index of `def`: then the parts of pk matter only for
 *        tuples with a nil in the key
 */
struct key_def *key_def_merge(
	const struct key_def *def, const struct key_def *pk, bool is_unique);
bool key_def_equals(const struct key_def *a, const struct key_def *b);
/** The part of that field, or NULL. */
const struct key_part *key_def_find(const struct key_def *def, uint32_t fieldno);

/*
 * Hints: h(a) < h(b) means a < b; equal ones mean that a look is needed. Made from
 * the first part: 4 bits for the class of the value (nil, boolean, number, string,
 * binary, uuid), 60 for its beginning. Numbers beyond +-2^59 share the outermost
 * hints.
 */
#define HINT_BODY_MASK (((uint64_t)1 << 60) - 1)

/** Equal hints, not an outermost one, with def->is_hint_complete: equal first parts. */
static inline bool hint_is_exact(uint64_t hint)
{
	uint64_t body = hint & HINT_BODY_MASK;
	return body != 0 && body != HINT_BODY_MASK;
}

/** The hint of the tuple's first part. */
uint64_t key_def_hint_tuple(const struct key_def *def, const struct tuple *tuple);
/** @param key the first part; part_count may be 0 */
uint64_t key_def_hint_key(
	const struct key_def *def, const char *key, uint32_t part_count);

/**
 * Order of two tuples; < 0, 0, > 0.
 * @param first the part to begin with: 1 when the first parts are known to be equal
 */
int key_def_compare(const struct key_def *def, const struct tuple *a,
	const struct tuple *b, uint32_t first);
/** Order of a tuple and a key: msgpack values side by side (no array header). */
int key_def_compare_key(const struct key_def *def, const struct tuple *tuple,
	const char *key, uint32_t part_count, uint32_t first);
/** Does the tuple have nil (or nothing) in one of the first `part_count` parts? */
bool key_def_tuple_has_nil(
	const struct key_def *def, const struct tuple *tuple, uint32_t part_count);

/**
 * Check a key.
 * @param key        part_count values side by side
 * @param is_partial false: each part must be there (ER_EXACT_MATCH)
 * @param may_be_nil accept nil in a nullable part
 * @return 0, or -1 with ER_KEY_PART_COUNT, ER_EXACT_MATCH or ER_KEY_PART_TYPE
 */
int key_def_check_key(const struct key_def *def, const char *key, uint32_t part_count,
	bool is_partial, bool may_be_nil);

/**
 * The tuple's key as a msgpack array, appended to `out`.
 * @return 0, or -1 with diag set
 */
int key_def_extract(
	const struct key_def *def, const struct tuple *tuple, struct buf *out);

#endif

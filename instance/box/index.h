/*
 * Indexes: one interface, several kinds behind it.
 */
#ifndef BOX_INDEX_H
#define BOX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/box/key_def.h"
#include "instance/box/tuple.h"

struct buf;
struct space;

enum { INDEX_ID_MAX = 128 };

enum index_type {
	INDEX_TREE,
	INDEX_HASH,
	INDEX_BITSET,
	INDEX_RTREE,
	INDEX_TYPE_MAX,
};
/** "TREE"... */
extern const char *const index_type_name[];
/** Any case. @return INDEX_TYPE_MAX when there is none */
enum index_type index_type_by_name(const char *name, size_t len);

/* The numbers of the protocol. */
enum iterator_type {
	ITER_EQ,
	ITER_REQ,
	ITER_ALL,
	ITER_LT,
	ITER_LE,
	ITER_GE,
	ITER_GT,
	ITER_BITS_ALL_SET,
	ITER_BITS_ANY_SET,
	ITER_BITS_ALL_NOT_SET,
	ITER_OVERLAPS,
	ITER_NEIGHBOR,
	ITER_MAX,
};
/** "EQ"... */
extern const char *const iterator_type_name[];
/** Any case. @return ITER_MAX when there is none */
enum iterator_type iterator_type_by_name(const char *name, size_t len);

/* What a replace may find. */
enum dup_mode {
	DUP_REPLACE_OR_INSERT,
	DUP_REPLACE, /* there must be one */
	DUP_INSERT,  /* there must be none */
};

/* Owns the name and the key definitions. */
struct index_def {
	uint32_t iid;
	uint32_t space_id;
	char *name;
	enum index_type type;
	bool is_unique;
	struct key_def *key_def; /* as the user gave it */
	struct key_def *cmp_def; /* with the primary key's parts */
};

/**
 * @param parts copied
 * @param pk    the primary index's key_def; NULL when this is the primary one
 * @return NULL with diag set
 */
struct index_def *index_def_new(uint32_t space_id, uint32_t iid, const char *name,
	size_t name_len, enum index_type type, bool is_unique,
	const struct key_part *parts, uint32_t part_count, const struct key_def *pk);
/** NULL is fine. */
void index_def_free(struct index_def *def);

struct index;

/* Owned by who asked for it; the index stays until it is freed. */
struct iterator {
	/**
	 * The next tuple, NULL at the end; it is not referenced: take a
	 * reference before anything else touches the space.
	 * @return 0, or -1 with diag set
	 */
	int (*next)(struct iterator *it, struct tuple **ret);
	void (*free)(struct iterator *it);
	struct index *index; /* a reference */
};

static inline int iterator_next(struct iterator *it, struct tuple **ret)
{
	return it->next(it, ret);
}
/** NULL is fine. */
void iterator_free(struct iterator *it);
static inline void iterator_freep(struct iterator **it)
{
	iterator_free(*it);
}

/* Keys are msgpack values side by side, checked by the caller (index_check_key). */
struct index_vtab {
	void (*free)(struct index *index);
	/** Number of tuples. */
	size_t (*size)(struct index *index);
	size_t (*bsize)(struct index *index);
	/** A full key of a unique index. *ret is NULL when there is none. */
	int (*get)(struct index *index, const char *key, uint32_t part_count,
		struct tuple **ret);
	/**
	 * Put new_tuple in (NULL: only take old_tuple out).
	 * @param old_tuple what it replaces, or NULL: then `mode` rules
	 * @param ret_old   what was taken out, or NULL
	 * @return 0; -1 with diag set (ER_TUPLE_FOUND...), nothing changed
	 */
	int (*replace)(struct index *index, struct space *space, struct tuple *old_tuple,
		struct tuple *new_tuple, enum dup_mode mode, struct tuple **ret_old);
	/** @return NULL with diag set. The key is copied. */
	struct iterator *(*create_iterator)(struct index *index, enum iterator_type type,
		const char *key, uint32_t part_count);
	int (*count)(struct index *index, enum iterator_type type, const char *key,
		uint32_t part_count, size_t *ret);
	int (*min)(struct index *index, const char *key, uint32_t part_count,
		struct tuple **ret);
	int (*max)(struct index *index, const char *key, uint32_t part_count,
		struct tuple **ret);
	/** Some tuple chosen by rnd; NULL in an empty index. */
	int (*random)(struct index *index, uint32_t rnd, struct tuple **ret);
	void (*compact)(struct index *index);
	/** Skip n tuples at once; NULL when the kind has no cheap way. */
	int (*skip)(struct iterator *it, size_t n);
};

/* Reference counted: its space holds one, each iterator one. */
struct index {
	const struct index_vtab *vtab;
	struct index_def *def; /* owned */
	uint32_t refs;
	bool is_dropped; /* out of its space: iterators end */
	bool is_primary; /* holds the references of the tuples */
};

/**
 * A new empty index of the definition's type; takes the definition over on success.
 * @return NULL with diag set (a type that is not built: ER_UNSUPPORTED...)
 */
struct index *index_new(struct index_def *def);
/** For kinds of one's own (views). */
void index_init(
	struct index *index, const struct index_vtab *vtab, struct index_def *def);
void index_ref(struct index *index);
/** NULL is fine. */
void index_unref(struct index *index);

/**
 * Check a key for an iterator of that type: the part count and the types.
 * An empty key with EQ, REQ... walks all, as in Tarantool.
 */
int index_check_key(const struct index *index, enum iterator_type type, const char *key,
	uint32_t part_count);
/** Check a key for get/update/delete: unique index, all parts. */
int index_check_exact_key(
	const struct index *index, const char *key, uint32_t part_count);

static inline size_t index_size(struct index *index)
{
	return index->vtab->size(index);
}

static inline int index_replace(struct index *index, struct space *space,
	struct tuple *old_tuple, struct tuple *new_tuple, enum dup_mode mode,
	struct tuple **ret_old)
{
	return index->vtab->replace(index, space, old_tuple, new_tuple, mode, ret_old);
}

/**
 * For a kind's replace: may the new tuple take the place of the equal one that was
 * found (NULL: none), when old_tuple is what should be replaced?
 * @return 0, or -1 with ER_TUPLE_FOUND or ER_CANT_UPDATE_PRIMARY_KEY
 */
int index_check_dup(const struct index *index, const struct space *space,
	const struct tuple *old_tuple, const struct tuple *found, enum dup_mode mode);

/** ER_UNSUPPORTED_INDEX_FEATURE naming the index and its space. */
void index_set_unsupported(const struct index *index, const char *what);

/* Generic vtab members, for kinds that lack a method: a clear error, or the slow way. */
int generic_index_count(struct index *index, enum iterator_type type, const char *key,
	uint32_t part_count, size_t *ret);
int generic_index_min(
	struct index *index, const char *key, uint32_t part_count, struct tuple **ret);
int generic_index_max(
	struct index *index, const char *key, uint32_t part_count, struct tuple **ret);
int generic_index_random(struct index *index, uint32_t rnd, struct tuple **ret);
int generic_index_replace(struct index *index, struct space *space,
	struct tuple *old_tuple, struct tuple *new_tuple, enum dup_mode mode,
	struct tuple **ret_old);
void generic_index_compact(struct index *index);

#endif

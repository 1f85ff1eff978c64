/*
 * Spaces: a definition, a tuple format, indexes, triggers; and the cache of all
 * spaces by id and by name.
 *
 * Changing the schema is for whoever owns the system spaces: space_new(), then
 * index_new() + space_add_index() (space_build_index() first when there are
 * tuples), space_set_format(), space_cache_put()/space_cache_del(). Each has its
 * reverse, so that a rollback takes the steps back in opposite order. A space
 * changes in place: pointers to it stay good until it is dropped and the last
 * reference is gone.
 */
#ifndef BOX_SPACE_H
#define BOX_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "instance/base/list.h"
#include "instance/base/trigger.h"
#include "instance/box/index.h"

struct request;
struct txn_stmt;

enum {
	SPACE_ID_SYSTEM_MIN = 256,
	SPACE_ID_SYSTEM_MAX = 511,
};

/* Owns its strings and fields. */
struct space_def {
	uint32_t id;
	uint32_t uid; /* owner */
	char *name;
	char *engine; /* "memtx", or "sysview" */
	uint32_t exact_field_count;
	bool is_temporary; /* rows do not go to the journal */
	bool is_local;     /* its rows are not replicated */
	bool is_view;
	bool is_sync;
	struct field_def *fields;
	uint32_t field_count;
};

/** Copies names and fields. NULL with diag set. */
struct space_def *space_def_new(uint32_t id, uint32_t uid, const char *name,
	size_t name_len, const char *engine, uint32_t exact_field_count,
	const struct field_def *fields, uint32_t field_count);
/** NULL is fine. */
void space_def_free(struct space_def *def);

/* Reference counted; the cache holds one. */
struct space {
	struct space_def *def;       /* owned */
	struct tuple_format *format; /* a reference */
	struct index **indexes;      /* those that exist, by growing id */
	uint32_t index_count;
	struct index *index_map[INDEX_ID_MAX]; /* by id; NULL: none */
	uint32_t refs;
	bool is_dropped;
	bool run_triggers; /* space:run_triggers(); true from the start */
	/*
	 * Lists of struct trigger (base/trigger.h), the event is the struct txn_stmt.
	 * before_replace: may change stmt->new_tuple (takes over the reference).
	 * on_replace: after the change, inside the transaction. -1 with diag set
	 * fails the statement.
	 */
	struct list before_replace;
	struct list on_replace;
	size_t bsize;   /* bytes of its tuples' data */
	void *sequence; /* its sequence, for space_next_sequence; or NULL */
	uint32_t sequence_fieldno;
};

/** A space without indexes. Takes the definition over on success. NULL with diag set. */
struct space *space_new(struct space_def *def);
void space_ref(struct space *space);
void space_unref(struct space *space);

static inline uint32_t space_id(const struct space *space)
{
	return space->def->id;
}

static inline const char *space_name(const struct space *space)
{
	return space->def->name;
}

static inline bool space_is_system(const struct space *space)
{
	return space->def->id > SPACE_ID_SYSTEM_MIN &&
	       space->def->id <= SPACE_ID_SYSTEM_MAX;
}

static inline struct index *space_index(const struct space *space, uint32_t iid)
{
	return iid < INDEX_ID_MAX ? space->index_map[iid] : NULL;
}

static inline struct index *space_primary(const struct space *space)
{
	return space->index_map[0];
}

/** The index, or NULL with ER_NO_SUCH_INDEX_ID. */
struct index *space_index_find(const struct space *space, uint32_t iid);

/* ---- Data ---- */

/**
 * Put new_tuple in place of old_tuple (either may be NULL) in all indexes, or in none.
 * The space takes a reference of new_tuple; the one it held of *ret_old goes to the
 * caller.
 */
int space_replace(struct space *space, struct tuple *old_tuple, struct tuple *new_tuple,
	enum dup_mode mode, struct tuple **ret_old);

/* ---- Changes of the schema ---- */

/**
 * Fill a new index from the space's primary one and check that it can be: types
 * of the tuples' fields, unique keys. The space is unchanged.
 * @return 0, or -1 with diag set
 */
int space_build_index(struct space *space, struct index *index);
/**
 * Put an index in (takes its reference over) and make the format anew. The
 * index must hold what the primary one holds (both empty, or built). Replaces
 * one of the same id: *ret_old gets it with its reference; NULL: none is there.
 */
int space_add_index(struct space *space, struct index *index, struct index **ret_old);
/** Take it out; the caller gets its reference. Iterators over it end when is_dropped is
 * set. */
struct index *space_remove_index(struct space *space, uint32_t iid);
/**
 * Put a definition in place of the space's (takes it over; the old one goes to
 * the caller through *ret_old for a rollback, or is freed when that is NULL).
 * The id stays. Existing tuples must fit: see space_check_format().
 */
int space_set_def(struct space *space, struct space_def *def, struct space_def **ret_old);
/** Do all tuples fit these fields (with the indexes as they are)? 0, or -1 with diag set.
 */
int space_check_format(struct space *space, const struct space_def *def);
/**
 * Take all tuples out of all indexes at once, by putting empty indexes in.
 * @param ret_old array of INDEX_ID_MAX for the old ones with their references (rollback:
 *        give it to space_restore_indexes); NULL frees them
 */
int space_truncate_indexes(struct space *space, struct index **ret_old);
void space_restore_indexes(struct space *space, struct index **old);

/* ---- The cache ---- */

/** @return 0, or -1 with diag set (OutOfMemory) */
int space_cache_init(void);
/** Drop the references; who still holds a space sees is_dropped. */
void space_cache_fini(void);
/** The space, or NULL (no error set). */
struct space *space_by_id(uint32_t id);
struct space *space_by_name(const char *name, size_t len);
/** The space, or NULL with ER_NO_SUCH_SPACE ("#512"). Fast for the last one asked for. */
struct space *space_find(uint32_t id);
/** Put in (takes a reference) or under its changed name. -1 with diag set. */
int space_cache_put(struct space *space);
/** Take out; drops the cache's reference. */
void space_cache_del(struct space *space);
/** Call cb for each space by growing id until it returns non-zero. */
int space_each(int (*cb)(struct space *space, void *arg), void *arg);
/** To be called after a name changed in place (space_set_def). */
void space_cache_rename(void);

/* ---- Hooks, set by higher layers ---- */

/** May the current session do this (enum priv: PRIV_R, PRIV_W)? 0, or -1 with diag set.
 */
extern int (*space_access_check)(struct space *space, unsigned priv);
/** The next value of space->sequence (`given` NULL), or note that `*given` was used. */
extern int (*space_next_sequence)(
	struct space *space, const int64_t *given, int64_t *ret);

#endif

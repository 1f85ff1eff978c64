/*
 * Reading and changing data by ids and msgpack. All check that spaces and
 * indexes exist and the rights of the current session; errors are Tarantool's.
 *
 * A key or a tuple is a well-formed msgpack array. Tuples that are returned have
 * a reference that the caller drops; NULL where there is none.
 */
#ifndef BOX_DML_H
#define BOX_DML_H

#include <stdint.h>

#include "instance/box/index.h"
#include "instance/box/request.h"
#include "instance/box/space.h"

/* Changes. Each runs triggers, so it may yield. @return 0, or -1 with diag set */
int dml_insert(uint32_t space_id, const char *tuple, const char *end, struct tuple **ret);
int dml_replace(
	uint32_t space_id, const char *tuple, const char *end, struct tuple **ret);
int dml_delete(uint32_t space_id, uint32_t index_id, const char *key, const char *end,
	struct tuple **ret);
int dml_update(uint32_t space_id, uint32_t index_id, const char *key, const char *key_end,
	const char *ops, const char *ops_end, uint32_t index_base, struct tuple **ret);
int dml_upsert(uint32_t space_id, uint32_t index_id, const char *tuple,
	const char *tuple_end, const char *ops, const char *ops_end, uint32_t index_base);

/* Reads; none yields. @return 0, or -1 with diag set */
int dml_get(uint32_t space_id, uint32_t index_id, const char *key, const char *end,
	struct tuple **ret);
int dml_min(uint32_t space_id, uint32_t index_id, const char *key, const char *end,
	struct tuple **ret);
int dml_max(uint32_t space_id, uint32_t index_id, const char *key, const char *end,
	struct tuple **ret);
int dml_random(uint32_t space_id, uint32_t index_id, uint32_t rnd, struct tuple **ret);
int dml_count(uint32_t space_id, uint32_t index_id, int type, const char *key,
	const char *end, size_t *ret);
int dml_len(uint32_t space_id, uint32_t index_id, size_t *ret);
int dml_bsize(uint32_t space_id, uint32_t index_id, size_t *ret);
/** An iterator to walk and free. NULL with diag set. */
struct iterator *dml_iterator(
	uint32_t space_id, uint32_t index_id, int type, const char *key, const char *end);

/** Step over the first n tuples; before the first iterator_next(). */
int dml_skip(struct iterator *it, size_t n);

/**
 * Find space and index for reading: existence and the right to read.
 * @return NULL with diag set
 */
struct index *dml_index_for_read(
	uint32_t space_id, uint32_t index_id, struct space **ret_space);

#endif

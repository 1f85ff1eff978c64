/*
 * Update operations: = + - & | ^ : ! # on fields of a tuple's msgpack.
 *
 * Operations are a msgpack array of arrays [op, field, argument...]; a field is
 * a number from index_base, a negative one from the end, a name, or "[N]".
 * Operations are applied one after another, each to what the one before left.
 */
#ifndef BOX_UPDATE_H
#define BOX_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "instance/box/tuple_format.h"
#include "proto/buf.h"

enum { UPDATE_OPS_MAX = 4000 };

/**
 * Apply the operations.
 * @param ops  well-formed msgpack
 * @param data the tuple's array, well-formed
 * @param dict field names
 * @param out  the new array is appended
 * @return 0, or -1 with diag set and out as before
 */
int update_execute(const char *ops, const char *ops_end, const char *data,
	const char *end, const struct tuple_dict *dict, uint32_t index_base,
	struct buf *out);
/**
 * The same as an upsert does it: an operation that cannot be applied to this
 * tuple is left out; one that is malformed is an error.
 */
int upsert_execute(const char *ops, const char *ops_end, const char *data,
	const char *end, const struct tuple_dict *dict, uint32_t index_base,
	struct buf *out);
/** Are the operations well-formed (for an upsert that inserts)? */
int update_check_ops(const char *ops, const char *ops_end, const struct tuple_dict *dict,
	uint32_t index_base);

#endif

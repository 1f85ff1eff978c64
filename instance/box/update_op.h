/* Update operations as they are read; internal to update.c and update_op.c. */
#ifndef BOX_UPDATE_OP_H
#define BOX_UPDATE_OP_H

#include <stdbool.h>
#include <stdint.h>

struct tuple_dict;

/* Points into the operations' msgpack. */
struct update_op {
	char code;
	int64_t fieldno;  /* from 0; negative: from the end, -1 is the last one */
	const char *name; /* as given, or NULL */
	uint32_t name_len;
	const char *arg, *arg_end; /* the value of = ! + - & | ^ */
	uint64_t count;            /* # */
	int64_t offset, cut;       /* : */
	const char *paste;
	uint32_t paste_len;
};

enum { UPDATE_LABEL_MAX = 128 };

/** How messages name the field: 3, or 'name'. Fills and returns buf. */
const char *update_op_label(const struct update_op *op, char *buf);
/** ER_UPDATE_ARG_TYPE. Returns -1. */
int update_op_bad_type(const struct update_op *op, const char *expected);

/**
 * Read the array of operations, checking all that can be checked without a tuple.
 * @param ret_ops a malloc'ed array, NULL when there are none
 * @return 0, or -1 with diag set
 */
int update_ops_read(const char *ops, const struct tuple_dict *dict, uint32_t index_base,
	struct update_op **ret_ops, uint32_t *ret_count);

/**
 * value + op->arg (or -), where one of them is a decimal, as a msgpack value in out
 * (DECIMAL_MP_LEN_MAX + 3 bytes).
 * @return its length, or -1 with diag set
 */
int update_decimal(const struct update_op *op, const char *value, char *out);

#endif

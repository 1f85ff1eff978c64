/* Rows of _index: what they say, checked. */
#ifndef BOX_INDEX_ROW_H
#define BOX_INDEX_ROW_H

#include "instance/box/alter.h"

/* Fields of a row. */
enum {
	INDEX_ROW_SPACE,
	INDEX_ROW_IID,
	INDEX_ROW_NAME,
	INDEX_ROW_TYPE,
	INDEX_ROW_OPTS,
	INDEX_ROW_PARTS,
};

/* What a row of _index says, on its way to an index_def. */
struct index_row {
	uint32_t iid;
	struct opt_str name;
	enum index_type type;
	bool is_unique;
	struct key_part parts[INDEX_PART_MAX];
	uint32_t part_count;
};

/**
 * Decode a row of the space and check it against the rules of its type.
 * @return 0, or -1 with diag set
 */
int index_row_decode(
	const struct tuple *tuple, const struct space *space, struct index_row *row);
/** The definition of an index of the space whose primary key is `pk`. NULL with diag set.
 */
struct index_def *index_row_def(
	const struct index_row *row, const struct space *space, const struct key_def *pk);

#endif

/* TREE indexes: a B+tree ordered by the index's cmp_def. */
#ifndef BOX_INDEX_TREE_H
#define BOX_INDEX_TREE_H

#include "instance/box/index.h"

/** See index_new(). */
struct index *index_tree_new(struct index_def *def);

/**
 * Fill an empty TREE index with tuples in any order, which are to be checked for
 * unique keys. Takes no references.
 * @return 0, or -1 with diag set and the index empty
 */
int index_tree_build(
	struct index *index, struct space *space, struct tuple **tuples, size_t count);

#endif

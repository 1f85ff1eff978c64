/* HASH indexes: whole keys only, in no useful order. */
#ifndef BOX_INDEX_HASH_H
#define BOX_INDEX_HASH_H

#include "instance/box/index.h"

/** See index_new(). The key is unique and has no nullable part. */
struct index *index_hash_new(struct index_def *def);

#endif

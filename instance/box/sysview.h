/*
 * Views of system spaces (_vspace and the others): the rows of the space itself
 * that the current user may see.
 */
#ifndef BOX_SYSVIEW_H
#define BOX_SYSVIEW_H

#include <stdint.h>

#include "instance/box/index.h"

/**
 * An index of the view `space_id`; shows the index of the same id of the space
 * behind it. Takes the definition over on success.
 * @return NULL with diag set: no such view
 */
struct index *sysview_index_new(uint32_t space_id, struct index_def *def);

#endif

/*
 * The C API: ids by names. As in Tarantool it is a search in _vspace and _vindex: what
 * the user may not see is not there; only that the objects themselves are asked,
 * not the rows that made them.
 */
#include <string.h>

#include "instance/box/alter.h"
#include "instance/box/schema.h"
#include "instance/box/space.h"
#include "instance/box/stat.h"
#include "instance/box/txn.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

/* May the user look at the view? Counts as a read of it. */
static bool may_search(uint32_t view_id)
{
	struct space *view = space_find(view_id);
	if (view == NULL || space_access_check(view, PRIV_R) != 0) {
		api_result(-1, NULL, NULL);
		return false;
	}
	txn_note_read();
	box_stat_count(BOX_STAT_SELECT);
	return true;
}

static bool is_visible(const struct space *space)
{
	struct object_ref obj = space_object(space);
	return access_has_any(&obj, PRIV_W | PRIV_R | PRIV_D | PRIV_A);
}

uint32_t box_space_id_by_name(const char *name, uint32_t len)
{
	if (name == NULL || len > IDENTIFIER_MAX || !may_search(SPACE_VSPACE))
		return BOX_ID_NIL;
	const struct space *space = space_by_name(name, len);
	return space != NULL && is_visible(space) ? space_id(space) : BOX_ID_NIL;
}

uint32_t box_index_id_by_name(uint32_t id, const char *name, uint32_t len)
{
	if (name == NULL || len > IDENTIFIER_MAX || !may_search(SPACE_VINDEX))
		return BOX_ID_NIL;
	const struct space *space = space_by_id(id);
	if (space == NULL || !is_visible(space))
		return BOX_ID_NIL;
	for (uint32_t i = 0; i < space->index_count; i++) {
		const struct index_def *def = space->indexes[i]->def;
		if (strlen(def->name) == len && memcmp(def->name, name, len) == 0)
			return def->iid;
	}
	return BOX_ID_NIL;
}

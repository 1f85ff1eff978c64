/* Rows of _index: create, change, drop an index of a space. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/alter.h"
#include "instance/box/index_row.h"
#include "instance/box/sysview.h"

static void index_defp(struct index_def **def)
{
	index_def_free(*def);
}

static void index_unrefp(struct index **index)
{
	index_unref(*index);
}

/** A new index for the definition (taken over), filled from the space. */
static struct index *index_make(struct space *space, struct index_def *def_taken)
{
	_cleanup_(index_defp) struct index_def *def = def_taken;
	bool is_view = strcmp(space->def->engine, "sysview") == 0;
	_cleanup_(index_unrefp) struct index *index =
		is_view ? sysview_index_new(space_id(space), def) : index_new(def);
	if (index == NULL)
		return NULL;
	def = NULL;
	struct index *pk = space_primary(space);
	bool is_built = !is_view && pk != NULL && index_size(pk) > 0;
	if (is_built && (txn_check_singlestatement(txn_current(), "index build") != 0 ||
				space_build_index(space, index) != 0))
		return NULL;
	return TAKE_PTR(index);
}

/* ---- Steps and their undo ---- */

/* Indexes that a statement took out or replaced; NULL where there was none. */
struct index_undo {
	struct undo base;
	struct space *space; /* a reference */
	size_t bsize;        /* of the space, before */
	uint32_t count;
	struct {
		uint32_t iid;
		struct index *old; /* a reference, or NULL */
	} step[INDEX_ID_MAX];
};

static void index_undo_rollback(struct undo *base)
{
	struct index_undo *undo = (struct index_undo *)base;
	for (uint32_t i = undo->count; i-- > 0;) {
		struct index *old = undo->step[i].old;
		struct index *current = NULL;
		if (old == NULL) {
			current = space_remove_index(undo->space, undo->step[i].iid);
		} else {
			old->is_dropped = false;
			(void)space_add_index(undo->space, old, &current);
		}
		if (current != NULL)
			current->is_dropped = true;
		index_unref(current);
	}
	undo->space->bsize = undo->bsize;
	schema_space_changed(space_id(undo->space));
	space_unref(undo->space);
}

static void index_undo_commit(struct undo *base)
{
	struct index_undo *undo = (struct index_undo *)base;
	for (uint32_t i = 0; i < undo->count; i++)
		index_unref(undo->step[i].old);
	space_unref(undo->space);
}

static struct index_undo *index_undo_new(struct space *space)
{
	struct index_undo *undo =
		undo_new(sizeof(*undo), index_undo_rollback, index_undo_commit);
	if (undo != NULL) {
		undo->space = space;
		undo->bsize = space->bsize;
		space_ref(space);
	}
	return undo;
}

/** Put an index (taken over) in. */
static int index_install(struct index_undo *undo, struct index *index)
{
	struct index *old = NULL;
	if (space_add_index(undo->space, index, &old) != 0) {
		index_unref(index);
		return -1;
	}
	if (old != NULL)
		old->is_dropped = true;
	undo->step[undo->count].iid = index->def->iid;
	undo->step[undo->count++].old = old;
	return 0;
}

static void index_uninstall(struct index_undo *undo, uint32_t iid)
{
	struct index *old = space_remove_index(undo->space, iid);
	old->is_dropped = true;
	undo->step[undo->count].iid = iid;
	undo->step[undo->count++].old = old;
}

/** Take back what was done of a statement that failed half way. */
static int index_undo_fail(struct index_undo *undo)
{
	index_undo_rollback(&undo->base);
	free(undo);
	return -1;
}

static int index_undo_done(struct txn_stmt *stmt, struct index_undo *undo)
{
	undo_register(stmt, &undo->base);
	schema_space_changed(space_id(undo->space));
	return 0;
}

static int index_create(
	struct txn_stmt *stmt, struct space *space, const struct index_row *row)
{
	struct index *pk = space_primary(space);
	if (row->iid != 0 && pk == NULL) {
		diag_set_client(ER_ALTER_SPACE, space_name(space),
			"can not add a secondary key before primary");
		return -1;
	}
	struct index_def *def =
		index_row_def(row, space, pk != NULL ? pk->def->key_def : NULL);
	struct index *index = def != NULL ? index_make(space, def) : NULL;
	if (index == NULL)
		return -1;
	struct index_undo *undo = index_undo_new(space);
	if (undo == NULL) {
		index_unref(index);
		return -1;
	}
	if (index_install(undo, index) != 0)
		return index_undo_fail(undo);
	return index_undo_done(stmt, undo);
}

static int index_drop(struct txn_stmt *stmt, struct space *space, uint32_t iid)
{
	if (iid == 0 && space_is_system(space)) {
		diag_set_client(ER_LAST_DROP, space_name(space));
		return -1;
	}
	if (iid == 0 && space->index_count > 1) {
		diag_set_client(ER_DROP_PRIMARY_KEY, space_name(space));
		return -1;
	}
	struct index_undo *undo = index_undo_new(space);
	if (undo == NULL)
		return -1;
	index_uninstall(undo, iid);
	if (iid == 0)
		space->bsize = 0;
	return index_undo_done(stmt, undo);
}

/** A secondary index anew, for a primary key that changes. */
static struct index *index_remake(
	struct space *space, const struct index *old, const struct key_def *pk)
{
	const struct index_def *def = old->def;
	struct index_def *copy = index_def_new(def->space_id, def->iid, def->name,
		strlen(def->name), def->type, def->is_unique, def->key_def->parts,
		def->key_def->part_count, pk);
	return copy != NULL ? index_make(space, copy) : NULL;
}

/** Build the changed index, and when it is the primary one all others; then swap. */
static int index_rebuild(
	struct txn_stmt *stmt, struct space *space, const struct index_row *row)
{
	struct index *made[INDEX_ID_MAX];
	uint32_t count = 0;
	struct index *pk = space_primary(space);
	struct index_undo *undo = index_undo_new(space);
	struct index_def *def = index_row_def(row, space, pk->def->key_def);
	if (undo == NULL || def == NULL) {
		index_def_free(def);
		goto err;
	}
	const struct key_def *new_pk = def->key_def;
	struct index *index = index_make(space, def);
	if (index == NULL)
		goto err;
	made[count++] = index;
	for (uint32_t i = 1; row->iid == 0 && i < space->index_count; i++) {
		made[count] = index_remake(space, space->indexes[i], new_pk);
		if (made[count] == NULL)
			goto err;
		count++;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (index_install(undo, TAKE_PTR(made[i])) != 0)
			goto err;
	}
	return index_undo_done(stmt, undo);
err:
	for (uint32_t i = 0; i < count; i++)
		index_unref(made[i]);
	return undo != NULL ? index_undo_fail(undo) : -1;
}

/* The name that an index had. */
struct rename_undo {
	struct undo base;
	struct space *space; /* a reference */
	struct index *index; /* a reference */
	char *name;          /* owned */
};

static void rename_rollback(struct undo *base)
{
	struct rename_undo *undo = (struct rename_undo *)base;
	char *name = undo->index->def->name;
	undo->index->def->name = undo->name;
	free(name);
	schema_space_changed(space_id(undo->space));
	index_unref(undo->index);
	space_unref(undo->space);
}

static void rename_commit(struct undo *base)
{
	struct rename_undo *undo = (struct rename_undo *)base;
	free(undo->name);
	index_unref(undo->index);
	space_unref(undo->space);
}

static int index_rename(struct txn_stmt *stmt, struct space *space, struct index *index,
	const struct opt_str *name)
{
	struct rename_undo *undo =
		undo_new(sizeof(*undo), rename_rollback, rename_commit);
	char *copy = strndup(name->s, name->len);
	if (undo == NULL || copy == NULL) {
		free(copy);
		free(undo);
		diag_set(oom, "Failed to allocate memory for an index name");
		return -1;
	}
	undo->space = space;
	space_ref(space);
	undo->index = index;
	index_ref(index);
	undo->name = index->def->name;
	index->def->name = copy;
	undo_register(stmt, &undo->base);
	schema_space_changed(space_id(space));
	return 0;
}

static int index_alter(struct txn_stmt *stmt, struct space *space, struct index *index,
	const struct index_row *row)
{
	struct index *pk = space_primary(space);
	_cleanup_(index_defp) struct index_def *def =
		index_row_def(row, space, pk->def->key_def);
	if (def == NULL)
		return -1;
	if (def->type == index->def->type && def->is_unique == index->def->is_unique &&
		key_def_equals(def->key_def, index->def->key_def))
		return index_rename(stmt, space, index, &row->name);
	return index_rebuild(stmt, space, row);
}

int alter_on_index(struct txn_stmt *stmt)
{
	uint32_t id, iid;
	const struct tuple *tuple =
		stmt->old_tuple != NULL ? stmt->old_tuple : stmt->new_tuple;
	if (tuple_field_u32(tuple, INDEX_ROW_SPACE, &id) != 0 ||
		tuple_field_u32(tuple, INDEX_ROW_IID, &iid) != 0)
		return -1;
	struct space *space = space_find(id);
	if (space == NULL)
		return -1;
	uint32_t priv = stmt->old_tuple == NULL   ? PRIV_C
			: stmt->new_tuple == NULL ? PRIV_D
						  : PRIV_A;
	struct object_ref obj = space_object(space);
	if (access_check_ddl(&obj, priv) != 0)
		return -1;
	struct index *index = space_index(space, iid);
	if (stmt->new_tuple == NULL)
		return index != NULL ? index_drop(stmt, space, iid) : 0;
	struct index_row *row = malloc(sizeof(*row));
	if (row == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for index",
			sizeof(*row));
		return -1;
	}
	int rc = -1;
	if (index_row_decode(stmt->new_tuple, space, row) == 0)
		rc = index == NULL ? index_create(stmt, space, row)
				   : index_alter(stmt, space, index, row);
	free(row);
	return rc;
}

/*
 * Triggers on the system spaces: a row that is inserted, changed or deleted
 * makes, changes or drops the object in memory. What a statement did is undone
 * when it is rolled back, in the opposite order.
 */
#ifndef BOX_ALTER_H
#define BOX_ALTER_H

#include <stdint.h>

#include "instance/box/index.h"
#include "instance/box/schema.h"
#include "instance/box/space.h"
#include "instance/box/txn.h"

/*
 * How to take one step back. Embedded as the first member of what the step
 * needs; made by undo_new(), freed when the transaction ends.
 */
struct undo {
	struct txn_trigger trigger;
	void (*rollback)(struct undo *undo);
	/** Free what was kept for the rollback; may be NULL. */
	void (*commit)(struct undo *undo);
};

/**
 * @param size of the struct that begins with a struct undo
 * @return zeroed but for the callbacks; NULL with diag set. Not registered yet.
 */
void *undo_new(
	size_t size, void (*rollback)(struct undo *), void (*commit)(struct undo *));
/** From here on the undo belongs to the statement. Cannot fail. */
void undo_register(struct txn_stmt *stmt, struct undo *undo);

/* on_replace of each system space. */
int alter_on_space(struct txn_stmt *stmt);
int alter_on_index(struct txn_stmt *stmt);
int alter_on_truncate(struct txn_stmt *stmt);
int alter_on_user(struct txn_stmt *stmt);
int alter_on_priv(struct txn_stmt *stmt);
int alter_on_func(struct txn_stmt *stmt);

/**
 * The definition that a row of _space holds.
 * @param code ER_CREATE_SPACE or ER_ALTER_SPACE, for messages
 * @return NULL with diag set
 */
struct space_def *space_def_decode(const struct tuple *tuple, unsigned code);

/** Put the trigger of this system space in, if there is one. */
void alter_add_triggers(struct space *space);

/** Does an index of a system space hold rows with this key (values side by side)? */
bool alter_row_exists(
	uint32_t space_id, uint32_t index_id, const char *key, uint32_t part_count);
/** Does anybody have a grant on the object? */
bool alter_object_has_grants(enum object_type type, uint32_t id);

/** The space as an object for access checks. */
static inline struct object_ref space_object(const struct space *space)
{
	return (struct object_ref){
		OBJECT_SPACE, space->def->id, space->def->uid, space->def->name};
}

#endif

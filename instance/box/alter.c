#include "instance/box/alter.h"

#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"

static void undo_on_rollback(struct txn_trigger *trigger, struct txn *txn)
{
	struct undo *undo = container_of(trigger, struct undo, trigger);
	undo->rollback(undo);
	free(undo);
}

static void undo_on_commit(struct txn_trigger *trigger)
{
	struct undo *undo = container_of(trigger, struct undo, trigger);
	if (undo->commit != NULL)
		undo->commit(undo);
	free(undo);
}

void *undo_new(
	size_t size, void (*rollback)(struct undo *), void (*commit)(struct undo *))
{
	struct undo *undo = calloc(1, size);
	if (undo == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for undo", size);
		return NULL;
	}
	undo->trigger.run = undo_on_rollback;
	undo->trigger.free = undo_on_commit;
	undo->rollback = rollback;
	undo->commit = commit;
	return undo;
}

void undo_register(struct txn_stmt *stmt, struct undo *undo)
{
	txn_stmt_on_rollback(stmt, &undo->trigger);
}

/* ---- The triggers ---- */

struct system_trigger {
	uint32_t space_id;
	int (*run)(struct txn_stmt *stmt);
	struct trigger trigger;
};

static int system_trigger_run(struct trigger *trigger, void *event)
{
	return container_of(trigger, struct system_trigger, trigger)->run(event);
}

/** What cannot be built may not be defined. */
static int refuse(struct txn_stmt *stmt)
{
	static const struct {
		uint32_t space_id;
		const char *what;
	} missing[] = {
		{SPACE_SEQUENCE, "sequences; engine = \"tarantool\" runs them"},
		{SPACE_SPACE_SEQUENCE, "sequences; engine = \"tarantool\" runs them"},
		{SPACE_TRIGGER, "SQL triggers; engine = \"tarantool\" runs them"},
		{SPACE_FK_CONSTRAINT,
			"foreign key constraints; engine = \"tarantool\" runs them"},
		{SPACE_CK_CONSTRAINT,
			"check constraints; engine = \"tarantool\" runs them"},
		{SPACE_FUNC_INDEX,
			"functional indexes; engine = \"tarantool\" runs them"},
	};
	if (stmt->new_tuple == NULL)
		return 0;
	for (size_t i = 0; i < lengthof(missing); i++) {
		if (missing[i].space_id == space_id(stmt->space)) {
			diag_set_client(ER_UNSUPPORTED, "Tarantella", missing[i].what);
			return -1;
		}
	}
	return 0;
}

static struct system_trigger triggers[] = {
	{SPACE_SPACE, alter_on_space},
	{SPACE_INDEX, alter_on_index},
	{SPACE_TRUNCATE, alter_on_truncate},
	{SPACE_USER, alter_on_user},
	{SPACE_PRIV, alter_on_priv},
	{SPACE_FUNC, alter_on_func},
	{SPACE_SEQUENCE, refuse},
	{SPACE_SPACE_SEQUENCE, refuse},
	{SPACE_TRIGGER, refuse},
	{SPACE_FK_CONSTRAINT, refuse},
	{SPACE_CK_CONSTRAINT, refuse},
	{SPACE_FUNC_INDEX, refuse},
};

void alter_add_triggers(struct space *space)
{
	for (size_t i = 0; i < lengthof(triggers); i++) {
		if (triggers[i].space_id != space_id(space))
			continue;
		trigger_init(&triggers[i].trigger, system_trigger_run, NULL, NULL);
		trigger_add(&space->on_replace, &triggers[i].trigger);
	}
}

bool alter_row_exists(
	uint32_t space_id, uint32_t index_id, const char *key, uint32_t part_count)
{
	struct space *space = space_by_id(space_id);
	struct index *index = space != NULL ? space_index(space, index_id) : NULL;
	size_t count = 0;
	if (index == NULL)
		return false;
	if (index->vtab->count(index, ITER_EQ, key, part_count, &count) != 0) {
		diag_clear();
		return false;
	}
	return count > 0;
}

bool alter_object_has_grants(enum object_type type, uint32_t id)
{
	char key[32], *p = key;
	const char *name = object_type_name(type);
	p = mp_raw_put_str(p, name, (uint32_t)strlen(name));
	mp_raw_put_uint(p, id);
	return alter_row_exists(SPACE_PRIV, 2, key, 2);
}

/* The C API: transactions. */
#include "instance/box/txn.h"

#include <stdalign.h>
#include <stdlib.h>

#include "instance/base/util.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

int64_t box_txn_id(void)
{
	const struct txn *txn = txn_current();
	return txn != NULL ? (int64_t)txn->id : -1;
}

bool box_txn(void)
{
	return txn_current() != NULL;
}

int box_txn_begin(void)
{
	return txn_begin() != NULL ? 0 : -1;
}

int box_txn_commit(void)
{
	fiber_find_lua(); /* for triggers */
	return txn_commit();
}

int box_txn_rollback(void)
{
	fiber_find_lua(); /* for triggers */
	return txn_rollback();
}

/* Memory of a transaction. Owned by its list of rollback triggers. */
struct txn_memory {
	struct txn_trigger end;
	alignas(max_align_t) char data[];
};

static void txn_memory_free(struct txn_trigger *trigger)
{
	free(container_of(trigger, struct txn_memory, end));
}

static void txn_memory_run(struct txn_trigger *trigger, struct txn *txn)
{
	(void)txn;
	txn_memory_free(trigger);
}

void *box_txn_alloc(size_t size)
{
	struct txn *txn = txn_current();
	if (txn == NULL) {
		diag_set_client(ER_NO_TRANSACTION);
		return NULL;
	}
	struct txn_memory *memory = NULL;
	if (size <= PTRDIFF_MAX - sizeof(*memory))
		memory = malloc(sizeof(*memory) + size);
	if (memory == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for a transaction",
			size);
		return NULL;
	}
	/* A rollback runs it, a commit frees it. */
	memory->end.run = txn_memory_run;
	memory->end.free = txn_memory_free;
	txn_on_rollback(txn, &memory->end);
	return memory->data;
}

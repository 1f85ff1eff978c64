/*
 * Transactions: statements with what they changed, undone in reverse order on
 * rollback; savepoints; triggers at commit and rollback.
 *
 * A change outside box.begin() is a transaction of its own. As in Tarantool
 * without MVCC, a yield inside a transaction that has read or changed something
 * aborts it: what it did is taken back at once, and the commit fails.
 */
#ifndef BOX_TXN_H
#define BOX_TXN_H

#include <stdbool.h>
#include <stdint.h>

#include "instance/base/list.h"
#include "instance/box/request.h"
#include "instance/fiber/fiber.h"

struct space;
struct txn;
struct tuple;

enum { TXN_SUB_STMT_MAX = 4 };

/* Embedded in memory of its owner; `run` may free it. */
struct txn_trigger {
	struct list link;
	void (*run)(struct txn_trigger *trigger, struct txn *txn);
	/* Called instead of run when the other outcome came; may be NULL. */
	void (*free)(struct txn_trigger *trigger);
};

/* Owned by the transaction. */
struct txn_stmt {
	struct list link; /* in txn->stmts, oldest first */
	struct txn *txn;
	struct space *space;     /* a reference; NULL for NOP */
	struct tuple *old_tuple; /* a reference, or NULL */
	struct tuple *new_tuple; /* a reference, or NULL */
	enum request_type type;
	bool is_applied;         /* the indexes were changed */
	bool is_after_abort;     /* it began in an aborted transaction */
	bool has_row;            /* goes to the journal */
	struct request *request; /* a copy, when the journal wants it */
	struct list on_commit;   /* struct txn_trigger */
	struct list on_rollback;
};

/* Owned by the fiber that began it. */
struct txn {
	struct list stmts;
	struct list savepoints;
	struct list on_commit; /* struct txn_trigger, run in reverse order of adding */
	struct list on_rollback;
	uint64_t id;
	uint32_t stmt_count;
	uint32_t sub_level; /* statements open: > 0 inside triggers */
	bool is_autocommit;
	bool is_aborted; /* by a yield: it will not commit */
	bool has_yield_hook;
	struct fiber_hook on_yield;
	struct fiber_hook on_stop;
	struct fiber *fiber;
};

struct txn_savepoint {
	struct list link;
	struct txn_stmt *stmt; /* the last one before it, or NULL */
	uint32_t sub_level;
	char name[64];
};

/** The running fiber's transaction, or NULL. */
static inline struct txn *txn_current(void)
{
	return (struct txn *)fiber_current->local[FIBER_LOCAL_TXN];
}

/** Start one. NULL with ER_ACTIVE_TRANSACTION when there is one already. */
struct txn *txn_begin(void);
/** Write the current one to the journal and end it; on failure it is rolled back. */
int txn_commit(void);
/** Undo the current one and end it. -1 with ER_ROLLBACK_IN_SUB_STMT inside a trigger. */
int txn_rollback(void);
/** The same, whatever the level: the fiber ends or its request failed. */
void txn_abort(void);

/** The current transaction has read: from here on a yield aborts it, as in Tarantool. */
void txn_note_read(void);

/** Savepoint at this moment. NULL with diag set (ER_NO_TRANSACTION,
 * ER_SAVEPOINT_EMPTY_TX). */
struct txn_savepoint *txn_savepoint_new(const char *name);
/** Undo what came after. -1 with ER_NO_SUCH_SAVEPOINT. */
int txn_rollback_to(struct txn_savepoint *sp);

/**
 * Open a statement on a space; starts a transaction of its own when there is none.
 * @return NULL with diag set
 */
struct txn_stmt *txn_stmt_begin(struct space *space, const struct request *request);
/**
 * The statement is done: keeps a copy of the request for the journal, runs the on_replace
 * triggers, commits when the transaction is its own. On -1 it is undone.
 */
int txn_stmt_commit(struct txn_stmt *stmt, const struct request *request);
/** Undo the statement (and the transaction when it is its own). */
void txn_stmt_rollback(struct txn_stmt *stmt);

/** Fail unless the current transaction (if any) is this statement alone (DDL that cannot
 * be in one). */
int txn_check_singlestatement(struct txn *txn, const char *what);

/** Was the transaction aborted by a yield inside this statement (of a trigger)? */
static inline bool txn_stmt_is_aborted(const struct txn_stmt *stmt)
{
	return stmt->txn->is_aborted && !stmt->is_after_abort;
}

/* Triggers of the whole transaction, and of one statement (run when that is undone). */
static inline void txn_on_commit(struct txn *txn, struct txn_trigger *t)
{
	list_add(&txn->on_commit, &t->link);
}

static inline void txn_on_rollback(struct txn *txn, struct txn_trigger *t)
{
	list_add(&txn->on_rollback, &t->link);
}

static inline void txn_stmt_on_commit(struct txn_stmt *stmt, struct txn_trigger *t)
{
	list_add(&stmt->on_commit, &t->link);
}

static inline void txn_stmt_on_rollback(struct txn_stmt *stmt, struct txn_trigger *t)
{
	list_add(&stmt->on_rollback, &t->link);
}

#endif

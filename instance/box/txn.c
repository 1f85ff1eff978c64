#include "instance/box/txn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/box/journal.h"
#include "instance/box/space.h"
#include "instance/box/tuple.h"

/* Freed transactions and statements, kept for the next ones. */
static struct list txn_pool = {&txn_pool, &txn_pool};
static struct list stmt_pool = {&stmt_pool, &stmt_pool};
static uint32_t stmt_pool_size;
static uint64_t last_id;

enum { STMT_POOL_MAX = 1024 };

/* ---- Statements ---- */

static struct txn_stmt *stmt_new(
	struct txn *txn, struct space *space, enum request_type type)
{
	struct txn_stmt *stmt;
	if (list_is_empty(&stmt_pool)) {
		stmt = malloc(sizeof(*stmt));
		if (stmt == NULL) {
			diag_set(oom, "out of memory for a transaction");
			return NULL;
		}
	} else {
		stmt = list_first(&stmt_pool, struct txn_stmt, link);
		list_del(&stmt->link);
		stmt_pool_size--;
	}
	*stmt = (struct txn_stmt){.txn = txn, .space = space, .type = type};
	list_init(&stmt->on_commit);
	list_init(&stmt->on_rollback);
	list_add_tail(&txn->stmts, &stmt->link);
	txn->stmt_count++;
	if (space != NULL)
		space_ref(space);
	return stmt;
}

/* Drop triggers of the outcome that did not come. */
static void txn_triggers_free(struct list *triggers)
{
	list_foreach_safe(t, next, triggers, struct txn_trigger, link)
	{
		list_del(&t->link);
		if (t->free != NULL)
			t->free(t);
	}
}

static void txn_triggers_run(struct list *triggers, struct txn *txn)
{
	while (!list_is_empty(triggers)) {
		struct txn_trigger *t = list_first(triggers, struct txn_trigger, link);
		list_del(&t->link);
		t->run(t, txn);
	}
}

static void stmt_free(struct txn_stmt *stmt)
{
	list_del(&stmt->link);
	stmt->txn->stmt_count--;
	txn_triggers_free(&stmt->on_commit);
	txn_triggers_free(&stmt->on_rollback);
	if (stmt->old_tuple != NULL)
		tuple_unref(stmt->old_tuple);
	if (stmt->new_tuple != NULL)
		tuple_unref(stmt->new_tuple);
	if (stmt->space != NULL)
		space_unref(stmt->space);
	free(stmt->request);
	if (stmt_pool_size == STMT_POOL_MAX) {
		free(stmt);
		return;
	}
	stmt_pool_size++;
	list_add(&stmt_pool, &stmt->link);
}

/* Take back what the statement did; it stays in the list. */
static void stmt_undo(struct txn_stmt *stmt)
{
	if (stmt->is_applied) {
		struct tuple *taken;
		stmt->is_applied = false;
		if (space_replace(stmt->space, stmt->new_tuple, stmt->old_tuple,
			    DUP_REPLACE_OR_INSERT, &taken) != 0)
			abort(); /* out of memory where nothing can be given up */
		if (taken != NULL)
			tuple_unref(taken);
	}
	stmt->has_row = false;
	txn_triggers_free(&stmt->on_commit);
	txn_triggers_run(&stmt->on_rollback, stmt->txn);
}

/* Undo from the last statement back to this one; NULL: all. */
static void undo_after(struct txn *txn, const struct txn_stmt *last_kept, bool is_freed)
{
	struct list *l = txn->stmts.prev;
	while (l != &txn->stmts) {
		struct txn_stmt *stmt = container_of(l, struct txn_stmt, link);
		if (stmt == last_kept)
			return;
		l = l->prev;
		stmt_undo(stmt);
		if (is_freed)
			stmt_free(stmt);
	}
}

/* ---- Transactions ---- */

/*
 * As in Tarantool: what was done is taken back at once, so nobody sees it; the
 * statements stay, frames below may still hold them.
 */
static void txn_on_yield(struct fiber_hook *hook)
{
	struct txn *txn = container_of(hook, struct txn, on_yield);
	txn->is_aborted = true;
	undo_after(txn, NULL, false);
}

static void txn_on_stop(struct fiber_hook *hook)
{
	(void)hook;
	txn_abort();
}

/* The first change makes a yield fatal. */
static void forbid_yield(struct txn *txn)
{
	if (txn->has_yield_hook)
		return;
	txn->has_yield_hook = true;
	list_add(&fiber_current->on_yield, &txn->on_yield.link);
}

void txn_note_read(void)
{
	struct txn *txn = txn_current();
	if (txn != NULL)
		forbid_yield(txn);
}

static void allow_yield(struct txn *txn)
{
	if (txn->has_yield_hook)
		list_del(&txn->on_yield.link);
	txn->has_yield_hook = false;
}

static struct txn *txn_new(bool is_autocommit)
{
	struct txn *txn;
	if (list_is_empty(&txn_pool)) {
		txn = malloc(sizeof(*txn));
		if (txn == NULL) {
			diag_set(oom, "out of memory for a transaction");
			return NULL;
		}
	} else {
		/* A pooled one is linked by its list of statements. */
		txn = list_first(&txn_pool, struct txn, stmts);
		list_del(&txn->stmts);
	}
	*txn = (struct txn){.id = ++last_id, .is_autocommit = is_autocommit};
	list_init(&txn->stmts);
	list_init(&txn->savepoints);
	list_init(&txn->on_commit);
	list_init(&txn->on_rollback);
	list_init(&txn->on_yield.link);
	list_init(&txn->on_stop.link);
	txn->on_yield.run = txn_on_yield;
	txn->on_stop.run = txn_on_stop;
	txn->fiber = fiber_current;
	if (!is_autocommit)
		list_add(&fiber_current->on_stop, &txn->on_stop.link);
	fiber_current->local[FIBER_LOCAL_TXN] = txn;
	return txn;
}

static void savepoint_free(struct txn_savepoint *sp)
{
	list_del(&sp->link);
	free(sp);
}

static void txn_free(struct txn *txn)
{
	while (!list_is_empty(&txn->stmts))
		stmt_free(container_of(txn->stmts.prev, struct txn_stmt, link));
	list_foreach_safe(sp, next, &txn->savepoints, struct txn_savepoint, link)
		savepoint_free(sp);
	txn_triggers_free(&txn->on_commit);
	txn_triggers_free(&txn->on_rollback);
	list_add(&txn_pool, &txn->stmts);
}

/* The fiber has no transaction from here on. */
static void txn_detach(struct txn *txn)
{
	allow_yield(txn);
	list_del(&txn->on_stop.link);
	fiber_current->local[FIBER_LOCAL_TXN] = NULL;
}

struct txn *txn_begin(void)
{
	if (txn_current() != NULL) {
		diag_set_client(ER_ACTIVE_TRANSACTION);
		return NULL;
	}
	return txn_new(false);
}

static void txn_do_rollback(struct txn *txn)
{
	allow_yield(txn);
	undo_after(txn, NULL, false);
	txn_detach(txn);
	txn_triggers_run(&txn->on_rollback, txn);
	txn_free(txn);
}

/* Hand the rows over. */
static int txn_write(struct txn *txn)
{
	struct journal *journal = journal_current;
	struct journal_entry entry = {0, NULL};
	list_foreach(stmt, &txn->stmts, struct txn_stmt, link) entry.row_count +=
		stmt->has_row;
	if (entry.row_count == 0)
		return 0;
	_cleanup_(freep) struct journal_row *rows = NULL;
	if (journal->wants_requests) {
		rows = calloc(entry.row_count, sizeof(*rows));
		if (rows == NULL) {
			diag_set(oom, "out of memory for a transaction");
			return -1;
		}
		uint32_t n = 0;
		list_foreach(stmt, &txn->stmts, struct txn_stmt, link)
		{
			if (!stmt->has_row)
				continue;
			rows[n].request = stmt->request;
			rows[n++].group_id =
				stmt->space != NULL && stmt->space->def->is_local;
		}
		entry.rows = rows;
	}
	return journal->write(journal, &entry);
}

int txn_commit(void)
{
	struct txn *txn = txn_current();
	if (txn == NULL)
		return 0;
	if (txn->sub_level > 0) {
		diag_set_client(ER_COMMIT_IN_SUB_STMT);
		return -1;
	}
	allow_yield(txn);
	if (txn->is_aborted) {
		diag_set_client(ER_TRANSACTION_YIELD);
		txn_do_rollback(txn);
		return -1;
	}
	if (txn_write(txn) != 0) {
		struct error *e = diag_last();
		error_ref(e);
		txn_do_rollback(txn);
		diag_set_error(e);
		return -1;
	}
	/* What triggers change is not part of it any more. */
	txn_detach(txn);
	list_foreach(stmt, &txn->stmts, struct txn_stmt, link)
		txn_triggers_run(&stmt->on_commit, txn);
	txn_triggers_run(&txn->on_commit, txn);
	txn_free(txn);
	return 0;
}

int txn_rollback(void)
{
	struct txn *txn = txn_current();
	if (txn == NULL)
		return 0;
	if (txn->sub_level > 0) {
		diag_set_client(ER_ROLLBACK_IN_SUB_STMT);
		return -1;
	}
	txn_do_rollback(txn);
	return 0;
}

void txn_abort(void)
{
	struct txn *txn = txn_current();
	if (txn != NULL)
		txn_do_rollback(txn);
}

/* ---- Savepoints ---- */

struct txn_savepoint *txn_savepoint_new(const char *name)
{
	struct txn *txn = txn_current();
	if (txn == NULL) {
		diag_set_client(ER_NO_TRANSACTION);
		return NULL;
	}
	struct txn_savepoint *sp = calloc(1, sizeof(*sp));
	if (sp == NULL) {
		diag_set(oom, "out of memory for a savepoint");
		return NULL;
	}
	if (!list_is_empty(&txn->stmts))
		sp->stmt = container_of(txn->stmts.prev, struct txn_stmt, link);
	sp->sub_level = txn->sub_level;
	snprintf(sp->name, sizeof(sp->name), "%s", name);
	list_add_tail(&txn->savepoints, &sp->link);
	return sp;
}

/* Is the savepoint one of the current transaction? */
static bool savepoint_is_alive(const struct txn *txn, const struct txn_savepoint *sp)
{
	list_foreach(other, &txn->savepoints, struct txn_savepoint,
		link) if (other == sp) return true;
	return false;
}

int txn_rollback_to(struct txn_savepoint *sp)
{
	struct txn *txn = txn_current();
	if (txn == NULL) {
		diag_set_client(ER_NO_TRANSACTION);
		return -1;
	}
	if (!savepoint_is_alive(txn, sp) || sp->sub_level != txn->sub_level) {
		diag_set_client(ER_NO_SUCH_SAVEPOINT);
		return -1;
	}
	undo_after(txn, sp->stmt, true);
	/* Later savepoints go with what they marked. */
	while (sp->link.next != &txn->savepoints)
		savepoint_free(container_of(sp->link.next, struct txn_savepoint, link));
	return 0;
}

/* ---- One statement ---- */

struct txn_stmt *txn_stmt_begin(struct space *space, const struct request *request)
{
	struct txn *txn = txn_current();
	if (txn == NULL) {
		txn = txn_new(true);
		if (txn == NULL)
			return NULL;
	} else if (txn->sub_level >= TXN_SUB_STMT_MAX) {
		diag_set_client(ER_SUB_STMT_MAX);
		return NULL;
	}
	struct txn_stmt *stmt = stmt_new(txn, space, request->type);
	if (stmt == NULL) {
		if (txn->is_autocommit && txn->sub_level == 0)
			txn_do_rollback(txn);
		return NULL;
	}
	stmt->is_after_abort = txn->is_aborted;
	txn->sub_level++;
	forbid_yield(txn);
	return stmt;
}

/* The bytes after one another in one allocation behind the copy. */
static void copy_part(char **to, const char **data, const char **end)
{
	if (*data == NULL)
		return;
	size_t size = (size_t)(*end - *data);
	memcpy(*to, *data, size);
	*data = *to;
	*to += size;
	*end = *to;
}

static size_t part_size(const char *data, const char *end)
{
	return data != NULL ? (size_t)(end - data) : 0;
}

/* Keep the request for the journal. */
static int stmt_keep_request(struct txn_stmt *stmt, const struct request *request)
{
	struct request r = *request;
	bool is_tuple_kept = r.type == REQUEST_INSERT || r.type == REQUEST_REPLACE;
	size_t size = part_size(r.key, r.key_end) + part_size(r.ops, r.ops_end) +
		      (is_tuple_kept ? 0 : part_size(r.tuple, r.tuple_end));
	struct request *copy = malloc(sizeof(*copy) + size);
	if (copy == NULL) {
		diag_set(oom, "out of memory for a transaction");
		return -1;
	}
	char *to = (char *)(copy + 1);
	copy_part(&to, &r.key, &r.key_end);
	copy_part(&to, &r.ops, &r.ops_end);
	if (is_tuple_kept) {
		r.tuple = stmt->new_tuple->data;
		r.tuple_end = tuple_end(stmt->new_tuple);
	} else {
		copy_part(&to, &r.tuple, &r.tuple_end);
	}
	*copy = r;
	stmt->request = copy;
	return 0;
}

static int stmt_run_triggers(struct txn_stmt *stmt)
{
	struct space *space = stmt->space;
	if (space == NULL || !space->run_triggers || !stmt->is_applied)
		return 0;
	return triggers_run(&space->on_replace, stmt);
}

int txn_stmt_commit(struct txn_stmt *stmt, const struct request *request)
{
	struct txn *txn = stmt->txn;
	stmt->has_row = stmt->space == NULL || !stmt->space->def->is_temporary;
	int rc = 0;
	if (stmt->has_row && journal_current->wants_requests)
		rc = stmt_keep_request(stmt, request);
	if (rc == 0)
		rc = stmt_run_triggers(stmt);
	if (rc == 0 && txn_stmt_is_aborted(stmt)) {
		diag_set_client(ER_TRANSACTION_YIELD);
		rc = -1;
	}
	if (rc != 0) {
		txn_stmt_rollback(stmt);
		return -1;
	}
	txn->sub_level--;
	return txn->is_autocommit && txn->sub_level == 0 ? txn_commit() : 0;
}

void txn_stmt_rollback(struct txn_stmt *stmt)
{
	struct txn *txn = stmt->txn;
	struct error *e = diag_last();
	if (e != NULL)
		error_ref(e);
	txn->sub_level--;
	if (txn->is_autocommit && txn->sub_level == 0) {
		txn_do_rollback(txn);
	} else {
		struct list *before = stmt->link.prev;
		undo_after(txn,
			before == &txn->stmts
				? NULL
				: container_of(before, struct txn_stmt, link),
			true);
	}
	if (e != NULL)
		diag_set_error(e);
}

int txn_check_singlestatement(struct txn *txn, const char *what)
{
	if (txn == NULL || txn->is_autocommit)
		return 0;
	if (txn->stmt_count <= 1)
		return 0;
	diag_set_client(ER_MULTISTATEMENT_TRANSACTION, what);
	return -1;
}

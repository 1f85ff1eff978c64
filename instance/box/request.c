#include "instance/box/request.h"

#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/read_only.h"
#include "instance/box/session.h"
#include "instance/box/space.h"
#include "instance/box/stat.h"
#include "instance/box/txn.h"
#include "instance/box/update.h"

/* What a request comes to, before it is applied. References are the owner's. */
struct change {
	struct tuple *old_tuple; /* not referenced; what is replaced, when it is known */
	struct tuple *new_tuple; /* a reference */
	enum dup_mode mode;
	bool is_nothing; /* there is nothing to change */
};

/* Result of the operations; used up before anything else can run. */
static struct buf update_buf;

/* The tuple that a key (array) of a unique index names; *ret NULL: none. */
static int find_by_key(
	struct space *space, const struct request *request, struct tuple **ret)
{
	struct index *index = space_index_find(space, request->index_id);
	if (index == NULL)
		return -1;
	const char *key = request->key;
	uint32_t part_count = mp_raw_array(&key);
	if (index_check_exact_key(index, key, part_count) != 0)
		return -1;
	return index->vtab->get(index, key, part_count, ret);
}

/* The tuple with the same primary key as this one. */
static int find_same(struct space *space, const struct tuple *tuple, struct tuple **ret)
{
	struct index *pk = space_index_find(space, 0);
	if (pk == NULL)
		return -1;
	update_buf.rpos = update_buf.len = 0;
	if (key_def_extract(pk->def->key_def, tuple, &update_buf) != 0)
		return -1;
	const char *key = update_buf.data;
	uint32_t part_count = mp_raw_array(&key);
	return pk->vtab->get(pk, key, part_count, ret);
}

static int prepare_put(
	struct space *space, const struct request *request, struct change *change)
{
	change->mode =
		request->type == REQUEST_INSERT ? DUP_INSERT : DUP_REPLACE_OR_INSERT;
	change->new_tuple = tuple_new(space->format, request->tuple, request->tuple_end);
	return change->new_tuple == NULL ? -1 : 0;
}

static int prepare_delete(
	struct space *space, const struct request *request, struct change *change)
{
	if (find_by_key(space, request, &change->old_tuple) != 0)
		return -1;
	change->is_nothing = change->old_tuple == NULL;
	return 0;
}

/* -1 with ER_CANT_UPDATE_PRIMARY_KEY when the primary keys differ. */
static int check_same_key(
	const struct space *space, const struct tuple *a, const struct tuple *b)
{
	const struct index_def *def = space_primary(space)->def;
	if (key_def_compare(def->key_def, a, b, 0) == 0)
		return 0;
	diag_set_client(ER_CANT_UPDATE_PRIMARY_KEY, def->name, space_name(space));
	return -1;
}

static int prepare_update(
	struct space *space, const struct request *request, struct change *change)
{
	if (find_by_key(space, request, &change->old_tuple) != 0)
		return -1;
	const struct tuple *old = change->old_tuple;
	if (old == NULL) {
		change->is_nothing = true;
		return 0;
	}
	change->mode = DUP_REPLACE;
	buf_reset(&update_buf);
	if (update_execute(request->tuple, request->tuple_end, old->data, tuple_end(old),
		    space->format->dict, request->index_base, &update_buf) != 0)
		return -1;
	change->new_tuple = tuple_new(
		space->format, update_buf.data, update_buf.data + update_buf.len);
	return change->new_tuple == NULL ? -1 : 0;
}

static int prepare_upsert(
	struct space *space, const struct request *request, struct change *change)
{
	const struct tuple_dict *dict = space->format->dict;
	if (tuple_format_check(space->format, request->tuple, request->tuple_end) != 0)
		return -1;
	if (update_check_ops(request->ops, request->ops_end, dict, request->index_base) !=
		0)
		return -1;
	_cleanup_(tuple_unrefp) struct tuple *given =
		tuple_new(space->format, request->tuple, request->tuple_end);
	if (given == NULL || find_same(space, given, &change->old_tuple) != 0)
		return -1;
	const struct tuple *old = change->old_tuple;
	if (old == NULL) {
		change->mode = DUP_INSERT;
		change->new_tuple = TAKE_PTR(given);
		return 0;
	}
	change->mode = DUP_REPLACE;
	buf_reset(&update_buf);
	if (upsert_execute(request->ops, request->ops_end, old->data, tuple_end(old),
		    dict, request->index_base, &update_buf) != 0)
		return -1;
	change->new_tuple = tuple_new(
		space->format, update_buf.data, update_buf.data + update_buf.len);
	if (change->new_tuple == NULL)
		return -1;
	/* An upsert that would move the tuple changes nothing. */
	if (check_same_key(space, old, change->new_tuple) != 0) {
		diag_clear();
		tuple_unref(TAKE_PTR(change->new_tuple));
		change->is_nothing = true;
	}
	return 0;
}

static int prepare(
	struct space *space, const struct request *request, struct change *change)
{
	switch (request->type) {
	case REQUEST_INSERT:
	case REQUEST_REPLACE:
		return prepare_put(space, request, change);
	case REQUEST_UPDATE:
		return prepare_update(space, request, change);
	case REQUEST_DELETE:
		return prepare_delete(space, request, change);
	case REQUEST_UPSERT:
		return prepare_upsert(space, request, change);
	default:
		diag_set_client(ER_UNKNOWN_REQUEST_TYPE, (unsigned)request->type);
		return -1;
	}
}

/* A tuple that a trigger made becomes one of the space. */
static int adopt(struct space *space, struct change *change)
{
	struct tuple *given = change->new_tuple;
	struct tuple *made = tuple_new(space->format, given->data, tuple_end(given));
	if (made == NULL)
		return -1;
	tuple_unref(given);
	change->new_tuple = made;
	return 0;
}

/*
 * before_replace triggers see the change and may replace the new tuple; the
 * primary key has to stay.
 */
static int run_before_replace(struct txn_stmt *stmt, struct change *change)
{
	struct space *space = stmt->space;
	if (change->is_nothing)
		return 0;
	if (change->old_tuple == NULL && change->new_tuple != NULL &&
		find_same(space, change->new_tuple, &change->old_tuple) != 0)
		return -1;
	struct tuple *given = change->new_tuple;
	struct tuple *old = change->old_tuple;
	stmt->old_tuple = old;
	stmt->new_tuple = given;
	if (old != NULL)
		tuple_ref(old);
	if (given != NULL)
		tuple_ref(given);
	int rc = triggers_run(&space->before_replace, stmt);
	if (rc == 0 && txn_stmt_is_aborted(stmt)) {
		diag_set_client(ER_TRANSACTION_YIELD);
		rc = -1;
	}
	struct tuple *changed = TAKE_PTR(stmt->new_tuple);
	stmt->old_tuple = NULL;
	if (given != NULL)
		tuple_unref(given);
	change->new_tuple = changed;
	if (rc == 0 && changed != given) {
		change->mode = DUP_REPLACE_OR_INSERT;
		change->is_nothing = changed == old;
		if (changed != NULL && !change->is_nothing)
			rc = adopt(space, change);
		if (rc == 0 && changed != NULL && old != NULL)
			rc = check_same_key(space, old, change->new_tuple);
	} else if (change->mode == DUP_INSERT) {
		change->old_tuple = NULL; /* a duplicate is an error still */
	}
	/* The triggers may have changed the tuple that is replaced. */
	if (rc == 0 && change->old_tuple != NULL) {
		struct tuple *now;
		rc = find_same(space, old, &now);
		change->old_tuple = now;
		if (rc == 0 && now == NULL && changed == NULL)
			change->is_nothing = true;
	}
	if (old != NULL)
		tuple_unref(old);
	return rc;
}

/* Apply the change to the indexes; the statement gets the tuples. */
static int apply(struct txn_stmt *stmt, struct change *change)
{
	struct space *space = stmt->space;
	struct tuple *old = NULL;
	if (change->is_nothing)
		return 0;
	if (space_index_find(space, 0) == NULL)
		return -1;
	enum dup_mode mode = change->mode;
	if (mode == DUP_REPLACE && change->old_tuple == NULL)
		mode = DUP_REPLACE_OR_INSERT;
	if (space_replace(space, change->old_tuple, change->new_tuple, mode, &old) != 0)
		return -1;
	stmt->old_tuple = old;
	stmt->new_tuple = TAKE_PTR(change->new_tuple);
	stmt->is_applied = true;
	return 0;
}

/*
 * The row as it goes to the journal: by the primary key, and as the plain change
 * that triggers made of it.
 */
static int make_row(const struct txn_stmt *stmt, const struct request *request,
	bool is_plain, struct request *ret)
{
	*ret = *request;
	if (stmt->new_tuple == NULL && stmt->old_tuple == NULL) {
		if (is_plain)
			ret->type = REQUEST_NOP;
		return 0;
	}
	if (is_plain && stmt->new_tuple != NULL) {
		*ret = (struct request){
			.type = REQUEST_REPLACE, .space_id = request->space_id};
		return 0;
	}
	if (!is_plain && (request->key == NULL || request->index_id == 0))
		return 0;
	if (is_plain)
		*ret = (struct request){
			.type = REQUEST_DELETE, .space_id = request->space_id};
	ret->index_id = 0;
	buf_reset(&update_buf);
	if (key_def_extract(space_primary(stmt->space)->def->key_def, stmt->old_tuple,
		    &update_buf) != 0)
		return -1;
	ret->key = update_buf.data;
	ret->key_end = update_buf.data + update_buf.len;
	return 0;
}

/* The tuple with the sequence's value in place of nil; `out` holds it. */
static int fill_sequence(struct space *space, struct request *request, struct buf *out)
{
	const char *field = request->tuple;
	uint32_t count = mp_raw_array(&field);
	if (space->sequence_fieldno >= count)
		return 0;
	for (uint32_t i = 0; i < space->sequence_fieldno; i++)
		field = mp_raw_next(field);
	int64_t value;
	const char *p = field;
	switch (mp_raw_type(field)) {
	case MP_NIL:
		break;
	case MP_INT:
		value = mp_raw_int(&p);
		return space_next_sequence(space, &value, &value);
	case MP_UINT: {
		uint64_t v = mp_raw_uint(&p);
		value = v > INT64_MAX ? INT64_MAX : (int64_t)v;
		return space_next_sequence(space, &value, &value);
	}
	default:
		return 0;
	}
	if (space_next_sequence(space, NULL, &value) != 0)
		return -1;
	char number[16];
	size_t len = (size_t)(mp_raw_put_int(number, value) - number);
	const char *rest = mp_raw_next(field);
	if (buf_append(out, request->tuple, (size_t)(field - request->tuple)) != 0 ||
		buf_append(out, number, len) != 0 ||
		buf_append(out, rest, (size_t)(request->tuple_end - rest)) != 0) {
		diag_set(oom, "out of memory");
		return -1;
	}
	request->tuple = out->data;
	request->tuple_end = out->data + out->len;
	return 0;
}

static int execute_in_stmt(
	struct txn_stmt *stmt, struct request *request, bool *ret_is_plain)
{
	struct space *space = stmt->space;
	struct change change = {NULL, NULL, DUP_REPLACE_OR_INSERT, false};
	bool has_triggers = space->run_triggers && !list_is_empty(&space->before_replace);
	int rc = prepare(space, request, &change);
	if (rc == 0 && has_triggers) {
		struct tuple *given = change.new_tuple;
		bool was_nothing = change.is_nothing;
		rc = run_before_replace(stmt, &change);
		*ret_is_plain = !was_nothing && change.new_tuple != given;
	}
	if (rc == 0)
		rc = apply(stmt, &change);
	if (change.new_tuple != NULL)
		tuple_unref(change.new_tuple);
	return rc;
}

static int execute(
	struct space *space, const struct request *request, struct tuple **ret_tuple)
{
	struct request r = *request;
	_cleanup_(buf_fini) struct buf sequence_buf;
	buf_init(&sequence_buf);
	struct txn_stmt *stmt = txn_stmt_begin(space, request);
	if (stmt == NULL)
		return -1;
	bool is_plain = false;
	int rc = 0;
	if (space->sequence != NULL && r.tuple != NULL && r.type != REQUEST_UPDATE)
		rc = fill_sequence(space, &r, &sequence_buf);
	if (rc == 0)
		rc = execute_in_stmt(stmt, &r, &is_plain);
	struct request row;
	if (rc == 0)
		rc = make_row(stmt, &r, is_plain, &row);
	if (rc != 0) {
		txn_stmt_rollback(stmt);
		return -1;
	}
	struct tuple *result = stmt->new_tuple;
	if (r.type == REQUEST_DELETE || (is_plain && result == NULL))
		result = stmt->old_tuple;
	else if (r.type == REQUEST_UPSERT)
		result = NULL;
	if (result != NULL)
		tuple_ref(result);
	if (txn_stmt_commit(stmt, &row) != 0) {
		tuple_unrefp(&result);
		return -1;
	}
	if (ret_tuple != NULL)
		*ret_tuple = result;
	else
		tuple_unrefp(&result);
	return 0;
}

static struct space *find_writable(const struct request *request)
{
	struct space *space = space_find(request->space_id);
	if (space == NULL)
		return NULL;
	if (space->def->is_view || strcmp(space->def->engine, "sysview") == 0) {
		diag_set_client(ER_VIEW_IS_RO, space_name(space));
		return NULL;
	}
	return space;
}

int request_execute_system(const struct request *request, struct tuple **ret_tuple)
{
	if (ret_tuple != NULL)
		*ret_tuple = NULL;
	struct space *space = find_writable(request);
	return space == NULL ? -1 : execute(space, request, ret_tuple);
}

static void count_request(enum request_type type)
{
	static const enum box_stat stats[] = {
		[REQUEST_INSERT] = BOX_STAT_INSERT,
		[REQUEST_REPLACE] = BOX_STAT_REPLACE,
		[REQUEST_UPDATE] = BOX_STAT_UPDATE,
		[REQUEST_DELETE] = BOX_STAT_DELETE,
		[REQUEST_UPSERT] = BOX_STAT_UPSERT,
	};
	box_stat_count(stats[type]);
}

int request_execute(const struct request *request, struct tuple **ret_tuple)
{
	if (ret_tuple != NULL)
		*ret_tuple = NULL;
	struct space *space = space_find(request->space_id);
	if (space == NULL)
		return -1;
	if (!space->def->is_temporary && !space->def->is_local &&
		box_check_writable() != 0)
		return -1;
	count_request(request->type);
	if (space_access_check != NULL && space_access_check(space, PRIV_W) != 0)
		return -1;
	return find_writable(request) == NULL ? -1 : execute(space, request, ret_tuple);
}

/*
 * A space with three indexes against a naive model: changes of every kind, in
 * transactions that commit, roll back or go back to a savepoint; searches of
 * every kind. SEED=n repeats a run.
 */
#include "instance/box/space.h"

#include <time.h>

#include "instance/box/dml.h"
#include "instance/box/journal.h"
#include "instance/box/txn.h"
#include "instance/fiber/fiber.h"
#include "unit.h"

enum { SPACE_ID = 512, KEYS = 40, STEPS = 50000 };

static uint64_t seed;

static uint32_t rnd(uint32_t n)
{
	return (uint32_t)(unit_random(&seed) % n);
}

/* A tuple {id, unique or nil, group, counter}; `is_set` tells whether it is there. */
struct row {
	bool is_set;
	bool has_unique;
	uint32_t unique, group;
	uint32_t counter;
};

static struct row model[KEYS];

static size_t pack(char *buf, uint32_t id, const struct row *row)
{
	char group[8];
	snprintf(group, sizeof(group), "g%u", row->group);
	char *p = mp_raw_put_array(buf, 4);
	p = mp_raw_put_uint(p, id);
	p = row->has_unique ? mp_raw_put_uint(p, row->unique) : mp_raw_put_nil(p);
	p = mp_raw_put_str(p, group, (uint32_t)strlen(group));
	p = mp_raw_put_uint(p, row->counter);
	return (size_t)(p - buf);
}

static bool is_row(const struct tuple *tuple, uint32_t id, const struct row *row)
{
	char buf[64];
	size_t len = pack(buf, id, row);
	return tuple != NULL && tuple->size == len && memcmp(tuple->data, buf, len) == 0;
}

static struct row random_row(void)
{
	struct row row = {true, rnd(3) > 0, rnd(KEYS), rnd(5), rnd(100)};
	return row;
}

/* Would the unique secondary index refuse the row under this id? */
static bool is_unique_taken(uint32_t id, const struct row *row)
{
	for (uint32_t i = 0; i < KEYS; i++)
		if (i != id && model[i].is_set && model[i].has_unique &&
			row->has_unique && model[i].unique == row->unique)
			return true;
	return false;
}

static struct index *add_index(struct space *space, uint32_t iid, const char *name,
	bool is_unique, const struct key_part *part)
{
	struct index *pk = space_primary(space);
	struct index_def *def = index_def_new(SPACE_ID, iid, name, strlen(name),
		INDEX_TREE, is_unique, part, 1, pk != NULL ? pk->def->key_def : NULL);
	assert_non_null(def);
	struct index *index = index_new(def);
	assert_non_null(index);
	assert_int_equal(space_build_index(space, index), 0);
	assert_int_equal(space_add_index(space, index, NULL), 0);
	return index;
}

static const struct key_part parts[3] = {
	{0, FIELD_TYPE_UNSIGNED, false, COLL_NONE},
	{1, FIELD_TYPE_UNSIGNED, true, COLL_NONE},
	{2, FIELD_TYPE_STRING, false, COLL_NONE},
};

static struct space *make_space(void)
{
	struct space_def *def =
		space_def_new(SPACE_ID, 1, "model", 5, "memtx", 0, NULL, 0);
	struct space *space = space_new(def);
	assert_non_null(space);
	assert_int_equal(space_cache_put(space), 0);
	space_unref(space);
	add_index(space, 0, "pk", true, &parts[0]);
	add_index(space, 1, "uk", true, &parts[1]);
	add_index(space, 2, "sk", false, &parts[2]);
	add_index(space, 3, "hash", true, &parts[0]);
	return space;
}

static void expect_error(int rc, unsigned code)
{
	assert_int_equal(rc, -1);
	assert_int_equal(diag_last()->code, code);
}

static void step_put(bool is_insert)
{
	char buf[64];
	uint32_t id = rnd(KEYS);
	struct row row = random_row();
	size_t len = pack(buf, id, &row);
	struct tuple *tuple = NULL;
	int rc = (is_insert ? dml_insert : dml_replace)(SPACE_ID, buf, buf + len, &tuple);
	if ((is_insert && model[id].is_set) || is_unique_taken(id, &row)) {
		expect_error(rc, ER_TUPLE_FOUND);
		return;
	}
	assert_int_equal(rc, 0);
	assert_true(is_row(tuple, id, &row));
	tuple_unref(tuple);
	model[id] = row;
}

static char *key_of(char *buf, uint32_t v)
{
	return mp_raw_put_uint(mp_raw_put_array(buf, 1), v);
}

static void step_delete(void)
{
	char key[16];
	uint32_t id = rnd(KEYS);
	struct tuple *tuple;
	if (rnd(2) == 0) {
		assert_int_equal(
			dml_delete(SPACE_ID, 0, key, key_of(key, id), &tuple), 0);
	} else {
		/* By the unique secondary key. */
		uint32_t unique = rnd(KEYS);
		for (id = 0; id < KEYS; id++)
			if (model[id].is_set && model[id].has_unique &&
				model[id].unique == unique)
				break;
		assert_int_equal(
			dml_delete(SPACE_ID, 1, key, key_of(key, unique), &tuple), 0);
		if (id == KEYS) {
			assert_null(tuple);
			return;
		}
	}
	if (!model[id].is_set) {
		assert_null(tuple);
		return;
	}
	assert_true(is_row(tuple, id, &model[id]));
	tuple_unref(tuple);
	model[id].is_set = false;
}

/* {{'+', 4, n}, {'=', 2, v}} */
static char *make_ops(char *buf, uint32_t add, uint32_t unique)
{
	char *p = mp_raw_put_array(buf, 2);
	p = mp_raw_put_str(mp_raw_put_array(p, 3), "+", 1);
	p = mp_raw_put_uint(mp_raw_put_uint(p, 4), add);
	p = mp_raw_put_str(mp_raw_put_array(p, 3), "=", 1);
	return mp_raw_put_uint(mp_raw_put_uint(p, 2), unique);
}

static void step_update(bool is_upsert)
{
	char key[16], ops[64], buf[64];
	uint32_t id = rnd(KEYS);
	struct row row = model[id], given = random_row();
	row.counter += rnd(10);
	row.has_unique = true;
	row.unique = rnd(KEYS);
	char *ops_end = make_ops(ops, row.counter - model[id].counter, row.unique);
	struct tuple *tuple = NULL;
	int rc;
	if (is_upsert) {
		size_t len = pack(buf, id, &given);
		rc = dml_upsert(SPACE_ID, 0, buf, buf + len, ops, ops_end, 1);
	} else {
		rc = dml_update(
			SPACE_ID, 0, key, key_of(key, id), ops, ops_end, 1, &tuple);
	}
	if (!model[id].is_set && !is_upsert) {
		assert_int_equal(rc, 0);
		assert_null(tuple);
		return;
	}
	if (!model[id].is_set)
		row = given;
	if (is_unique_taken(id, &row)) {
		expect_error(rc, ER_TUPLE_FOUND);
		return;
	}
	assert_int_equal(rc, 0);
	if (tuple != NULL) {
		assert_true(is_row(tuple, id, &row));
		tuple_unref(tuple);
	}
	model[id] = row;
}

/* Does the row's id match the search? */
static bool is_match(uint32_t id, enum iterator_type type, uint32_t key)
{
	switch (type) {
	case ITER_EQ:
	case ITER_REQ:
		return id == key;
	case ITER_LT:
		return id < key;
	case ITER_LE:
		return id <= key;
	case ITER_GT:
		return id > key;
	default: /* ALL too */
		return id >= key;
	}
}

static void check_search(void)
{
	char key[16];
	uint32_t v = rnd(KEYS);
	enum iterator_type type = (enum iterator_type)rnd(ITER_GT + 1);
	char *end = key_of(key, v);
	size_t count, expected = 0;
	for (uint32_t i = 0; i < KEYS; i++)
		expected += model[i].is_set && is_match(i, type, v);
	assert_int_equal(dml_count(SPACE_ID, 0, type, key, end, &count), 0);
	if (type != ITER_ALL)
		assert_int_equal(count, expected);
	bool is_reverse = type == ITER_REQ || type == ITER_LT || type == ITER_LE;
	struct iterator *it = dml_iterator(SPACE_ID, 0, type, key, end);
	assert_non_null(it);
	uint32_t skip = rnd(4);
	assert_int_equal(dml_skip(it, skip), 0);
	struct tuple *tuple;
	for (uint32_t n = 0; n < KEYS; n++) {
		uint32_t id = is_reverse ? KEYS - 1 - n : n;
		if (!model[id].is_set || !is_match(id, type, v))
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		assert_int_equal(iterator_next(it, &tuple), 0);
		assert_true(is_row(tuple, id, &model[id]));
	}
	assert_int_equal(iterator_next(it, &tuple), 0);
	assert_null(tuple);
	iterator_free(it);
}

/* By the hash: one row, or all of them in any order. */
static void check_hash(void)
{
	char key[16];
	uint32_t v = rnd(KEYS);
	struct tuple *tuple;
	assert_int_equal(dml_get(SPACE_ID, 3, key, key_of(key, v), &tuple), 0);
	assert_int_equal(tuple != NULL, model[v].is_set);
	if (tuple != NULL) {
		assert_true(is_row(tuple, v, &model[v]));
		tuple_unref(tuple);
	}
	struct iterator *it = dml_iterator(SPACE_ID, 3, ITER_ALL, "\x90", NULL);
	bool seen[KEYS] = {false};
	uint64_t id;
	while (iterator_next(it, &tuple) == 0 && tuple != NULL) {
		assert_int_equal(tuple_field_u64(tuple, 0, &id), 0);
		assert_true(id < KEYS && !seen[id]);
		seen[id] = true;
	}
	iterator_free(it);
	for (uint32_t i = 0; i < KEYS; i++)
		assert_int_equal(seen[i], model[i].is_set);
}

/* The group index: all of one group, by id. */
static void check_group(void)
{
	char key[16], group[8];
	snprintf(group, sizeof(group), "g%u", rnd(5));
	char *end =
		mp_raw_put_str(mp_raw_put_array(key, 1), group, (uint32_t)strlen(group));
	struct iterator *it = dml_iterator(SPACE_ID, 2, ITER_EQ, key, end);
	struct tuple *tuple;
	for (uint32_t id = 0; id < KEYS; id++) {
		if (!model[id].is_set || model[id].group != (uint32_t)(group[1] - '0'))
			continue;
		assert_int_equal(iterator_next(it, &tuple), 0);
		assert_true(is_row(tuple, id, &model[id]));
	}
	assert_int_equal(iterator_next(it, &tuple), 0);
	assert_null(tuple);
	iterator_free(it);
}

static void check_sizes(struct space *space)
{
	size_t expected = 0, bytes = 0;
	char buf[64];
	for (uint32_t i = 0; i < KEYS; i++) {
		expected += model[i].is_set;
		bytes += model[i].is_set ? pack(buf, i, &model[i]) : 0;
	}
	for (uint32_t i = 0; i < space->index_count; i++)
		assert_int_equal(index_size(space->indexes[i]), expected);
	assert_int_equal(space->bsize, bytes);
}

static void change(void)
{
	switch (rnd(6)) {
	case 0:
		step_put(true);
		break;
	case 1:
		step_put(false);
		break;
	case 2:
	case 3:
		step_delete();
		break;
	case 4:
		step_update(false);
		break;
	default:
		step_update(true);
		break;
	}
}

/* Some changes in a transaction with a savepoint somewhere. */
static void transaction(void)
{
	struct row before[KEYS], at_savepoint[KEYS];
	struct txn_savepoint *sp = NULL;
	memcpy(before, model, sizeof(model));
	assert_non_null(txn_begin());
	for (uint32_t n = rnd(8); n > 0; n--) {
		if (sp == NULL && rnd(3) == 0) {
			sp = txn_savepoint_new("a");
			assert_non_null(sp);
			memcpy(at_savepoint, model, sizeof(model));
		}
		change();
	}
	if (sp != NULL && rnd(2) == 0) {
		assert_int_equal(txn_rollback_to(sp), 0);
		memcpy(model, at_savepoint, sizeof(model));
	}
	if (rnd(2) == 0) {
		assert_int_equal(txn_commit(), 0);
	} else {
		assert_int_equal(txn_rollback(), 0);
		memcpy(model, before, sizeof(model));
	}
	assert_null(txn_current());
}

static void test_model(void **state)
{
	struct space *space = make_space();
	size_t memory = tuple_memory_used;
	for (int i = 0; i < STEPS * unit_times(); i++) {
		if (rnd(4) == 0)
			transaction();
		else
			change();
		check_search();
		if (i % 16 == 0)
			check_group();
		if (i % 16 == 8)
			check_hash();
		if (i % 64 == 0)
			check_sizes(space);
		if (i % 1000 == 999) {
			/* Rebuild an index from what is there. */
			struct index *old = space_remove_index(space, 2);
			index_unref(old);
			add_index(space, 2, "sk", false, &parts[2]);
			old = space_remove_index(space, 3);
			index_unref(old);
			add_index(space, 3, "hash", true, &parts[0]);
		}
	}
	assert_true(journal_null.lsn > 0);
	assert_int_equal(space_truncate_indexes(space, NULL), 0);
	assert_int_equal(tuple_memory_used, memory);
	space_cache_del(space);
}

/* An iterator goes on behind its last tuple, whatever happened to that. */
static void test_iterator_survives_changes(void **state)
{
	struct space *space = make_space();
	char buf[64], key[16];
	for (uint32_t i = 0; i < 10; i++) {
		struct row row = {true, false, 0, 0, i};
		assert_int_equal(
			dml_insert(SPACE_ID, buf, buf + pack(buf, i * 2, &row), NULL), 0);
	}
	struct iterator *it = dml_iterator(SPACE_ID, 0, ITER_GE, key, key_of(key, 4));
	struct tuple *tuple;
	uint64_t id;
	assert_int_equal(iterator_next(it, &tuple), 0);
	assert_int_equal(dml_delete(SPACE_ID, 0, key, key_of(key, 4), NULL), 0);
	struct row row = {true, false, 0, 0, 0};
	assert_int_equal(dml_insert(SPACE_ID, buf, buf + pack(buf, 5, &row), NULL), 0);
	assert_int_equal(iterator_next(it, &tuple), 0);
	assert_int_equal(tuple_field_u64(tuple, 0, &id), 0);
	assert_int_equal(id, 5);
	assert_int_equal(dml_delete(SPACE_ID, 0, key, key_of(key, 6), NULL), 0);
	assert_int_equal(iterator_next(it, &tuple), 0);
	assert_int_equal(tuple_field_u64(tuple, 0, &id), 0);
	assert_int_equal(id, 8);
	/* Out of its space, an index has nothing to give. */
	assert_int_equal(space_truncate_indexes(space, NULL), 0);
	assert_int_equal(iterator_next(it, &tuple), 0);
	assert_null(tuple);
	iterator_free(it);
	space_cache_del(space);
}

static void test_memory_limit_changes_nothing(void **state)
{
	struct space *space = make_space();
	char buf[64];
	struct row row = {true, true, 1, 1, 1};
	assert_int_equal(dml_insert(SPACE_ID, buf, buf + pack(buf, 1, &row), NULL), 0);
	size_t max = tuple_memory_max;
	tuple_memory_max = tuple_memory_used;
	row.unique = 2;
	expect_error(dml_insert(SPACE_ID, buf, buf + pack(buf, 2, &row), NULL),
		ER_MEMORY_ISSUE);
	tuple_memory_max = max;
	assert_int_equal(index_size(space_primary(space)), 1);
	assert_null(txn_current());
	space_cache_del(space);
}

static int journal_fails(struct journal *journal, struct journal_entry *entry)
{
	diag_set_client(ER_WAL_IO);
	return -1;
}

static void test_journal_failure_rolls_back(void **state)
{
	struct space *space = make_space();
	struct journal journal = {.write = journal_fails, .wants_requests = true};
	journal_current = &journal;
	char buf[64];
	struct row row = {true, true, 1, 1, 1};
	expect_error(
		dml_insert(SPACE_ID, buf, buf + pack(buf, 1, &row), NULL), ER_WAL_IO);
	journal_current = &journal_null;
	assert_int_equal(index_size(space_primary(space)), 0);
	assert_int_equal(space->bsize, 0);
	assert_null(txn_current());
	space_cache_del(space);
}

static struct buf written;
static uint32_t rows_written;

static int journal_keeps(struct journal *journal, struct journal_entry *entry)
{
	rows_written += entry->row_count;
	for (uint32_t i = 0; i < entry->row_count; i++)
		assert_int_equal(journal_row_encode(&entry->rows[i], &written), 0);
	return 0;
}

static void test_journal_rows(void **state)
{
	struct space *space = make_space();
	struct journal journal = {.write = journal_keeps, .wants_requests = true};
	journal_current = &journal;
	char buf[64], key[16], ops[64];
	struct row row = {true, true, 7, 1, 1};
	assert_non_null(txn_begin());
	assert_int_equal(dml_insert(SPACE_ID, buf, buf + pack(buf, 1, &row), NULL), 0);
	assert_int_equal(dml_update(SPACE_ID, 0, key, key_of(key, 1), ops,
				 make_ops(ops, 1, 8), 1, NULL),
		0);
	/* By a secondary key: the row has the primary one. */
	assert_int_equal(dml_delete(SPACE_ID, 1, key, key_of(key, 8), NULL), 0);
	assert_int_equal(rows_written, 0);
	assert_int_equal(txn_commit(), 0);
	journal_current = &journal_null;
	assert_int_equal(rows_written, 3);
	static const char expected[] = "\x82\x10\xcd\x02\x00\x21\x94\x01\x07\xa2g1\x01"
				       "\x84\x10\xcd\x02\x00\x15\x01\x20\x91\x01\x21\x92"
				       "\x93\xa1+\x04\x01\x93\xa1=\x02\x08"
				       "\x82\x10\xcd\x02\x00\x20\x91\x01";
	assert_int_equal(buf_used(&written), sizeof(expected) - 1);
	assert_memory_equal(written.data, expected, sizeof(expected) - 1);
	buf_fini(&written);
	space_cache_del(space);
}

static int setup(void **state)
{
	return fiber_init() != 0 || tuple_format_init() != 0 || space_cache_init() != 0;
}

static int teardown(void **state)
{
	space_cache_fini();
	tuple_format_fini();
	return 0;
}

int main(void)
{
	const char *given = getenv("SEED");
	seed = given != NULL ? strtoull(given, NULL, 0)
			     : (uint64_t)time(NULL) * 2654435761u + 1;
	fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal_rows),
		cmocka_unit_test(test_journal_failure_rolls_back),
		cmocka_unit_test(test_memory_limit_changes_nothing),
		cmocka_unit_test(test_iterator_survives_changes),
		cmocka_unit_test(test_model),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

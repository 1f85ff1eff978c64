/*
 * The C API where Tarantool crashes or reads what is not there: no box.cfg, NULL,
 * malformed msgpack; and how long what it gives lives. What both do alike is in
 * tests/compat/capi.
 */
#include "tests/unit/unit.h"

#include <time.h>

#include "instance/box/box.h"
#include "instance/box/dml.h"
#include "instance/box/schema.h"
#include "instance/box/txn.h"
#include "instance/fiber/fiber.h"
#include "instance/module/api.h"
#include "instance/module/api_util.h"

enum { SPACE_ID = 600 };

static uint64_t seed;

/* A literal and its end. */
#define MP(text) (text), (text) + sizeof(text) - 1

static void assert_error(const char *type, uint32_t code)
{
	assert_non_null(box_error_last());
	assert_string_equal(box_error_type(box_error_last()), type);
	assert_int_equal(box_error_code(box_error_last()), code);
	box_error_clear();
}

static void assert_client_error(int rc, uint32_t code)
{
	assert_int_equal(rc, -1);
	assert_error("ClientError", code);
}

static void assert_wrong_argument(int rc)
{
	assert_int_equal(rc, -1);
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
}

/* [600, 1, "t", "memtx", 0, {}, []], [600, 0, "pk", "tree", {}, [[0, "unsigned"]]] */
static void make_space(void)
{
	assert_int_equal(
		box_insert(BOX_SPACE_ID,
			MP("\x97\xcd\x02\x58\x01\xa1t\xa5memtx\x00\x80\x90"), NULL),
		0);
	assert_int_equal(box_insert(BOX_INDEX_ID,
				 MP("\x96\xcd\x02\x58\x00\xa2pk\xa4tree\x80\x91\x92\x00"
				    "\xa8unsigned"),
				 NULL),
		0);
	assert_int_equal(box_space_id_by_name("t", 1), SPACE_ID);
	assert_int_equal(box_index_id_by_name(SPACE_ID, "pk", 2), 0);
}

/* ---- Before box.cfg{} ---- */

static void test_not_configured(void **state)
{
	(void)state;
	box_tuple_t *tuple;
	int64_t value;
	assert_client_error(box_insert(SPACE_ID, MP("\x91\x01"), &tuple), ER_LOADING);
	assert_client_error(box_replace(SPACE_ID, MP("\x91\x01"), &tuple), ER_LOADING);
	assert_client_error(box_delete(SPACE_ID, 0, MP("\x91\x01"), &tuple), ER_LOADING);
	assert_client_error(
		box_update(SPACE_ID, 0, MP("\x91\x01"), MP("\x90"), 0, &tuple),
		ER_LOADING);
	assert_client_error(
		box_upsert(SPACE_ID, 0, MP("\x91\x01"), MP("\x90"), 0, &tuple),
		ER_LOADING);
	assert_client_error(box_truncate(SPACE_ID), ER_LOADING);
	assert_client_error(
		box_index_get(SPACE_ID, 0, MP("\x91\x01"), &tuple), ER_LOADING);
	assert_client_error(box_index_min(SPACE_ID, 0, MP("\x90"), &tuple), ER_LOADING);
	assert_client_error(box_index_max(SPACE_ID, 0, MP("\x90"), &tuple), ER_LOADING);
	assert_client_error(box_index_random(SPACE_ID, 0, 1, &tuple), ER_LOADING);
	assert_client_error((int)box_index_len(SPACE_ID, 0), ER_LOADING);
	assert_client_error((int)box_index_bsize(SPACE_ID, 0), ER_LOADING);
	assert_client_error(
		(int)box_index_count(SPACE_ID, 0, ITER_ALL, MP("\x90")), ER_LOADING);
	assert_null(box_index_iterator(SPACE_ID, 0, ITER_ALL, MP("\x90")));
	assert_error("ClientError", ER_LOADING);
	assert_int_equal(box_space_id_by_name("_space", 6), BOX_ID_NIL);
	assert_error("ClientError", ER_LOADING);
	assert_int_equal(box_index_id_by_name(280, "primary", 7), BOX_ID_NIL);
	assert_error("ClientError", ER_LOADING);
	assert_client_error(box_sequence_next(1, &value), ER_LOADING);
	/* What needs no data works. */
	assert_int_equal(box_txn_begin(), 0);
	assert_non_null(box_txn_alloc(10));
	assert_int_equal(box_txn_commit(), 0);
	tuple = box_tuple_new(box_tuple_format_default(), MP("\x92\x01\xa1x"));
	assert_non_null(tuple);
	assert_null(box_tuple_extract_key(tuple, SPACE_ID, 0, NULL));
	assert_error("ClientError", ER_LOADING);
}

/* ---- NULL ---- */

static void test_null_arguments(void **state)
{
	(void)state;
	struct key_def *no_keys[] = {NULL};
	uint32_t field = 0;
	static const char key[] = "\x91\x01";
	assert_wrong_argument(box_tuple_ref(NULL));
	box_tuple_unref(NULL);
	assert_int_equal(box_tuple_field_count(NULL), 0);
	assert_int_equal(box_tuple_bsize(NULL), 0);
	assert_wrong_argument((int)box_tuple_to_buf(NULL, NULL, 0));
	assert_null(box_tuple_format(NULL));
	assert_null(box_tuple_field(NULL, 0));
	assert_null(box_tuple_iterator(NULL));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	box_tuple_iterator_free(NULL);
	assert_null(box_tuple_new(NULL, key, key + 2));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	assert_null(box_tuple_new(box_tuple_format_default(), NULL, NULL));
	assert_error("ClientError", ER_INVALID_MSGPACK);
	assert_null(box_tuple_update(NULL, key, key + 2));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	assert_null(box_tuple_upsert(NULL, key, key + 2));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	box_tuple_t *tuple = box_tuple_new(box_tuple_format_default(), key, key + 2);
	assert_null(box_tuple_update(tuple, NULL, NULL));
	assert_error("ClientError", ER_INVALID_MSGPACK);
	assert_int_equal(box_tuple_to_buf(tuple, NULL, 100), 2);
	assert_null(box_key_def_new(NULL, &field, 1));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	assert_null(box_key_def_new(&field, NULL, 1));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	box_key_def_delete(NULL);
	assert_wrong_argument(box_tuple_compare(tuple, tuple, NULL));
	assert_wrong_argument(box_tuple_compare(tuple, NULL, NULL));
	assert_wrong_argument(box_tuple_compare_with_key(tuple, NULL, NULL));
	assert_null(box_tuple_format_new(NULL, 1));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	assert_null(box_tuple_format_new(no_keys, 1));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	box_tuple_format_ref(NULL);
	box_tuple_format_unref(NULL);
	assert_null(box_tuple_extract_key(NULL, SPACE_ID, 0, NULL));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	assert_int_equal(box_space_id_by_name(NULL, 5), BOX_ID_NIL);
	assert_int_equal(box_index_id_by_name(SPACE_ID, NULL, 5), BOX_ID_NIL);
	assert_wrong_argument(box_iterator_next(NULL, &tuple));
	box_iterator_free(NULL);
	assert_string_equal(box_error_type(NULL), "");
	assert_string_equal(box_error_message(NULL), "");
	assert_int_equal(box_error_code(NULL), ER_UNKNOWN);
	assert_int_equal(box_error_set(NULL, 0, ER_PROC_C, NULL), -1);
	assert_error("ClientError", ER_PROC_C);
	box_latch_delete(NULL);
}

static void test_null_instead_of_msgpack(void **state)
{
	(void)state;
	box_tuple_t *tuple;
	static const char key[] = "\x91\x01";
	assert_client_error(box_insert(SPACE_ID, NULL, NULL, &tuple), ER_INVALID_MSGPACK);
	assert_client_error(box_replace(SPACE_ID, key, NULL, &tuple), ER_INVALID_MSGPACK);
	assert_client_error(
		box_delete(SPACE_ID, 0, NULL, NULL, &tuple), ER_INVALID_MSGPACK);
	assert_client_error(box_update(SPACE_ID, 0, key, key + 2, NULL, NULL, 0, &tuple),
		ER_INVALID_MSGPACK);
	assert_client_error(box_upsert(SPACE_ID, 0, key, key + 2, NULL, NULL, 0, &tuple),
		ER_INVALID_MSGPACK);
	assert_client_error(
		box_index_get(SPACE_ID, 0, NULL, NULL, &tuple), ER_INVALID_MSGPACK);
	assert_client_error((int)box_index_count(SPACE_ID, 0, ITER_ALL, NULL, NULL),
		ER_INVALID_MSGPACK);
	assert_null(box_index_iterator(SPACE_ID, 0, ITER_ALL, NULL, NULL));
	assert_error("ClientError", ER_INVALID_MSGPACK);
	assert_client_error(box_session_push(NULL, NULL), ER_INVALID_MSGPACK);
	/* A result that nobody wants. */
	assert_int_equal(box_replace(SPACE_ID, key, key + 2, NULL), 0);
	assert_int_equal(box_index_get(SPACE_ID, 0, key, key + 2, NULL), 0);
	assert_int_equal(box_index_min(SPACE_ID, 0, MP("\x90"), NULL), 0);
	assert_int_equal(box_index_random(SPACE_ID, 0, 1, NULL), 0);
	box_iterator_t *it = box_index_iterator(SPACE_ID, 0, ITER_ALL, MP("\x90"));
	assert_int_equal(box_iterator_next(it, NULL), 0);
	assert_int_equal(box_iterator_next(it, &tuple), 0);
	assert_null(tuple);
	box_iterator_free(it);
	assert_int_equal(box_truncate(SPACE_ID), 0);
}

/* ---- Malformed msgpack ---- */

/* An array with one value of each kind, from 1 as the key on. */
static const char sample[] =
	"\x9c\x01\xa3"
	"abc\xd9\x04wxyz\xc4\x02pq\xcb\x3f\xf8\0\0\0\0\0\0\xca\x3f\0\0\0\xcd\x01\x02"
	"\xd1\xff\x01\x82\xa1k\x01\xa1v\x92\x01\x02\x93\x01\xc0\xc3\xdc\0\x02\x05\x06\xd4"
	"\x01\x02";

static void test_truncated_msgpack(void **state)
{
	(void)state;
	box_tuple_t *tuple;
	size_t size = sizeof(sample) - 1;
	for (size_t n = 0; n < size; n++) {
		/* On the heap, exactly so long: a sanitizer sees each byte too far. */
		char *data = malloc(n + 1);
		memcpy(data, sample, n);
		char *end = data + n;
		assert_client_error(
			box_insert(SPACE_ID, data, end, &tuple), ER_INVALID_MSGPACK);
		assert_null(box_tuple_new(box_tuple_format_default(), data, end));
		assert_error("ClientError", ER_INVALID_MSGPACK);
		assert_client_error(box_index_get(SPACE_ID, 0, data, end, &tuple),
			ER_INVALID_MSGPACK);
		assert_client_error(
			box_update(SPACE_ID, 0, MP("\x91\x01"), data, end, 0, &tuple),
			ER_INVALID_MSGPACK);
		assert_client_error(box_session_push(data, end), ER_INVALID_MSGPACK);
		free(data);
	}
	assert_int_equal(box_replace(SPACE_ID, sample, sample + size, &tuple), 0);
	assert_int_equal(box_tuple_bsize(tuple), size);
	assert_int_equal(box_truncate(SPACE_ID), 0);
}

static void test_what_is_no_array(void **state)
{
	(void)state;
	box_tuple_t *tuple;
	assert_client_error(box_insert(SPACE_ID, MP("\x01"), &tuple), ER_TUPLE_NOT_ARRAY);
	assert_client_error(
		box_insert(SPACE_ID, MP("\x81\x01\x02"), &tuple), ER_TUPLE_NOT_ARRAY);
	assert_client_error(box_insert(SPACE_ID, MP("\xc1"), &tuple), ER_INVALID_MSGPACK);
	assert_client_error(
		box_insert(SPACE_ID, MP("\x92\x01\xc1"), &tuple), ER_INVALID_MSGPACK);
	assert_client_error(
		box_insert(SPACE_ID, MP("\x91\x01\x02"), &tuple), ER_INVALID_MSGPACK);
	assert_client_error(box_insert(SPACE_ID, MP("\xdd\xff\xff\xff\xff\x01"), &tuple),
		ER_INVALID_MSGPACK);
	assert_client_error(
		box_insert(SPACE_ID, MP("\x92\x01\xdb\xff\xff\xff\xff"), &tuple),
		ER_INVALID_MSGPACK);
	assert_client_error(
		box_index_get(SPACE_ID, 0, MP("\xa1x"), &tuple), ER_TUPLE_NOT_ARRAY);
	assert_client_error(
		box_delete(SPACE_ID, 0, MP("\x07"), &tuple), ER_TUPLE_NOT_ARRAY);
	/* What follows a key is nobody's business, as in Tarantool. */
	assert_int_equal(box_index_get(SPACE_ID, 0, MP("\x91\x01garbage"), &tuple), 0);
	assert_null(tuple);
	assert_int_equal(box_replace(SPACE_ID, MP("\x91\x01"), &tuple), 0);
	assert_int_equal(box_delete(SPACE_ID, 0, MP("\x91\x01garbage"), &tuple), 0);
	assert_non_null(tuple);
}

/* Random changes of a good argument: an answer or an error, never more. */
static void test_random_msgpack(void **state)
{
	(void)state;
	static const char ops[] = "\x92\x93\xa1=\x01\xa1x\x94\xa1:\x01\x01\x01";
	box_tuple_t *tuple;
	for (int i = 0; i < 20000 * unit_times(); i++) {
		char data[sizeof(sample)];
		size_t size = i % 2 == 0 ? sizeof(sample) - 1 : sizeof(ops) - 1;
		memcpy(data, i % 2 == 0 ? sample : ops, size);
		for (uint64_t n = unit_random(&seed) % 4; n > 0; n--)
			data[unit_random(&seed) % size] = (char)unit_random(&seed);
		const char *end = data + size;
		box_replace(SPACE_ID, data, end, &tuple);
		box_update(SPACE_ID, 0, MP("\x91\x01"), data, end, 0, &tuple);
		box_upsert(SPACE_ID, 0, MP("\x92\x01\x02"), data, end, 1, &tuple);
		box_index_get(SPACE_ID, 0, data, end, &tuple);
		box_index_count(SPACE_ID, 0, i % 12, data, end);
		box_iterator_t *it = box_index_iterator(SPACE_ID, 0, i % 12, data, end);
		if (it != NULL)
			box_iterator_next(it, &tuple);
		box_iterator_free(it);
		tuple = box_tuple_new(box_tuple_format_default(), data, end);
		if (tuple != NULL)
			box_tuple_update(tuple, MP("\x91\x93\xa1=\x01\x05"));
		box_delete(SPACE_ID, 0, data, end, &tuple);
	}
	assert_int_equal(box_truncate(SPACE_ID), 0);
	box_error_clear();
}

/* ---- Keys ---- */

static void test_key_def_limits(void **state)
{
	(void)state;
	uint32_t fields[300] = {0}, types[300] = {0};
	assert_null(box_key_def_new(fields, types, 256));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	types[0] = FIELD_TYPE_MAX;
	assert_null(box_key_def_new(fields, types, 1));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	types[0] = FIELD_TYPE_UNSIGNED;
	fields[0] = UINT32_MAX;
	assert_null(box_key_def_new(fields, types, 1));
	assert_error("IllegalParams", ER_ILLEGAL_PARAMS);
	fields[0] = 1000000000;
	box_key_def_t *def = box_key_def_new(fields, types, 1);
	assert_non_null(def);
	assert_null(box_tuple_format_new(&def, 1));
	assert_error("OutOfMemory", ER_MEMORY_ISSUE);
	box_key_def_delete(def);
	def = box_key_def_new(fields, types, 0);
	assert_non_null(def);
	box_key_def_delete(def);
}

/* Fields of a wrong type or none at all have an order too. */
static void test_compare_what_does_not_fit(void **state)
{
	(void)state;
	static const char *const values[] = {"\x90", "\x91\xc0", "\x91\x05", "\x91\xa1x",
		"\x91\xc3", "\x91\xcb\x3f\xf8\0\0\0\0\0", "\x91\xdb\0\0\0\1x",
		"\x91\xc7\0\x01", "\x91\xc7\0\x02", "\x91\xd4\x01\x77", "\x91\x90",
		"\x91\x80", "\x91\xc4\x01x", "\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"};
	enum { COUNT = sizeof(values) / sizeof(values[0]) };
	static const uint8_t sizes[COUNT] = {1, 2, 2, 3, 2, 10, 7, 4, 4, 4, 2, 2, 4, 10};
	box_tuple_t *tuples[COUNT];
	for (int i = 0; i < COUNT; i++) {
		tuples[i] = box_tuple_new(
			box_tuple_format_default(), values[i], values[i] + sizes[i]);
		assert_non_null(tuples[i]);
		box_tuple_ref(tuples[i]);
	}
	for (uint32_t type = 0; type < FIELD_TYPE_MAX; type++) {
		uint32_t fields[] = {0, 3}, types[] = {type, type};
		box_key_def_t *def = box_key_def_new(fields, types, 2);
		for (int i = 0; i < COUNT; i++)
			for (int j = 0; j < COUNT; j++) {
				int rc = box_tuple_compare(tuples[i], tuples[j], def);
				int back = box_tuple_compare(tuples[j], tuples[i], def);
				assert_true((rc < 0) == (back > 0));
				box_tuple_compare_with_key(tuples[i], values[j], def);
			}
		box_key_def_delete(def);
	}
	for (int i = 0; i < COUNT; i++)
		box_tuple_unref(tuples[i]);
	box_error_clear();
}

static void test_compare_with_longer_key(void **state)
{
	(void)state;
	uint32_t field = 0, type = FIELD_TYPE_UNSIGNED;
	box_key_def_t *def = box_key_def_new(&field, &type, 1);
	box_tuple_t *tuple = box_tuple_new(box_tuple_format_default(), MP("\x91\x05"));
	assert_int_equal(box_tuple_compare_with_key(tuple, "\x93\x05\x06\x07", def), 0);
	assert_wrong_argument(box_tuple_compare_with_key(tuple, "\x05", def));
	box_key_def_delete(def);
}

/* ---- How long things live ---- */

static void test_last_tuple_is_held(void **state)
{
	(void)state;
	box_tuple_t *tuple, *next;
	size_t before = tuple_memory_used;
	assert_int_equal(box_replace(SPACE_ID, MP("\x92\x01\xa3old"), &tuple), 0);
	assert_int_equal(tuple->refs, 2);
	/* Out of the space, still here. */
	assert_int_equal(box_delete(SPACE_ID, 0, MP("\x91\x01"), NULL), 0);
	assert_int_equal(tuple->refs, 1);
	assert_memory_equal(box_tuple_field(tuple, 1), "\xa3old", 4);
	/* What gives no tuple leaves it alone. */
	assert_int_equal(box_index_get(SPACE_ID, 0, MP("\x91\x01"), &next), 0);
	assert_null(next);
	assert_int_equal(box_index_len(SPACE_ID, 0), 0);
	box_error_set("x", 1, ER_PROC_C, "x");
	assert_int_equal(tuple->refs, 1);
	box_tuple_ref(tuple);
	next = box_tuple_new(box_tuple_format_default(), MP("\x91\x01"));
	assert_int_equal(tuple->refs, 1);
	assert_memory_equal(box_tuple_field(tuple, 1), "\xa3old", 4);
	box_tuple_unref(tuple);
	assert_int_equal(next->refs, 1);
	assert_true(tuple_memory_used <= before + 64);
	/* The same tuple again. */
	assert_int_equal(box_replace(SPACE_ID, MP("\x91\x02"), &tuple), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(box_index_get(SPACE_ID, 0, MP("\x91\x02"), &next), 0);
		assert_ptr_equal(next, tuple);
		assert_int_equal(tuple->refs, 2);
	}
	assert_int_equal(box_truncate(SPACE_ID), 0);
	box_error_clear();
}

static void test_tuples_of_no_space_when_memory_is_full(void **state)
{
	(void)state;
	size_t max = tuple_memory_max;
	tuple_memory_max = tuple_memory_used;
	assert_client_error(box_replace(SPACE_ID, MP("\x91\x01"), NULL), ER_MEMORY_ISSUE);
	assert_non_null(box_tuple_new(box_tuple_format_default(), MP("\x91\x01")));
	tuple_memory_max = max;
	assert_int_equal(box_replace(SPACE_ID, MP("\x91\x01"), NULL), 0);
	assert_int_equal(box_truncate(SPACE_ID), 0);
}

static void test_iterator_copies_its_key(void **state)
{
	(void)state;
	char key[100] = "\x91\x05";
	box_tuple_t *tuple;
	for (char i = 0; i < 10; i++) {
		char row[] = {(char)0x91, i};
		assert_int_equal(box_replace(SPACE_ID, row, row + 2, NULL), 0);
	}
	box_iterator_t *it = box_index_iterator(SPACE_ID, 0, ITER_GE, key, key + 2);
	memset(key, 0xff, sizeof(key));
	for (char i = 5; i < 10; i++) {
		assert_int_equal(box_iterator_next(it, &tuple), 0);
		assert_int_equal(*box_tuple_field(tuple, 0), i);
	}
	assert_int_equal(box_iterator_next(it, &tuple), 0);
	assert_null(tuple);
	box_iterator_free(it);
	assert_int_equal(box_truncate(SPACE_ID), 0);
}

/* Keys stay until the call is over; in a transaction, with it. */
static void test_extracted_keys_stay(void **state)
{
	(void)state;
	enum { COUNT = 3000 };
	static char *keys[COUNT];
	uint32_t size;
	for (int round = 0; round < 4; round++) {
		bool is_txn = round % 2 == 1;
		if (is_txn)
			assert_int_equal(box_txn_begin(), 0);
		for (int i = 0; i < COUNT; i++) {
			char row[16];
			char *end =
				mp_raw_put_uint(mp_raw_put_array(row, 1), (unsigned)i);
			box_tuple_t *tuple;
			assert_int_equal(box_replace(SPACE_ID, row, end, &tuple), 0);
			keys[i] = box_tuple_extract_key(tuple, SPACE_ID, 0, &size);
			assert_int_equal(size, end - row);
		}
		for (int i = 0; i < COUNT; i++) {
			const char *p = keys[i];
			assert_int_equal(mp_raw_array(&p), 1);
			assert_int_equal(mp_raw_uint(&p), i);
			assert_int_equal(box_delete(SPACE_ID, 0, keys[i], p, NULL), 0);
		}
		if (is_txn)
			assert_int_equal(
				round == 1 ? box_txn_commit() : box_txn_rollback(), 0);
		api_scratch_release(0);
		api_scratch_release(0);
	}
	assert_int_equal(box_index_len(SPACE_ID, 0), 0);
}

/* A call inside a call gives back what it took, not what the outer one has. */
static void test_scratch_of_calls_inside_calls(void **state)
{
	(void)state;
	uint64_t marks[50];
	char *blocks[50];
	size_t size[50];
	for (int round = 0; round < 200; round++) {
		int depth = 0;
		for (int step = 0; step < 200; step++) {
			if (depth < 50 && unit_random(&seed) % 5 < 3) {
				marks[depth] = api_scratch_mark();
				size[depth] = unit_random(&seed) % 3 == 0
						      ? unit_random(&seed) % 20000
						      : unit_random(&seed) % 200;
				blocks[depth] = api_scratch_alloc(size[depth]);
				memset(blocks[depth], depth, size[depth]);
				depth++;
			} else if (depth > 0) {
				depth--;
				for (size_t i = 0; i < size[depth]; i++)
					assert_int_equal(blocks[depth][i], depth);
				api_scratch_release(marks[depth]);
			}
		}
		if (depth > 0)
			api_scratch_release(marks[0]);
		assert_int_equal(api_scratch_mark(), 0);
	}
}

static int extract_and_end(void *arg)
{
	(void)arg;
	box_tuple_t *tuple = box_tuple_new(box_tuple_format_default(), MP("\x91\x05"));
	for (int i = 0; i < 1000; i++)
		assert_non_null(box_tuple_extract_key(tuple, SPACE_ID, 0, NULL));
	return 0;
}

static void test_extracted_keys_go_with_the_fiber(void **state)
{
	(void)state;
	struct fiber *f = fiber_create("f", extract_and_end, NULL);
	assert_non_null(f);
	fiber_wakeup(f);
	fiber_loop_run(true);
}

static void test_txn_alloc_too_much(void **state)
{
	(void)state;
	assert_int_equal(box_txn_begin(), 0);
	assert_null(box_txn_alloc(SIZE_MAX));
	assert_error("OutOfMemory", ER_MEMORY_ISSUE);
	assert_null(box_txn_alloc(SIZE_MAX - 100));
	assert_error("OutOfMemory", ER_MEMORY_ISSUE);
	assert_int_equal(box_txn_rollback(), 0);
}

/* ---- */

static int setup(void **state)
{
	(void)state;
	return fiber_init();
}

static void test_configure(void **state)
{
	(void)state;
	assert_int_equal(box_init(), 0);
	make_space();
}

static int teardown(void **state)
{
	(void)state;
	tuple_unref(TAKE_PTR(api_last_tuple));
	box_fini();
	return 0;
}

int main(void)
{
	const char *given = getenv("SEED");
	seed = given != NULL ? strtoull(given, NULL, 0)
			     : (uint64_t)time(NULL) * 2654435761u + 1;
	fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_configured),
		cmocka_unit_test(test_configure),
		cmocka_unit_test(test_null_arguments),
		cmocka_unit_test(test_null_instead_of_msgpack),
		cmocka_unit_test(test_truncated_msgpack),
		cmocka_unit_test(test_what_is_no_array),
		cmocka_unit_test(test_random_msgpack),
		cmocka_unit_test(test_key_def_limits),
		cmocka_unit_test(test_compare_what_does_not_fit),
		cmocka_unit_test(test_compare_with_longer_key),
		cmocka_unit_test(test_last_tuple_is_held),
		cmocka_unit_test(test_tuples_of_no_space_when_memory_is_full),
		cmocka_unit_test(test_iterator_copies_its_key),
		cmocka_unit_test(test_extracted_keys_stay),
		cmocka_unit_test(test_scratch_of_calls_inside_calls),
		cmocka_unit_test(test_extracted_keys_go_with_the_fiber),
		cmocka_unit_test(test_txn_alloc_too_much),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

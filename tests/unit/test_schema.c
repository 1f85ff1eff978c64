/* A new database: what stands in the system spaces, and that steps can be undone. */
#include "tests/unit/unit.h"

#include "instance/box/alter.h"
#include "instance/box/box.h"
#include "instance/box/dml.h"
#include "instance/box/func.h"
#include "instance/box/txn.h"
#include "instance/fiber/fiber.h"
#include "proto/buf.h"

static int setup(void **state)
{
	(void)state;
	if (fiber_init() != 0 || box_init() != 0) {
		fprintf(stderr, "# %s\n", diag_last()->message);
		return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	box_fini();
	return 0;
}

static size_t count_rows(uint32_t space_id)
{
	struct index *index = space_index(space_by_id(space_id), 0);
	size_t count = 0;
	assert_int_equal(index->vtab->count(index, ITER_ALL, NULL, 0, &count), 0);
	return count;
}

static void test_bootstrap_has_rows_of_tarantool(void **state)
{
	(void)state;
	assert_int_equal(count_rows(SPACE_SCHEMA), 3);
	assert_int_equal(count_rows(SPACE_COLLATION), 277);
	assert_int_equal(count_rows(SPACE_VCOLLATION), 277);
	assert_int_equal(count_rows(SPACE_SPACE), 25);
	assert_int_equal(count_rows(SPACE_VSPACE), 25);
	assert_int_equal(count_rows(SPACE_INDEX), 53);
	assert_int_equal(count_rows(SPACE_FUNC), 67);
	assert_int_equal(count_rows(SPACE_USER), 5);
	assert_int_equal(count_rows(SPACE_PRIV), 67 + 15);
	assert_int_equal(count_rows(SPACE_CLUSTER), 1);
}

static void test_bootstrap_makes_objects(void **state)
{
	(void)state;
	struct space *space = space_by_name("_index", 6);
	assert_non_null(space);
	assert_int_equal(space_id(space), SPACE_INDEX);
	assert_int_equal(space->index_count, 2);
	assert_int_equal(space->def->field_count, 6);
	assert_string_equal(space_index(space, 2)->def->name, "name");
	assert_non_null(user_by_name("guest", 5));
	assert_true(user_by_name("super", 5)->is_role);
	assert_true(func_by_name("box.schema.user.info", 20)->is_setuid);
	assert_true(
		user_access(user_by_id(USER_GUEST), OBJECT_SPACE, SPACE_VSPACE) & PRIV_R);
	assert_false(
		user_access(user_by_id(USER_GUEST), OBJECT_SPACE, SPACE_SPACE) & PRIV_R);
}

/** A request out of a literal of msgpack. */
static int insert(uint32_t space_id, const char *row, size_t size)
{
	assert_null(mp_check(row, row + size));
	return dml_insert(space_id, row, row + size, NULL);
}

/* [600, 1, "t", "memtx", 0, {}, []] and its primary index [600, 0, "pk", "tree", {}, [[0,
 * "unsigned"]]] */
static const char space_row[] = "\x97\xcd\x02\x58\x01\xa1t\xa5memtx\x00\x80\x90";
static const char index_row[] =
	"\x96\xcd\x02\x58\x00\xa2pk\xa4tree\x80\x91\x92\x00\xa8unsigned";

static void test_rollback_undoes_creation(void **state)
{
	(void)state;
	uint32_t version = box_schema_version;
	assert_non_null(txn_begin());
	assert_int_equal(insert(SPACE_SPACE, space_row, sizeof(space_row) - 1), 0);
	assert_int_equal(insert(SPACE_INDEX, index_row, sizeof(index_row) - 1), 0);
	assert_int_equal(insert(600, "\x91\x07", 2), 0);
	assert_non_null(space_by_id(600));
	assert_int_equal(txn_rollback(), 0);
	assert_null(space_by_id(600));
	assert_null(space_by_name("t", 1));
	assert_int_equal(count_rows(SPACE_INDEX), 53);
	assert_true(box_schema_version > version);
}

static void test_rollback_undoes_drop(void **state)
{
	static const char space_key[] = "\x91\xcd\x02\x58";
	static const char index_key[] = "\x92\xcd\x02\x58\x00";
	(void)state;
	assert_int_equal(insert(SPACE_SPACE, space_row, sizeof(space_row) - 1), 0);
	assert_int_equal(insert(SPACE_INDEX, index_row, sizeof(index_row) - 1), 0);
	assert_int_equal(insert(600, "\x91\x07", 2), 0);
	assert_non_null(txn_begin());
	assert_int_equal(dml_delete(SPACE_INDEX, 0, index_key,
				 index_key + sizeof(index_key) - 1, NULL),
		0);
	assert_int_equal(dml_delete(SPACE_SPACE, 0, space_key,
				 space_key + sizeof(space_key) - 1, NULL),
		0);
	assert_null(space_by_id(600));
	assert_int_equal(txn_rollback(), 0);
	assert_non_null(space_by_name("t", 1));
	assert_int_equal(count_rows(600), 1);
	assert_int_equal(dml_delete(SPACE_INDEX, 0, index_key,
				 index_key + sizeof(index_key) - 1, NULL),
		0);
	assert_int_equal(dml_delete(SPACE_SPACE, 0, space_key,
				 space_key + sizeof(space_key) - 1, NULL),
		0);
	assert_null(space_by_id(600));
}

static void test_select_answers_views_to_guest(void **state)
{
	(void)state;
	struct credentials guest = {USER_GUEST};
	struct buf out;
	uint32_t count = 0;
	buf_init(&out);
	session_set_effective(&guest);
	assert_int_equal(box_select(SPACE_VSPACE, 0, ITER_ALL, 0, UINT32_MAX, "\x90",
				 NULL, &out, &count),
		0);
	assert_int_equal(count, 9);
	assert_int_equal(box_select(SPACE_SPACE, 0, ITER_ALL, 0, UINT32_MAX, "\x90", NULL,
				 &out, &count),
		-1);
	assert_string_equal(diag_last()->message,
		"Read access to space '_space' is denied for user 'guest'");
	assert_ptr_equal(diag_last()->type, &error_type_access_denied);
	session_set_effective(NULL);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bootstrap_has_rows_of_tarantool),
		cmocka_unit_test(test_bootstrap_makes_objects),
		cmocka_unit_test(test_rollback_undoes_creation),
		cmocka_unit_test(test_rollback_undoes_drop),
		cmocka_unit_test(test_select_answers_views_to_guest),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

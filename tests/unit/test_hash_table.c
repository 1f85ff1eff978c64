#include "instance/box/hash_table.h"

#include <time.h>

#include "instance/box/mp_compare.h"
#include "instance/box/mp_raw.h"
#include "unit.h"

enum { RANGE = 3000 };

static uint64_t seed;
static bool model[RANGE];
/* How many hashes there are: few make many collisions. */
static uint64_t hash_count;

static int compare(
	const struct bptree_item *a, const struct bptree_item *b, const void *arg)
{
	uintptr_t x = (uintptr_t)a->tuple, y = (uintptr_t)b->tuple;
	return (x > y) - (x < y);
}

static int compare_key(
	const struct bptree_item *a, const struct bptree_key *key, const void *arg)
{
	uintptr_t x = (uintptr_t)a->tuple, y = (uintptr_t)key->key;
	return (x > y) - (x < y);
}

static const struct bptree_order order = {compare, compare_key, NULL};

static uint64_t hash_of(uint64_t v)
{
	/* The last one: items that all live at the end of the table. */
	if (hash_count == 1)
		return UINT64_MAX;
	return mp_hash_finish(v % hash_count);
}

static struct bptree_item item(uint64_t v)
{
	return (struct bptree_item){hash_of(v), (struct tuple *)(uintptr_t)v};
}

static bool is_there(const struct hash_table *table, uint64_t v)
{
	struct bptree_key key = {hash_of(v), (const char *)(uintptr_t)v, 1};
	const struct bptree_item *found = hash_table_find_key(table, &key);
	return found != NULL && (uint64_t)(uintptr_t)found->tuple == v;
}

/* A walk that loses its place after each step sees all that stays there. */
static void check_walk(struct hash_table *table)
{
	size_t seen = 0;
	size_t slot = hash_table_next(table, 0);
	while (slot < table->slot_count) {
		struct bptree_item at = table->slots[slot];
		seen++;
		if (unit_random(&seed) % 2 == 0) {
			assert_true(hash_table_delete(table, at));
			model[(uintptr_t)at.tuple] = false;
		}
		slot = hash_table_after(table, at);
	}
	assert_true(seen >= table->size);
	for (uint64_t v = 1; v < RANGE; v++)
		assert_int_equal(is_there(table, v), model[v]);
}

static void run_model(uint64_t hashes, int steps, uint64_t range)
{
	hash_count = hashes;
	memset(model, 0, sizeof(model));
	struct hash_table table;
	hash_table_init(&table, &order);
	for (int i = 0; i < steps; i++) {
		uint64_t v = 1 + unit_random(&seed) % (range - 1);
		bool is_growing =
			unit_random(&seed) % 100 < (i / (steps / 8) % 2 == 0 ? 75u : 25u);
		if (is_growing) {
			struct bptree_item old;
			assert_int_equal(hash_table_insert(&table, item(v), &old), 0);
			assert_int_equal(old.tuple != NULL, model[v]);
			model[v] = true;
		} else {
			assert_int_equal(hash_table_delete(&table, item(v)), model[v]);
			model[v] = false;
		}
		assert_int_equal(is_there(&table, v), model[v]);
		if (i % 500 == 0) {
			const char *error = hash_table_check(&table);
			if (error != NULL)
				fail_msg("step %d: %s", i, error);
		}
		if (i % 2000 == 1999)
			check_walk(&table);
	}
	assert_null(hash_table_check(&table));
	hash_table_fini(&table);
}

static void test_model(void **state)
{
	run_model(UINT64_MAX, 40000 * unit_times(), RANGE);
}

static void test_model_collisions(void **state)
{
	run_model(50, 10000, RANGE);
}

static void test_model_end_of_table(void **state)
{
	run_model(1, 4000, 30);
}

/* Equal numbers hash alike, whatever their types. */
static void test_hash_of_numbers(void **state)
{
	char a[16], b[16];
	static const double numbers[] = {
		0, -0.0, 1, -1, 1e15, -1e15, 0x1p63, -0x1p63, 0x1p53};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		double d = numbers[i];
		mp_raw_put_double(a, d);
		if (d < 0)
			mp_raw_put_int(b, (int64_t)d);
		else
			mp_raw_put_uint(b, (uint64_t)d);
		assert_int_equal(mp_compare_scalar(a, b), 0);
		assert_true(mp_hash(0, a) == mp_hash(0, b));
		mp_raw_put_float(b, (float)d);
		if (mp_compare_scalar(a, b) == 0)
			assert_true(mp_hash(0, a) == mp_hash(0, b));
	}
	/* 0.5 and the decimal 0.5, 15.00 and 15 */
	mp_raw_put_double(a, 0.5);
	assert_true(mp_hash(0, a) == mp_hash(0, "\xd5\x01\x01\x5c"));
	assert_true(mp_hash(0, "\x0f") == mp_hash(0, "\xc7\x04\x01\x03\x15\x00\x0c"));
}

int main(void)
{
	const char *given = getenv("SEED");
	seed = given != NULL ? strtoull(given, NULL, 0)
			     : (uint64_t)time(NULL) * 2654435761u + 1;
	fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_model_collisions),
		cmocka_unit_test(test_model_end_of_table),
		cmocka_unit_test(test_hash_of_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "instance/box/bptree.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "unit.h"

/*
 * Items are numbers in the tuple pointer; the hint is the number divided by
 * `hint_div`, so that both ways of comparing are used.
 */
static uint64_t hint_div = 1;

static int compare(
	const struct bptree_item *a, const struct bptree_item *b, const void *arg)
{
	uintptr_t x = (uintptr_t)a->tuple, y = (uintptr_t)b->tuple;
	return (x > y) - (x < y);
}

/* A key is a number / 10: equal to ten items. */
static int compare_key(
	const struct bptree_item *a, const struct bptree_key *key, const void *arg)
{
	uintptr_t x = (uintptr_t)a->tuple / 10, y = (uintptr_t)key->key;
	return (x > y) - (x < y);
}

static const struct bptree_order order = {compare, compare_key, NULL};

static struct bptree_item item(uint64_t v)
{
	return (struct bptree_item){v / hint_div, (struct tuple *)(uintptr_t)v};
}

/* Key equal to the items 10 * v ... 10 * v + 9; good when hint_div is a multiple of 10.
 */
static struct bptree_key key(uint64_t v)
{
	return (struct bptree_key){v * 10 / hint_div, (const char *)(uintptr_t)v, 1};
}

static uint64_t value(struct bptree_pos pos)
{
	const struct bptree_item *i = bptree_get(pos);
	return i == NULL ? 0 : (uint64_t)(uintptr_t)i->tuple;
}

static uint64_t seed;

static uint64_t rnd(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

enum { RANGE = 3000 };

/* The naive model: which numbers are in. */
static bool model[RANGE + 20];

static size_t model_rank(uint64_t v)
{
	size_t n = 0;
	for (uint64_t i = 1; i < v; i++)
		n += model[i];
	return n;
}

static uint64_t model_next(uint64_t v)
{
	while (v < RANGE && !model[v])
		v++;
	return v < RANGE ? v : 0;
}

static void check_searches(const struct bptree *tree)
{
	uint64_t v = 1 + rnd(RANGE - 1);
	bool is_equal;
	struct bptree_pos pos = bptree_lower_bound_item(tree, item(v), &is_equal);
	assert_int_equal(value(pos), model_next(v));
	assert_int_equal(is_equal, model[v]);
	assert_int_equal(bptree_find(tree, item(v)) != NULL, model[v]);
	assert_int_equal(bptree_rank(tree, pos), model_rank(v));
	assert_int_equal(
		value(bptree_upper_bound_item(tree, item(v))), model_next(v + 1));
	struct bptree_key k = key(v / 10);
	pos = bptree_lower_bound(tree, &k, &is_equal);
	uint64_t from = v / 10 * 10;
	assert_int_equal(value(pos), model_next(from == 0 ? 1 : from));
	assert_int_equal(is_equal, value(pos) != 0 && value(pos) / 10 == v / 10);
	assert_int_equal(value(bptree_upper_bound(tree, &k)), model_next(from + 10));
	if (tree->size > 0) {
		size_t n = rnd(tree->size);
		pos = bptree_at(tree, n);
		assert_int_equal(bptree_rank(tree, pos), n);
		assert_int_equal(model_rank(value(pos)), n);
	}
}

static void check_walks(const struct bptree *tree)
{
	size_t n = 0;
	struct bptree_pos pos = bptree_first(tree);
	for (uint64_t v = model_next(1); v != 0; v = model_next(v + 1), n++) {
		assert_int_equal(value(pos), v);
		bptree_next(&pos);
	}
	assert_null(bptree_get(pos));
	assert_int_equal(n, tree->size);
	pos = bptree_last(tree);
	for (uint64_t v = RANGE; v-- > 1;) {
		if (!model[v])
			continue;
		assert_int_equal(value(pos), v);
		bptree_prev(&pos);
	}
	assert_null(bptree_get(pos));
}

/* Random insertions and deletions; the mix changes, so the tree grows and shrinks. */
static void run_model(uint64_t div, int steps)
{
	hint_div = div;
	memset(model, 0, sizeof(model));
	struct bptree tree;
	bptree_init(&tree, &order);
	for (int i = 0; i < steps; i++) {
		uint64_t v = 1 + rnd(RANGE - 1);
		bool is_growing = rnd(100) < (i / (steps / 8) % 2 == 0 ? 75u : 25u);
		if (is_growing) {
			struct bptree_item old;
			assert_int_equal(bptree_insert(&tree, item(v), &old), 0);
			assert_int_equal(old.tuple != NULL, model[v]);
			model[v] = true;
		} else {
			assert_int_equal(bptree_delete(&tree, item(v)), model[v]);
			model[v] = false;
		}
		check_searches(&tree);
		if (i % 200 == 0) {
			const char *error = bptree_check(&tree);
			if (error != NULL)
				fail_msg("step %d: %s", i, error);
			check_walks(&tree);
		}
	}
	for (uint64_t v = 1; v < RANGE; v++)
		assert_int_equal(bptree_delete(&tree, item(v)), model[v]);
	assert_null(bptree_check(&tree));
	assert_int_equal(tree.node_bytes, 0);
	bptree_fini(&tree);
}

static void test_model_hints_tell(void **state)
{
	run_model(10, 20000 * unit_times());
}

static void test_model_hints_equal(void **state)
{
	run_model(1000000, 20000 * unit_times());
}

static void test_append_in_order(void **state)
{
	hint_div = 1;
	struct bptree tree;
	bptree_init(&tree, &order);
	for (uint64_t v = 1; v <= 100000; v++)
		assert_int_equal(bptree_append(&tree, item(v)), 0);
	assert_null(bptree_check(&tree));
	assert_int_equal(value(bptree_at(&tree, 54321)), 54322);
	/* Ascending insertions leave full nodes behind. */
	assert_true(tree.node_bytes < 100000 * 20);
	bptree_fini(&tree);
}

static void test_empty(void **state)
{
	struct bptree tree;
	bptree_init(&tree, &order);
	assert_null(bptree_check(&tree));
	assert_null(bptree_get(bptree_first(&tree)));
	assert_null(bptree_get(bptree_last(&tree)));
	assert_null(bptree_get(bptree_at(&tree, 0)));
	assert_null(bptree_find(&tree, item(1)));
	assert_false(bptree_delete(&tree, item(1)));
	bptree_fini(&tree);
}

int main(void)
{
	const char *given = getenv("SEED");
	seed = given != NULL ? strtoull(given, NULL, 0)
			     : (uint64_t)time(NULL) * 2654435761u + 1;
	fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_append_in_order),
		cmocka_unit_test(test_model_hints_tell),
		cmocka_unit_test(test_model_hints_equal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

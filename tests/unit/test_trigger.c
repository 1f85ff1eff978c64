/* Trigger lists: order, replacement, and changes while the list runs. */
#include "tests/unit/unit.h"

#include "instance/base/diag.h"
#include "instance/base/trigger.h"

static char order[64];
static struct list triggers;

/* A trigger that writes its letter, and may do something to another one. */
struct letter {
	struct trigger base;
	char name;
	bool is_failing;
	struct letter *deletes;
	struct letter *adds;
	bool is_destroyed;
};

static int run_letter(struct trigger *base, void *event)
{
	struct letter *l = (struct letter *)base;
	(void)event;
	strncat(order, &l->name, 1);
	if (l->deletes != NULL) {
		struct letter *other = TAKE_PTR(l->deletes);
		trigger_del(&other->base);
	}
	if (l->adds != NULL)
		trigger_add(&triggers, &TAKE_PTR(l->adds)->base);
	if (!l->is_failing)
		return 0;
	diag_set(illegal_params, "refused by %c", l->name);
	return -1;
}

static void destroy_letter(struct trigger *base)
{
	((struct letter *)base)->is_destroyed = true;
}

static void init_letter(struct letter *l, char name)
{
	*l = (struct letter){.name = name};
	trigger_init(&l->base, run_letter, NULL, destroy_letter);
}

static int setup(void **state)
{
	(void)state;
	list_init(&triggers);
	order[0] = '\0';
	return 0;
}

static void test_run_newest_first(void **state)
{
	(void)state;
	struct letter l[20];
	for (int i = 0; i < 20; i++) {
		init_letter(&l[i], (char)('a' + i));
		trigger_add(&triggers, &l[i].base);
	}
	assert_int_equal(triggers_run(&triggers, NULL), 0);
	assert_string_equal(order, "tsrqponmlkjihgfedcba");
	triggers_clear(&triggers);
	assert_true(list_is_empty(&triggers));
	for (int i = 0; i < 20; i++)
		assert_true(l[i].is_destroyed);
}

static void test_run_stops_at_failure(void **state)
{
	(void)state;
	struct letter a, b, c;
	init_letter(&a, 'a');
	init_letter(&b, 'b');
	init_letter(&c, 'c');
	b.is_failing = true;
	trigger_add(&triggers, &a.base);
	trigger_add(&triggers, &b.base);
	trigger_add(&triggers, &c.base);
	assert_int_equal(triggers_run(&triggers, NULL), -1);
	assert_string_equal(order, "cb");
	assert_string_equal(diag_last()->message, "refused by b");
	triggers_clear(&triggers);
}

static void test_replace_keeps_place(void **state)
{
	(void)state;
	struct letter a, b, c;
	init_letter(&a, 'a');
	init_letter(&b, 'b');
	init_letter(&c, 'c');
	trigger_add(&triggers, &a.base);
	trigger_add(&triggers, &b.base);
	trigger_replace(&a.base, &c.base);
	assert_true(a.is_destroyed);
	triggers_run(&triggers, NULL);
	assert_string_equal(order, "bc");
	triggers_clear(&triggers);
}

static void test_delete_itself_while_running(void **state)
{
	(void)state;
	struct letter a, b;
	init_letter(&a, 'a');
	init_letter(&b, 'b');
	b.deletes = &b;
	trigger_add(&triggers, &a.base);
	trigger_add(&triggers, &b.base);
	triggers_run(&triggers, NULL);
	assert_true(b.is_destroyed);
	triggers_run(&triggers, NULL);
	assert_string_equal(order, "baa");
	triggers_clear(&triggers);
}

static void test_deleted_one_does_not_run(void **state)
{
	(void)state;
	struct letter a, b, c;
	init_letter(&a, 'a');
	init_letter(&b, 'b');
	init_letter(&c, 'c');
	b.deletes = &a;
	b.adds = &c;
	trigger_add(&triggers, &a.base);
	trigger_add(&triggers, &b.base);
	triggers_run(&triggers, NULL);
	assert_true(a.is_destroyed);
	assert_string_equal(order, "b");
	triggers_run(&triggers, NULL);
	assert_string_equal(order, "bcb");
	triggers_clear(&triggers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_run_newest_first, setup),
		cmocka_unit_test_setup(test_run_stops_at_failure, setup),
		cmocka_unit_test_setup(test_replace_keeps_place, setup),
		cmocka_unit_test_setup(test_delete_itself_while_running, setup),
		cmocka_unit_test_setup(test_deleted_one_does_not_run, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

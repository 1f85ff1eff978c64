/* Users, roles, grants; sessions and what their users may do. */
#include "tests/unit/unit.h"

#include "instance/box/access.h"
#include "instance/box/user.h"
#include "instance/fiber/fiber.h"
#include "proto/chap.h"

static const struct object_ref space = {OBJECT_SPACE, 512, USER_ADMIN, "t"};

static struct user *make(uint32_t id, const char *name, bool is_role)
{
	struct user_def def = {
		id, USER_ADMIN, is_role, .name = name, .name_len = strlen(name)};
	struct user *u = user_cache_replace(&def);
	assert_non_null(u);
	return u;
}

static int setup(void **state)
{
	(void)state;
	if (fiber_init() != 0 || session_init() != 0)
		return -1;
	make(32, "ann", false);
	make(33, "bob", false);
	make(40, "readers", true);
	make(41, "writers", true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	session_fini();
	return 0;
}

static int check_as(uint32_t uid, const struct object_ref *obj, uint32_t access)
{
	struct credentials cred = {uid};
	const struct credentials *old = session_set_effective(&cred);
	int rc = access_check_object(obj, access);
	session_set_effective(old);
	return rc;
}

static void test_admin_may_everything(void **state)
{
	(void)state;
	assert_int_equal(session_effective_uid(), USER_ADMIN);
	assert_int_equal(access_check_universe(PRIV_R | PRIV_W | PRIV_X | PRIV_C), 0);
	assert_int_equal(check_as(USER_ADMIN, &space, PRIV_R | PRIV_W), 0);
}

static void test_usage_comes_first(void **state)
{
	(void)state;
	user_grant(user_by_id(32), OBJECT_SPACE, 512, PRIV_R);
	assert_int_equal(check_as(32, &space, PRIV_R), -1);
	assert_string_equal(diag_last()->message,
		"Usage access to universe '' is denied for user 'ann'");
	user_grant(user_by_id(32), OBJECT_UNIVERSE, 0, PRIV_U | PRIV_S);
	assert_int_equal(check_as(32, &space, PRIV_R), 0);
	assert_int_equal(check_as(32, &space, PRIV_W), -1);
	assert_string_equal(diag_last()->message,
		"Write access to space 't' is denied for user 'ann'");
	assert_string_equal(diag_last()->object_type, "space");
	assert_string_equal(diag_last()->object_name, "t");
	assert_string_equal(diag_last()->access_type, "Write");
}

static void test_roles_hold_roles(void **state)
{
	(void)state;
	user_grant(user_by_id(33), OBJECT_UNIVERSE, 0, PRIV_U);
	user_grant(user_by_id(33), OBJECT_ROLE, 41, PRIV_X);
	user_grant(user_by_id(41), OBJECT_ROLE, 40, PRIV_X);
	user_grant(user_by_id(40), OBJECT_SPACE, 512, PRIV_R);
	user_grant(user_by_id(41), OBJECT_SPACE, OBJECT_ID_ALL, PRIV_W);
	assert_int_equal(check_as(33, &space, PRIV_R | PRIV_W), 0);
	assert_true(role_contains(41, 40));
	assert_false(role_contains(40, 41));
	assert_true(role_contains(41, 41));
	user_grant(user_by_id(40), OBJECT_SPACE, 512, 0);
	assert_int_equal(check_as(33, &space, PRIV_R), -1);
	/* A loop that a broken database may hold ends. */
	user_grant(user_by_id(40), OBJECT_ROLE, 41, PRIV_X);
	assert_int_equal(check_as(33, &space, PRIV_W), 0);
	user_cache_delete(41);
	assert_int_equal(check_as(33, &space, PRIV_W), -1);
}

static void test_owner_may_alter_but_not_create(void **state)
{
	(void)state;
	struct object_ref own = {OBJECT_SPACE, 600, 32, "own"};
	struct credentials cred = {32};
	session_set_effective(&cred);
	assert_int_equal(access_check_object(&own, PRIV_R | PRIV_W), 0);
	assert_int_equal(access_check_ddl(&own, PRIV_A), 0);
	assert_int_equal(access_check_ddl(&own, PRIV_D), 0);
	assert_int_equal(access_check_ddl(&own, PRIV_C), -1);
	session_set_effective(NULL);
}

static void test_dropped_user_may_nothing(void **state)
{
	(void)state;
	assert_int_equal(check_as(999, &space, PRIV_R), -1);
	struct credentials cred = {999};
	session_set_effective(&cred);
	assert_int_equal(access_check_eval(), -1);
	assert_int_equal(access_check_call("f", 1), -1);
	session_set_effective(NULL);
}

static void test_at_most_32_users(void **state)
{
	(void)state;
	struct user_def def = {.owner = USER_ADMIN, .name = "x", .name_len = 1};
	uint32_t id = 100;
	for (; id < 200; id++) {
		def.id = id;
		if (user_cache_replace(&def) == NULL)
			break;
	}
	assert_true(id < 132);
	assert_int_equal(diag_last()->code, ER_USER_MAX);
	while (id-- > 100)
		user_cache_delete(id);
}

static void test_auth(void **state)
{
	(void)state;
	struct user_def def = {32, USER_ADMIN, false, true, .name = "ann", .name_len = 3};
	unsigned char scramble[CHAP_SIZE];
	char salt[CHAP_SIZE] = "12345678901234567890";
	chap_hash2("secret", 6, def.hash2);
	user_cache_replace(&def);
	struct session *s = session_new(SESSION_BINARY, USER_GUEST);
	chap_scramble("wrong", 5, salt, scramble);
	assert_int_equal(
		session_auth(s, "ann", 3, salt, (char *)scramble, CHAP_SIZE), -1);
	assert_string_equal(
		diag_last()->message, "Incorrect password supplied for user 'ann'");
	assert_int_equal(s->cred.uid, USER_GUEST);
	assert_int_equal(
		session_auth(s, "nobody", 6, salt, (char *)scramble, CHAP_SIZE), -1);
	assert_string_equal(diag_last()->message, "User 'nobody' is not found");
	assert_int_equal(
		session_auth(s, "readers", 7, salt, (char *)scramble, CHAP_SIZE), -1);
	assert_int_equal(session_auth(s, "ann", 3, salt, NULL, 0), -1);
	assert_int_equal(session_auth(s, "ann", 3, salt, (char *)scramble, 5), -1);
	chap_scramble("secret", 6, salt, scramble);
	assert_int_equal(session_auth(s, "ann", 3, salt, (char *)scramble, CHAP_SIZE), 0);
	assert_int_equal(s->cred.uid, 32);
	session_free(s);
}

static void test_sessions_by_id(void **state)
{
	(void)state;
	struct session *all[500];
	for (int i = 0; i < 500; i++)
		all[i] = session_new(SESSION_BINARY, USER_GUEST);
	for (int i = 0; i < 500; i++)
		assert_ptr_equal(session_by_id(all[i]->id), all[i]);
	uint64_t id = all[100]->id;
	for (int i = 0; i < 500; i++)
		session_free(all[i]);
	assert_null(session_by_id(id));
	assert_null(session_by_id(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_admin_may_everything),
		cmocka_unit_test(test_usage_comes_first),
		cmocka_unit_test(test_roles_hold_roles),
		cmocka_unit_test(test_owner_may_alter_but_not_create),
		cmocka_unit_test(test_dropped_user_may_nothing),
		cmocka_unit_test(test_at_most_32_users),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_sessions_by_id),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

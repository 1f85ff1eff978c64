#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "instance/lua/init.h"
#include "instance/lua/utils.h"

static int setup(void **state)
{
	if (fiber_init() != 0)
		return -1;
	static char *argv[] = {(char *)"test", NULL};
	if (lua_init(1, argv) != 0)
		return -1;
	*state = lua_main;
	return 0;
}

static int teardown(void **state)
{
	lua_fini();
	fiber_fini();
	return 0;
}

/** The text of tostring(value on the top); pops it. */
static void assert_text(lua_State *L, const char *expected)
{
	lua_getglobal(L, "tostring");
	lua_insert(L, -2);
	lua_call(L, 1, 1);
	assert_string_equal(lua_tostring(L, -1), expected);
	lua_pop(L, 1);
}

static void test_push_int64(void **state)
{
	lua_State *L = *state;
	luaT_push_uint64(L, UINT64_MAX);
	assert_int_equal(lua_type(L, -1), LUA_TCDATA);
	assert_text(L, "18446744073709551615ULL");
	luaT_push_int64(L, INT64_MIN);
	assert_text(L, "-9223372036854775808LL");
	luaT_push_uint64(L, 99999999999999ULL);
	assert_int_equal(lua_type(L, -1), LUA_TNUMBER);
	lua_pop(L, 1);
	luaT_push_uint64(L, 100000000000000ULL);
	assert_text(L, "100000000000000ULL");
	luaT_push_int64(L, -100000000000000LL);
	assert_text(L, "-100000000000000LL");
	assert_int_equal(lua_gettop(L), 0);
}

static void test_to_int64(void **state)
{
	lua_State *L = *state;
	uint64_t u;
	int64_t i;
	luaT_push_uint64(L, UINT64_MAX);
	assert_true(luaT_to_uint64(L, -1, &u));
	assert_true(u == UINT64_MAX);
	assert_false(luaT_to_int64(L, -1, &i));
	luaT_push_int64(L, INT64_MIN);
	assert_true(luaT_to_int64(L, -1, &i));
	assert_true(i == INT64_MIN);
	assert_false(luaT_to_uint64(L, -1, &u));
	static const double bad[] = {1.5, 18446744073709551616.0, -1};
	for (size_t n = 0; n < lengthof(bad); n++) {
		lua_pushnumber(L, bad[n]);
		assert_false(luaT_to_uint64(L, -1, &u));
	}
	lua_pushnumber(L, 9223372036854775808.0);
	assert_false(luaT_to_int64(L, -1, &i));
	assert_true(luaT_to_uint64(L, -1, &u));
	lua_pushliteral(L, "1");
	assert_false(luaT_to_uint64(L, -1, &u));
	lua_settop(L, 0);
}

static void test_null(void **state)
{
	lua_State *L = *state;
	luaT_push_null(L);
	assert_true(luaT_is_null(L, -1));
	lua_pushnil(L);
	assert_true(luaT_is_null(L, -1));
	lua_pushboolean(L, false);
	assert_false(luaT_is_null(L, -1));
	luaT_push_uint64(L, UINT64_MAX);
	assert_false(luaT_is_null(L, -1));
	lua_settop(L, 0);
}

static void test_ctype(void **state)
{
	lua_State *L = *state;
	luaT_cdef(L, "struct test_point { int x, y; };");
	uint32_t id = luaT_ctype(L, "struct test_point");
	int *payload = luaT_push_cdata(L, id);
	assert_int_equal(payload[0], 0);
	payload[1] = 7;
	uint32_t found;
	assert_ptr_equal(luaT_to_cdata(L, -1, &found), payload);
	assert_int_equal(found, id);
	lua_getfield(L, -1, "y");
	assert_int_equal(lua_tointeger(L, -1), 7);
	lua_settop(L, 0);
}

static int raise_diag(lua_State *L)
{
	diag_set(system, "disk on fire");
	return luaT_error(L);
}

static void test_error_keeps_identity(void **state)
{
	lua_State *L = *state;
	lua_pushcfunction(L, raise_diag);
	assert_int_equal(luaT_call(L, 0, 0), -1);
	struct error *e = diag_last();
	assert_string_equal(e->message, "disk on fire");
	assert_ptr_equal(e->type, &error_type_system);
	luaT_push_error(L, e);
	assert_ptr_equal(luaT_is_error(L, -1), e);
	assert_true(e->refs >= 2); /* the diag's and the Lua value's */
	assert_text(L, "disk on fire");
	lua_gc(L, LUA_GCCOLLECT, 0);
	lua_gc(L, LUA_GCCOLLECT, 0);
	assert_int_equal(e->refs, 1);
	diag_clear();
}

static void test_error_from_value(void **state)
{
	lua_State *L = *state;
	static const struct {
		const char *code, *text;
	} cases[] = {
		{"error('text', 0)", "text"},
		{"error()", "nil"},
		{"error(42, 0)", "42"},
		{"error(setmetatable({}, {__tostring = function() return 'mine' end}))",
			"mine"},
		{"error(setmetatable({}, {__tostring = function() error('deep', 0) "
		 "end}))",
			"deep"},
	};
	for (size_t n = 0; n < lengthof(cases); n++) {
		assert_int_equal(luaL_loadstring(L, cases[n].code), 0);
		assert_int_equal(luaT_call(L, 0, 0), -1);
		assert_string_equal(diag_last()->message, cases[n].text);
		assert_ptr_equal(diag_last()->type, &error_type_luajit);
	}
	assert_int_equal(lua_gettop(L), 0);
	diag_clear();
}

static void count_up(int *const *counter)
{
	++**counter;
}

static int raise_with_cleanup(lua_State *L)
{
	_cleanup_(count_up) int *counter = lua_touserdata(L, 1);
	return luaL_error(L, "through the frame of %p", (void *)counter);
}

/* All bindings rely on it: an error that unwinds a C frame runs its cleanups. */
static void test_cleanup_runs_on_error(void **state)
{
	lua_State *L = *state;
	int counter = 0;
	for (int i = 0; i < 100; i++) {
		lua_pushcfunction(L, raise_with_cleanup);
		lua_pushlightuserdata(L, &counter);
		assert_int_equal(luaT_call(L, 1, 0), -1);
	}
	assert_int_equal(counter, 100);
	diag_clear();
}

static void test_builtin_is_kept(void **state)
{
	lua_State *L = *state;
	assert_int_equal(
		luaL_dostring(L,
			"local before = require('string')\n"
			"package.loaded.string = nil\n"
			"return require('string') == before, pcall(require, 'swim')"),
		0);
	assert_true(lua_toboolean(L, 1));
	assert_string_equal(lua_tostring(L, 3),
		"module 'swim' is built into Tarantool but "
		"not into tarantella yet");
	lua_settop(L, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_push_int64),
		cmocka_unit_test(test_to_int64),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_ctype),
		cmocka_unit_test(test_error_keeps_identity),
		cmocka_unit_test(test_error_from_value),
		cmocka_unit_test(test_cleanup_runs_on_error),
		cmocka_unit_test(test_builtin_is_kept),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

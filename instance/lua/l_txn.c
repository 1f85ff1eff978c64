/* box.begin() and its relatives. */
#include <stdlib.h>
#include <string.h>

#include "instance/box/space.h"
#include "instance/box/txn.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/utils.h"

static int l_txn_begin(lua_State *L)
{
	return txn_begin() != NULL ? 0 : luaT_error(L);
}

static int l_txn_commit(lua_State *L)
{
	luaT_may_yield(L);
	if (txn_current() == NULL)
		return 0;
	return txn_commit() == 0 ? 0 : luaT_error(L);
}

static int l_txn_rollback(lua_State *L)
{
	luaT_may_yield(L);
	if (txn_current() == NULL)
		return 0;
	return txn_rollback() == 0 ? 0 : luaT_error(L);
}

static int l_txn_is_in_txn(lua_State *L)
{
	lua_pushboolean(L, txn_current() != NULL);
	return 1;
}

/* A savepoint in Lua: {csavepoint = userdata, txn_id =}; good in its transaction only. */
struct lua_savepoint {
	struct txn_savepoint *savepoint;
	uint64_t txn_id;
};

static int l_txn_savepoint(lua_State *L)
{
	struct txn_savepoint *sp = txn_savepoint_new("");
	if (sp == NULL)
		return luaT_error(L);
	lua_createtable(L, 0, 2);
	struct lua_savepoint *ref = lua_newuserdata(L, sizeof(*ref));
	*ref = (struct lua_savepoint){sp, txn_current()->id};
	lua_setfield(L, -2, "csavepoint");
	luaT_push_uint64(L, ref->txn_id);
	lua_setfield(L, -2, "txn_id");
	return 1;
}

static int l_txn_rollback_to_savepoint(lua_State *L)
{
	struct txn *txn = txn_current();
	const struct lua_savepoint *ref = NULL;
	if (lua_istable(L, 1)) {
		lua_getfield(L, 1, "csavepoint");
		ref = lua_touserdata(L, -1);
	}
	if (ref == NULL)
		return luaL_error(L, "Usage: box.rollback_to_savepoint(savepoint)");
	if (txn == NULL || txn->id != ref->txn_id) {
		diag_set_client(ER_NO_SUCH_SAVEPOINT);
		return luaT_error(L);
	}
	return txn_rollback_to(ref->savepoint) == 0 ? 0 : luaT_error(L);
}

/* ---- Triggers at the end of a transaction ---- */

/* Owned by its transaction. */
struct lua_txn_trigger {
	struct txn_trigger base;
	int ref;
};

static void lua_txn_trigger_free(struct txn_trigger *base)
{
	struct lua_txn_trigger *t = (struct lua_txn_trigger *)base;
	luaL_unref(lua_main, LUA_REGISTRYINDEX, t->ref);
	free(t);
}

/** Iterator over the table in upvalue 1: number, old tuple, new tuple, space id. */
static int next_statement(lua_State *L)
{
	int n = (int)lua_tointeger(L, lua_upvalueindex(2)) + 1;
	lua_pushinteger(L, n);
	lua_replace(L, lua_upvalueindex(2));
	lua_settop(L, 0);
	lua_rawgeti(L, lua_upvalueindex(1), n);
	if (lua_isnil(L, -1))
		return 1;
	lua_pushinteger(L, n);
	for (int i = 1; i <= 3; i++)
		lua_rawgeti(L, 1, i);
	return 4;
}

/** What a trigger gets: a function that gives an iterator. */
static int iterate_statements(lua_State *L)
{
	lua_settop(L, 0);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, next_statement, 2);
	return 1;
}

static void push_statements(lua_State *L, struct txn *txn)
{
	int n = 0;
	lua_newtable(L);
	list_foreach(stmt, &txn->stmts, struct txn_stmt, link)
	{
		if (stmt->space == NULL)
			continue;
		lua_createtable(L, 3, 0);
		luaT_push_tuple_or_nil(L, stmt->old_tuple);
		lua_rawseti(L, -2, 1);
		luaT_push_tuple_or_nil(L, stmt->new_tuple);
		lua_rawseti(L, -2, 2);
		lua_pushinteger(L, space_id(stmt->space));
		lua_rawseti(L, -2, 3);
		lua_rawseti(L, -2, ++n);
	}
	lua_pushcclosure(L, iterate_statements, 1);
}

/** Nobody can be told of an error: the outcome stands. */
static void lua_txn_trigger_run(struct txn_trigger *base, struct txn *txn)
{
	struct lua_txn_trigger *t = (struct lua_txn_trigger *)base;
	lua_State *L = fiber_current->lua_now != NULL ? fiber_current->lua_now : lua_main;
	int top = lua_gettop(L);
	luaL_checkstack(L, LUA_MINSTACK, "trigger");
	lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
	push_statements(L, txn);
	if (luaT_call(L, 1, 0) != 0)
		diag_clear();
	lua_settop(L, top);
	lua_txn_trigger_free(base);
}

static int add_trigger(
	lua_State *L, const char *name, void (*add)(struct txn *, struct txn_trigger *))
{
	struct txn *txn = txn_current();
	if (txn == NULL)
		return luaL_error(L,
			"Usage inside a transaction: box.%s([function | nil, "
			"[function | nil]])",
			name);
	if (!lua_isfunction(L, 1) || lua_gettop(L) > 1)
		return luaL_error(L, "trigger reset: incorrect arguments");
	struct lua_txn_trigger *t = calloc(1, sizeof(*t));
	if (t == NULL)
		return luaL_error(L, "trigger reset: out of memory");
	t->base.run = lua_txn_trigger_run;
	t->base.free = lua_txn_trigger_free;
	lua_pushvalue(L, 1);
	t->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	add(txn, &t->base);
	lua_pushvalue(L, 1);
	return 1;
}

/** These run in the order of adding, those of a rollback in reverse. */
static void on_commit_last(struct txn *txn, struct txn_trigger *t)
{
	list_add_tail(&txn->on_commit, &t->link);
}

static int l_txn_on_commit(lua_State *L)
{
	return add_trigger(L, "on_commit", on_commit_last);
}

static int l_txn_on_rollback(lua_State *L)
{
	return add_trigger(L, "on_rollback", txn_on_rollback);
}

/** box.atomic(f, ...): commit what it returns from, roll back what it raises in. */
static int l_txn_atomic(lua_State *L)
{
	luaT_may_yield(L);
	if (lua_gettop(L) == 0)
		lua_pushnil(L); /* calling it says what is wrong */
	if (txn_begin() == NULL)
		return luaT_error(L);
	int rc = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
	fiber_current->lua_now = L;
	if (rc != 0) {
		if (txn_current() != NULL)
			txn_abort();
		return lua_error(L);
	}
	if (txn_current() != NULL && txn_commit() != 0)
		return luaT_error(L);
	return lua_gettop(L);
}

int luaopen_txn(lua_State *L);

int luaopen_txn(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{"begin", l_txn_begin},
		{"commit", l_txn_commit},
		{"rollback", l_txn_rollback},
		{"is_in_txn", l_txn_is_in_txn},
		{"savepoint", l_txn_savepoint},
		{"rollback_to_savepoint", l_txn_rollback_to_savepoint},
		{"on_commit", l_txn_on_commit},
		{"on_rollback", l_txn_on_rollback},
		{"atomic", l_txn_atomic},
		{NULL, NULL},
	};
	luaT_module(L, "box.internal.txn", funcs);
	return 1;
}

/* Data methods of space and index objects. */
#include "instance/lua/l_index.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/dml.h"
#include "instance/box/mp_raw.h"
#include "instance/box/stat.h"
#include "instance/lua/l_index_iterator.h"
#include "instance/lua/l_msgpack.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/utils.h"

/* What a method works on. */
struct target {
	uint32_t space_id;
	uint32_t index_id;
	bool is_space;
};

static uint32_t self_number(lua_State *L, const char *name)
{
	lua_getfield(L, 1, name);
	double n = lua_tonumber(L, -1);
	lua_pop(L, 1);
	return n >= 0 && n <= UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* `self` as a method of a space gets it. */
static struct target space_target(lua_State *L, const char *method)
{
	if (!lua_istable(L, 1))
		luaL_error(
			L, "Use space:%s(...) instead of space.%s(...)", method, method);
	return (struct target){self_number(L, "id"), 0, true};
}

static struct target index_target(lua_State *L, const char *method)
{
	if (!lua_istable(L, 1))
		luaL_error(
			L, "Use index:%s(...) instead of index.%s(...)", method, method);
	return (struct target){self_number(L, "space_id"), self_number(L, "id"), false};
}

/* A space that lost its primary key (or is gone) says so by its name, as in Tarantool. */
static void check_primary(lua_State *L, const struct target *t)
{
	if (!t->is_space)
		return;
	struct space *space = space_by_id(t->space_id);
	if (space != NULL && space_primary(space) != NULL)
		return;
	lua_getfield(L, 1, "name");
	const char *name = lua_tostring(L, -1);
	diag_set_client(ER_NO_SUCH_INDEX_ID, 0u, name != NULL ? name : "");
	luaT_error(L);
}

/* Push a tuple with the reference that the caller owns, or nothing. */
static int give(lua_State *L, struct tuple *given)
{
	if (given == NULL)
		return 0;
	_cleanup_(tuple_unrefp) struct tuple *tuple = given;
	luaT_push_tuple(L, tuple);
	return 1;
}

static const char *end_of(const struct lua_buf *b)
{
	return b->buf.data + b->buf.len;
}

/* ---- Arguments of searches ---- */

static bool is_empty_key(lua_State *L, int idx)
{
	if (luaT_is_null(L, idx))
		return true;
	if (lua_istable(L, idx))
		return lua_objlen(L, idx) == 0;
	struct tuple *tuple = luaT_is_tuple(L, idx);
	return tuple != NULL && tuple_field_count(tuple) == 0;
}

static int iterator_by_name(lua_State *L, int idx)
{
	size_t len = 0;
	const char *name = NULL;
	enum iterator_type type = ITER_MAX;
	if (lua_type(L, idx) == LUA_TSTRING) {
		name = lua_tolstring(L, idx, &len);
		type = iterator_type_by_name(name, len);
	}
	if (type != ITER_MAX)
		return type;
	lua_getglobal(L, "tostring");
	lua_pushvalue(L, idx < 0 ? idx - 1 : idx);
	lua_call(L, 1, 1);
	diag_set_client(ER_ITERATOR_TYPE, lua_tostring(L, -1));
	luaT_error(L);
}

/* The iterator type that the options at idx name: a table, or the name itself. */
static int iterator_arg(lua_State *L, int idx, bool is_key_empty)
{
	int type = is_key_empty ? ITER_ALL : ITER_EQ;
	if (luaT_is_null(L, idx))
		return type;
	if (lua_type(L, idx) == LUA_TSTRING)
		return iterator_by_name(L, idx);
	if (!lua_istable(L, idx))
		luaL_error(L, "attempt to index local 'opts' (a %s value)",
			luaL_typename(L, idx));
	lua_getfield(L, idx, "iterator");
	if (lua_type(L, -1) == LUA_TNUMBER)
		type = (int)lua_tonumber(L, -1);
	else if (!lua_isnil(L, -1))
		type = iterator_by_name(L, lua_gettop(L));
	lua_pop(L, 1);
	return type;
}

/* An option that is a count; `value` when it is not given. */
static uint32_t count_option(
	lua_State *L, int idx, const char *name, uint32_t value, int arg_number)
{
	if (!lua_istable(L, idx))
		return value;
	lua_getfield(L, idx, name);
	if (lua_type(L, -1) == LUA_TNUMBER)
		value = (uint32_t)(int64_t)lua_tonumber(L, -1);
	else if (!luaT_is_null(L, -1) && !lua_isnil(L, -1))
		luaL_error(L,
			"bad argument #%d to 'box_select' (cannot convert '%s' to "
			"'unsigned int')",
			arg_number, luaL_typename(L, -1));
	lua_pop(L, 1);
	return value;
}

/* ---- Reading ---- */

static int do_get(lua_State *L, const struct target *t)
{
	check_primary(L, t);
	_cleanup_(lua_buf_putp) struct lua_buf *key = lua_buf_take(L);
	luaT_key_encode(L, 2, &key->buf);
	struct tuple *tuple;
	if (dml_get(t->space_id, t->index_id, key->buf.data, end_of(key), &tuple) != 0)
		luaT_error(L);
	return give(L, tuple);
}

/* The result of a select by a whole unique key; false when it is not one. */
static bool select_one(
	lua_State *L, const struct target *t, const char *key, const char *end)
{
	struct space *space = space_by_id(t->space_id);
	struct index *index = space != NULL ? space_index(space, t->index_id) : NULL;
	const char *parts = key;
	if (index == NULL || !index->def->is_unique || index->def->key_def->is_nullable ||
		mp_raw_array(&parts) != index->def->key_def->part_count)
		return false;
	struct tuple *found;
	if (dml_get(t->space_id, t->index_id, key, end, &found) != 0)
		luaT_error(L);
	_cleanup_(tuple_unrefp) struct tuple *tuple = found;
	lua_createtable(L, 1, 0);
	if (tuple != NULL) {
		luaT_push_tuple(L, tuple);
		lua_rawseti(L, -2, 1);
	}
	return true;
}

static int do_select(lua_State *L, const struct target *t)
{
	check_primary(L, t);
	int type = iterator_arg(L, 3, is_empty_key(L, 2));
	uint32_t offset = count_option(L, 3, "offset", 0, 4);
	uint32_t limit = count_option(L, 3, "limit", UINT32_MAX, 5);
	_cleanup_(lua_buf_putp) struct lua_buf *key = lua_buf_take(L);
	luaT_key_encode(L, 2, &key->buf);
	if (type == ITER_EQ && offset == 0 && limit > 0 &&
		select_one(L, t, key->buf.data, end_of(key)))
		return 1;
	_cleanup_(iterator_freep) struct iterator *it =
		dml_iterator(t->space_id, t->index_id, type, key->buf.data, end_of(key));
	if (it == NULL || dml_skip(it, offset) != 0)
		luaT_error(L);
	lua_newtable(L);
	box_stat_count(BOX_STAT_SELECT);
	for (uint32_t i = 1; limit > 0; i++, limit--) {
		struct tuple *tuple;
		if (iterator_next(it, &tuple) != 0)
			luaT_error(L);
		if (tuple == NULL)
			break;
		luaT_push_tuple(L, tuple);
		lua_rawseti(L, -2, (int)i);
	}
	return 1;
}

static int do_pairs(lua_State *L, const struct target *t)
{
	struct space *space = space_by_id(t->space_id);
	if (t->is_space && (space == NULL || space_primary(space) == NULL))
		return l_iterator_push(L, NULL);
	int type = iterator_arg(L, 3, is_empty_key(L, 2));
	_cleanup_(lua_buf_putp) struct lua_buf *key = lua_buf_take(L);
	luaT_key_encode(L, 2, &key->buf);
	struct iterator *it =
		dml_iterator(t->space_id, t->index_id, type, key->buf.data, end_of(key));
	if (it == NULL)
		luaT_error(L);
	box_stat_count(BOX_STAT_SELECT);
	return l_iterator_push(L, it);
}

static int do_count(lua_State *L, const struct target *t)
{
	struct space *space = space_by_id(t->space_id);
	if (t->is_space && (space == NULL || space_primary(space) == NULL)) {
		lua_pushnumber(L, 0);
		return 1;
	}
	int type = iterator_arg(L, 3, is_empty_key(L, 2));
	_cleanup_(lua_buf_putp) struct lua_buf *key = lua_buf_take(L);
	luaT_key_encode(L, 2, &key->buf);
	size_t count;
	if (dml_count(t->space_id, t->index_id, type, key->buf.data, end_of(key),
		    &count) != 0)
		luaT_error(L);
	lua_pushnumber(L, (lua_Number)count);
	return 1;
}

static int do_len(lua_State *L, const struct target *t)
{
	struct space *space = space_by_id(t->space_id);
	size_t len = 0;
	if ((!t->is_space || (space != NULL && space_primary(space) != NULL)) &&
		dml_len(t->space_id, t->index_id, &len) != 0)
		luaT_error(L);
	lua_pushnumber(L, (lua_Number)len);
	return 1;
}

typedef int (*edge_cb)(uint32_t space_id, uint32_t index_id, const char *key,
	const char *end, struct tuple **ret);

static int do_edge(lua_State *L, const struct target *t, edge_cb edge)
{
	_cleanup_(lua_buf_putp) struct lua_buf *key = lua_buf_take(L);
	luaT_key_encode(L, 2, &key->buf);
	struct tuple *tuple = NULL;
	if (edge(t->space_id, t->index_id, key->buf.data, end_of(key), &tuple) != 0)
		luaT_error(L);
	return give(L, tuple);
}

/* ---- Changing ---- */

typedef int (*put_cb)(
	uint32_t space_id, const char *tuple, const char *end, struct tuple **ret);

static int do_put(lua_State *L, const struct target *t, put_cb put)
{
	luaT_may_yield(L);
	_cleanup_(lua_buf_putp) struct lua_buf *data = lua_buf_take(L);
	luaT_tuple_encode(L, 2, &data->buf);
	struct tuple *tuple;
	if (put(t->space_id, data->buf.data, end_of(data), &tuple) != 0)
		luaT_error(L);
	return give(L, tuple);
}

/* The key of a change: a table has to be an array. */
static void encode_exact_key(lua_State *L, int idx, struct buf *out)
{
	if (lua_istable(L, idx))
		luaT_tuple_encode(L, idx, out);
	else
		luaT_key_encode(L, idx, out);
}

static int do_delete(lua_State *L, const struct target *t)
{
	luaT_may_yield(L);
	check_primary(L, t);
	_cleanup_(lua_buf_putp) struct lua_buf *key = lua_buf_take(L);
	encode_exact_key(L, 2, &key->buf);
	struct tuple *tuple;
	if (dml_delete(t->space_id, t->index_id, key->buf.data, end_of(key), &tuple) != 0)
		luaT_error(L);
	return give(L, tuple);
}

static bool is_table_or_tuple(lua_State *L, int idx)
{
	return lua_istable(L, idx) || luaT_is_tuple(L, idx) != NULL;
}

static int do_update(lua_State *L, const struct target *t)
{
	luaT_may_yield(L);
	check_primary(L, t);
	if (!is_table_or_tuple(L, 3))
		return luaL_error(L, "Usage index:update(key, ops)");
	_cleanup_(lua_buf_putp) struct lua_buf *key = lua_buf_take(L);
	_cleanup_(lua_buf_putp) struct lua_buf *ops = lua_buf_take(L);
	encode_exact_key(L, 2, &key->buf);
	lua_to_msgpack(L, &lua_codec_msgpack, 3, &ops->buf);
	struct tuple *tuple;
	if (dml_update(t->space_id, t->index_id, key->buf.data, end_of(key),
		    ops->buf.data, end_of(ops), 1, &tuple) != 0)
		luaT_error(L);
	return give(L, tuple);
}

/* ---- Methods of spaces ---- */

#define SPACE_METHOD(name, body)                          \
	static int l_space_##name(lua_State *L)           \
	{                                                 \
		struct target t = space_target(L, #name); \
		return body;                              \
	}

SPACE_METHOD(get, do_get(L, &t))
SPACE_METHOD(select, do_select(L, &t))
SPACE_METHOD(pairs, do_pairs(L, &t))
SPACE_METHOD(count, do_count(L, &t))
SPACE_METHOD(len, do_len(L, &t))
SPACE_METHOD(insert, do_put(L, &t, dml_insert))
SPACE_METHOD(replace, do_put(L, &t, dml_replace))
SPACE_METHOD(delete, do_delete(L, &t))
SPACE_METHOD(update, do_update(L, &t))

static int l_space_upsert(lua_State *L)
{
	struct target t = space_target(L, "upsert");
	luaT_may_yield(L);
	if (!is_table_or_tuple(L, 2) || !is_table_or_tuple(L, 3))
		return luaL_error(L, "Usage space:upsert(tuple_key, ops)");
	_cleanup_(lua_buf_putp) struct lua_buf *tuple = lua_buf_take(L);
	_cleanup_(lua_buf_putp) struct lua_buf *ops = lua_buf_take(L);
	luaT_tuple_encode(L, 2, &tuple->buf);
	lua_to_msgpack(L, &lua_codec_msgpack, 3, &ops->buf);
	if (dml_upsert(t.space_id, 0, tuple->buf.data, end_of(tuple), ops->buf.data,
		    end_of(ops), 1) != 0)
		luaT_error(L);
	return 0;
}

static int l_space_bsize(lua_State *L)
{
	struct target t = space_target(L, "bsize");
	struct space *space = space_find(t.space_id);
	if (space == NULL)
		luaT_error(L);
	lua_pushnumber(L, (lua_Number)space->bsize);
	return 1;
}

/* frommap({name = value...}, [{table = true}]) */
static int l_space_frommap(lua_State *L)
{
	static const char usage[] = "Usage: space:frommap(map, opts)";
	int nargs = lua_gettop(L);
	if (nargs < 2 || nargs > 3 || !lua_istable(L, 1) || !lua_istable(L, 2))
		return luaL_error(L, usage);
	bool is_table = false;
	if (nargs == 3) {
		if (!lua_istable(L, 3))
			return luaL_error(L, usage);
		lua_getfield(L, 3, "table");
		if (!lua_isnil(L, -1) && !lua_isboolean(L, -1))
			return luaL_error(L, usage);
		is_table = lua_toboolean(L, -1);
	}
	struct target t = space_target(L, "frommap");
	struct space *space = space_find(t.space_id);
	if (space == NULL)
		luaT_error(L);
	const struct tuple_dict *dict = space->format->dict;
	lua_newtable(L);
	int made = lua_gettop(L);
	double max = 0;
	for (lua_pushnil(L); lua_next(L, 2) != 0;) {
		size_t len;
		const char *name = NULL;
		if (lua_type(L, -2) == LUA_TSTRING)
			name = lua_tolstring(L, -2, &len);
		int64_t fieldno = name != NULL ? tuple_dict_find(dict, name, len) : -1;
		if (fieldno < 0) {
			lua_pushnil(L);
			lua_getglobal(L, "tostring");
			lua_pushvalue(L, -4);
			lua_call(L, 1, 1);
			lua_pushfstring(L, "Unknown field '%s'", lua_tostring(L, -1));
			lua_remove(L, -2);
			return 2;
		}
		max = (double)fieldno + 1 > max ? (double)fieldno + 1 : max;
		lua_rawseti(L, made, (int)fieldno + 1);
	}
	for (int i = 1; i < (int)max; i++) {
		lua_rawgeti(L, made, i);
		bool is_hole = lua_isnil(L, -1);
		lua_pop(L, 1);
		if (is_hole) {
			luaT_push_null(L);
			lua_rawseti(L, made, i);
		}
	}
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	luaT_tuple_encode(L, made, &b->buf);
	struct tuple *tuple = tuple_new(space->format, b->buf.data, end_of(b));
	if (tuple == NULL) {
		lua_pushnil(L);
		lua_pushstring(L, diag_last()->message);
		return 2;
	}
	if (!is_table)
		return give(L, tuple);
	tuple_unref(tuple);
	lua_settop(L, made);
	return 1;
}

/* Insert behind the largest key. */
static int l_space_auto_increment(lua_State *L)
{
	struct target t = space_target(L, "auto_increment");
	check_primary(L, &t);
	static const char empty_key[] = "\x90";
	struct tuple *last;
	if (dml_max(t.space_id, 0, empty_key, empty_key + 1, &last) != 0)
		luaT_error(L);
	lua_getglobal(L, "table");
	lua_getfield(L, -1, "insert");
	lua_pushvalue(L, 2);
	lua_pushnumber(L, 1);
	if (last != NULL) {
		const char *field = tuple_field(last, 0);
		luaT_push_field(L, field);
		tuple_unref(last);
		lua_pushnumber(L, lua_tonumber(L, -1) + 1);
		lua_remove(L, -2);
	} else {
		lua_pushnumber(L, 1);
	}
	lua_call(L, 3, 0);
	return do_put(L, &t, dml_insert);
}

/* ---- Methods of indexes ---- */

#define INDEX_METHOD(name, body)                          \
	static int l_index_##name(lua_State *L)           \
	{                                                 \
		struct target t = index_target(L, #name); \
		return body;                              \
	}

INDEX_METHOD(get, do_get(L, &t))
INDEX_METHOD(select, do_select(L, &t))
INDEX_METHOD(pairs, do_pairs(L, &t))
INDEX_METHOD(count, do_count(L, &t))
INDEX_METHOD(len, do_len(L, &t))
INDEX_METHOD(min, do_edge(L, &t, dml_min))
INDEX_METHOD(max, do_edge(L, &t, dml_max))
INDEX_METHOD(delete, do_delete(L, &t))
INDEX_METHOD(update, do_update(L, &t))

static int l_index_random(lua_State *L)
{
	struct target t = index_target(L, "random");
	uint32_t rnd = (uint32_t)(int64_t)lua_tonumber(L, 2);
	struct tuple *tuple;
	if (dml_random(t.space_id, t.index_id, rnd, &tuple) != 0)
		luaT_error(L);
	return give(L, tuple);
}

static int l_index_bsize(lua_State *L)
{
	struct target t = index_target(L, "bsize");
	size_t size;
	if (dml_bsize(t.space_id, t.index_id, &size) != 0)
		luaT_error(L);
	lua_pushnumber(L, (lua_Number)size);
	return 1;
}

const luaL_Reg l_space_methods[] = {
	{"get", l_space_get},
	{"select", l_space_select},
	{"pairs", l_space_pairs},
	{"insert", l_space_insert},
	{"replace", l_space_replace},
	{"put", l_space_replace},
	{"update", l_space_update},
	{"upsert", l_space_upsert},
	{"delete", l_space_delete},
	{"count", l_space_count},
	{"len", l_space_len},
	{"bsize", l_space_bsize},
	{"frommap", l_space_frommap},
	{"auto_increment", l_space_auto_increment},
	{NULL, NULL},
};

const luaL_Reg l_index_methods[] = {
	{"get", l_index_get},
	{"select", l_index_select},
	{"pairs", l_index_pairs},
	{"update", l_index_update},
	{"delete", l_index_delete},
	{"count", l_index_count},
	{"len", l_index_len},
	{"bsize", l_index_bsize},
	{"min", l_index_min},
	{"max", l_index_max},
	{"random", l_index_random},
	{NULL, NULL},
};

void l_index_init(lua_State *L, int idx)
{
	if (idx < 0)
		idx = lua_gettop(L) + idx + 1;
	lua_createtable(L, 0, ITER_MAX);
	for (int i = 0; i < ITER_MAX; i++) {
		lua_pushinteger(L, i);
		lua_setfield(L, -2, iterator_type_name[i]);
	}
	lua_setfield(L, idx, "index");
}

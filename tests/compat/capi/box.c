/*
 * The functions of module.h that are about box, one by one, for Lua: each takes and
 * gives what the C function does. msgpack is a string; a tuple, an iterator... a
 * userdata. One that fails returns nil and "TYPE CODE MESSAGE".
 */
#include "box_values.h"

/* ---- Tuples ---- */

static int l_tuple_new(lua_State *L)
{
	const char *end, *data = to_mp(L, 1, &end);
	box_tuple_format_t *format = to_object(L, 2, format_type);
	if (format == NULL)
		format = box_tuple_format_default();
	return push_made_tuple(L, box_tuple_new(format, data, end));
}

static int l_tuple_new_like(lua_State *L)
{
	const char *end, *data = to_mp(L, 1, &end);
	return push_made_tuple(
		L, box_tuple_new(box_tuple_format(to_tuple(L, 2)), data, end));
}

static int l_tuple_gc(lua_State *L)
{
	box_tuple_unref(to_tuple(L, 1));
	return 0;
}

static int l_tuple_data(lua_State *L)
{
	box_tuple_t *tuple = to_tuple(L, 1);
	size_t size = box_tuple_bsize(tuple);
	char *buf = malloc(size + 1);
	buf[size] = '#';
	ssize_t n = box_tuple_to_buf(tuple, buf, size);
	if (n != (ssize_t)size || buf[size] != '#')
		luaL_error(L, "box_tuple_to_buf");
	lua_pushlstring(L, buf, size);
	free(buf);
	return 1;
}

static int l_tuple_to_buf(lua_State *L)
{
	char buf[64] = "";
	size_t size = (size_t)luaL_checkinteger(L, 2);
	memset(buf, '.', sizeof(buf));
	ssize_t n = box_tuple_to_buf(
		to_tuple(L, 1), buf, size < sizeof(buf) ? size : sizeof(buf));
	lua_pushinteger(L, n);
	lua_pushlstring(L, buf, sizeof(buf));
	return 2;
}

static int l_tuple_field_count(lua_State *L)
{
	lua_pushnumber(L, box_tuple_field_count(to_tuple(L, 1)));
	return 1;
}

static int l_tuple_bsize(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)box_tuple_bsize(to_tuple(L, 1)));
	return 1;
}

static int l_tuple_field(lua_State *L)
{
	box_tuple_t *tuple = to_tuple(L, 1);
	return push_field(L, tuple, box_tuple_field(tuple, to_u32(L, 2)));
}

static int l_tuple_update(lua_State *L)
{
	const char *end, *ops = to_mp(L, 2, &end);
	return push_made_tuple(L, box_tuple_update(to_tuple(L, 1), ops, end));
}

static int l_tuple_upsert(lua_State *L)
{
	const char *end, *ops = to_mp(L, 2, &end);
	return push_made_tuple(L, box_tuple_upsert(to_tuple(L, 1), ops, end));
}

static int l_tuple_same_format(lua_State *L)
{
	box_tuple_format_t *a = box_tuple_format(to_tuple(L, 1));
	lua_pushboolean(L, a == box_tuple_format(to_tuple(L, 2)));
	lua_pushboolean(L, a == box_tuple_format_default());
	return 2;
}

/* The same tuple object? */
static int l_tuple_is_same(lua_State *L)
{
	lua_pushboolean(L, to_tuple(L, 1) == to_tuple(L, 2));
	return 1;
}

/* Many references, then none but the first. */
static int l_tuple_ref_many(lua_State *L)
{
	box_tuple_t *tuple = to_tuple(L, 1);
	int rc = 0, n = (int)luaL_checkinteger(L, 2);
	for (int i = 0; i < n; i++)
		rc |= box_tuple_ref(tuple);
	for (int i = 0; i < n; i++)
		box_tuple_unref(tuple);
	lua_pushinteger(L, rc);
	return 1;
}

/* ---- Fields one after another ---- */

/* A script of steps: n (next), r (rewind), p (position), sN (seek). */
static int l_field_iterator(lua_State *L)
{
	box_tuple_t *tuple = to_tuple(L, 1);
	const char *script = luaL_checkstring(L, 2);
	box_tuple_iterator_t *it = box_tuple_iterator(tuple);
	if (it == NULL)
		return push_error(L);
	int n = 0;
	luaL_checkstack(L, 100, "script");
	for (const char *p = script; *p != '\0' && n < 90; p++) {
		char *end;
		switch (*p) {
		case 'n':
			n += push_field(L, tuple, box_tuple_next(it));
			break;
		case 'r':
			box_tuple_rewind(it);
			break;
		case 'p':
			lua_pushnumber(L, box_tuple_position(it));
			n++;
			break;
		case 's': {
			uint32_t fieldno = (uint32_t)strtoul(p + 1, &end, 10);
			n += push_field(L, tuple, box_tuple_seek(it, fieldno));
			p = end - 1;
			break;
		}
		}
	}
	box_tuple_iterator_free(it);
	return n;
}

/* The iterator holds the tuple: it is used when nobody else has it any more. */
static int l_field_iterator_holds(lua_State *L)
{
	const char *end, *data = to_mp(L, 1, &end);
	box_tuple_t *tuple = box_tuple_new(box_tuple_format_default(), data, end);
	box_tuple_iterator_t *it = box_tuple_iterator(tuple);
	static const char other[] = "\x91\xa3xyz";
	/* Others take its place as the last one. */
	for (int i = 0; i < 10; i++)
		box_tuple_new(box_tuple_format_default(), other, other + 5);
	int n = 0;
	while (box_tuple_next(it) != NULL)
		n++;
	lua_pushinteger(L, n);
	lua_pushnumber(L, box_tuple_position(it));
	box_tuple_iterator_free(it);
	return 2;
}

/* ---- Keys and formats ---- */

/* {{fieldno, type}...} */
static int l_key_def_new(lua_State *L)
{
	uint32_t fields[300], types[300], count = (uint32_t)lua_objlen(L, 1);
	for (uint32_t i = 0; i < count; i++) {
		lua_rawgeti(L, 1, (int)i + 1);
		lua_rawgeti(L, -1, 1);
		lua_rawgeti(L, -2, 2);
		fields[i] = to_u32(L, -2);
		types[i] = to_u32(L, -1);
		lua_pop(L, 3);
	}
	box_key_def_t *def = box_key_def_new(fields, types, count);
	if (def == NULL)
		return push_error(L);
	push_object(L, def, key_def_type);
	return 1;
}

static int l_key_def_gc(lua_State *L)
{
	box_key_def_delete(to_object(L, 1, key_def_type));
	return 0;
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static int l_compare(lua_State *L)
{
	lua_pushinteger(L, sign(box_tuple_compare(to_tuple(L, 1), to_tuple(L, 2),
				   to_object(L, 3, key_def_type))));
	return 1;
}

static int l_compare_with_key(lua_State *L)
{
	const char *end, *key = to_mp(L, 2, &end);
	lua_pushinteger(L, sign(box_tuple_compare_with_key(
				   to_tuple(L, 1), key, to_object(L, 3, key_def_type))));
	return 1;
}

static int l_format_new(lua_State *L)
{
	struct key_def *keys[20];
	uint16_t count = (uint16_t)lua_gettop(L);
	for (int i = 0; i < count; i++)
		keys[i] = to_object(L, i + 1, key_def_type);
	box_tuple_format_t *format = box_tuple_format_new(keys, count);
	if (format == NULL)
		return push_error(L);
	box_tuple_format_ref(format);
	box_tuple_format_unref(format);
	push_object(L, format, format_type);
	return 1;
}

static int l_format_gc(lua_State *L)
{
	box_tuple_format_unref(to_object(L, 1, format_type));
	return 0;
}

static int l_extract_key(lua_State *L)
{
	uint32_t size = 12345;
	char *key =
		box_tuple_extract_key(to_tuple(L, 1), to_u32(L, 2), to_u32(L, 3), &size);
	if (key == NULL)
		return push_error(L);
	lua_pushlstring(L, key, size);
	return 1;
}

/* ---- Names ---- */

static int l_space_id(lua_State *L)
{
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	lua_pushnumber(L, box_space_id_by_name(name, (uint32_t)len));
	return 1;
}

static int l_index_id(lua_State *L)
{
	size_t len;
	const char *name = luaL_checklstring(L, 2, &len);
	lua_pushnumber(L, box_index_id_by_name(to_u32(L, 1), name, (uint32_t)len));
	return 1;
}

/* ---- Changes ---- */

/* A pointer that no function leaves as it is. */
static box_tuple_t *const untouched = (box_tuple_t *)&untouched;

static int push_result(lua_State *L, int rc, box_tuple_t *result)
{
	if (rc == 0 && result == untouched) {
		lua_pushliteral(L, "untouched");
		return 1;
	}
	return push_tuple(L, rc, result);
}

static int l_insert(lua_State *L)
{
	box_tuple_t *result = untouched;
	const char *end, *data = to_mp(L, 2, &end);
	int rc = box_insert(to_u32(L, 1), data, end, &result);
	return push_result(L, rc, result);
}

static int l_replace(lua_State *L)
{
	box_tuple_t *result = untouched;
	const char *end, *data = to_mp(L, 2, &end);
	int rc = box_replace(to_u32(L, 1), data, end, &result);
	return push_result(L, rc, result);
}

static int l_delete(lua_State *L)
{
	box_tuple_t *result = untouched;
	const char *end, *key = to_mp(L, 3, &end);
	int rc = box_delete(to_u32(L, 1), to_u32(L, 2), key, end, &result);
	return push_result(L, rc, result);
}

static int l_update(lua_State *L)
{
	box_tuple_t *result = untouched;
	const char *end, *key = to_mp(L, 3, &end);
	const char *ops_end, *ops = to_mp(L, 4, &ops_end);
	int rc = box_update(to_u32(L, 1), to_u32(L, 2), key, end, ops, ops_end,
		(int)luaL_optinteger(L, 5, 0), &result);
	return push_result(L, rc, result);
}

static int l_upsert(lua_State *L)
{
	box_tuple_t *result = untouched;
	const char *end, *data = to_mp(L, 3, &end);
	const char *ops_end, *ops = to_mp(L, 4, &ops_end);
	int rc = box_upsert(to_u32(L, 1), to_u32(L, 2), data, end, ops, ops_end,
		(int)luaL_optinteger(L, 5, 0), &result);
	return push_result(L, rc, result);
}

/* Each change with NULL for the result: {tuple, key, ops} */
static int l_without_result(lua_State *L)
{
	uint32_t space_id = to_u32(L, 1);
	const char *end, *data = to_mp(L, 2, &end);
	const char *key_end, *key = to_mp(L, 3, &key_end);
	const char *ops_end, *ops = to_mp(L, 4, &ops_end);
	lua_pushinteger(L, box_insert(space_id, data, end, NULL));
	lua_pushinteger(L, box_insert(space_id, data, end, NULL));
	lua_pushinteger(L, box_replace(space_id, data, end, NULL));
	lua_pushinteger(L, box_update(space_id, 0, key, key_end, ops, ops_end, 0, NULL));
	lua_pushinteger(L, box_upsert(space_id, 0, data, end, ops, ops_end, 0, NULL));
	lua_pushinteger(L, box_delete(space_id, 0, key, key_end, NULL));
	lua_pushinteger(L, box_delete(space_id, 0, key, key_end, NULL));
	return 7;
}

static int l_truncate(lua_State *L)
{
	return push_rc(L, box_truncate(to_u32(L, 1)));
}

/* ---- Reading ---- */

static int l_index_len(lua_State *L)
{
	return push_count(L, box_index_len(to_u32(L, 1), to_u32(L, 2)));
}

static int l_index_bsize(lua_State *L)
{
	return push_count(L, box_index_bsize(to_u32(L, 1), to_u32(L, 2)));
}

static int l_index_random(lua_State *L)
{
	box_tuple_t *result = untouched;
	int rc = box_index_random(to_u32(L, 1), to_u32(L, 2), to_u32(L, 3), &result);
	return push_result(L, rc, result);
}

static int l_index_get(lua_State *L)
{
	box_tuple_t *result = untouched;
	const char *end, *key = to_mp(L, 3, &end);
	int rc = box_index_get(to_u32(L, 1), to_u32(L, 2), key, end, &result);
	return push_result(L, rc, result);
}

static int l_index_min(lua_State *L)
{
	box_tuple_t *result = untouched;
	const char *end, *key = to_mp(L, 3, &end);
	int rc = box_index_min(to_u32(L, 1), to_u32(L, 2), key, end, &result);
	return push_result(L, rc, result);
}

static int l_index_max(lua_State *L)
{
	box_tuple_t *result = untouched;
	const char *end, *key = to_mp(L, 3, &end);
	int rc = box_index_max(to_u32(L, 1), to_u32(L, 2), key, end, &result);
	return push_result(L, rc, result);
}

static int l_index_count(lua_State *L)
{
	const char *end, *key = to_mp(L, 4, &end);
	return push_count(L, box_index_count(to_u32(L, 1), to_u32(L, 2),
				     (int)luaL_checkinteger(L, 3), key, end));
}

/* The key must stay as long as the iterator does: it is kept with it. */
static int l_iterator(lua_State *L)
{
	const char *end, *key = to_mp(L, 4, &end);
	lua_pushvalue(L, 4);
	luaL_ref(L, LUA_REGISTRYINDEX);
	box_iterator_t *it = box_index_iterator(
		to_u32(L, 1), to_u32(L, 2), (int)luaL_checkinteger(L, 3), key, end);
	if (it == NULL)
		return push_error(L);
	push_object(L, it, iterator_type);
	return 1;
}

static int l_iterator_next(lua_State *L)
{
	box_tuple_t *result = untouched;
	int rc = box_iterator_next(to_object(L, 1, iterator_type), &result);
	return push_result(L, rc, result);
}

static int l_iterator_gc(lua_State *L)
{
	box_iterator_free(to_object(L, 1, iterator_type));
	return 0;
}

/* ---- Transactions ---- */

static int l_txn_id(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)box_txn_id());
	return 1;
}

static int l_txn(lua_State *L)
{
	lua_pushboolean(L, box_txn());
	return 1;
}

static int l_txn_begin(lua_State *L)
{
	return push_rc(L, box_txn_begin());
}

static int l_txn_commit(lua_State *L)
{
	return push_rc(L, box_txn_commit());
}

static int l_txn_rollback(lua_State *L)
{
	return push_rc(L, box_txn_rollback());
}

/* n blocks of a size, all filled; is each aligned and what it was at the end? */
static int l_txn_alloc(lua_State *L)
{
	int n = (int)luaL_checkinteger(L, 1);
	size_t size = (size_t)luaL_checknumber(L, 2);
	char *blocks[100];
	for (int i = 0; i < n; i++) {
		blocks[i] = box_txn_alloc(size);
		if (blocks[i] == NULL)
			return push_error(L);
		if ((uintptr_t)blocks[i] % 8 != 0)
			return luaL_error(L, "not aligned");
		memset(blocks[i], i, size);
	}
	for (int i = 0; i < n; i++)
		for (size_t j = 0; j < size; j++)
			if (blocks[i][j] != (char)i)
				return luaL_error(L, "overwritten");
	lua_pushboolean(L, 1);
	return 1;
}

/* ---- Sequences, sessions ---- */

static int push_value(lua_State *L, int rc, int64_t value)
{
	if (rc != 0)
		return push_error(L);
	lua_pushnumber(L, (lua_Number)value);
	return 1;
}

static int l_sequence_next(lua_State *L)
{
	int64_t value = -77;
	int rc = box_sequence_next(to_u32(L, 1), &value);
	return push_value(L, rc, value);
}

static int l_sequence_current(lua_State *L)
{
	int64_t value = -77;
	int rc = box_sequence_current(to_u32(L, 1), &value);
	return push_value(L, rc, value);
}

static int l_sequence_set(lua_State *L)
{
	return push_rc(
		L, box_sequence_set(to_u32(L, 1), (int64_t)luaL_checknumber(L, 2)));
}

static int l_sequence_reset(lua_State *L)
{
	return push_rc(L, box_sequence_reset(to_u32(L, 1)));
}

static int l_session_push(lua_State *L)
{
	const char *end, *data = to_mp(L, 1, &end);
	return push_rc(L, box_session_push(data, end));
}

/* ---- Errors ---- */

static int l_error_last(lua_State *L)
{
	return push_error(L);
}

static int l_error_clear(lua_State *L)
{
	(void)L;
	box_error_clear();
	return 0;
}

static int l_error_set(lua_State *L)
{
	lua_pushinteger(L, box_error_set(luaL_optstring(L, 1, NULL), to_u32(L, 2),
				   to_u32(L, 3), "%s", luaL_checkstring(L, 4)));
	return 1;
}

static int l_error_raise(lua_State *L)
{
	box_error_raise(ER_PROC_C, "%s %d%% %5.2f|%-4s|", "text", 42, 3.14159, "x");
	return luaT_error(L);
}

static int l_throw_last(lua_State *L)
{
	return luaT_error(L);
}

/* ---- Latches ---- */

static int l_latch_new(lua_State *L)
{
	push_object(L, box_latch_new(), latch_type);
	return 1;
}

static int l_latch_gc(lua_State *L)
{
	box_latch_delete(to_object(L, 1, latch_type));
	return 0;
}

static int l_latch_lock(lua_State *L)
{
	box_latch_lock(to_object(L, 1, latch_type));
	return 0;
}

static int l_latch_trylock(lua_State *L)
{
	lua_pushinteger(L, box_latch_trylock(to_object(L, 1, latch_type)));
	return 1;
}

static int l_latch_unlock(lua_State *L)
{
	box_latch_unlock(to_object(L, 1, latch_type));
	return 0;
}

/* ---- The module ---- */

static const luaL_Reg functions[] = {
	{"tuple_new", l_tuple_new},
	{"tuple_new_like", l_tuple_new_like},
	{"tuple_data", l_tuple_data},
	{"tuple_to_buf", l_tuple_to_buf},
	{"tuple_field_count", l_tuple_field_count},
	{"tuple_bsize", l_tuple_bsize},
	{"tuple_field", l_tuple_field},
	{"tuple_update", l_tuple_update},
	{"tuple_upsert", l_tuple_upsert},
	{"tuple_same_format", l_tuple_same_format},
	{"tuple_is_same", l_tuple_is_same},
	{"tuple_ref_many", l_tuple_ref_many},
	{"field_iterator", l_field_iterator},
	{"field_iterator_holds", l_field_iterator_holds},
	{"key_def_new", l_key_def_new},
	{"compare", l_compare},
	{"compare_with_key", l_compare_with_key},
	{"format_new", l_format_new},
	{"extract_key", l_extract_key},
	{"space_id", l_space_id},
	{"index_id", l_index_id},
	{"insert", l_insert},
	{"replace", l_replace},
	{"delete", l_delete},
	{"update", l_update},
	{"upsert", l_upsert},
	{"without_result", l_without_result},
	{"truncate", l_truncate},
	{"index_len", l_index_len},
	{"index_bsize", l_index_bsize},
	{"index_random", l_index_random},
	{"index_get", l_index_get},
	{"index_min", l_index_min},
	{"index_max", l_index_max},
	{"index_count", l_index_count},
	{"iterator", l_iterator},
	{"iterator_next", l_iterator_next},
	{"txn_id", l_txn_id},
	{"txn", l_txn},
	{"txn_begin", l_txn_begin},
	{"txn_commit", l_txn_commit},
	{"txn_rollback", l_txn_rollback},
	{"txn_alloc", l_txn_alloc},
	{"sequence_next", l_sequence_next},
	{"sequence_current", l_sequence_current},
	{"sequence_set", l_sequence_set},
	{"sequence_reset", l_sequence_reset},
	{"session_push", l_session_push},
	{"error_last", l_error_last},
	{"error_clear", l_error_clear},
	{"error_set", l_error_set},
	{"error_raise", l_error_raise},
	{"throw_last", l_throw_last},
	{"latch_new", l_latch_new},
	{"latch_lock", l_latch_lock},
	{"latch_trylock", l_latch_trylock},
	{"latch_unlock", l_latch_unlock},
	{NULL, NULL},
};

static void make_type(lua_State *L, const char *type, lua_CFunction gc)
{
	luaL_newmetatable(L, type);
	lua_pushcfunction(L, gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
}

__attribute__((visibility("default"))) int luaopen_capi_box(lua_State *L);

int luaopen_capi_box(lua_State *L)
{
	make_type(L, tuple_type, l_tuple_gc);
	make_type(L, key_def_type, l_key_def_gc);
	make_type(L, format_type, l_format_gc);
	make_type(L, iterator_type, l_iterator_gc);
	make_type(L, latch_type, l_latch_gc);
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}

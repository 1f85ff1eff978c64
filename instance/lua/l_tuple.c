/*
 * Tuples in Lua: a cdata that holds a reference of a tuple, and box.tuple. What
 * is called often is here; the rest of the methods is lua/box/tuple.lua.
 */
#include "instance/lua/l_tuple.h"

#include <math.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/box/mp_raw.h"
#include "instance/box/tuple_text.h"
#include "instance/box/update.h"
#include "instance/lua/init.h"
#include "instance/lua/l_msgpack.h"
#include "instance/lua/utils.h"

/* Payload of the cdata. */
struct lua_tuple {
	struct tuple *tuple; /* a reference; NULL only between push and fill */
};

/* Registry reference of the table of methods. */
static int methods_ref = LUA_NOREF;

void luaT_push_tuple(lua_State *L, struct tuple *tuple)
{
	struct lua_tuple *payload = luaT_push_cdata(L, ctid_tuple);
	tuple_ref(tuple);
	payload->tuple = tuple;
}

void luaT_push_tuple_or_nil(lua_State *L, struct tuple *tuple)
{
	if (tuple != NULL)
		luaT_push_tuple(L, tuple);
	else
		lua_pushnil(L);
}

struct tuple *luaT_is_tuple(lua_State *L, int idx)
{
	uint32_t ctid;
	struct lua_tuple *payload = luaT_to_cdata(L, idx, &ctid);
	return payload != NULL && ctid == ctid_tuple ? payload->tuple : NULL;
}

/* The tuple at 1; raises the usage text when it is none. */
static struct tuple *check_tuple(lua_State *L, const char *usage)
{
	struct tuple *tuple = luaT_is_tuple(L, 1);
	if (tuple == NULL)
		luaL_error(L, "Usage: %s", usage);
	return tuple;
}

/* ---- Fields ---- */

static bool push_path(
	lua_State *L, const struct tuple *tuple, const char *path, size_t len);

static int l_tuple_gc(lua_State *L)
{
	struct lua_tuple *payload = (struct lua_tuple *)lua_topointer(L, 1);
	struct tuple *tuple = payload->tuple;
	payload->tuple = NULL;
	if (tuple != NULL)
		tuple_unref(tuple);
	return 0;
}

/* t[1], t.name, t['[1].path'], t.method */
static int l_tuple_index(lua_State *L)
{
	struct tuple *tuple = luaT_is_tuple(L, 1);
	if (tuple == NULL)
		return 0;
	if (lua_type(L, 2) == LUA_TNUMBER) {
		double n = lua_tonumber(L, 2);
		const char *field = NULL;
		if (n >= 1 && n <= UINT32_MAX)
			field = tuple_field(tuple, (uint32_t)n - 1);
		if (field == NULL)
			return 0;
		luaT_push_field(L, field);
		return 1;
	}
	if (lua_type(L, 2) != LUA_TSTRING)
		return 0;
	size_t len;
	const char *name = lua_tolstring(L, 2, &len);
	const char *field = tuple_field_by_name(tuple, name, len);
	if (field != NULL) {
		luaT_push_field(L, field);
		return 1;
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, methods_ref);
	lua_pushvalue(L, 2);
	lua_rawget(L, -2);
	if (!lua_isnil(L, -1))
		return 1;
	return push_path(L, tuple, name, len);
}

/* A key of a path: a number from 1, or a name. */
struct path_key {
	uint32_t number; /* 0: a name */
	const char *name;
	size_t len;
};

/* The next key of .name, [1], ["name"]. false at the end or when it is malformed. */
static bool path_next(
	const char **path, const char *end, bool is_first, struct path_key *key)
{
	const char *p = *path;
	*key = (struct path_key){0, NULL, 0};
	if (p == end)
		return false;
	if (*p == '[') {
		p++;
		if (p < end && (*p == '"' || *p == '\'')) {
			const char *quote = memchr(p + 1, *p, (size_t)(end - p - 1));
			if (quote == NULL || quote + 1 == end || quote[1] != ']')
				return false;
			key->name = p + 1;
			key->len = (size_t)(quote - p - 1);
			*path = quote + 2;
			return true;
		}
		while (p < end && *p >= '0' && *p <= '9' && key->number < 100000000)
			key->number = key->number * 10 + (uint32_t)(*p++ - '0');
		if (p == end || *p != ']' || key->number == 0)
			return false;
		*path = p + 1;
		return true;
	}
	if (*p == '.' && !is_first)
		p++;
	key->name = p;
	while (p < end && *p != '.' && *p != '[')
		p++;
	key->len = (size_t)(p - key->name);
	*path = p;
	return key->len > 0;
}

/* The value of a map under a name; NULL when there is none. */
static const char *map_find(const char *map, const char *name, size_t len)
{
	uint32_t count = mp_raw_map(&map);
	while (count-- > 0) {
		if (mp_raw_type(map) == MP_STR) {
			uint32_t key_len;
			const char *key = mp_raw_str(&map, &key_len);
			if (key_len == len && memcmp(key, name, len) == 0)
				return map;
		} else {
			map = mp_raw_next(map);
		}
		map = mp_raw_next(map);
	}
	return NULL;
}

static const char *array_at(const char *array, uint32_t number)
{
	if (number > mp_raw_array(&array))
		return NULL;
	while (--number > 0)
		array = mp_raw_next(array);
	return array;
}

static bool push_path(
	lua_State *L, const struct tuple *tuple, const char *path, size_t len)
{
	const char *end = path + len, *value;
	struct path_key key;
	if (!path_next(&path, end, true, &key))
		return false;
	value = key.number > 0 ? tuple_field(tuple, key.number - 1)
			       : tuple_field_by_name(tuple, key.name, key.len);
	while (value != NULL && path < end) {
		if (!path_next(&path, end, false, &key))
			return false;
		if (key.number > 0 && mp_raw_type(value) == MP_ARRAY)
			value = array_at(value, key.number);
		else if (key.number == 0 && mp_raw_type(value) == MP_MAP)
			value = map_find(value, key.name, key.len);
		else
			value = NULL;
	}
	if (value == NULL)
		return false;
	luaT_push_field(L, value);
	return true;
}

static int l_tuple_len(lua_State *L)
{
	lua_pushinteger(L, tuple_field_count(luaT_is_tuple(L, 1)));
	return 1;
}

static int l_tuple_tostring(lua_State *L)
{
	struct tuple *tuple = check_tuple(L, "tostring(tuple)");
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	if (msgpack_to_text(tuple->data, &b->buf) != 0)
		luaT_error(L);
	lua_pushlstring(L, b->buf.data, b->buf.len);
	return 1;
}

static int l_tuple_eq(lua_State *L)
{
	struct tuple *a = luaT_is_tuple(L, 1), *b = luaT_is_tuple(L, 2);
	lua_pushboolean(L, a != NULL && a == b);
	return 1;
}

/* ---- Methods ---- */

/* A number argument at idx, 1 at least; `value` when it is nil. Raises error otherwise.
 */
static uint32_t range_arg(lua_State *L, int idx, uint32_t value, const char *error)
{
	if (luaT_is_null(L, idx))
		return value;
	if (lua_type(L, idx) != LUA_TNUMBER)
		luaL_error(L, "attempt to compare %s with number", luaL_typename(L, idx));
	double n = lua_tonumber(L, idx);
	if (n < 1)
		luaL_error(L, "%s", error);
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

/* Fields [from, to] of totable() and unpack(), from 1. */
static const char *range(lua_State *L, const struct tuple *tuple, uint32_t *ret_count)
{
	const char *p = tuple->data;
	uint32_t count = mp_raw_array(&p);
	uint32_t from = range_arg(L, 2, 1, "tuple.totable: invalid second argument");
	uint32_t to = range_arg(L, 3, count, "tuple.totable: invalid third argument");
	if (to > count)
		to = count;
	*ret_count = from <= to ? to - from + 1 : 0;
	for (uint32_t i = 1; i<from && * ret_count> 0; i++)
		p = mp_raw_next(p);
	return p;
}

static int l_tuple_totable(lua_State *L)
{
	struct tuple *tuple = check_tuple(L, "tuple:totable([from[, to]])");
	uint32_t count;
	const char *p = range(L, tuple, &count);
	lua_createtable(L, (int)count, 0);
	for (uint32_t i = 1; i <= count; i++, p = mp_raw_next(p)) {
		luaT_push_field(L, p);
		lua_rawseti(L, -2, (int)i);
	}
	lua_mark_array(L, &lua_codec_msgpack);
	return 1;
}

static int l_tuple_unpack(lua_State *L)
{
	struct tuple *tuple = check_tuple(L, "tuple:totable([from[, to]])");
	uint32_t count;
	const char *p = range(L, tuple, &count);
	luaL_checkstack(L, (int)count + 4, "too many results to unpack");
	for (uint32_t i = 0; i < count; i++, p = mp_raw_next(p))
		luaT_push_field(L, p);
	return (int)count;
}

/* next(tuple, pos): pos + 1 and that field; nothing at the end */
static int l_tuple_next(lua_State *L)
{
	struct tuple *tuple = check_tuple(L, "tuple:next(tuple[, pos])");
	double pos = 0;
	if (!luaT_is_null(L, 2)) {
		if (lua_type(L, 2) != LUA_TNUMBER)
			return luaL_error(L,
				"bad argument #2 to 'box_tuple_field' (cannot convert "
				"'%s' to 'unsigned int')",
				luaL_typename(L, 2));
		pos = lua_tonumber(L, 2);
	}
	const char *field = NULL;
	if (pos >= 0 && pos < UINT32_MAX)
		field = tuple_field(tuple, (uint32_t)pos);
	if (field == NULL)
		return 0;
	lua_pushnumber(L, pos + 1);
	luaT_push_field(L, field);
	return 2;
}

static int l_tuple_bsize(lua_State *L)
{
	lua_pushnumber(L, check_tuple(L, "tuple:bsize()")->size);
	return 1;
}

/* A slice's bound: from 0, a negative one from the end. */
static int64_t slice_arg(lua_State *L, int idx, uint32_t count)
{
	double n = lua_tonumber(L, idx);
	return (int64_t)n < 0 ? (int64_t)n + count : (int64_t)n;
}

static int l_tuple_slice(lua_State *L)
{
	struct tuple *tuple = luaT_is_tuple(L, 1);
	int nargs = lua_gettop(L);
	if (tuple == NULL)
		return luaL_error(L, "Invalid argument #1 (box.tuple expected, got %s)",
			nargs < 1 ? "no value" : luaL_typename(L, 1));
	if (nargs < 2 || nargs > 3)
		return luaL_error(L, "tuple.slice(): bad arguments");
	uint32_t count = tuple_field_count(tuple);
	int64_t from = slice_arg(L, 2, count),
		to = nargs < 3 ? count : slice_arg(L, 3, count);
	if (from < 0 || from >= count)
		return luaL_error(L, "tuple.slice(): start >= field count");
	if (nargs == 3 && (to <= 0 || to > count))
		return luaL_error(L, "tuple.slice(): end > field count");
	if (to <= from)
		return luaL_error(L, "tuple.slice(): start must be less than end");
	const char *p = tuple_field(tuple, (uint32_t)from);
	luaL_checkstack(L, (int)(to - from) + 4, "too many results");
	for (int64_t i = from; i < to; i++, p = mp_raw_next(p))
		luaT_push_field(L, p);
	return (int)(to - from);
}

static struct tuple *new_like(
	lua_State *L, const struct tuple *tuple, const struct buf *b)
{
	struct tuple_format *format =
		tuple != NULL ? tuple_format(tuple) : tuple_format_runtime;
	struct tuple *made = tuple_new(format, b->data, b->data + b->len);
	if (made == NULL)
		luaT_error(L);
	return made;
}

/* Push the tuple and drop the caller's reference. */
static int give(lua_State *L, struct tuple *given)
{
	_cleanup_(tuple_unrefp) struct tuple *tuple = given;
	luaT_push_tuple(L, tuple);
	return 1;
}

/* transform(offset, remove [, values...]): offset from 1 */
static int l_tuple_transform(lua_State *L)
{
	struct tuple *tuple = luaT_is_tuple(L, 1);
	int nargs = lua_gettop(L);
	if (tuple == NULL)
		return luaL_error(L, "Invalid argument #1 (box.tuple expected, got %s)",
			nargs < 1 ? "no value" : luaL_typename(L, 1));
	if (nargs < 3)
		return luaL_error(L, "tuple.transform(): bad arguments");
	uint32_t count = tuple_field_count(tuple);
	int64_t offset = (int64_t)lua_tonumber(L, 2), len = (int64_t)lua_tonumber(L, 3);
	if (offset == 0)
		return luaL_error(L, "tuple.transform(): offset is out of bound");
	offset = offset < 0 ? offset + count : offset > count ? count : offset - 1;
	if (offset < 0)
		return luaL_error(L, "tuple.transform(): offset is out of bound");
	if (len < 0)
		return luaL_error(L, "tuple.transform(): len is negative");
	if (len > count - offset)
		len = count - offset;
	_cleanup_(lua_buf_putp) struct lua_buf *values = lua_buf_take(L);
	for (int i = 4; i <= nargs; i++)
		lua_to_msgpack(L, &lua_codec_msgpack, i, &values->buf);
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	const char *first = tuple->data;
	mp_raw_array(&first);
	const char *cut = first;
	for (int64_t i = 0; i < offset; i++)
		cut = mp_raw_next(cut);
	const char *rest = cut;
	for (int64_t i = 0; i < len; i++)
		rest = mp_raw_next(rest);
	char head[8];
	char *head_end =
		mp_raw_put_array(head, count - (uint32_t)len + (uint32_t)(nargs - 3));
	if (buf_append(&b->buf, head, (size_t)(head_end - head)) != 0 ||
		buf_append(&b->buf, first, (size_t)(cut - first)) != 0 ||
		buf_append(&b->buf, values->buf.data, values->buf.len) != 0 ||
		buf_append(&b->buf, rest, (size_t)(tuple_end(tuple) - rest)) != 0)
		return luaL_error(L, "not enough memory");
	return give(L, new_like(L, NULL, &b->buf));
}

static int update(lua_State *L, bool is_upsert)
{
	struct tuple *tuple = luaT_is_tuple(L, 1);
	if (tuple == NULL || !lua_istable(L, 2))
		return luaL_error(L, "Usage: tuple:%s({ { op, field, arg}+ })",
			is_upsert ? "upsert" : "update");
	_cleanup_(lua_buf_putp) struct lua_buf *ops = lua_buf_take(L);
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	lua_to_msgpack(L, &lua_codec_msgpack, 2, &ops->buf);
	const char *data = ops->buf.data, *end = data + ops->buf.len;
	const struct tuple_dict *dict = tuple_format(tuple)->dict;
	int rc = is_upsert ? upsert_execute(data, end, tuple->data, tuple_end(tuple),
				     dict, 1, &b->buf)
			   : update_execute(data, end, tuple->data, tuple_end(tuple),
				     dict, 1, &b->buf);
	if (rc != 0)
		luaT_error(L);
	return give(L, new_like(L, tuple, &b->buf));
}

static int l_tuple_update(lua_State *L)
{
	return update(L, false);
}

static int l_tuple_upsert(lua_State *L)
{
	return update(L, true);
}

/* tomap([{names_only = true}]) */
static int l_tuple_tomap(lua_State *L)
{
	static const char usage[] = "Usage: tuple:tomap(opts)";
	struct tuple *tuple = luaT_is_tuple(L, 1);
	int nargs = lua_gettop(L);
	bool names_only = false;
	if (tuple == NULL || nargs > 2 || (nargs == 2 && !lua_istable(L, 2)))
		return luaL_error(L, usage);
	if (nargs == 2) {
		lua_getfield(L, 2, "names_only");
		if (!lua_isnil(L, -1) && !lua_isboolean(L, -1))
			return luaL_error(L, usage);
		names_only = lua_toboolean(L, -1);
	}
	const char *p = tuple->data;
	uint32_t count = mp_raw_array(&p);
	const struct tuple_dict *dict = tuple_format(tuple)->dict;
	lua_createtable(L, names_only ? 0 : (int)count, (int)dict->name_count);
	for (uint32_t i = 0; i < count; i++, p = mp_raw_next(p)) {
		if (i >= dict->name_count && names_only)
			break;
		luaT_push_field(L, p);
		if (i < dict->name_count) {
			lua_pushvalue(L, -1);
			lua_setfield(L, -3, dict->names[i]);
		}
		if (names_only)
			lua_pop(L, 1);
		else
			lua_rawseti(L, -2, (int)i + 1);
	}
	return 1;
}

/* ---- box.tuple ---- */

/* new(table or tuple), new(values...) */
static int l_tuple_new(lua_State *L)
{
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	int nargs = lua_gettop(L);
	if (nargs == 1 && luaT_is_tuple(L, 1) != NULL) {
		luaT_tuple_encode(L, 1, &b->buf);
	} else if (nargs == 1 && lua_istable(L, 1)) {
		/* Here holes are nulls, however many. */
		struct lua_codec codec = lua_codec_msgpack;
		codec.encode_sparse_ratio = 0;
		lua_to_msgpack(L, &codec, 1, &b->buf);
		if (mp_raw_type(b->buf.data) != MP_ARRAY) {
			diag_set_client(ER_TUPLE_NOT_ARRAY);
			return luaT_error(L);
		}
	} else {
		char *p = buf_reserve(&b->buf, 5);
		if (p == NULL)
			return luaL_error(L, "not enough memory");
		b->buf.len += (size_t)(mp_raw_put_array(p, (uint32_t)nargs) - p);
		for (int i = 1; i <= nargs; i++)
			lua_to_msgpack(L, &lua_codec_msgpack, i, &b->buf);
	}
	return give(L, new_like(L, NULL, &b->buf));
}

static int l_tuple_is(lua_State *L)
{
	lua_pushboolean(L, lua_gettop(L) > 0 && luaT_is_tuple(L, 1) != NULL);
	return 1;
}

static const luaL_Reg meta[] = {
	{"__gc", l_tuple_gc},
	{"__index", l_tuple_index},
	{"__len", l_tuple_len},
	{"__tostring", l_tuple_tostring},
	{"__eq", l_tuple_eq},
	{NULL, NULL},
};

static const luaL_Reg methods[] = {
	{"next", l_tuple_next},
	{"totable", l_tuple_totable},
	{"unpack", l_tuple_unpack},
	{"bsize", l_tuple_bsize},
	{"slice", l_tuple_slice},
	{"transform", l_tuple_transform},
	{"update", l_tuple_update},
	{"upsert", l_tuple_upsert},
	{"tomap", l_tuple_tomap},
	{NULL, NULL},
};

static const luaL_Reg functions[] = {
	{"new", l_tuple_new},
	{"is", l_tuple_is},
	{NULL, NULL},
};

static void set_functions(lua_State *L, const luaL_Reg *funcs)
{
	for (; funcs->name != NULL; funcs++) {
		lua_pushcfunction(L, funcs->func);
		lua_setfield(L, -2, funcs->name);
	}
}

int luaopen_tuple(lua_State *L);

/* For lua/box/tuple.lua: {functions = box.tuple, methods, meta}. */
int luaopen_tuple(lua_State *L)
{
	if (tuple_format_init() != 0)
		luaT_error(L);
	luaT_cdef(L, "struct tuple { void *ptr; };");
	ctid_tuple = luaT_ctype(L, "struct tuple");
	lua_newtable(L);
	lua_newtable(L);
	set_functions(L, functions);
	lua_setfield(L, -2, "functions");
	lua_newtable(L);
	set_functions(L, methods);
	lua_pushvalue(L, -1);
	methods_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_setfield(L, -2, "methods");
	lua_newtable(L);
	set_functions(L, meta);
	lua_setfield(L, -2, "meta");
	return 1;
}

void l_tuple_init(lua_State *L, int idx)
{
	if (idx < 0)
		idx = lua_gettop(L) + idx + 1;
	lua_push_builtin(L, "box.tuple");
	lua_setfield(L, idx, "tuple");
}

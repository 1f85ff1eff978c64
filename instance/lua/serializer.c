#include "instance/lua/serializer.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "instance/box/tuple.h"
#include "instance/lua/utils.h"

/* __serialize results with a __serialize of their own. */
enum { SERIALIZE_CHAIN_MAX = 64 };
/* Nesting: C recursion that any fiber's stack bears. */
enum { DEPTH_MAX = 512 };

/* Numeric ctypes, looked up when the first cdata is met. */
static struct {
	uint32_t bool_, char_, int8, uint8, int16, uint16, int32, uint32, float_, double_;
} ctids;

/* Registry references of the metatables that decoded tables get. */
static int array_mt_ref = LUA_NOREF, map_mt_ref = LUA_NOREF;

static void classify(lua_State *L, const struct lua_codec *codec, int idx,
	struct lua_item *ret, int chain);

static void init_ctids(lua_State *L)
{
	ctids.bool_ = luaT_ctype(L, "bool");
	ctids.char_ = luaT_ctype(L, "char");
	ctids.int8 = luaT_ctype(L, "int8_t");
	ctids.uint8 = luaT_ctype(L, "uint8_t");
	ctids.int16 = luaT_ctype(L, "int16_t");
	ctids.uint16 = luaT_ctype(L, "uint16_t");
	ctids.int32 = luaT_ctype(L, "int32_t");
	ctids.uint32 = luaT_ctype(L, "uint32_t");
	ctids.float_ = luaT_ctype(L, "float");
	ctids.double_ = luaT_ctype(L, "double");
}

static void set_int(struct lua_item *ret, int64_t v)
{
	ret->kind = v >= 0 ? LUA_KIND_UINT : LUA_KIND_INT;
	ret->i = v;
}

static void set_double(lua_State *L, const struct lua_codec *codec, enum lua_kind kind,
	double d, struct lua_item *ret)
{
	ret->kind = kind;
	ret->d = d;
	if (likely(isfinite(d)) || codec->encode_invalid_numbers)
		return;
	if (!codec->encode_invalid_as_nil) {
		diag_set(luajit, "number must not be NaN or Inf");
		luaT_error(L);
	}
	ret->kind = LUA_KIND_NIL;
}

static void set_number(
	lua_State *L, const struct lua_codec *codec, double d, struct lua_item *ret)
{
	if (d >= 0 && d < 18446744073709551616.0 && (double)(uint64_t)d == d) {
		ret->kind = LUA_KIND_UINT;
		ret->u = (uint64_t)d;
	} else if (d < 0 && d >= -9223372036854775808.0 && (double)(int64_t)d == d) {
		set_int(ret, (int64_t)d);
	} else {
		set_double(L, codec, LUA_KIND_DOUBLE, d, ret);
	}
}

/* A cdata that holds a number or a boolean. */
static bool classify_number_cdata(lua_State *L, const struct lua_codec *codec,
	const void *p, uint32_t id, struct lua_item *ret)
{
	if (ctids.bool_ == 0)
		init_ctids(L);
#define LOAD(type)                          \
	({                                  \
		type v_;                    \
		memcpy(&v_, p, sizeof(v_)); \
		v_;                         \
	})
	if (id == ctid_uint64) {
		ret->kind = LUA_KIND_UINT;
		ret->u = LOAD(uint64_t);
	} else if (id == ctid_int64) {
		set_int(ret, LOAD(int64_t));
	} else if (id == ctids.bool_) {
		ret->kind = LUA_KIND_BOOL;
		ret->b = *(const unsigned char *)p != 0;
	} else if (id == ctids.int8 || id == ctids.char_) {
		set_int(ret, LOAD(int8_t));
	} else if (id == ctids.int16) {
		set_int(ret, LOAD(int16_t));
	} else if (id == ctids.int32) {
		set_int(ret, LOAD(int32_t));
	} else if (id == ctids.uint8) {
		set_int(ret, LOAD(uint8_t));
	} else if (id == ctids.uint16) {
		set_int(ret, LOAD(uint16_t));
	} else if (id == ctids.uint32) {
		set_int(ret, LOAD(uint32_t));
	} else if (id == ctids.float_) {
		set_double(L, codec, LUA_KIND_FLOAT, LOAD(float), ret);
	} else if (id == ctids.double_) {
		set_double(L, codec, LUA_KIND_DOUBLE, LOAD(double), ret);
	} else {
		return false;
	}
#undef LOAD
	return true;
}

/* Replace the value at idx by what is on the top, and classify that. */
static void classify_result(lua_State *L, const struct lua_codec *codec, int idx,
	struct lua_item *ret, int chain)
{
	if (chain >= SERIALIZE_CHAIN_MAX)
		luaL_error(L, "too many nested __serialize");
	lua_replace(L, idx);
	classify(L, codec, idx, ret, chain + 1);
}

static int get_serialize(lua_State *L)
{
	lua_getfield(L, 1, "__serialize");
	return 1;
}

/* Push obj.__serialize of a cdata or userdata; false when there is none. */
static bool push_serialize_field(lua_State *L, int idx)
{
	if (lua_type(L, idx) == LUA_TUSERDATA)
		return luaL_getmetafield(L, idx, "__serialize") != 0;
	lua_pushcfunction(L, get_serialize);
	lua_pushvalue(L, idx);
	if (lua_pcall(L, 1, 1, 0) == 0 && lua_isfunction(L, -1))
		return true;
	lua_pop(L, 1);
	return false;
}

/* What has no form of its own: __serialize, tostring(), nil, or an error. */
static void convert(lua_State *L, const struct lua_codec *codec, int idx,
	struct lua_item *ret, int chain)
{
	int type = lua_type(L, idx);
	if (codec->encode_load_metatables &&
		(type == LUA_TCDATA || type == LUA_TUSERDATA) &&
		push_serialize_field(L, idx)) {
		lua_pushvalue(L, idx);
		lua_call(L, 1, 1);
		classify_result(L, codec, idx, ret, chain);
		return;
	}
	if (codec->encode_use_tostring) {
		lua_getglobal(L, "tostring");
		lua_pushvalue(L, idx);
		lua_call(L, 1, 1);
		classify_result(L, codec, idx, ret, chain);
		return;
	}
	if (!codec->encode_invalid_as_nil)
		luaL_error(L, "unsupported Lua type '%s'", lua_typename(L, type));
	ret->kind = LUA_KIND_NIL;
}

static void classify_cdata(lua_State *L, const struct lua_codec *codec, int idx,
	struct lua_item *ret, int chain)
{
	uint32_t id;
	void *p = luaT_to_cdata(L, idx, &id);
	if (id == ctid_tuple) {
		ret->kind = LUA_KIND_TUPLE;
		ret->tuple = *(struct tuple **)p;
		ret->is_flow = true;
	} else if (id == ctid_decimal || id == ctid_uuid) {
		ret->kind = id == ctid_decimal ? LUA_KIND_DECIMAL : LUA_KIND_UUID;
		ret->payload = p;
	} else if (luaT_is_null(L, idx)) {
		ret->kind = LUA_KIND_NIL;
	} else if (!classify_number_cdata(L, codec, p, id, ret)) {
		convert(L, codec, idx, ret, chain);
	}
}

static uint32_t count_pairs(lua_State *L, int idx)
{
	uint32_t n = 0;
	for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1))
		n++;
	return n;
}

/* The table at idx has a __serialize (on the top, popped). */
static void classify_by_hint(lua_State *L, const struct lua_codec *codec, int idx,
	struct lua_item *ret, int chain)
{
	if (lua_isfunction(L, -1)) {
		lua_pushvalue(L, idx);
		lua_call(L, 1, 1);
		classify_result(L, codec, idx, ret, chain);
		return;
	}
	const char *hint = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
	bool is_seq = strcmp(hint, "seq") == 0, is_map = strcmp(hint, "map") == 0;
	if (is_seq || strcmp(hint, "array") == 0 || strcmp(hint, "sequence") == 0) {
		lua_pop(L, 1);
		ret->kind = LUA_KIND_ARRAY;
		ret->size = (uint32_t)lua_objlen(L, idx);
		ret->is_flow = is_seq;
	} else if (is_map || strcmp(hint, "mapping") == 0) {
		lua_pop(L, 1);
		ret->kind = LUA_KIND_MAP;
		ret->size = count_pairs(L, idx);
		ret->is_flow = is_map;
	} else {
		diag_set(luajit, "invalid __serialize value");
		luaT_error(L);
	}
}

static void classify_table(lua_State *L, const struct lua_codec *codec, int idx,
	struct lua_item *ret, int chain)
{
	if (codec->encode_load_metatables && luaL_getmetafield(L, idx, "__serialize")) {
		classify_by_hint(L, codec, idx, ret, chain);
		return;
	}
	uint32_t size = 0, max = 0;
	ret->kind = LUA_KIND_ARRAY;
	for (lua_pushnil(L); lua_next(L, idx) != 0; size++) {
		lua_pop(L, 1);
		double key = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
		if (!(key >= 1 && key <= INT32_MAX && key == floor(key))) {
			lua_pop(L, 1);
			ret->kind = LUA_KIND_MAP;
			ret->size = count_pairs(L, idx);
			return;
		}
		if (key > max)
			max = (uint32_t)key;
	}
	ret->size = max;
	if (codec->encode_sparse_ratio > 0 &&
		max > (uint64_t)size * (unsigned)codec->encode_sparse_ratio &&
		max > (uint32_t)codec->encode_sparse_safe) {
		if (!codec->encode_sparse_convert) {
			diag_set(luajit, "excessively sparse array");
			luaT_error(L);
		}
		ret->kind = LUA_KIND_MAP;
		ret->size = size;
	}
}

static void classify(lua_State *L, const struct lua_codec *codec, int idx,
	struct lua_item *ret, int chain)
{
	size_t len;
	ret->is_flow = false;
	switch (lua_type(L, idx)) {
	case LUA_TNUMBER:
		set_number(L, codec, lua_tonumber(L, idx), ret);
		break;
	case LUA_TSTRING:
		ret->kind = LUA_KIND_STR;
		ret->s = lua_tolstring(L, idx, &len);
		ret->size = (uint32_t)len;
		if (len > INT32_MAX)
			luaL_error(L, "the string is too long");
		break;
	case LUA_TBOOLEAN:
		ret->kind = LUA_KIND_BOOL;
		ret->b = lua_toboolean(L, idx);
		break;
	case LUA_TNIL:
		ret->kind = LUA_KIND_NIL;
		break;
	case LUA_TTABLE:
		classify_table(L, codec, idx, ret, chain);
		break;
	case LUA_TCDATA:
		classify_cdata(L, codec, idx, ret, chain);
		break;
	case LUA_TLIGHTUSERDATA:
		if (lua_touserdata(L, idx) == NULL) {
			ret->kind = LUA_KIND_NIL;
			break;
		}
		convert(L, codec, idx, ret, chain);
		break;
	default:
		convert(L, codec, idx, ret, chain);
	}
}

void lua_classify(
	lua_State *L, const struct lua_codec *codec, int idx, struct lua_item *ret)
{
	classify(L, codec, idx, ret, 0);
}

void lua_mark_array(lua_State *L, const struct lua_codec *codec)
{
	if (!codec->decode_save_metatables || array_mt_ref == LUA_NOREF)
		return;
	lua_rawgeti(L, LUA_REGISTRYINDEX, array_mt_ref);
	lua_setmetatable(L, -2);
}

void lua_mark_map(lua_State *L, const struct lua_codec *codec)
{
	if (!codec->decode_save_metatables || map_mt_ref == LUA_NOREF)
		return;
	lua_rawgeti(L, LUA_REGISTRYINDEX, map_mt_ref);
	lua_setmetatable(L, -2);
}

static const struct option {
	const char *name;
	size_t offset;
	bool is_bool;
} options[] = {
#define OPTION(name, is_bool)                                    \
	{                                                        \
#name, offsetof(struct lua_codec, name), is_bool \
	}
	OPTION(encode_sparse_convert, true),
	OPTION(encode_sparse_ratio, false),
	OPTION(encode_sparse_safe, false),
	OPTION(encode_max_depth, false),
	OPTION(encode_deep_as_nil, true),
	OPTION(encode_invalid_numbers, true),
	OPTION(encode_number_precision, false),
	OPTION(encode_load_metatables, true),
	OPTION(encode_use_tostring, true),
	OPTION(encode_invalid_as_nil, true),
	OPTION(decode_invalid_numbers, true),
	OPTION(decode_save_metatables, true),
	OPTION(decode_max_depth, false),
#undef OPTION
};

static int *option_of(struct lua_codec *codec, const struct option *option)
{
	return (int *)((char *)codec + option->offset);
}

void lua_codec_read(lua_State *L, int idx, struct lua_codec *codec)
{
	for (size_t i = 0; i < lengthof(options); i++) {
		lua_getfield(L, idx, options[i].name);
		int *value = option_of(codec, &options[i]);
		if (!lua_isnil(L, -1))
			*value = options[i].is_bool ? lua_toboolean(L, -1)
						    : (int)lua_tointeger(L, -1);
		lua_pop(L, 1);
	}
	if (codec->encode_max_depth > DEPTH_MAX)
		codec->encode_max_depth = DEPTH_MAX;
	if (codec->decode_max_depth > DEPTH_MAX)
		codec->decode_max_depth = DEPTH_MAX;
}

/* Show the settings in the table on the top. */
static void show_options(lua_State *L, struct lua_codec *codec)
{
	for (size_t i = 0; i < lengthof(options); i++) {
		int value = *option_of(codec, &options[i]);
		if (options[i].is_bool)
			lua_pushboolean(L, value);
		else
			lua_pushinteger(L, value);
		lua_setfield(L, -2, options[i].name);
	}
}

/* cfg{...}; upvalue: the codec. */
static int codec_cfg(lua_State *L)
{
	struct lua_codec *codec = lua_touserdata(L, lua_upvalueindex(1));
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checktype(L, 2, LUA_TTABLE);
	lua_codec_read(L, 2, codec);
	lua_settop(L, 1);
	show_options(L, codec);
	return 0;
}

const struct lua_codec *lua_codec_of(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

/* The metatable {__serialize = hint}, made once. */
static void push_hint_mt(lua_State *L, int *ref, const char *hint)
{
	if (*ref == LUA_NOREF) {
		lua_createtable(L, 0, 1);
		lua_pushstring(L, hint);
		lua_setfield(L, -2, "__serialize");
		*ref = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, *ref);
}

static int codec_new(lua_State *L);

/* Push a module table; the codec's userdata (light or full) is on the top. */
static void push_module(lua_State *L, struct lua_codec *codec, const luaL_Reg *funcs)
{
	int owner = lua_gettop(L);
	lua_newtable(L);
	for (const luaL_Reg *f = funcs; f->name != NULL; f++) {
		lua_pushvalue(L, owner);
		lua_pushcclosure(L, f->func, 1);
		lua_setfield(L, -2, f->name);
	}
	lua_pushvalue(L, owner);
	lua_pushlightuserdata(L, (void *)funcs);
	lua_pushcclosure(L, codec_new, 2);
	lua_setfield(L, -2, "new");
	luaT_push_null(L);
	lua_setfield(L, -2, "NULL");
	push_hint_mt(L, &array_mt_ref, "seq");
	lua_setfield(L, -2, "array_mt");
	push_hint_mt(L, &map_mt_ref, "map");
	lua_setfield(L, -2, "map_mt");
	lua_newtable(L);
	show_options(L, codec);
	lua_newtable(L);
	lua_pushvalue(L, owner);
	lua_pushcclosure(L, codec_cfg, 1);
	lua_setfield(L, -2, "__call");
	lua_setmetatable(L, -2);
	lua_setfield(L, -2, "cfg");
	lua_remove(L, owner);
}

/* new(): a codec of its own, with the defaults; upvalues: the codec, its functions. */
static int codec_new(lua_State *L)
{
	static const struct lua_codec defaults = LUA_CODEC_DEFAULT;
	const luaL_Reg *funcs = lua_touserdata(L, lua_upvalueindex(2));
	struct lua_codec *codec = lua_newuserdata(L, sizeof(*codec));
	*codec = defaults;
	push_module(L, codec, funcs);
	return 1;
}

void lua_codec_open(lua_State *L, struct lua_codec *codec, const luaL_Reg *funcs)
{
	lua_pushlightuserdata(L, codec);
	push_module(L, codec, funcs);
}

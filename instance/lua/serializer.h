/*
 * How a Lua value becomes data: json, yaml and msgpack all ask here what a value
 * is before they write it (array or map, integer or double, __serialize...).
 */
#ifndef LUA_SERIALIZER_H
#define LUA_SERIALIZER_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "instance/base/diag.h"

struct tuple;

/* The settings of one codec: `json.cfg`, `yaml.new{...}`. Static, or owned by a
 * userdata that is an upvalue of the codec's functions. */
struct lua_codec {
	int encode_sparse_convert;
	int encode_sparse_ratio;
	int encode_sparse_safe;
	int encode_max_depth;
	int encode_deep_as_nil;
	int encode_invalid_numbers;
	int encode_number_precision;
	int encode_load_metatables;
	int encode_use_tostring;
	int encode_invalid_as_nil;
	int decode_invalid_numbers;
	int decode_save_metatables;
	int decode_max_depth;
};

#define LUA_CODEC_DEFAULT                                                   \
	{                                                                   \
		.encode_sparse_convert = 1, .encode_sparse_ratio = 2,       \
		.encode_sparse_safe = 10, .encode_max_depth = 128,          \
		.encode_invalid_numbers = 1, .encode_number_precision = 14, \
		.encode_load_metatables = 1, .decode_invalid_numbers = 1,   \
		.decode_save_metatables = 1, .decode_max_depth = 128,       \
	}

/* The codec of CALL, EVAL, tuples and `msgpack`; msgpack.cfg changes it. */
extern struct lua_codec lua_codec_msgpack;

enum lua_kind {
	LUA_KIND_NIL,
	LUA_KIND_BOOL,
	LUA_KIND_UINT,
	LUA_KIND_INT, /* negative */
	LUA_KIND_DOUBLE,
	LUA_KIND_FLOAT,
	LUA_KIND_STR,
	LUA_KIND_ARRAY,
	LUA_KIND_MAP,
	LUA_KIND_DECIMAL,
	LUA_KIND_UUID,
	LUA_KIND_TUPLE,
};

/* Points into the Lua value, which stays on the stack. */
struct lua_item {
	enum lua_kind kind;
	bool is_flow;  /* a container that asks for the compact form */
	uint32_t size; /* bytes of a string, elements of a container */
	union {
		bool b;
		int64_t i;
		uint64_t u;
		double d;
		const char *s;
		const void *payload; /* of a decimal or uuid cdata */
		struct tuple *tuple;
	};
};

/**
 * Tell what the value at idx (absolute) is. __serialize may run: its result then
 * stands at idx in place of the value. Needs four free stack slots.
 * Raises when the value cannot be encoded under these settings.
 */
void lua_classify(
	lua_State *L, const struct lua_codec *codec, int idx, struct lua_item *ret);

/** Set the metatable that makes an empty decoded table an array or map again. */
void lua_mark_array(lua_State *L, const struct lua_codec *codec);
void lua_mark_map(lua_State *L, const struct lua_codec *codec);

/* A function of a codec: its codec is the first upvalue. */
const struct lua_codec *lua_codec_of(lua_State *L);

/**
 * Push a codec module: the functions, cfg, new, NULL, array_mt, map_mt...
 * @param codec  static settings that belong to the module itself
 * @param funcs  ended by a row of NULL; static
 */
void lua_codec_open(lua_State *L, struct lua_codec *codec, const luaL_Reg *funcs);

/** Take the settings that the table at idx names; others stay. */
void lua_codec_read(lua_State *L, int idx, struct lua_codec *codec);

#endif

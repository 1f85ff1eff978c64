/*
 * cdata from C. LuaJIT has no API for it, so this leans on two facts that are
 * checked at start-up: lua_topointer() gives the payload, and a ctype id of 16
 * bits stands in the header before it. Where the second one does not hold,
 * ffi.typeof() is asked instead, which is slower but always right.
 */
#include "instance/lua/utils.h"

#include <stdio.h>
#include <string.h>

#include "instance/lua/init.h"

uint32_t ctid_int64, ctid_uint64, ctid_error, ctid_uuid, ctid_decimal, ctid_tuple;

static uint32_t ctid_void_ptr;
/* Where the id stands before the payload; 0: ask ffi.typeof(). */
static int ctid_offset;
/* Registry references. */
static int ref_typeof, ref_new, ref_cdef, ref_metatype, ref_null;
/* Field `ctypes` of the registry: [ctype id] = ctype. */
static int ref_ctypes;

/** The id that a ctype object (on the top) stands for: its payload. */
static uint32_t ctype_id(lua_State *L)
{
	const void *payload = lua_topointer(L, -1);
	uint32_t id;
	memcpy(&id, payload, sizeof(id));
	return id;
}

static uint32_t header_id(const void *payload, int offset)
{
	uint16_t id;
	memcpy(&id, (const char *)payload - offset, sizeof(id));
	return id;
}

static uint32_t ask_ctid(lua_State *L, int idx)
{
	lua_pushvalue(L, idx);
	lua_rawgeti(L, LUA_REGISTRYINDEX, ref_typeof);
	lua_insert(L, -2);
	lua_call(L, 1, 1);
	uint32_t id = ctype_id(L);
	lua_pop(L, 1);
	return id;
}

void *luaT_to_cdata(lua_State *L, int idx, uint32_t *ret_ctid)
{
	if (lua_type(L, idx) != LUA_TCDATA)
		return NULL;
	void *payload = (void *)lua_topointer(L, idx);
	*ret_ctid = likely(ctid_offset != 0) ? header_id(payload, ctid_offset)
					     : ask_ctid(L, idx);
	return payload;
}

void *luaT_push_cdata(lua_State *L, uint32_t ctid)
{
	luaL_checkstack(L, 4, "cdata");
	lua_rawgeti(L, LUA_REGISTRYINDEX, ref_new);
	lua_rawgeti(L, LUA_REGISTRYINDEX, ref_ctypes);
	lua_rawgeti(L, -1, (int)ctid);
	lua_remove(L, -2);
	lua_call(L, 1, 1);
	return (void *)lua_topointer(L, -1);
}

void luaT_cdef(lua_State *L, const char *text)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, ref_cdef);
	lua_pushstring(L, text);
	lua_call(L, 1, 0);
}

uint32_t luaT_ctype(lua_State *L, const char *name)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, ref_ctypes);
	lua_rawgeti(L, LUA_REGISTRYINDEX, ref_typeof);
	lua_pushstring(L, name);
	lua_call(L, 1, 1);
	uint32_t id = ctype_id(L);
	lua_rawseti(L, -2, (int)id);
	lua_pop(L, 1);
	return id;
}

void luaT_know_ctype(lua_State *L, uint32_t ctid)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, ref_ctypes);
	lua_rawgeti(L, -1, (int)ctid);
	if (lua_isnil(L, -1)) {
		/* Each call of typeof() gives a ctype object of its own. */
		lua_rawgeti(L, LUA_REGISTRYINDEX, ref_typeof);
		lua_pushliteral(L, "int");
		lua_call(L, 1, 1);
		memcpy((void *)lua_topointer(L, -1), &ctid, sizeof(ctid));
		lua_rawseti(L, -3, (int)ctid);
	}
	lua_pop(L, 2);
}

void luaT_metatype(lua_State *L, const char *name)
{
	if (strcmp(name, "struct error") == 0)
		lua_error_metatable(L);
	lua_rawgeti(L, LUA_REGISTRYINDEX, ref_metatype);
	lua_pushstring(L, name);
	lua_pushvalue(L, -3);
	lua_call(L, 2, 0);
	lua_pop(L, 1);
}

/* Doubles hold these exactly; Tarantool draws the line here too. */
#define LUA_INT_MAX 100000000000000LL

void luaT_push_uint64(lua_State *L, uint64_t v)
{
	if (v < LUA_INT_MAX) {
		lua_pushnumber(L, (lua_Number)v);
		return;
	}
	memcpy(luaT_push_cdata(L, ctid_uint64), &v, sizeof(v));
}

void luaT_push_int64(lua_State *L, int64_t v)
{
	if (v > -LUA_INT_MAX && v < LUA_INT_MAX) {
		lua_pushnumber(L, (lua_Number)v);
		return;
	}
	memcpy(luaT_push_cdata(L, ctid_int64), &v, sizeof(v));
}

static bool number_to_uint64(double num, uint64_t *ret)
{
	if (!(num >= 0 && num < 18446744073709551616.0) || (double)(uint64_t)num != num)
		return false;
	*ret = (uint64_t)num;
	return true;
}

static bool number_to_int64(double num, int64_t *ret)
{
	if (!(num >= -9223372036854775808.0 && num < 9223372036854775808.0) ||
		(double)(int64_t)num != num)
		return false;
	*ret = (int64_t)num;
	return true;
}

bool luaT_to_uint64(lua_State *L, int idx, uint64_t *ret)
{
	if (lua_type(L, idx) == LUA_TNUMBER)
		return number_to_uint64(lua_tonumber(L, idx), ret);
	uint32_t ctid;
	void *payload = luaT_to_cdata(L, idx, &ctid);
	if (payload == NULL || (ctid != ctid_uint64 && ctid != ctid_int64))
		return false;
	memcpy(ret, payload, sizeof(*ret));
	return ctid == ctid_uint64 || (int64_t)*ret >= 0;
}

bool luaT_to_int64(lua_State *L, int idx, int64_t *ret)
{
	if (lua_type(L, idx) == LUA_TNUMBER)
		return number_to_int64(lua_tonumber(L, idx), ret);
	uint32_t ctid;
	void *payload = luaT_to_cdata(L, idx, &ctid);
	if (payload == NULL || (ctid != ctid_uint64 && ctid != ctid_int64))
		return false;
	memcpy(ret, payload, sizeof(*ret));
	return ctid == ctid_int64 || *ret >= 0;
}

void luaT_push_null(lua_State *L)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, ref_null);
}

bool luaT_is_null(lua_State *L, int idx)
{
	if (lua_isnoneornil(L, idx))
		return true;
	uint32_t ctid;
	void *payload = luaT_to_cdata(L, idx, &ctid);
	if (payload == NULL || ctid != ctid_void_ptr)
		return false;
	void *value;
	memcpy(&value, payload, sizeof(value));
	return value == NULL;
}

/** Take a function of the ffi table on the top. */
static int take_function(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	return luaL_ref(L, LUA_REGISTRYINDEX);
}

/** Find where a cdata's ctype id stands: the value on the top is of type id. */
static bool header_is_at(lua_State *L, int offset, uint32_t id)
{
	return header_id(lua_topointer(L, -1), offset) == id;
}

static void find_header(lua_State *L)
{
	/* 64-bit and 32-bit GC references before mark, kind and id. */
	static const int offsets[] = {6, 2};
	for (size_t i = 0; i < lengthof(offsets) && ctid_offset == 0; i++) {
		luaT_push_cdata(L, ctid_int64);
		luaT_push_cdata(L, ctid_uint64);
		if (header_is_at(L, offsets[i], ctid_uint64)) {
			lua_pop(L, 1);
			if (header_is_at(L, offsets[i], ctid_int64))
				ctid_offset = offsets[i];
			lua_pop(L, 1);
			continue;
		}
		lua_pop(L, 2);
	}
}

void lua_cdata_init(lua_State *L)
{
	lua_getglobal(L, "require");
	lua_pushliteral(L, "ffi");
	lua_call(L, 1, 1);
	ref_typeof = take_function(L, "typeof");
	ref_new = take_function(L, "new");
	ref_cdef = take_function(L, "cdef");
	ref_metatype = take_function(L, "metatype");
	lua_newtable(L);
	ref_ctypes = luaL_ref(L, LUA_REGISTRYINDEX);
	ctid_int64 = luaT_ctype(L, "int64_t");
	ctid_uint64 = luaT_ctype(L, "uint64_t");
	ctid_void_ptr = luaT_ctype(L, "void *");
	find_header(L);
	lua_getfield(L, -1, "new");
	lua_pushliteral(L, "void *");
	lua_call(L, 1, 1);
	ref_null = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_pop(L, 1);
	luaT_cdef(L, "struct error { void *ptr; };");
	ctid_error = luaT_ctype(L, "struct error");
}

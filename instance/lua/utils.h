/*
 * What every binding uses: calls between C and Lua, errors both ways, 64-bit
 * integers and other cdata.
 */
#ifndef LUA_UTILS_H
#define LUA_UTILS_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "instance/base/diag.h"
#include "instance/fiber/fiber.h"

#define LUA_TCDATA 10

/** The main state. Fibers run on threads of it. */
extern lua_State *lua_main;

/** First line of each binding that may yield: this L is the one that runs. */
static inline void luaT_may_yield(lua_State *L)
{
	fiber_current->lua_now = L;
}

/**
 * lua_pcall that keeps lua_now right and turns a Lua error into the fiber's diag
 * (an error object thrown as such keeps its identity; anything else becomes
 * LuajitError with the value's text).
 * @return 0 with nret results on the stack; -1 with diag set, arguments popped
 *
 * Modules know another function of this name, which leaves the error on the stack
 * (api_lua.c); hence the name of the symbol.
 */
int luaT_call(lua_State *L, int nargs, int nret) __asm__("luaT_call_inside");
/** Turn the value on the top (popped) into the fiber's diag. */
void luaT_to_diag(lua_State *L);
/** Raise the fiber's last error as a Lua error object. Does not return. */
_public_ __attribute__((noreturn)) int luaT_error(lua_State *L);
/** Push an error object (cdata `struct error &`-like; takes a reference). */
void luaT_push_error(lua_State *L, struct error *e);
/** The error object at idx, or NULL when it is none. */
struct error *luaT_is_error(lua_State *L, int idx);
/**
 * The running fiber's own Lua thread; made now when it has none, and given back
 * when the fiber ends. NULL with diag set when out of memory.
 */
lua_State *luaT_fiber_state(void);
/** Raise FiberIsCancelled when the running fiber is cancelled. */
void luaT_testcancel(lua_State *L);

/*
 * cdata. LuaJIT has no C API for it: a value's payload is lua_topointer(), its
 * ctype id stands in the header before it (checked at start-up, lua/cdata.c).
 */
extern uint32_t ctid_int64, ctid_uint64, ctid_error, ctid_uuid, ctid_decimal, ctid_tuple;

/** Payload of the cdata at idx and its ctype id; NULL when it is no cdata. */
void *luaT_to_cdata(lua_State *L, int idx, uint32_t *ret_ctid);
/** Push a new zeroed cdata of a registered ctype. @return its payload */
void *luaT_push_cdata(lua_State *L, uint32_t ctid);
/** ffi.cdef; raises on a syntax error. */
void luaT_cdef(lua_State *L, const char *text);
/** Register the ctype named `name` ("struct foo") for luaT_push_cdata(). */
uint32_t luaT_ctype(lua_State *L, const char *name);
/** Make luaT_push_cdata() work for any ctype id that the value of a cdata has. */
void luaT_know_ctype(lua_State *L, uint32_t ctid);
/** Has the metatype of the cdata at idx (or what it points to) this field? */
bool luaT_cdata_has_meta(lua_State *L, int idx, const char *field);
/** ffi.metatype(name, table on the top (popped)). */
void luaT_metatype(lua_State *L, const char *name);

/** Number when exact (|v| < 1e14 as in Tarantool), else a 64-bit cdata. */
void luaT_push_uint64(lua_State *L, uint64_t v);
void luaT_push_int64(lua_State *L, int64_t v);
/** @return false when the value at idx is no integer that fits */
bool luaT_to_uint64(lua_State *L, int idx, uint64_t *ret);
bool luaT_to_int64(lua_State *L, int idx, int64_t *ret);
/** box.NULL: a `void *` cdata that is NULL. */
void luaT_push_null(lua_State *L);
bool luaT_is_null(lua_State *L, int idx); /* nil counts too */

/** Register a table of functions as a loaded module; leaves the table on the stack. */
void luaT_module(lua_State *L, const char *name, const luaL_Reg *funcs);
/** Make the metatable of a userdata type: methods in __index, meta beside. */
void luaT_type(
	lua_State *L, const char *type, const luaL_Reg *meta, const luaL_Reg *methods);

#endif

/*
 * Lua keeps a C function for as long as it likes; so a module that gives it one (a
 * procedure may: luaT_state()) can never be unloaded again. The executable's
 * lua_pushcclosure() takes the place of LuaJIT's for modules and for LuaJIT's own
 * luaL_register(), and looks whose function it is.
 */
#include <dlfcn.h>

#include "instance/base/util.h"
#include "instance/lua/utils.h"
#include "instance/module/module.h"

typedef void (*push_fn)(lua_State *L, lua_CFunction func, int n);

__attribute__((visibility("default"))) void lua_pushcclosure(
	lua_State *L, lua_CFunction func, int n)
{
	static push_fn next;
	if (unlikely(next == NULL))
		next = (push_fn)(uintptr_t)dlsym(RTLD_NEXT, "lua_pushcclosure");
	if (unlikely(
		    (uintptr_t)func >= module_lowest && (uintptr_t)func < module_highest))
		module_note_lua((const void *)(uintptr_t)func);
	next(L, func, n);
}

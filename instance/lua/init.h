/* The Lua state: made once, with all that is built in. */
#ifndef LUA_INIT_H
#define LUA_INIT_H

#include <lua.h>
#include <stdbool.h>

/**
 * Make lua_main: standard libraries, the loader, the modules that must exist
 * from the start. The running fiber is the scheduler.
 * @return 0, or -1 with diag set
 */
int lua_init(int argc, char **argv);
/** Set `arg` as Lua programs expect it: arg[0] is argv[script]. */
void lua_set_args(lua_State *L, int argc, char **argv, int script);
void lua_fini(void);
/** Why the start turned the JIT compiler off by itself, or NULL when it did not. */
const char *lua_jit_off_reason(void);

/* The parts, in this order. */
void lua_fiber_init(lua_State *L);
void lua_cdata_init(lua_State *L);
/** Find fiber_lua_current; where the VM is another one, it stays NULL. */
void lua_current_init(lua_State *L);
void lua_loader_init(lua_State *L);
/** Load every built-in module that a row marks as needed from the start. */
void lua_loader_load_eager(lua_State *L);
/** Add what makes an error object work to the metatable on the top. */
void lua_error_metatable(lua_State *L);

/**
 * Push the value of a built-in module, loading it when it is not.
 * @return false when there is none of this name (nothing is pushed); raises
 *         what loading raises
 */
bool lua_push_builtin(lua_State *L, const char *name);
/** Is there a built-in module of this name, open or not? */
bool lua_has_builtin(lua_State *L, const char *name);

#endif

#include "instance/lua/init.h"

#include <luajit.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/version.h"
#include "instance/lua/utils.h"

/*
 * A vararg in a loop, which LuaJIT builds with GC64 of 2022 and before miscompile.
 * Such a JIT is not used.
 */
static const char jit_probe[] = "local function probe(...) local x for _ = 1, 100 do x = "
				"... end return x == (...) end\n"
				"return probe(42, 0)";

static const char *jit_off_reason;

const char *lua_jit_off_reason(void)
{
	return jit_off_reason;
}

static bool jit_is_sane(lua_State *L)
{
	bool ok = luaL_dostring(L, jit_probe) == 0 && lua_toboolean(L, -1);
	lua_pop(L, 1);
	return ok;
}

/** TARANTELLA_JIT=auto|on|off. */
static int init_jit(lua_State *L)
{
	const char *want = getenv("TARANTELLA_JIT");
	bool is_off = false;
	if (want == NULL || *want == '\0' || strcmp(want, "auto") == 0) {
		is_off = !jit_is_sane(L);
		if (is_off)
			jit_off_reason = "this LuaJIT miscompiles code";
	} else if (strcmp(want, "off") == 0) {
		is_off = true;
	} else if (strcmp(want, "on") != 0) {
		diag_set(illegal_params,
			"TARANTELLA_JIT must be auto, on or off, not '%s'", want);
		return -1;
	}
	if (is_off) {
		luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
		luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
	}
	return 0;
}

void lua_set_args(lua_State *L, int argc, char **argv, int script)
{
	lua_createtable(L, argc, 1);
	for (int i = 0; i < argc; i++) {
		lua_pushstring(L, argv[i]);
		lua_rawseti(L, -2, i - script);
	}
	lua_setglobal(L, "arg");
}

/** What may raise, under one pcall. */
static int init_state(lua_State *L)
{
	luaL_openlibs(L);
	lua_fiber_init(L);
	lua_cdata_init(L);
	lua_current_init(L);
	lua_createtable(L, 0, 32);
	luaT_push_null(L);
	lua_setfield(L, -2, "NULL");
	lua_setglobal(L, "box");
	lua_pushliteral(L, TARANTOOL_VERSION);
	lua_setglobal(L, "_TARANTOOL");
	lua_loader_init(L);
	lua_loader_load_eager(L);
	return 0;
}

int lua_init(int argc, char **argv)
{
	lua_State *L = luaL_newstate();
	if (L == NULL) {
		diag_set(oom, "Failed to allocate the Lua state");
		return -1;
	}
	lua_main = L;
	if (fiber_current->lua == NULL)
		fiber_current->lua = fiber_current->lua_now = L;
	lua_pushcfunction(L, init_state);
	if (lua_pcall(L, 0, 0, 0) != 0) {
		luaT_to_diag(L);
		return -1;
	}
	lua_set_args(L, argc, argv, 0);
	return init_jit(L);
}

void lua_fini(void)
{
	if (lua_main != NULL)
		lua_close(lua_main);
	lua_main = NULL;
}

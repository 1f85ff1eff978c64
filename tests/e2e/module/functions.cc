// What procedures may do to the instance: raise through it, in C and in C++.
#include <stdexcept>

extern "C" {
#include <lauxlib.h>
#include <tarantool/module.h>

int version(box_function_ctx_t *ctx, const char *, const char *)
{
	char data = VERSION;
	return box_return_mp(ctx, &data, &data + 1);
}

int throws(box_function_ctx_t *, const char *, const char *)
{
	throw std::runtime_error("thrown");
}

int raises(box_function_ctx_t *, const char *, const char *)
{
	return luaL_error(luaT_state(), "raised by %d", VERSION);
}

int raises_after_sleep(box_function_ctx_t *, const char *, const char *)
{
	fiber_sleep(0.001);
	box_error_set(__FILE__, __LINE__, 10001, "%s", "set and raised");
	return luaT_error(luaT_state());
}

int echo(box_function_ctx_t *ctx, const char *args, const char *args_end)
{
	fiber_sleep(0);
	return box_return_mp(ctx, args, args_end);
}

static int l_version(lua_State *L)
{
	lua_pushinteger(L, VERSION);
	return 1;
}

int gives_lua(box_function_ctx_t *, const char *, const char *)
{
	lua_State *L = luaT_state();
	lua_pushcfunction(L, l_version);
	lua_setglobal(L, "version_of_module");
	return 0;
}

int registers(box_function_ctx_t *, const char *, const char *)
{
	static const luaL_Reg funcs[] = {{"version", l_version}, {NULL, NULL}};
	lua_State *L = luaT_state();
	luaL_register(L, "registered_by_module", funcs);
	lua_pop(L, 1);
	return 0;
}

int in_fiber(va_list)
{
	luaL_error(luaT_state(), "raised in a fiber");
	return 0;
}

int fiber_raises(box_function_ctx_t *, const char *, const char *)
{
	struct fiber *f = fiber_new("raises", in_fiber);
	fiber_set_joinable(f, true);
	fiber_start(f);
	return fiber_join(f);
}
}

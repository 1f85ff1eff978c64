/* Feeds text to a codec's decode() inside a Lua state, and its result to encode(). */
#ifndef FUZZ_CODEC_H
#define FUZZ_CODEC_H

#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "instance/fiber/fiber.h"
#include "instance/lua/init.h"
#include "instance/lua/utils.h"

/* codec, bytes: decode; what came out must be encodable or refused with an error. */
static const char codec_script[] = "local name = ...\n"
				   "local codec = require(name)\n"
				   "return function(text)\n"
				   "    local ok, value = pcall(codec.decode, text)\n"
				   "    if ok then pcall(codec.encode, value) end\n"
				   "end\n";

static void fuzz_codec(const char *name, const uint8_t *data, size_t size)
{
	static int ref;
	if (lua_main == NULL) {
		static char program[] = "fuzz";
		char *argv[] = {program, NULL};
		if (fiber_init() != 0 || lua_init(1, argv) != 0 ||
			luaL_loadstring(lua_main, codec_script) != 0)
			abort();
		lua_pushstring(lua_main, name);
		lua_call(lua_main, 1, 1);
		ref = luaL_ref(lua_main, LUA_REGISTRYINDEX);
	}
	lua_rawgeti(lua_main, LUA_REGISTRYINDEX, ref);
	lua_pushlstring(lua_main, (const char *)data, size);
	if (luaT_call(lua_main, 1, 0) != 0) {
		fprintf(stderr, "%s\n", diag_last()->message);
		abort();
	}
}

#endif

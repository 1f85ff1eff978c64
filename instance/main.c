/* tarantella: runs a Lua script as an instance. */
#include <stdio.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/lua/init.h"
#include "instance/lua/utils.h"

__attribute__((weak)) struct fiber *fiber_current = &(struct fiber){.id = 1};

static int run(lua_State *L, int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "-e") == 0) {
		if (luaL_loadbuffer(L, argv[2], strlen(argv[2]), "=(command line)") !=
			0) {
			luaT_to_diag(L);
			return -1;
		}
		return luaT_call(L, 0, 0);
	}
	if (argc < 2)
		return 0;
	lua_set_args(L, argc, argv, 1);
	if (luaL_loadfile(L, argv[1]) != 0) {
		luaT_to_diag(L);
		return -1;
	}
	for (int i = 2; i < argc; i++)
		lua_pushstring(L, argv[i]);
	return luaT_call(L, argc - 2, 0);
}

int main(int argc, char **argv)
{
	if (lua_init(argc, argv) != 0 || run(lua_main, argc, argv) != 0) {
		fprintf(stderr, "%s\n", diag_last()->message);
		return 1;
	}
	lua_fini();
	return 0;
}

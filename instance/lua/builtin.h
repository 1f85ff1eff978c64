/* The built-in Lua modules, embedded in the binary as text. */
#ifndef LUA_BUILTIN_H
#define LUA_BUILTIN_H

#include <stddef.h>

struct lua_builtin {
	const char *name; /* module name; NULL in the last row */
	const char *text;
	size_t len;
};

/* Made from lua/ at build time. */
extern const struct lua_builtin lua_builtins[];

#endif

/*
 * Built-in modules behind require(): a searcher that finds them by name, loads
 * them when first asked for, and keeps the value, so that clearing
 * package.loaded and requiring again gives the same table.
 */
#include <stdio.h>
#include <string.h>

#include "instance/lua/builtin.h"
#include "instance/lua/init.h"
#include "instance/lua/utils.h"

enum { LUA_LAZY, LUA_EAGER };

#define LUA_MODULE(name, function, when) int luaopen_##function(lua_State *L);
#include "instance/lua/modules.h"
#undef LUA_MODULE

struct c_module {
	const char *name;
	lua_CFunction open;
	int when;
};

static const struct c_module c_modules[] = {
#define LUA_MODULE(name, function, when) {name, luaopen_##function, when},
#include "instance/lua/modules.h"
#undef LUA_MODULE
};

/* Lua-only modules that must run at the start: they extend standard tables. */
static const char *const eager_texts[] = {"string", "table", "help"};

/* What Tarantool 2.6 has built in and we may lack. */
static const char *const tarantool_modules[] = {"buffer", "clock", "console", "crypto",
	"csv", "decimal", "digest", "errno", "fiber", "fio", "fun", "help", "http.client",
	"iconv", "json", "key_def", "log", "merger", "msgpack", "msgpackffi", "net.box",
	"net.box.lib", "pickle", "popen", "pwd", "serpent", "socket", "strict", "swim",
	"tap", "tarantool", "title", "uri", "utf8", "uuid", "xlog", "yaml"};

static char cache_key; /* registry: name -> value */

static const struct c_module *find_c(const char *name)
{
	for (size_t i = 0; i < lengthof(c_modules); i++)
		if (strcmp(c_modules[i].name, name) == 0)
			return &c_modules[i];
	return NULL;
}

static const struct lua_builtin *find_text(const char *name)
{
	for (const struct lua_builtin *b = lua_builtins; b->name != NULL; b++)
		if (strcmp(b->name, name) == 0)
			return b;
	return NULL;
}

static void push_cache(lua_State *L)
{
	lua_pushlightuserdata(L, &cache_key);
	lua_rawget(L, LUA_REGISTRYINDEX);
}

/** Chunk names as in Tarantool's tracebacks: builtin/fiber.lua, builtin/box/cfg.lua. */
static void push_chunk_name(lua_State *L, const char *name)
{
	if (strncmp(name, "box.", 4) == 0)
		lua_pushfstring(L, "@builtin/box/%s.lua", name + 4);
	else
		lua_pushfstring(L, "@builtin/%s.lua", name);
}

/** Run the text of a module; its C part is on the top. Replaces it by the value. */
static void run_text(lua_State *L, const struct lua_builtin *text)
{
	push_chunk_name(L, text->name);
	int rc = luaL_loadbuffer(L, text->text, text->len, lua_tostring(L, -1));
	lua_remove(L, -2);
	if (rc != 0)
		lua_error(L);
	lua_pushstring(L, text->name);
	lua_pushvalue(L, -3);
	lua_call(L, 2, 1);
	if (lua_isnil(L, -1))
		lua_pop(L, 1);
	else
		lua_remove(L, -2);
}

/** Open a module for the first time and keep its value. */
static void open_module(lua_State *L, const char *name, const struct c_module *c,
	const struct lua_builtin *text)
{
	int top = lua_gettop(L);
	luaL_checkstack(L, LUA_MINSTACK, "require");
	if (c != NULL) {
		lua_pushcfunction(L, c->open);
		lua_pushstring(L, name);
		lua_call(L, 1, 1);
	} else {
		lua_pushnil(L);
	}
	if (text != NULL)
		run_text(L, text);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, true);
	}
	push_cache(L);
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
	lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, name);
	lua_settop(L, top + 1);
}

bool lua_push_builtin(lua_State *L, const char *name)
{
	push_cache(L);
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
	if (!lua_isnil(L, -1))
		return true;
	lua_pop(L, 1);
	const struct c_module *c = find_c(name);
	const struct lua_builtin *text = find_text(name);
	if (c == NULL && text == NULL)
		return false;
	open_module(L, name, c, text);
	return true;
}

static int load_builtin(lua_State *L)
{
	lua_push_builtin(L, luaL_checkstring(L, 1));
	return 1;
}

bool lua_has_builtin(lua_State *L, const char *name)
{
	push_cache(L);
	lua_getfield(L, -1, name);
	bool is_open = !lua_isnil(L, -1);
	lua_pop(L, 2);
	return is_open || find_c(name) != NULL || find_text(name) != NULL;
}

/* First searcher: package.preload, then the built-in modules. */
static int search_builtin(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "preload");
	if (lua_istable(L, -1)) {
		lua_getfield(L, -1, name);
		if (!lua_isnil(L, -1))
			return 1;
	}
	if (lua_has_builtin(L, name))
		lua_pushcfunction(L, load_builtin);
	else
		lua_pushfstring(L, "\n\tno field package.preload['%s']", name);
	return 1;
}

/* Last searcher: say what Tarantool has and we do not. */
static int search_missing(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	for (size_t i = 0; i < lengthof(tarantool_modules); i++)
		if (strcmp(tarantool_modules[i], name) == 0)
			return luaL_error(L,
				"module '%s' is built into Tarantool "
				"but not into tarantella yet",
				name);
	return 0;
}

/** Keep a standard module too, so that require() finds it when it was cleared. */
static void keep_loaded(lua_State *L)
{
	push_cache(L);
	lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
	for (lua_pushnil(L); lua_next(L, -2) != 0;) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -5);
	}
	lua_pop(L, 2);
}

void lua_loader_init(lua_State *L)
{
	lua_pushlightuserdata(L, &cache_key);
	lua_newtable(L);
	lua_rawset(L, LUA_REGISTRYINDEX);
	keep_loaded(L);
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "loaders");
	lua_pushcfunction(L, search_builtin);
	lua_rawseti(L, -2, 1);
	lua_pushcfunction(L, search_missing);
	lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
	lua_pop(L, 2);
}

void lua_loader_load_eager(lua_State *L)
{
	for (size_t i = 0; i < lengthof(c_modules); i++)
		if (c_modules[i].when == LUA_EAGER &&
			lua_push_builtin(L, c_modules[i].name))
			lua_pop(L, 1);
	for (size_t i = 0; i < lengthof(eager_texts); i++) {
		const struct lua_builtin *text = find_text(eager_texts[i]);
		if (text == NULL)
			continue;
		push_cache(L);
		lua_getfield(L, -1, text->name);
		lua_remove(L, -2);
		run_text(L, text);
		lua_pop(L, 1);
	}
}

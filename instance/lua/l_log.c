/* log: lines from Lua, with the caller's file and line. */
#include <string.h>

#include "instance/base/say.h"
#include "instance/lua/utils.h"

int luaopen_log(lua_State *L);

static const struct {
	const char *name;
	int level;
} level_functions[] = {{"error", S_ERROR}, {"warn", S_WARN}, {"info", S_INFO},
	{"verbose", S_VERBOSE}, {"debug", S_DEBUG}};

/* Fields that the JSON line has itself. */
static const char *const reserved[] = {
	"time", "level", "pid", "cord_name", "fiber_id", "fiber_name", "file", "line"};

/** Replace the table on the top by a copy without what the line itself has. */
static void drop_reserved(lua_State *L)
{
	lua_newtable(L);
	for (lua_pushnil(L); lua_next(L, -3) != 0;) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -4);
	}
	for (size_t i = 0; i < lengthof(reserved); i++) {
		lua_pushnil(L);
		lua_setfield(L, -2, reserved[i]);
	}
	lua_remove(L, -2);
}

/** Replace the table on the top by its JSON text. */
static void encode(lua_State *L)
{
	bool has_meta = luaL_getmetafield(L, -1, "__serialize");
	if (has_meta)
		lua_pop(L, 1);
	else if (say_get_format() == SF_JSON)
		drop_reserved(L);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "json");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "encode");
	lua_remove(L, -2);
	lua_insert(L, -2);
	lua_call(L, 1, 1);
}

/** Leave the text of the arguments from `first` on on the top. */
static const char *format_text(lua_State *L, int first, bool *ret_is_json)
{
	*ret_is_json = false;
	int count = lua_gettop(L) - first + 1;
	if (count > 1 && lua_type(L, first) == LUA_TSTRING) {
		lua_getglobal(L, "string");
		lua_getfield(L, -1, "format");
		lua_remove(L, -2);
		lua_insert(L, first);
		lua_call(L, count, 1);
	} else if (count > 0 && lua_istable(L, first)) {
		*ret_is_json = true;
		lua_pushvalue(L, first);
		encode(L);
	} else if (count > 0 && lua_type(L, first) == LUA_TSTRING) {
		lua_pushvalue(L, first);
	} else {
		lua_getglobal(L, "tostring");
		if (count > 0)
			lua_pushvalue(L, first);
		else
			lua_pushnil(L);
		lua_call(L, 1, 1);
	}
	return lua_tostring(L, -1);
}

/** Where the Lua function is that called us; "" and 0 when it is none. */
static const char *caller(lua_State *L, char *buf, size_t size, int *ret_line)
{
	lua_Debug ar;
	*ret_line = 0;
	buf[0] = '\0';
	if (!lua_getstack(L, 1, &ar) || !lua_getinfo(L, "Sl", &ar))
		return buf;
	*ret_line = ar.currentline > 0 ? ar.currentline : 0;
	const char *source = ar.source;
	if (*source == '@' || *source == '=')
		source++;
	else
		source = ar.short_src; /* a chunk without a name: its text */
	size_t len = strnlen(source, size - 1);
	memcpy(buf, source, len);
	buf[len] = '\0';
	return buf;
}

static int l_log_say(lua_State *L)
{
	int level = (int)lua_tointeger(L, lua_upvalueindex(1));
	if (level > say_log_level)
		return 0;
	char file[256];
	int line;
	bool is_json;
	caller(L, file, sizeof(file), &line);
	const char *text = format_text(L, 1, &is_json);
	say_write(level, file, line, is_json ? SAY_IS_JSON : NULL, "%s",
		text != NULL ? text : "nil");
	return 0;
}

static int l_log_rotate(lua_State *L)
{
	if (say_rotate() != 0)
		return luaT_error(L);
	return 0;
}

static int l_log_pid(lua_State *L)
{
	lua_pushinteger(L, say_command_pid());
	return 1;
}

/* state(): level and format in use. */
static int l_log_state(lua_State *L)
{
	lua_pushinteger(L, say_log_level);
	lua_pushstring(L, say_get_format() == SF_JSON ? "json" : "plain");
	return 2;
}

int luaopen_log(lua_State *L)
{
	lua_createtable(L, 0, 12);
	for (size_t i = 0; i < lengthof(level_functions); i++) {
		lua_pushinteger(L, level_functions[i].level);
		lua_pushcclosure(L, l_log_say, 1);
		lua_setfield(L, -2, level_functions[i].name);
	}
	lua_pushcfunction(L, l_log_rotate);
	lua_setfield(L, -2, "rotate");
	lua_pushcfunction(L, l_log_pid);
	lua_setfield(L, -2, "pid");
	lua_pushcfunction(L, l_log_state);
	lua_setfield(L, -2, "state");
	return 1;
}

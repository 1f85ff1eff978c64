/* title: the process title, `interpreter script <status>: custom`. */
#include <stdio.h>
#include <string.h>

#include "instance/base/proc_title.h"
#include "instance/lua/title.h"
#include "instance/lua/utils.h"
#include "proto/buf.h"

int luaopen_title(lua_State *L);

enum part { INTERPRETER, SCRIPT, STATUS, CUSTOM, PART_MAX };

static const char *const part_keys[] = {
	"interpretor_name", "script_name", "status", "custom_title"};
static char parts[PART_MAX][256];
static char shown[1100]; /* "" until the first update */

/** Make the title one text and show it. */
static void show(void)
{
	char *out = shown;
	size_t size = sizeof(shown);
	int n = snprintf(out, size, "%s%s%s", parts[INTERPRETER],
		*parts[SCRIPT] ? " " : "", parts[SCRIPT]);
	if (*parts[STATUS] && n < (int)size)
		n += snprintf(out + n, size - (size_t)n, " <%s>", parts[STATUS]);
	if (*parts[CUSTOM] && n < (int)size)
		snprintf(out + n, size - (size_t)n, ": %s", parts[CUSTOM]);
	proc_title_set(shown);
}

static void set_part(enum part part, const char *value)
{
	snprintf(parts[part], sizeof(parts[part]), "%s", value);
}

void title_init(const char *interpreter, const char *script)
{
	set_part(INTERPRETER, interpreter);
	set_part(SCRIPT, script != NULL ? script : "");
}

void title_set_status(const char *status)
{
	set_part(STATUS, status);
	show();
}

void title_set_custom(const char *text)
{
	set_part(CUSTOM, text != NULL ? text : "");
	show();
}

/* title.update('custom text') or title.update({status = ...}) */
static int l_title_update(lua_State *L)
{
	if (lua_type(L, 1) == LUA_TSTRING) {
		title_set_custom(lua_tostring(L, 1));
	} else if (lua_istable(L, 1)) {
		for (int i = 0; i < PART_MAX; i++) {
			lua_getfield(L, 1, part_keys[i]);
			if (lua_isstring(L, -1))
				set_part((enum part)i, lua_tostring(L, -1));
			lua_pop(L, 1);
		}
		lua_getfield(L, 1, "__defer_update");
		if (!lua_toboolean(L, -1))
			show();
	}
	return 0;
}

/* title.get(): the text, and its parts. */
static int l_title_get(lua_State *L)
{
	lua_pushstring(L, shown);
	lua_createtable(L, 0, PART_MAX);
	for (int i = 0; i < PART_MAX; i++) {
		lua_pushstring(L, parts[i]);
		lua_setfield(L, -2, part_keys[i]);
	}
	return 2;
}

int luaopen_title(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{"update", l_title_update}, {"get", l_title_get}, {NULL, NULL}};
	luaT_module(L, "title", funcs);
	return 1;
}

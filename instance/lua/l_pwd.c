/* pwd: users and groups of the system. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "instance/lua/utils.h"

int luaopen_pwd(lua_State *L);

static void push_group(lua_State *L, const struct group *gr)
{
	if (gr == NULL) {
		lua_pushnil(L);
		return;
	}
	lua_createtable(L, 0, 3);
	lua_pushnumber(L, gr->gr_gid);
	lua_setfield(L, -2, "id");
	lua_pushstring(L, gr->gr_name);
	lua_setfield(L, -2, "name");
	lua_newtable(L);
	for (int i = 0; gr->gr_mem[i] != NULL; i++) {
		lua_pushstring(L, gr->gr_mem[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "members");
}

/* Looking the group up may use the same static memory, so it comes last. */
static void push_user(lua_State *L, const struct passwd *pw)
{
	if (pw == NULL) {
		lua_pushnil(L);
		return;
	}
	gid_t gid = pw->pw_gid;
	lua_createtable(L, 0, 5);
	lua_pushnumber(L, pw->pw_uid);
	lua_setfield(L, -2, "id");
	lua_pushstring(L, pw->pw_name);
	lua_setfield(L, -2, "name");
	lua_pushstring(L, pw->pw_dir);
	lua_setfield(L, -2, "workdir");
	lua_pushstring(L, pw->pw_shell);
	lua_setfield(L, -2, "shell");
	push_group(L, getgrgid(gid));
	lua_setfield(L, -2, "group");
}

/** The id at idx; the caller's own without any. False: there is a name instead. */
static bool check_id(
	lua_State *L, int idx, const char *what, unsigned own, unsigned *ret_id)
{
	switch (lua_type(L, idx)) {
	case LUA_TNONE:
	case LUA_TNIL:
		*ret_id = own;
		return true;
	case LUA_TNUMBER:
		*ret_id = (unsigned)(int64_t)lua_tonumber(L, idx);
		return true;
	case LUA_TSTRING:
		return false;
	default:
		luaL_error(L, "Bad type of %s (expected 'string'/'number')", what);
		return false;
	}
}

/** nil is "no such entry"; a failure of the look-up is an error. */
static void check_lookup(lua_State *L, const void *entry, const char *what)
{
	if (entry != NULL || errno == 0 || errno == ENOENT || errno == ESRCH)
		return;
	luaL_error(L, "%s: %s", what, strerror(errno));
}

/** getpw([name or uid]) */
static int l_pwd_getpw(lua_State *L)
{
	unsigned uid;
	bool is_id = check_id(L, 1, "uid", getuid(), &uid);
	errno = 0;
	struct passwd *pw = is_id ? getpwuid(uid) : getpwnam(lua_tostring(L, 1));
	check_lookup(L, pw, "getpw");
	push_user(L, pw);
	return 1;
}

/** getgr([name or gid]) */
static int l_pwd_getgr(lua_State *L)
{
	unsigned gid;
	bool is_id = check_id(L, 1, "gid", getgid(), &gid);
	errno = 0;
	struct group *gr = is_id ? getgrgid(gid) : getgrnam(lua_tostring(L, 1));
	check_lookup(L, gr, "getgr");
	push_group(L, gr);
	return 1;
}

static int l_pwd_getpwall(lua_State *L)
{
	lua_newtable(L);
	setpwent();
	struct passwd *pw;
	for (int i = 1; (pw = getpwent()) != NULL; i++) {
		push_user(L, pw);
		lua_rawseti(L, -2, i);
	}
	endpwent();
	return 1;
}

static int l_pwd_getgrall(lua_State *L)
{
	lua_newtable(L);
	setgrent();
	struct group *gr;
	for (int i = 1; (gr = getgrent()) != NULL; i++) {
		push_group(L, gr);
		lua_rawseti(L, -2, i);
	}
	endgrent();
	return 1;
}

int luaopen_pwd(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"getgr", l_pwd_getgr},
		{"getgrall", l_pwd_getgrall},
		{"getpw", l_pwd_getpw},
		{"getpwall", l_pwd_getpwall},
		{NULL, NULL},
	};
	luaT_module(L, "pwd", functions);
	return 1;
}

/* C parts of what is added to Lua's own globals: the search root, 64-bit numbers,
 * the environment. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance/lua/utils.h"

int luaopen_loaders(lua_State *L);

static int l_loaders_cwd(lua_State *L)
{
	char path[PATH_MAX];
	lua_pushstring(L, getcwd(path, sizeof(path)) != NULL ? path : ".");
	return 1;
}

/** An absolute path; one that does not exist (yet) is only made absolute. */
static int l_loaders_realpath(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	_cleanup_(freep) char *real = realpath(path, NULL);
	if (real != NULL) {
		lua_pushstring(L, real);
	} else if (path[0] == '/') {
		lua_settop(L, 1);
	} else {
		l_loaders_cwd(L);
		lua_pushfstring(L, "/%s", path);
		lua_concat(L, 2);
	}
	return 1;
}

/** Skip a sign and 0x or 0b; both prefixes count in base 10 and in their own. */
static const char *skip_prefix(const char *s, long *base)
{
	if (s[0] != '0')
		return s;
	char letter = (char)tolower((unsigned char)s[1]);
	long own = letter == 'x' ? 16 : letter == 'b' ? 2 : 0;
	if (own == 0 || (*base != own && *base != 10) || !isalnum((unsigned char)s[2]))
		return s;
	*base = own;
	return s + 2;
}

/** Push the number. @return how many values: 0 when the text is none */
static int push_parsed(lua_State *L, const char *s, size_t len, long base)
{
	const char *end = s + len;
	while (s < end && isspace((unsigned char)*s))
		s++;
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	bool is_negative = *s == '-';
	if (s < end && (*s == '-' || *s == '+'))
		s++;
	s = skip_prefix(s, &base);
	if (s == end || !isalnum((unsigned char)*s))
		return 0;
	char *parsed;
	errno = 0;
	unsigned long long value = strtoull(s, &parsed, (int)base);
	if (base <= 16 && !strncasecmp(parsed, "ull", 3))
		parsed += 3;
	else if (base <= 16 && !strncasecmp(parsed, "ll", 2))
		parsed += 2;
	if (errno != 0 || parsed != end)
		return 0;
	if (!is_negative)
		luaT_push_uint64(L, value);
	else if (value <= (uint64_t)INT64_MAX + 1)
		luaT_push_int64(L, (int64_t)-value);
	else
		return 0;
	return 1;
}

/**
 * (path) -> can it be opened? does it exist? Never waits, as opening a FIFO does.
 */
static int l_loaders_probe(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	struct stat st;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		close(fd);
	lua_pushboolean(L, fd >= 0);
	lua_pushboolean(L, lstat(path, &st) == 0);
	return 2;
}

static int l_tonumber64(lua_State *L)
{
	luaL_checkany(L, 1);
	long base = luaL_optlong(L, 2, -1);
	luaL_argcheck(L, base == -1 || (base >= 2 && base <= 36), 2, "base out of range");
	uint64_t u;
	int64_t i;
	switch (lua_type(L, 1)) {
	case LUA_TNUMBER:
		if (base != -1 && base != 10)
			return luaL_argerror(L, 1, "string expected");
		lua_settop(L, 1);
		return 1;
	case LUA_TSTRING: {
		size_t len;
		const char *s = lua_tolstring(L, 1, &len);
		if (push_parsed(L, s, len, base == -1 ? 10 : base) == 0)
			lua_pushnil(L);
		return 1;
	}
	case LUA_TCDATA:
		if (base != -1 && base != 10)
			return luaL_argerror(L, 1, "string expected");
		lua_settop(L, 1);
		if (luaT_to_int64(L, 1, &i) || luaT_to_uint64(L, 1, &u))
			return 1;
		lua_getglobal(L, "tonumber");
		lua_pushvalue(L, 1);
		lua_call(L, 1, 1);
		if (!lua_isnil(L, -1))
			lua_settop(L, 1);
		return 1;
	default:
		lua_pushnil(L);
		return 1;
	}
}

static int l_os_setenv(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TSTRING);
	const char *name = lua_tostring(L, 1);
	const char *value = luaT_is_null(L, 2) ? NULL : luaL_checkstring(L, 2);
	int rc = value != NULL ? setenv(name, value, 1) : unsetenv(name);
	if (rc != 0)
		return luaL_error(L, "error %d: %s", errno, strerror(errno));
	return 0;
}

static int l_os_environ(lua_State *L)
{
	lua_newtable(L);
	for (char **e = environ; e != NULL && *e != NULL; e++) {
		const char *eq = strchr(*e, '=');
		if (eq == NULL)
			continue;
		lua_pushlstring(L, *e, (size_t)(eq - *e));
		lua_pushstring(L, eq + 1);
		lua_rawset(L, -3);
	}
	return 1;
}

int luaopen_loaders(lua_State *L)
{
	static const luaL_Reg funcs[] = {{"cwd", l_loaders_cwd},
		{"realpath", l_loaders_realpath}, {"probe", l_loaders_probe},
		{"tonumber64", l_tonumber64}, {NULL, NULL}};
	lua_getglobal(L, "os");
	lua_pushcfunction(L, l_os_setenv);
	lua_setfield(L, -2, "setenv");
	lua_pushcfunction(L, l_os_environ);
	lua_setfield(L, -2, "environ");
	lua_pop(L, 1);
	lua_newtable(L);
	luaL_register(L, NULL, funcs);
	return 1;
}

/* errno: the constants, and errno() that reads and sets it. */
#include <errno.h>
#include <string.h>

#include "instance/lua/utils.h"

int luaopen_errno(lua_State *L);

#define E(name)             \
	{                   \
#name, name \
	}
static const struct {
	const char *name;
	int value;
} constants[] = {E(E2BIG), E(EACCES), E(EADDRINUSE), E(EADDRNOTAVAIL), E(EAFNOSUPPORT),
	E(EAGAIN), E(EALREADY), E(EBADF), E(EBADMSG), E(EBUSY), E(ECANCELED), E(ECHILD),
	E(ECONNABORTED), E(ECONNREFUSED), E(ECONNRESET), E(EDEADLK), E(EDESTADDRREQ),
	E(EDOM), E(EDQUOT), E(EEXIST), E(EFAULT), E(EFBIG), E(EHOSTUNREACH), E(EIDRM),
	E(EILSEQ), E(EINPROGRESS), E(EINTR), E(EINVAL), E(EIO), E(EISCONN), E(EISDIR),
	E(ELOOP), E(EMFILE), E(EMLINK), E(EMSGSIZE), E(EMULTIHOP), E(ENAMETOOLONG),
	E(ENETDOWN), E(ENETRESET), E(ENETUNREACH), E(ENFILE), E(ENOBUFS), E(ENODATA),
	E(ENODEV), E(ENOENT), E(ENOEXEC), E(ENOLCK), E(ENOLINK), E(ENOMEM), E(ENOMSG),
	E(ENOPROTOOPT), E(ENOSPC), E(ENOSR), E(ENOSTR), E(ENOSYS), E(ENOTCONN),
	E(ENOTDIR), E(ENOTEMPTY), E(ENOTSOCK), E(ENOTSUP), E(ENOTTY), E(ENXIO),
	E(EOPNOTSUPP), E(EOVERFLOW), E(EPERM), E(EPIPE), E(EPROTO), E(EPROTONOSUPPORT),
	E(EPROTOTYPE), E(ERANGE), E(EROFS), E(ESPIPE), E(ESRCH), E(ESTALE), E(ETIME),
	E(ETIMEDOUT), E(ETXTBSY), E(EWOULDBLOCK), E(EXDEV)};
#undef E

/* errno([new]): the value before. */
static int l_errno_call(lua_State *L)
{
	int before = errno;
	int value = before;
	if (!lua_isnoneornil(L, 2)) {
		if (!lua_isnumber(L, 2) || lua_type(L, 2) == LUA_TSTRING)
			return luaL_error(L,
				"bad argument #1 to '?' (cannot convert '%s' to 'int')",
				luaL_typename(L, 2));
		value = (int)lua_tointeger(L, 2);
	}
	lua_pushinteger(L, before);
	errno = value;
	return 1;
}

static int l_errno_strerror(lua_State *L)
{
	int value = lua_isnoneornil(L, 1) ? errno : (int)luaL_checkinteger(L, 1);
	lua_pushstring(L, strerror(value));
	return 1;
}

static int l_errno_newindex(lua_State *L)
{
	lua_pushliteral(L, "Can't create new errno constants");
	return lua_error(L);
}

int luaopen_errno(lua_State *L)
{
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, l_errno_strerror);
	lua_setfield(L, -2, "strerror");
	lua_createtable(L, 0, 3);
	lua_createtable(L, 0, lengthof(constants));
	for (size_t i = 0; i < lengthof(constants); i++) {
		lua_pushinteger(L, constants[i].value);
		lua_setfield(L, -2, constants[i].name);
	}
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, l_errno_newindex);
	lua_setfield(L, -2, "__newindex");
	lua_pushcfunction(L, l_errno_call);
	lua_setfield(L, -2, "__call");
	lua_setmetatable(L, -2);
	return 1;
}

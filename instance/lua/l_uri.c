/* uri: the parser; what formats is lua/uri.lua. */
#include <string.h>

#include "instance/lua/utils.h"
#include "proto/uri.h"

int luaopen_uri(lua_State *L);

/** Set t[name] of the table on the top, when the part is there. */
static void set_part(lua_State *L, const char *name, const struct uri_part *part)
{
	if (part->data == NULL)
		return;
	lua_pushlstring(L, part->data, part->len);
	lua_setfield(L, -2, name);
}

/** parse(text): a table of its parts, or nil. */
static int l_uri_parse(lua_State *L)
{
	if (lua_isnoneornil(L, 1))
		return luaL_error(L, "Usage: uri.parse(string)");
	if (lua_type(L, 1) != LUA_TSTRING)
		return luaL_error(L,
			"bad argument #2 to 'uri_parse' (cannot convert '%s' to 'const "
			"char *')",
			luaL_typename(L, 1));
	size_t len;
	const char *text = lua_tolstring(L, 1, &len);
	struct uri uri;
	const char *error;
	if (uri_parse(text, len, &uri, &error) != 0) {
		lua_pushnil(L);
		return 1;
	}
	static const char *const kinds[] = {[URI_HOST_IPV4] = "ipv4",
		[URI_HOST_IPV6] = "ipv6",
		[URI_HOST_UNIX] = "unix"};
	lua_createtable(L, 0, 8);
	set_part(L, "scheme", &uri.scheme);
	set_part(L, "login", &uri.login);
	set_part(L, "password", &uri.password);
	set_part(L, "host", &uri.host);
	set_part(L, "service", &uri.service);
	set_part(L, "path", &uri.path);
	set_part(L, "query", &uri.query);
	set_part(L, "fragment", &uri.fragment);
	if (uri.host_kind < lengthof(kinds) && kinds[uri.host_kind] != NULL)
		set_part(L, kinds[uri.host_kind],
			uri.host_kind == URI_HOST_UNIX ? &uri.service : &uri.host);
	return 1;
}

int luaopen_uri(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"parse", l_uri_parse},
		{NULL, NULL},
	};
	luaT_module(L, "uri", functions);
	return 1;
}

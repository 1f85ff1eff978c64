/* The module `uuid`. */
#include <string.h>

#include "instance/base/uuid.h"
#include "instance/lua/utils.h"

static struct tt_uuid *to_uuid(lua_State *L, int idx)
{
	uint32_t ctid;
	void *payload = luaT_to_cdata(L, idx, &ctid);
	return payload != NULL && ctid == ctid_uuid ? payload : NULL;
}

static const struct tt_uuid *check_uuid(lua_State *L, const char *usage)
{
	const struct tt_uuid *uuid = to_uuid(L, 1);
	if (uuid == NULL)
		luaL_error(L, "Usage: %s", usage);
	return uuid;
}

static void push_str(lua_State *L, const struct tt_uuid *uuid)
{
	char text[UUID_STR_LEN + 1];
	uuid_to_string(uuid, text);
	lua_pushlstring(L, text, UUID_STR_LEN);
}

/*
 * Is the byte order at idx the network's? 'l' and 'h' (the default) stand for
 * this host's, which is little-endian.
 */
static bool is_network_order(lua_State *L, int idx)
{
	const char *order = luaL_optstring(L, idx, "h");
	if (strcmp(order, "b") == 0 || strcmp(order, "n") == 0)
		return true;
	if (strcmp(order, "l") != 0 && strcmp(order, "h") != 0)
		luaL_error(L, "invalid byteorder, valid is l, b, h, n");
	return false;
}

static void push_bin(lua_State *L, const struct tt_uuid *uuid, bool is_network)
{
	char bytes[UUID_LEN];
	if (is_network)
		uuid_pack(uuid, bytes);
	else
		memcpy(bytes, uuid, UUID_LEN);
	lua_pushlstring(L, bytes, UUID_LEN);
}

static int l_uuid_new(lua_State *L)
{
	uuid_create(luaT_push_cdata(L, ctid_uuid));
	return 1;
}

/* uuid.str(): the text of a new one. */
static int l_uuid_new_str(lua_State *L)
{
	struct tt_uuid uuid;
	uuid_create(&uuid);
	push_str(L, &uuid);
	return 1;
}

static int l_uuid_new_bin(lua_State *L)
{
	struct tt_uuid uuid;
	bool is_network = is_network_order(L, 1);
	uuid_create(&uuid);
	push_bin(L, &uuid, is_network);
	return 1;
}

static int l_uuid_fromstr(lua_State *L)
{
	struct tt_uuid uuid;
	if (lua_type(L, 1) != LUA_TSTRING)
		return luaL_error(L, "fromstr(str)");
	size_t len;
	const char *text = lua_tolstring(L, 1, &len);
	if (len != UUID_STR_LEN || uuid_from_string(text, &uuid) != 0) {
		lua_pushnil(L);
		return 1;
	}
	memcpy(luaT_push_cdata(L, ctid_uuid), &uuid, sizeof(uuid));
	return 1;
}

static int l_uuid_frombin(lua_State *L)
{
	size_t len = 0;
	const char *bytes =
		lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &len) : NULL;
	if (len != UUID_LEN)
		return luaL_error(L, "frombin(bin, [byteorder])");
	bool is_network = is_network_order(L, 2);
	struct tt_uuid *uuid = luaT_push_cdata(L, ctid_uuid);
	if (is_network)
		uuid_unpack(bytes, uuid);
	else
		memcpy(uuid, bytes, UUID_LEN);
	return 1;
}

static int l_uuid_str(lua_State *L)
{
	push_str(L, check_uuid(L, "uuid:str()"));
	return 1;
}

static int l_uuid_bin(lua_State *L)
{
	const struct tt_uuid *uuid = check_uuid(L, "uuid:bin([byteorder])");
	push_bin(L, uuid, is_network_order(L, 2));
	return 1;
}

static int l_uuid_isnil(lua_State *L)
{
	static const struct tt_uuid nil;
	const struct tt_uuid *uuid = check_uuid(L, "uuid:isnil()");
	lua_pushboolean(L, memcmp(uuid, &nil, sizeof(nil)) == 0);
	return 1;
}

static int l_uuid_eq(lua_State *L)
{
	const struct tt_uuid *a = to_uuid(L, 1), *b = to_uuid(L, 2);
	lua_pushboolean(L, a != NULL && b != NULL && memcmp(a, b, sizeof(*a)) == 0);
	return 1;
}

static void make_type(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{"str", l_uuid_str},
		{"bin", l_uuid_bin},
		{"isnil", l_uuid_isnil},
		{NULL, NULL},
	};
	luaT_cdef(L, "struct tt_uuid { uint32_t time_low; uint16_t time_mid;"
		     " uint16_t time_hi_and_version; uint8_t clock_seq_hi_and_reserved;"
		     " uint8_t clock_seq_low; uint8_t node[6]; };");
	ctid_uuid = luaT_ctype(L, "struct tt_uuid");
	lua_newtable(L);
	lua_pushcfunction(L, l_uuid_str);
	lua_setfield(L, -2, "__tostring");
	lua_pushcfunction(L, l_uuid_eq);
	lua_setfield(L, -2, "__eq");
	lua_newtable(L);
	luaL_register(L, NULL, methods);
	lua_setfield(L, -2, "__index");
	luaT_metatype(L, "struct tt_uuid");
}

int luaopen_uuid(lua_State *L);
int luaopen_uuid(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"new", l_uuid_new},
		{"str", l_uuid_new_str},
		{"bin", l_uuid_new_bin},
		{"fromstr", l_uuid_fromstr},
		{"frombin", l_uuid_frombin},
		{NULL, NULL},
	};
	make_type(L);
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	luaT_push_cdata(L, ctid_uuid);
	lua_setfield(L, -2, "NULL");
	lua_newtable(L);
	lua_pushcfunction(L, l_uuid_new);
	lua_setfield(L, -2, "__call");
	lua_setmetatable(L, -2);
	return 1;
}

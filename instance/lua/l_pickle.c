/* pickle: numbers and strings to and from bytes by a format string. */
#include <endian.h>
#include <string.h>

#include "instance/lua/utils.h"

int luaopen_pickle(lua_State *L);

/** The integer at idx modulo 2^64; raises when it is none. */
static uint64_t check_int(lua_State *L, int idx, int bits)
{
	uint64_t value;
	int64_t negative;
	if (luaT_to_uint64(L, idx, &value))
		return value;
	if (luaT_to_int64(L, idx, &negative))
		return (uint64_t)negative;
	luaL_error(L, "pickle.pack: expected %d-bit int", bits);
	return 0;
}

/** Append the lowest bytes of the value, in the order that is asked for. */
static void add_int(luaL_Buffer *out, uint64_t value, int size, bool is_big_endian)
{
	char bytes[8];
	value = is_big_endian ? htobe64(value << (64 - 8 * size)) : htole64(value);
	memcpy(bytes, &value, sizeof(bytes));
	luaL_addlstring(out, bytes, (size_t)size);
}

/** Append the argument at idx by its format character. */
static void pack_one(lua_State *L, luaL_Buffer *out, char format, int idx)
{
	double d;
	float f;
	size_t len;
	const char *text;
	switch (format) {
	case 'b':
	case 'B':
		add_int(out, check_int(L, idx, 8), 1, false);
		break;
	case 's':
	case 'S':
		add_int(out, check_int(L, idx, 16), 2, false);
		break;
	case 'n':
		add_int(out, check_int(L, idx, 16), 2, true);
		break;
	case 'i':
	case 'I':
		add_int(out, check_int(L, idx, 32), 4, false);
		break;
	case 'N':
		add_int(out, check_int(L, idx, 32), 4, true);
		break;
	case 'l':
	case 'L':
		add_int(out, check_int(L, idx, 64), 8, false);
		break;
	case 'q':
	case 'Q':
		add_int(out, check_int(L, idx, 64), 8, true);
		break;
	case 'd':
		d = lua_tonumber(L, idx);
		luaL_addlstring(out, (const char *)&d, sizeof(d));
		break;
	case 'f':
		f = (float)lua_tonumber(L, idx);
		luaL_addlstring(out, (const char *)&f, sizeof(f));
		break;
	case 'a':
	case 'A':
		text = luaL_checklstring(L, idx, &len);
		luaL_addlstring(out, text, len);
		break;
	default:
		luaL_error(
			L, "pickle.pack: unsupported pack format specifier '%c'", format);
	}
}

/** pack(format, ...): the bytes. */
static int l_pickle_pack(lua_State *L)
{
	const char *format = luaL_checkstring(L, 1);
	int argc = lua_gettop(L);
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	int idx = 2;
	for (; *format != '\0'; format++, idx++) {
		if (idx > argc)
			return luaL_error(L,
				"pickle.pack: argument count does not match the format");
		pack_one(L, &out, *format, idx);
	}
	luaL_pushresult(&out);
	return 1;
}

/** How many bytes the format character takes; 0: all that are left; -1: unknown. */
static int format_size(char format)
{
	switch (format) {
	case 'b':
		return 1;
	case 's':
	case 'n':
		return 2;
	case 'i':
	case 'N':
	case 'f':
		return 4;
	case 'l':
	case 'q':
	case 'd':
		return 8;
	case 'a':
	case 'A':
		return 0;
	default:
		return -1;
	}
}

/** Push what the bytes hold. There are `size` of them, as format_size() told. */
static void push_one(lua_State *L, char format, const char *bytes, int size)
{
	double d;
	float f;
	uint64_t value = 0;
	switch (format) {
	case 'd':
		memcpy(&d, bytes, sizeof(d));
		lua_pushnumber(L, d);
		return;
	case 'f':
		memcpy(&f, bytes, sizeof(f));
		lua_pushnumber(L, f);
		return;
	}
	memcpy(&value, bytes, (size_t)size);
	if (format == 'n' || format == 'N' || format == 'q')
		value = be64toh(value) >> (64 - 8 * size);
	else
		value = le64toh(value);
	luaT_push_uint64(L, value);
}

/** unpack(format, bytes): the values. */
static int l_pickle_unpack(lua_State *L)
{
	const char *format = luaL_checkstring(L, 1);
	size_t len;
	const char *bytes = luaL_checklstring(L, 2, &len);
	size_t pos = 0;
	int count = 0;
	for (const char *f = format; *f != '\0'; f++, count++) {
		int size = format_size(*f);
		if (size < 0)
			return luaL_error(L,
				"pickle.unpack: unsupported format specifier '%c'", *f);
		if ((size_t)size > len - pos)
			return luaL_error(L,
				"pickle.unpack('%c'): got %d bytes (expected: %d+)", *f,
				(int)len, (int)pos + size);
		luaL_checkstack(L, 1, "pickle.unpack: too many values");
		if (size == 0) {
			lua_pushlstring(L, bytes + pos, len - pos);
			pos = len;
			continue;
		}
		push_one(L, *f, bytes + pos, size);
		pos += (size_t)size;
	}
	if (pos != len)
		return luaL_error(L,
			"pickle.unpack('%s'): too many bytes: unpacked %d, total %d",
			format, (int)pos, (int)len);
	return count;
}

int luaopen_pickle(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"pack", l_pickle_pack},
		{"unpack", l_pickle_unpack},
		{NULL, NULL},
	};
	luaT_module(L, "pickle", functions);
	return 1;
}

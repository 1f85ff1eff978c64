/*
 * utf8: characters of UTF-8 strings. Positions given to len() and next() are
 * bytes, those given to sub() are characters. Where a string is not valid, each
 * longest wrong sequence counts as one character, and is kept as it is.
 */
#include <limits.h>
#include <stddef.h>
#include <utf8proc.h>

#include "instance/lua/utf8_special.h"
#include "instance/lua/utils.h"

enum { CODE_MAX = 0x10ffff, SIZE_MAX_OF_CODE = 4 };

int luaopen_utf8(lua_State *L);

/** The range of a second byte after this first one; 0 when it begins nothing. */
static int lead_size(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
	*ret_low = 0x80;
	*ret_high = 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef) {
		if (lead == 0xe0)
			*ret_low = 0xa0;
		else if (lead == 0xed)
			*ret_high = 0x9f;
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		if (lead == 0xf0)
			*ret_low = 0x90;
		else if (lead == 0xf4)
			*ret_high = 0x8f;
		return 4;
	}
	return 0;
}

/**
 * Decode the character at *pos < len and move *pos behind it.
 * @return its code; -1 when it is not valid
 */
static int32_t next_char(const uint8_t *s, size_t len, size_t *pos)
{
	uint8_t lead = s[(*pos)++];
	if (lead < 0x80)
		return lead;
	uint8_t low, high;
	int size = lead_size(lead, &low, &high);
	if (size == 0)
		return -1;
	int32_t code = lead & (0xff >> (size + 1));
	for (int i = 1; i < size; i++) {
		if (*pos >= len || s[*pos] < low || s[*pos] > high)
			return -1;
		code = code << 6 | (s[(*pos)++] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	return code;
}

/** Write the code, a surrogate too. @return the bytes written */
static size_t encode(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = size - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)((0xff00 >> size) | code);
	return size;
}

/** The string at idx when there are min..max arguments, else raise the usage. */
static const uint8_t *check_text(
	lua_State *L, int min, int max, size_t *ret_len, const char *usage)
{
	int argc = lua_gettop(L);
	if (argc < min || argc > max || !lua_isstring(L, 1))
		luaL_error(L, "Usage: %s", usage);
	return (const uint8_t *)lua_tolstring(L, 1, ret_len);
}

/** A position from the end is made one from the start; at least 0. */
static ptrdiff_t absolute(ptrdiff_t pos, size_t len)
{
	if (pos >= 0)
		return pos;
	return -pos > (ptrdiff_t)len ? 0 : (ptrdiff_t)len + pos + 1;
}

/** len(s[, i[, j]]): characters that begin in bytes i..j; nil and where it is wrong. */
static int l_utf8_len(lua_State *L)
{
	size_t len;
	const uint8_t *s = check_text(L, 1, 3, &len, "utf8.len(<string>, [i, [j]])");
	ptrdiff_t first = absolute(luaL_optinteger(L, 2, 1), len);
	ptrdiff_t last = absolute(luaL_optinteger(L, 3, -1), len);
	if (first < 1 || first > (ptrdiff_t)len + 1 || last > (ptrdiff_t)len) {
		lua_pushnil(L);
		lua_pushliteral(L, "position is out of string");
		return 2;
	}
	size_t pos = (size_t)first - 1;
	lua_Integer count = 0;
	for (; (ptrdiff_t)pos < last; count++) {
		if (next_char(s, len, &pos) < 0) {
			lua_pushnil(L);
			lua_pushinteger(L, (lua_Integer)pos); /* its last byte */
			return 2;
		}
	}
	lua_pushinteger(L, count);
	return 1;
}

/** next(s[, i]): where the character after the one at byte i begins, and its code. */
static int l_utf8_next(lua_State *L)
{
	size_t len;
	const uint8_t *s =
		check_text(L, 1, 2, &len, "utf8.next(<string>, [<byte offset>])");
	ptrdiff_t at = absolute(luaL_optinteger(L, 2, 1), len);
	size_t pos = at > 0 ? (size_t)at - 1 : 0;
	if (pos >= len)
		return 0;
	int32_t code = next_char(s, len, &pos);
	if (code < 0)
		return 0;
	lua_pushinteger(L, (lua_Integer)pos + 1);
	lua_pushinteger(L, code);
	return 2;
}

/** Skip `count` characters. @return the byte position behind them, or len */
static size_t skip(const uint8_t *s, size_t len, size_t pos, size_t count)
{
	for (; count > 0 && pos < len; count--)
		next_char(s, len, &pos);
	return pos;
}

static size_t count_chars(const uint8_t *s, size_t len)
{
	size_t count = 0;
	for (size_t pos = 0; pos < len; count++)
		next_char(s, len, &pos);
	return count;
}

/** sub(s, i[, j]): characters i..j. */
static int l_utf8_sub(lua_State *L)
{
	size_t len;
	const uint8_t *s =
		check_text(L, 2, INT_MAX, &len, "utf8.sub(<string>, [i, [j]])");
	ptrdiff_t first = luaL_checkinteger(L, 2);
	ptrdiff_t last = luaL_optinteger(L, 3, -1);
	if (first < 0 || last < 0) {
		size_t count = count_chars(s, len);
		first = absolute(first, count);
		last = absolute(last, count);
	}
	if (first < 1)
		first = 1;
	if (last < first) {
		lua_pushliteral(L, "");
		return 1;
	}
	size_t start = skip(s, len, 0, (size_t)first - 1);
	size_t end = skip(s, len, start, (size_t)(last - first) + 1);
	lua_pushlstring(L, (const char *)s + start, end - start);
	return 1;
}

/** char(code, ...): the characters. */
static int l_utf8_char(lua_State *L)
{
	int argc = lua_gettop(L);
	if (argc == 0)
		return luaL_error(L, "Usage: utf8.char(<char code>");
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	for (int i = 1; i <= argc; i++) {
		lua_Integer code = luaL_checkinteger(L, i);
		luaL_argcheck(
			L, code >= 0 && code <= CODE_MAX, i, "code is out of range");
		char bytes[SIZE_MAX_OF_CODE];
		luaL_addlstring(&out, bytes, encode((uint32_t)code, bytes));
	}
	luaL_pushresult(&out);
	return 1;
}

static bool is_upper(int32_t code)
{
	return utf8proc_category(code) == UTF8PROC_CATEGORY_LU;
}

static bool is_lower(int32_t code)
{
	return utf8proc_category(code) == UTF8PROC_CATEGORY_LL;
}

static bool is_alpha(int32_t code)
{
	switch (utf8proc_category(code)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
		return true;
	default:
		return false;
	}
}

static bool is_digit(int32_t code)
{
	return utf8proc_category(code) == UTF8PROC_CATEGORY_ND;
}

/* The argument is a string of one character, or a code. */
static int push_is(lua_State *L, bool (*is)(int32_t code), const char *usage)
{
	if (lua_gettop(L) != 1)
		return luaL_error(L, "Usage: %s(<string> or <one symbol code>)", usage);
	lua_Integer code;
	if (lua_type(L, 1) == LUA_TSTRING) {
		size_t len, pos = 0;
		const uint8_t *s = (const uint8_t *)lua_tolstring(L, 1, &len);
		code = len > 0 ? next_char(s, len, &pos) : -1;
		if (pos != len)
			code = -1;
	} else {
		code = luaL_checkinteger(L, 1);
	}
	lua_pushboolean(L, code >= 0 && code <= CODE_MAX && is((int32_t)code));
	return 1;
}

static int l_utf8_isupper(lua_State *L)
{
	return push_is(L, is_upper, "utf8.isupper");
}

static int l_utf8_islower(lua_State *L)
{
	return push_is(L, is_lower, "utf8.islower");
}

static int l_utf8_isalpha(lua_State *L)
{
	return push_is(L, is_alpha, "utf8.isalpha");
}

static int l_utf8_isdigit(lua_State *L)
{
	return push_is(L, is_digit, "utf8.isdigit");
}

static void add_char(luaL_Buffer *out, int32_t code)
{
	char bytes[SIZE_MAX_OF_CODE];
	luaL_addlstring(out, bytes, encode((uint32_t)code, bytes));
}

static void add_upper(luaL_Buffer *out, int32_t code)
{
	size_t low = 0, high = lengthof(utf8_special_upper);
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct utf8_special_upper *special = &utf8_special_upper[mid];
		if (special->from == code) {
			for (int i = 0; i < 3 && special->to[i] != 0; i++)
				add_char(out, special->to[i]);
			return;
		}
		if (special->from < code)
			low = mid + 1;
		else
			high = mid;
	}
	add_char(out, utf8proc_toupper(code));
}

static bool is_cased(int32_t code)
{
	return utf8proc_isupper(code) || utf8proc_islower(code) ||
	       utf8proc_category(code) == UTF8PROC_CATEGORY_LT;
}

/* What stands between letters without ending a word. */
static bool is_case_ignorable(int32_t code)
{
	switch (utf8proc_category(code)) {
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_SK:
		return true;
	default:
		return code == '\'' || code == '.' || code == ':' || code == 0xb7 ||
		       code == 0x2018 || code == 0x2019;
	}
}

/** Does a letter follow at pos? */
static bool is_word_end(const uint8_t *s, size_t len, size_t pos)
{
	while (pos < len) {
		int32_t code = next_char(s, len, &pos);
		if (code < 0)
			return true;
		if (!is_case_ignorable(code))
			return !is_cased(code);
	}
	return true;
}

enum {
	CAPITAL_SIGMA = 0x3a3,
	FINAL_SIGMA = 0x3c2,
	CAPITAL_I_DOT = 0x130,
	DOT_ABOVE = 0x307
};

static int l_utf8_lower(lua_State *L)
{
	size_t len;
	const uint8_t *s = check_text(L, 1, 1, &len, "utf8.lower(<string>)");
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	bool is_after_letter = false;
	for (size_t pos = 0; pos < len;) {
		size_t start = pos;
		int32_t code = next_char(s, len, &pos);
		if (code < 0) {
			luaL_addlstring(&out, (const char *)s + start, pos - start);
		} else if (code == CAPITAL_SIGMA && is_after_letter &&
			   is_word_end(s, len, pos)) {
			add_char(&out, FINAL_SIGMA);
		} else if (code == CAPITAL_I_DOT) {
			add_char(&out, 'i');
			add_char(&out, DOT_ABOVE);
		} else {
			add_char(&out, utf8proc_tolower(code));
		}
		if (code < 0 || !is_case_ignorable(code))
			is_after_letter = code >= 0 && is_cased(code);
	}
	luaL_pushresult(&out);
	return 1;
}

static int l_utf8_upper(lua_State *L)
{
	size_t len;
	const uint8_t *s = check_text(L, 1, 1, &len, "utf8.upper(<string>)");
	luaL_Buffer out;
	luaL_buffinit(L, &out);
	for (size_t pos = 0; pos < len;) {
		size_t start = pos;
		int32_t code = next_char(s, len, &pos);
		if (code < 0)
			luaL_addlstring(&out, (const char *)s + start, pos - start);
		else
			add_upper(&out, code);
	}
	luaL_pushresult(&out);
	return 1;
}

/* The order of characters in languages is ICU's data, which is not linked. */
static int l_utf8_no_collation(lua_State *L)
{
	return luaL_error(L,
		"utf8.%s needs Unicode collations, which are built into "
		"Tarantool but not into tarantella yet",
		lua_tostring(L, lua_upvalueindex(1)));
}

static const luaL_Reg functions[] = {
	{"char", l_utf8_char},
	{"isalpha", l_utf8_isalpha},
	{"isdigit", l_utf8_isdigit},
	{"islower", l_utf8_islower},
	{"isupper", l_utf8_isupper},
	{"len", l_utf8_len},
	{"lower", l_utf8_lower},
	{"next", l_utf8_next},
	{"sub", l_utf8_sub},
	{"upper", l_utf8_upper},
	{NULL, NULL},
};

/** Also the global `utf8`. */
int luaopen_utf8(lua_State *L)
{
	luaT_module(L, "utf8", functions);
	static const char *const absent[] = {"cmp", "casecmp"};
	for (size_t i = 0; i < lengthof(absent); i++) {
		lua_pushstring(L, absent[i]);
		lua_pushcclosure(L, l_utf8_no_collation, 1);
		lua_setfield(L, -2, absent[i]);
	}
	lua_pushvalue(L, -1);
	lua_setglobal(L, "utf8");
	return 1;
}

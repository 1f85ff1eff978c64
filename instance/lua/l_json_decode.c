/* JSON to Lua values: a scanner of tokens and a parser over it. */
#include <errno.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "instance/lua/l_json.h"
#include "instance/lua/utils.h"
#include "proto/buf.h"

enum token_type {
	T_OBJ_BEGIN,
	T_OBJ_END,
	T_ARR_BEGIN,
	T_ARR_END,
	T_STRING,
	T_INT,
	T_UINT,
	T_NUMBER,
	T_BOOLEAN,
	T_NULL,
	T_COLON,
	T_COMMA,
	T_END,
	T_ERROR,
};

static const char *const token_names[] = {"T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN",
	"T_ARR_END", "T_STRING", "T_INT", "T_UINT", "T_NUMBER", "T_BOOLEAN", "T_NULL",
	"T_COLON", "T_COMMA", "T_END"};

struct token {
	enum token_type type;
	const char *pos; /* where it begins */
	union {
		const char *error;
		int64_t i;
		uint64_t u;
		double d;
		bool b;
	};
};

/*
 * One decode() call; on the C stack. The text ends with a NUL, which is the end
 * wherever it stands.
 */
struct parser {
	lua_State *L;
	const struct lua_codec *codec;
	const char *pos;
	const char *line_start;
	int line;
	int level;
	struct buf text; /* of the last string token */
};

static void parser_fini(struct parser *p)
{
	buf_fini(&p->text);
}

static void set_error(struct token *t, const char *pos, const char *error)
{
	t->type = T_ERROR;
	t->pos = pos;
	t->error = error;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits; -1 when they are not. */
static int read_hex4(const char *s)
{
	int v = 0;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(s[i]);
		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

static size_t utf8_encode(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/*
 * `\uXXXX`, or two of them for a surrogate pair, at s.
 * @return characters taken, 0 when it is not valid
 */
static size_t read_unicode(const char *s, uint32_t *ret_char)
{
	int high = read_hex4(s + 2);
	*ret_char = (uint32_t)high;
	if (high < 0 || (high & 0xfc00) == 0xdc00)
		return 0;
	if ((high & 0xfc00) != 0xd800)
		return 6;
	if (s[6] != '\\' || s[7] != 'u')
		return 0;
	int low = read_hex4(s + 8);
	if (low < 0 || (low & 0xfc00) != 0xdc00)
		return 0;
	*ret_char = 0x10000u + (((uint32_t)high & 0x3ff) << 10) + ((uint32_t)low & 0x3ff);
	return 12;
}

/* An escape at s. @return characters taken; 0 with *ret_error set */
static size_t read_escape(struct parser *p, const char *s, const char **ret_error)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	char bytes[4];
	size_t taken = 2, len = 1;
	const char *letter = s[1] != '\0' ? strchr(letters, s[1]) : NULL;
	if (letter != NULL) {
		bytes[0] = values[letter - letters];
	} else if (s[1] == 'u') {
		uint32_t c;
		taken = read_unicode(s, &c);
		if (taken == 0) {
			*ret_error = "invalid unicode escape code";
			return 0;
		}
		len = utf8_encode(c, bytes);
	} else {
		*ret_error = "invalid escape code";
		return 0;
	}
	if (buf_append(&p->text, bytes, len) != 0)
		luaL_error(p->L, "not enough memory");
	return taken;
}

static void scan_string(struct parser *p, struct token *t)
{
	const char *s = p->pos + 1;
	buf_reset(&p->text);
	for (;;) {
		size_t plain = strcspn(s, "\"\\");
		if (buf_append(&p->text, s, plain) != 0)
			luaL_error(p->L, "not enough memory");
		s += plain;
		if (*s == '\0') {
			set_error(t, s, "unexpected end of string");
			return;
		}
		if (*s == '"')
			break;
		const char *error;
		size_t taken = read_escape(p, s, &error);
		if (taken == 0) {
			set_error(t, s, error);
			return;
		}
		s += taken;
	}
	t->type = T_STRING;
	p->pos = s + 1;
}

/* `nan`, `inf`, `-nan`, `-inf`. */
static bool scan_special(struct parser *p, struct token *t)
{
	const char *s = p->pos + (*p->pos == '-');
	bool is_nan = strncmp(s, "nan", 3) == 0;
	if (!is_nan && strncmp(s, "inf", 3) != 0)
		return false;
	if (!p->codec->decode_invalid_numbers)
		return false;
	t->type = T_NUMBER;
	t->d = strtod(is_nan ? "nan" : "inf", NULL);
	if (*p->pos == '-')
		t->d = -t->d;
	p->pos = s + 3;
	return true;
}

/* Is it a number by JSON's grammar (as far as its first digits)? */
static bool looks_like_number(const char *s)
{
	s += *s == '-';
	if (*s == '0')
		return !(s[1] >= '0' && s[1] <= '9') && (s[1] | 0x20) != 'x';
	return *s >= '1' && *s <= '9';
}

static void scan_number(struct parser *p, struct token *t)
{
	if (!looks_like_number(p->pos)) {
		if (!scan_special(p, t))
			set_error(t, p->pos, "invalid token");
		return;
	}
	const char *s = p->pos + (*p->pos == '-');
	char *end;
	s += strspn(s, "0123456789");
	errno = 0;
	if (*s == '.' || *s == 'e' || *s == 'E') {
		t->type = T_NUMBER;
		t->d = strtod(p->pos, &end);
	} else if (*p->pos == '-') {
		t->type = T_INT;
		t->i = strtoll(p->pos, &end, 10);
	} else {
		t->u = strtoull(p->pos, &end, 10);
		t->type = t->u > INT64_MAX ? T_UINT : T_INT;
	}
	p->pos = end;
}

static void scan_word(struct parser *p, struct token *t)
{
	if (strncmp(p->pos, "true", 4) == 0) {
		t->type = T_BOOLEAN;
		t->b = true;
		p->pos += 4;
	} else if (strncmp(p->pos, "false", 5) == 0) {
		t->type = T_BOOLEAN;
		t->b = false;
		p->pos += 5;
	} else if (strncmp(p->pos, "null", 4) == 0) {
		t->type = T_NULL;
		p->pos += 4;
	} else if (!scan_special(p, t)) {
		set_error(t, p->pos, "invalid token");
	}
}

static void skip_space(struct parser *p)
{
	for (;; p->pos++) {
		if (*p->pos == '\n') {
			p->line++;
			p->line_start = p->pos + 1;
		} else if (*p->pos != ' ' && *p->pos != '\t' && *p->pos != '\r') {
			return;
		}
	}
}

static void next_token(struct parser *p, struct token *t)
{
	static const char marks[] = "{}[]:,";
	static const enum token_type types[] = {
		T_OBJ_BEGIN, T_OBJ_END, T_ARR_BEGIN, T_ARR_END, T_COLON, T_COMMA};
	skip_space(p);
	t->pos = p->pos;
	char c = *p->pos;
	if (c == '\0') {
		t->type = T_END;
		return;
	}
	const char *mark = strchr(marks, c);
	if (mark != NULL) {
		t->type = types[mark - marks];
		p->pos++;
	} else if (c == '"') {
		scan_string(p, t);
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		scan_number(p, t);
	} else {
		scan_word(p, t);
	}
}

static void raise_unexpected(
	struct parser *p, const char *expected, const struct token *t)
{
	luaL_error(p->L, "Expected %s but found %s on line %d at character %d", expected,
		t->type == T_ERROR ? t->error : token_names[t->type], p->line,
		(int)(t->pos - p->line_start) + 1);
}

static void enter(struct parser *p)
{
	luaL_checkstack(p->L, LUA_MINSTACK, "json.decode");
	if (++p->level > p->codec->decode_max_depth)
		luaL_error(p->L,
			"Found too many nested data structures (%d) on line %d at "
			"character %d",
			p->level, p->line, (int)(p->pos - p->line_start));
}

static void parse_value(struct parser *p, const struct token *t);

/* After `{`. */
static void parse_object(struct parser *p)
{
	struct token t;
	enter(p);
	lua_newtable(p->L);
	lua_mark_map(p->L, p->codec);
	next_token(p, &t);
	if (t.type == T_OBJ_END) {
		p->level--;
		return;
	}
	for (;;) {
		if (t.type != T_STRING)
			raise_unexpected(p, "object key string", &t);
		lua_pushlstring(p->L, p->text.data, p->text.len);
		next_token(p, &t);
		if (t.type != T_COLON)
			raise_unexpected(p, "colon", &t);
		next_token(p, &t);
		parse_value(p, &t);
		lua_rawset(p->L, -3);
		next_token(p, &t);
		if (t.type == T_OBJ_END)
			break;
		if (t.type != T_COMMA)
			raise_unexpected(p, "comma or object end", &t);
		next_token(p, &t);
	}
	p->level--;
}

/* After `[`. */
static void parse_array(struct parser *p)
{
	struct token t;
	enter(p);
	lua_newtable(p->L);
	lua_mark_array(p->L, p->codec);
	next_token(p, &t);
	if (t.type == T_ARR_END) {
		p->level--;
		return;
	}
	for (int i = 1;; i++) {
		parse_value(p, &t);
		lua_rawseti(p->L, -2, i);
		next_token(p, &t);
		if (t.type == T_ARR_END)
			break;
		if (t.type != T_COMMA)
			raise_unexpected(p, "comma or array end", &t);
		next_token(p, &t);
	}
	p->level--;
}

/* Push the value that the token begins. */
static void parse_value(struct parser *p, const struct token *t)
{
	switch (t->type) {
	case T_STRING:
		lua_pushlstring(p->L, p->text.data, p->text.len);
		break;
	case T_INT:
		luaT_push_int64(p->L, t->i);
		break;
	case T_UINT:
		luaT_push_uint64(p->L, t->u);
		break;
	case T_NUMBER:
		lua_pushnumber(p->L, t->d);
		break;
	case T_BOOLEAN:
		lua_pushboolean(p->L, t->b);
		break;
	case T_NULL:
		luaT_push_null(p->L);
		break;
	case T_OBJ_BEGIN:
		parse_object(p);
		break;
	case T_ARR_BEGIN:
		parse_array(p);
		break;
	default:
		raise_unexpected(p, "value", t);
	}
}

int l_json_decode(lua_State *L)
{
	struct lua_codec own;
	struct token t;
	_cleanup_(parser_fini) struct parser p = {
		.L = L, .codec = l_json_settings(L, &own), .line = 1};
	size_t len;
	p.pos = p.line_start = luaL_checklstring(L, 1, &len);
	if (len >= 2 && (p.pos[0] == '\0' || p.pos[1] == '\0'))
		return luaL_error(L, "JSON parser does not support UTF-16 or UTF-32");
	/* The empty string must not be NULL for lua_pushlstring(). */
	if (buf_reserve(&p.text, 64) == NULL)
		return luaL_error(L, "not enough memory");
	next_token(&p, &t);
	parse_value(&p, &t);
	next_token(&p, &t);
	if (t.type != T_END)
		raise_unexpected(&p, "the end", &t);
	return 1;
}

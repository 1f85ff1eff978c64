#include "ctl/mptext.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl.h"
#include "proto/base64.h"

struct writer {
	struct buf *out;
	struct mp_cursor *cur;
	enum mptext_format format;
};

/* --- strings --- */

/** With escapes as JSON and YAML have them; what is no control character stays. */
static int write_escaped(struct buf *out, const char *text, size_t len)
{
	size_t from = 0;
	int rc = buf_puts(out, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		rc |= buf_append(out, text + from, i - from);
		from = i + 1;
		const char *letter = c < 0x20 ? "uuuuuuuubtnufruuuuuuuuuuuuuuuuuu" : NULL;
		if (letter != NULL && letter[c] == 'u')
			rc |= buf_printf(out, "\\u%04x", c);
		else if (c == 0x7f)
			rc |= buf_puts(out, "\\u007f");
		else
			rc |= buf_printf(out, "\\%c", letter != NULL ? letter[c] : c);
	}
	rc |= buf_append(out, text + from, len - from);
	return rc | buf_puts(out, "\"");
}

static int write_binary(struct buf *out, const char *text, size_t len)
{
	int rc = buf_puts(out, "!!binary ");
	char *p = buf_reserve(out, base64_encoded_size(len) + 1);
	if (rc != 0 || p == NULL)
		return -1;
	out->len += base64_encode(text, len, p);
	return 0;
}

static int write_yaml_string(struct buf *out, const char *text, size_t len)
{
	bool is_plain = true;
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)text[i];
		size_t n = utf8_length(text + i, len - i);
		if (n == 0)
			return write_binary(out, text, len);
		is_plain = is_plain && c >= 0x20 && c != 0x7f && c != '\'';
		i += n;
	}
	if (!is_plain)
		return write_escaped(out, text, len);
	int rc = buf_puts(out, "'");
	rc |= buf_append(out, text, len);
	return rc | buf_puts(out, "'");
}

static int write_lua_string(struct buf *out, const char *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	char *p = buf_reserve(out, 4 * len + 2);
	if (p == NULL)
		return -1;
	*p++ = '\'';
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		*p++ = '\\';
		*p++ = 'x';
		*p++ = hex[c >> 4];
		*p++ = hex[c & 15];
	}
	*p++ = '\'';
	out->len += 4 * len + 2;
	return 0;
}

static int write_string(struct writer *w)
{
	uint32_t len;
	bool is_binary = mp_peek(w->cur) == MP_BIN;
	const char *text =
		is_binary ? mp_read_bin(w->cur, &len) : mp_read_str(w->cur, &len);
	if (w->cur->error != NULL)
		return -1;
	switch (w->format) {
	case MPTEXT_JSON:
		return write_escaped(w->out, text, len);
	case MPTEXT_YAML:
		return is_binary ? write_binary(w->out, text, len)
				 : write_yaml_string(w->out, text, len);
	case MPTEXT_LUA:
		return write_lua_string(w->out, text, len);
	}
	return -1;
}

/* --- numbers --- */

static int write_double(struct writer *w)
{
	static const char *const names[][3] = {
		[MPTEXT_JSON] = {"nan", "inf", "-inf"},
		[MPTEXT_YAML] = {".nan", ".inf", "-.inf"},
		[MPTEXT_LUA] = {"0/0", "1/0", "-1/0"},
	};
	char text[32];
	double v = mp_read_double(w->cur);
	if (isnan(v))
		return buf_puts(w->out, names[w->format][0]);
	if (isinf(v))
		return buf_puts(w->out, names[w->format][v > 0 ? 1 : 2]);
	/* As Tarantool prints it, unless digits were lost. */
	snprintf(text, sizeof(text), "%.14g", v);
	if (strtod(text, NULL) != v)
		snprintf(text, sizeof(text), "%.17g", v);
	return buf_puts(w->out, text);
}

int mptext_uint(struct buf *out, uint64_t v)
{
	char digits[24], *end = digits + sizeof(digits), *p = end;
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return buf_append(out, p, (size_t)(end - p));
}

static int write_uint(struct writer *w)
{
	uint64_t v = mp_read_uint(w->cur);
	int rc = mptext_uint(w->out, v);
	bool is_wide = w->format == MPTEXT_LUA && v >= UINT64_C(100000000000000);
	return is_wide ? rc | buf_puts(w->out, "ULL") : rc;
}

static int write_int(struct writer *w)
{
	int64_t v = mp_read_int(w->cur);
	bool is_wide = w->format == MPTEXT_LUA && v <= INT64_C(-100000000000000);
	return buf_printf(w->out, "%" PRId64 "%s", v, is_wide ? "LL" : "");
}

/* --- extensions --- */

/** scale, then packed digits with the sign in the last half byte. -1: no decimal. */
static int decimal_text(const char *data, uint32_t len, char *text, size_t size)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, data, data + len);
	int64_t scale =
		mp_peek(&cur) == MP_INT ? mp_read_int(&cur) : (int64_t)mp_read_uint(&cur);
	size_t n = mp_left(&cur);
	char digits[2 * 64];
	if (cur.error != NULL || n == 0 || n > 64 || scale < -64 || scale > 64)
		return -1;
	size_t count = 0;
	const unsigned char *p = (const unsigned char *)cur.pos;
	for (size_t i = 0; i < 2 * n - 1; i++) {
		unsigned digit = i % 2 == 0 ? p[i / 2] >> 4 : p[i / 2] & 15;
		if (digit > 9)
			return -1;
		if (digit != 0 || count > 0)
			digits[count++] = (char)('0' + digit);
	}
	unsigned sign = p[n - 1] & 15;
	if (sign < 0xa)
		return -1;
	char out[3 * 64 + 8];
	size_t pos = 0, whole = 0;
	if ((sign == 0xb || sign == 0xd) && count > 0)
		out[pos++] = '-';
	if ((int64_t)count > scale)
		whole = (size_t)((int64_t)count - scale);
	if (whole == 0)
		out[pos++] = '0';
	for (size_t i = 0; i < whole; i++)
		out[pos++] = i < count ? digits[i] : '0';
	if (scale > 0) {
		out[pos++] = '.';
		for (int64_t i = scale; i > 0; i--)
			out[pos++] = i > (int64_t)count ? '0' : digits[count - (size_t)i];
	}
	out[pos] = '\0';
	return text_set(text, size, "%s", out);
}

static void uuid_text(const char *data, char text[37])
{
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < 16; i++) {
		unsigned char c = (unsigned char)data[i];
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*text++ = '-';
		*text++ = hex[c >> 4];
		*text++ = hex[c & 15];
	}
	*text = '\0';
}

static int write_ext(struct writer *w)
{
	/* What stands around the value, by format. */
	static const char *const decimal[] = {
		"\"%s\"", "%s", "require('decimal').new('%s')"};
	static const char *const uuid[] = {
		"\"%s\"", "%s", "require('uuid').fromstr('%s')"};
	char text[256];
	int8_t type;
	uint32_t len;
	const char *data = mp_read_ext(w->cur, &type, &len);
	if (w->cur->error != NULL)
		return -1;
	if (type == MP_EXT_UUID && len == 16) {
		uuid_text(data, text);
		return buf_printf(w->out, uuid[w->format], text);
	}
	if (type == MP_EXT_DECIMAL && decimal_text(data, len, text, sizeof(text)) == 0)
		return buf_printf(w->out, decimal[w->format], text);
	int rc = buf_printf(
		w->out, "%sext %d:", w->format == MPTEXT_LUA ? "'" : "\"", type);
	for (uint32_t i = 0; i < len; i++)
		rc |= buf_printf(w->out, " %02x", (unsigned char)data[i]);
	return rc | buf_puts(w->out, w->format == MPTEXT_LUA ? "'" : "\"");
}

/* --- containers --- */

static int write_value(struct writer *w, int depth);

static int write_array(struct writer *w, int depth)
{
	static const char *const signs[][3] = {
		[MPTEXT_JSON] = {"[", ",", "]"},
		[MPTEXT_YAML] = {"[", ", ", "]"},
		[MPTEXT_LUA] = {"{", ", ", "}"},
	};
	uint32_t n = mp_read_array(w->cur);
	int rc = buf_puts(w->out, signs[w->format][0]);
	for (uint32_t i = 0; i < n && rc == 0 && w->cur->error == NULL; i++) {
		rc = i > 0 ? buf_puts(w->out, signs[w->format][1]) : 0;
		if (w->format == MPTEXT_LUA)
			rc |= buf_printf(w->out, "[%" PRIu32 "] = ", i + 1);
		rc |= write_value(w, depth + 1);
	}
	return rc | buf_puts(w->out, signs[w->format][2]);
}

/** A key of JSON is a string. */
static int write_key(struct writer *w, int depth)
{
	if (w->format != MPTEXT_JSON || mp_peek(w->cur) == MP_STR)
		return write_value(w, depth);
	_cleanup_(buf_fini) struct buf key = {0};
	struct writer inner = {&key, w->cur, w->format};
	if (write_value(&inner, depth) != 0)
		return -1;
	return key.len > 0 && key.data[0] == '"'
		       ? buf_append(w->out, key.data, key.len)
		       : write_escaped(w->out, key.data, key.len);
}

static int write_map(struct writer *w, int depth)
{
	static const char *const signs[][3] = {
		[MPTEXT_JSON] = {"", ":", ","},
		[MPTEXT_YAML] = {"", ": ", ", "},
		[MPTEXT_LUA] = {"[", "] = ", ", "},
	};
	uint32_t n = mp_read_map(w->cur);
	int rc = buf_puts(w->out, "{");
	for (uint32_t i = 0; i < n && rc == 0 && w->cur->error == NULL; i++) {
		rc = i > 0 ? buf_puts(w->out, signs[w->format][2]) : 0;
		rc |= buf_puts(w->out, signs[w->format][0]);
		rc |= write_key(w, depth + 1);
		rc |= buf_puts(w->out, signs[w->format][1]);
		rc |= write_value(w, depth + 1);
	}
	return rc | buf_puts(w->out, "}");
}

static int write_value(struct writer *w, int depth)
{
	if (depth > MP_DEPTH_MAX) {
		mp_fail(w->cur, "nested too deeply");
		return -1;
	}
	switch (mp_peek(w->cur)) {
	case MP_NIL:
		mp_read_nil(w->cur);
		return buf_puts(w->out, w->format == MPTEXT_LUA ? "box.NULL" : "null");
	case MP_UINT:
		return write_uint(w);
	case MP_INT:
		return write_int(w);
	case MP_STR:
	case MP_BIN:
		return write_string(w);
	case MP_ARRAY:
		return write_array(w, depth);
	case MP_MAP:
		return write_map(w, depth);
	case MP_BOOL:
		return buf_puts(w->out, mp_read_bool(w->cur) ? "true" : "false");
	case MP_FLOAT:
	case MP_DOUBLE:
		return write_double(w);
	case MP_EXT:
		return write_ext(w);
	case MP_BAD:
		break;
	}
	mp_fail(w->cur, "malformed value");
	return -1;
}

int mptext_write(struct buf *out, struct mp_cursor *cur, enum mptext_format format)
{
	struct writer w = {out, cur, format};
	int rc = write_value(&w, 0);
	return rc != 0 || cur->error != NULL ? -1 : 0;
}

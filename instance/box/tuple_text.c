#include "instance/box/tuple_text.h"

#include <stdio.h>
#include <yaml.h>

#include "instance/base/decimal.h"
#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/base/uuid.h"
#include "instance/box/mp_raw.h"

static int write_cb(void *arg, unsigned char *data, size_t len)
{
	return buf_append(arg, data, len) == 0;
}

static bool is_utf8(const char *s, uint32_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;
	while (p < end) {
		unsigned n = *p < 0x80                 ? 0
			     : *p >= 0xc2 && *p < 0xe0 ? 1
			     : *p >= 0xe0 && *p < 0xf0 ? 2
			     : *p >= 0xf0 && *p < 0xf5 ? 3
						       : 9;
		if (n == 9 || (size_t)(end - p) <= n)
			return false;
		if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] >= 0xa0) ||
			(*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] >= 0x90))
			return false;
		for (unsigned i = 1; i <= n; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		p += n + 1;
	}
	return true;
}

/* ok: what yaml_*_event_initialize returned; the event goes out either way. */
static bool emit(yaml_emitter_t *emitter, yaml_event_t *event, int ok)
{
	return ok && yaml_emitter_emit(emitter, event);
}

static bool emit_scalar(
	yaml_emitter_t *emitter, const char *text, size_t len, yaml_scalar_style_t style)
{
	yaml_event_t event;
	return emit(emitter, &event,
		yaml_scalar_event_initialize(&event, NULL, NULL, (yaml_char_t *)text,
			(int)len, style == YAML_PLAIN_SCALAR_STYLE,
			style != YAML_PLAIN_SCALAR_STYLE, style));
}

static bool emit_plain(yaml_emitter_t *emitter, const char *text)
{
	return emit_scalar(emitter, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
}

static bool emit_binary(yaml_emitter_t *emitter, const char *s, uint32_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	_cleanup_(freep) char *text = malloc(((size_t)len + 2) / 3 * 4 + 1);
	if (text == NULL)
		return false;
	char *p = text;
	for (uint32_t i = 0; i < len; i += 3) {
		uint32_t left = len - i;
		uint32_t v = (uint32_t)(uint8_t)s[i] << 16 |
			     (left > 1 ? (uint32_t)(uint8_t)s[i + 1] << 8 : 0) |
			     (left > 2 ? (uint8_t)s[i + 2] : 0u);
		*p++ = digits[v >> 18];
		*p++ = digits[v >> 12 & 63];
		*p++ = left > 1 ? digits[v >> 6 & 63] : '=';
		*p++ = left > 2 ? digits[v & 63] : '=';
	}
	yaml_event_t event;
	return emit(emitter, &event,
		yaml_scalar_event_initialize(&event, NULL,
			(yaml_char_t *)"tag:yaml.org,2002:binary", (yaml_char_t *)text,
			(int)(p - text), 0, 0, YAML_PLAIN_SCALAR_STYLE));
}

static bool emit_number(yaml_emitter_t *emitter, const char *p)
{
	char text[40];
	switch (mp_raw_type(p)) {
	case MP_UINT:
		snprintf(text, sizeof(text), "%llu", (unsigned long long)mp_raw_uint(&p));
		break;
	case MP_INT:
		snprintf(text, sizeof(text), "%lld", (long long)mp_raw_int(&p));
		break;
	case MP_FLOAT:
		snprintf(text, sizeof(text), "%.14g", (double)mp_raw_float(&p));
		break;
	default:
		snprintf(text, sizeof(text), "%.14g", mp_raw_double(&p));
		break;
	}
	return emit_plain(emitter, text);
}

static bool emit_ext(yaml_emitter_t *emitter, const char *p)
{
	int8_t type;
	uint32_t len;
	const char *data = mp_raw_ext(&p, &type, &len);
	char text[DECIMAL_STR_MAX] = "null";
	struct decimal decimal;
	struct tt_uuid uuid;
	if (type == MP_EXT_DECIMAL && decimal_unpack(data, len, &decimal) == 0) {
		decimal_to_string(&decimal, text);
	} else if (type == MP_EXT_UUID && len == UUID_LEN) {
		uuid_unpack(data, &uuid);
		uuid_to_string(&uuid, text);
	}
	return emit_plain(emitter, text);
}

static bool emit_leaf(yaml_emitter_t *emitter, const char *p)
{
	uint32_t len;
	const char *s;
	switch (mp_raw_type(p)) {
	case MP_UINT:
	case MP_INT:
	case MP_FLOAT:
	case MP_DOUBLE:
		return emit_number(emitter, p);
	case MP_STR:
		s = mp_raw_str(&p, &len);
		return is_utf8(s, len) ? emit_scalar(emitter, s, len,
						 YAML_SINGLE_QUOTED_SCALAR_STYLE)
				       : emit_binary(emitter, s, len);
	case MP_BIN:
		s = mp_raw_bin(&p, &len);
		return emit_binary(emitter, s, len);
	case MP_BOOL:
		return emit_plain(emitter, mp_raw_bool(&p) ? "true" : "false");
	case MP_EXT:
		return emit_ext(emitter, p);
	default:
		return emit_plain(emitter, "null");
	}
}

/* Values are checked to be no deeper than MP_DEPTH_MAX. */
static bool emit_value(yaml_emitter_t *emitter, const char **p)
{
	yaml_event_t event;
	if (mp_raw_type(*p) == MP_ARRAY) {
		uint32_t n = mp_raw_array(p);
		bool ok = emit(emitter, &event,
			yaml_sequence_start_event_initialize(
				&event, NULL, NULL, 1, YAML_FLOW_SEQUENCE_STYLE));
		while (ok && n-- > 0)
			ok = emit_value(emitter, p);
		return ok &&
		       emit(emitter, &event, yaml_sequence_end_event_initialize(&event));
	}
	if (mp_raw_type(*p) == MP_MAP) {
		uint64_t n = 2 * (uint64_t)mp_raw_map(p);
		bool ok = emit(emitter, &event,
			yaml_mapping_start_event_initialize(
				&event, NULL, NULL, 1, YAML_FLOW_MAPPING_STYLE));
		while (ok && n-- > 0)
			ok = emit_value(emitter, p);
		return ok &&
		       emit(emitter, &event, yaml_mapping_end_event_initialize(&event));
	}
	bool ok = emit_leaf(emitter, *p);
	*p = mp_raw_next(*p);
	return ok;
}

static bool emit_document(yaml_emitter_t *emitter, const char *data)
{
	yaml_event_t event;
	return emit(emitter, &event,
		       yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
	       emit(emitter, &event,
		       yaml_document_start_event_initialize(
			       &event, NULL, NULL, NULL, 1)) &&
	       emit_value(emitter, &data) &&
	       emit(emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
	       emit(emitter, &event, yaml_stream_end_event_initialize(&event)) &&
	       yaml_emitter_flush(emitter);
}

int msgpack_to_text(const char *data, struct buf *out)
{
	size_t len_before = out->len;
	yaml_emitter_t emitter;
	bool ok = yaml_emitter_initialize(&emitter);
	if (ok) {
		yaml_emitter_set_unicode(&emitter, 1);
		yaml_emitter_set_indent(&emitter, 2);
		yaml_emitter_set_width(&emitter, -1);
		yaml_emitter_set_break(&emitter, YAML_LN_BREAK);
		yaml_emitter_set_output(&emitter, write_cb, out);
		ok = emit_document(&emitter, data);
		yaml_emitter_delete(&emitter);
	}
	if (!ok) {
		out->len = len_before;
		diag_set(oom, "out of memory for a text");
		return -1;
	}
	while (out->len > len_before && out->data[out->len - 1] == '\n')
		out->len--;
	return 0;
}

#include "ctl/mptext.h"

#include <inttypes.h>

#include "ctl/ctl.h"

static int write_value(struct buf *out, struct mp_cursor *cur, int depth);

static int write_map(struct buf *out, struct mp_cursor *cur, int depth)
{
	uint32_t n = mp_read_map(cur);
	int rc = buf_puts(out, "{");
	for (uint32_t i = 0; i < n && rc == 0 && cur->error == NULL; i++) {
		rc = i > 0 ? buf_puts(out, ", ") : 0;
		/* A key of JSON is a string. */
		if (mp_peek(cur) == MP_STR) {
			rc |= write_value(out, cur, depth + 1);
		} else {
			struct buf key = {0};
			rc |= write_value(&key, cur, depth + 1);
			rc |= json_string(out, key.data, key.len);
			buf_fini(&key);
		}
		rc |= buf_puts(out, ": ");
		rc |= write_value(out, cur, depth + 1);
	}
	return rc | buf_puts(out, "}");
}

static int write_array(struct buf *out, struct mp_cursor *cur, int depth)
{
	uint32_t n = mp_read_array(cur);
	int rc = buf_puts(out, "[");
	for (uint32_t i = 0; i < n && rc == 0 && cur->error == NULL; i++) {
		rc = i > 0 ? buf_puts(out, ", ") : 0;
		rc |= write_value(out, cur, depth + 1);
	}
	return rc | buf_puts(out, "]");
}

static int write_ext(struct buf *out, struct mp_cursor *cur)
{
	int8_t type;
	uint32_t len;
	const unsigned char *p = (const unsigned char *)mp_read_ext(cur, &type, &len);
	if (cur->error != NULL)
		return -1;
	int rc = buf_puts(out, "\"");
	if (type != MP_EXT_UUID || len != 16)
		rc |= buf_printf(out, "ext %d: ", type);
	for (uint32_t i = 0; i < len; i++) {
		bool has_dash = type == MP_EXT_UUID && len == 16 &&
				(i == 4 || i == 6 || i == 8 || i == 10);
		rc |= buf_printf(out, "%s%02x", has_dash ? "-" : "", p[i]);
	}
	return rc | buf_puts(out, "\"");
}

static int write_value(struct buf *out, struct mp_cursor *cur, int depth)
{
	uint32_t len;
	const char *text;

	if (depth > MP_DEPTH_MAX) {
		mp_fail(cur, "nested too deeply");
		return -1;
	}
	switch (mp_peek(cur)) {
	case MP_NIL:
		mp_read_nil(cur);
		return buf_puts(out, "null");
	case MP_UINT:
		return buf_printf(out, "%" PRIu64, mp_read_uint(cur));
	case MP_INT:
		return buf_printf(out, "%" PRId64, mp_read_int(cur));
	case MP_STR:
		text = mp_read_str(cur, &len);
		return cur->error != NULL ? -1 : json_string(out, text, len);
	case MP_BIN:
		text = mp_read_bin(cur, &len);
		return cur->error != NULL ? -1 : json_string(out, text, len);
	case MP_ARRAY:
		return write_array(out, cur, depth);
	case MP_MAP:
		return write_map(out, cur, depth);
	case MP_BOOL:
		return buf_puts(out, mp_read_bool(cur) ? "true" : "false");
	case MP_FLOAT:
	case MP_DOUBLE:
		return buf_printf(out, "%.14g", mp_read_double(cur));
	case MP_EXT:
		return write_ext(out, cur);
	case MP_BAD:
		break;
	}
	mp_fail(cur, "malformed value");
	return -1;
}

int mptext_json(struct buf *out, struct mp_cursor *cur)
{
	int rc = write_value(out, cur, 0);
	return rc != 0 || cur->error != NULL ? -1 : 0;
}

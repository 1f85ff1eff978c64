#include "ctl/mpfield.h"

#include <string.h>

bool mpfield_find(const struct mp_cursor *map, const char *key, struct mp_cursor *ret)
{
	struct mp_cursor cur = *map;
	size_t key_len = strlen(key);
	if (mp_peek(&cur) != MP_MAP)
		return false;
	uint32_t count = mp_read_map(&cur), len = 0;
	for (uint32_t i = 0; i < count && cur.error == NULL; i++) {
		const char *name = "";
		len = 0;
		if (mp_peek(&cur) == MP_STR)
			name = mp_read_str(&cur, &len);
		else
			mp_skip(&cur);
		if (cur.error == NULL && len == key_len && memcmp(name, key, len) == 0) {
			*ret = cur;
			return true;
		}
		mp_skip(&cur);
	}
	return false;
}

void mpfield_str(const struct mp_cursor *map, const char *key, char *out, size_t size)
{
	struct mp_cursor value;
	uint32_t len = 0;
	const char *text = "";
	if (mpfield_find(map, key, &value) && mp_peek(&value) == MP_STR) {
		text = mp_read_str(&value, &len);
		if (value.error != NULL)
			len = 0;
	}
	if (len >= size)
		len = (uint32_t)size - 1;
	memcpy(out, text, len);
	out[len] = '\0';
}

int64_t mpfield_int(const struct mp_cursor *map, const char *key, int64_t def)
{
	struct mp_cursor value;
	if (!mpfield_find(map, key, &value))
		return def;
	switch (mp_peek(&value)) {
	case MP_UINT: {
		uint64_t number = mp_read_uint(&value);
		return number <= INT64_MAX ? (int64_t)number : INT64_MAX;
	}
	case MP_INT:
		return -1;
	default:
		return def;
	}
}

double mpfield_double(const struct mp_cursor *map, const char *key)
{
	struct mp_cursor value;
	if (!mpfield_find(map, key, &value))
		return 0;
	switch (mp_peek(&value)) {
	case MP_DOUBLE:
		return mp_read_double(&value);
	case MP_UINT:
		return (double)mp_read_uint(&value);
	default:
		return 0;
	}
}

bool mpfield_bool(const struct mp_cursor *map, const char *key)
{
	struct mp_cursor value;
	return mpfield_find(map, key, &value) && mp_peek(&value) == MP_BOOL &&
	       mp_read_bool(&value);
}

#include "instance/box/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/alter.h"
#include "instance/box/mp_raw.h"

uint32_t box_schema_version;

static void on_space_nothing(uint32_t space_id)
{
}

void (*schema_on_space)(uint32_t space_id) = on_space_nothing;

void schema_space_changed(uint32_t space_id)
{
	box_schema_version++;
	schema_on_space(space_id);
}

/** Decode one UTF-8 sequence. @return its length, 0 when it is none */
static size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t min[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80   ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;
	if (n == 0 || n > len)
		return 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < min[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return n;
}

/** Control characters, line separators and what is no character are not. */
static bool is_printable(uint32_t c)
{
	return c >= 0x20 && (c < 0x7f || c >= 0xa0) && c != 0x2028 && c != 0x2029 &&
	       (c & 0xfffe) != 0xfffe && !(c >= 0xfdd0 && c <= 0xfdef);
}

int identifier_check(const char *name, size_t len)
{
	bool ok = len > 0;
	for (size_t i = 0; ok && i < len;) {
		uint32_t c = 0;
		size_t n = utf8_decode((const unsigned char *)name + i, len - i, &c);
		ok = n > 0 && is_printable(c);
		i += n;
	}
	if (ok && len <= IDENTIFIER_MAX)
		return 0;
	char text[256];
	snprintf(text, sizeof(text), "%.*s", (int)(len < 255 ? len : 255), name);
	diag_set_client(ER_IDENTIFIER, text);
	return -1;
}

/* ---- Maps of options ---- */

static const char *const opt_type_name[] = {
	[OPT_BOOL] = "boolean",
	[OPT_UINT] = "unsigned",
	[OPT_INT] = "integer",
	[OPT_NUMBER] = "float",
	[OPT_STR] = "string",
	[OPT_ENUM] = "enum",
	[OPT_ARRAY] = "array",
};

static bool read_int(const char **p, int64_t *ret)
{
	if (mp_raw_type(*p) == MP_INT) {
		*ret = mp_raw_int(p);
		return true;
	}
	uint64_t v = mp_raw_type(*p) == MP_UINT ? mp_raw_uint(p) : UINT64_MAX;
	*ret = (int64_t)v;
	return v <= INT64_MAX;
}

static bool read_number(const char **p, double *ret)
{
	int64_t i;
	switch (mp_raw_type(*p)) {
	case MP_DOUBLE:
		*ret = mp_raw_double(p);
		return true;
	case MP_FLOAT:
		*ret = (double)mp_raw_float(p);
		return true;
	default:
		if (!read_int(p, &i))
			return false;
		*ret = (double)i;
		return true;
	}
}

/** Read one value into the option's place. @return false: it has another type */
static bool opt_read(const struct opt_def *def, const char *p, char *out)
{
	enum mp_type type = mp_raw_type(p);
	switch (def->type) {
	case OPT_BOOL:
		if (type != MP_BOOL)
			return false;
		*(bool *)(out + def->offset) = mp_raw_bool(&p);
		return true;
	case OPT_UINT: {
		uint64_t v = type == MP_UINT ? mp_raw_uint(&p) : UINT64_MAX;
		*(uint32_t *)(out + def->offset) = (uint32_t)v;
		return v <= UINT32_MAX;
	}
	case OPT_INT:
		return read_int(&p, (int64_t *)(out + def->offset));
	case OPT_NUMBER:
		return read_number(&p, (double *)(out + def->offset));
	case OPT_STR:
	case OPT_ENUM: {
		if (type != MP_STR)
			return false;
		struct opt_str *s = (struct opt_str *)(out + def->offset);
		s->s = mp_raw_str(&p, &s->len);
		return true;
	}
	case OPT_ARRAY:
		return type == MP_ARRAY;
	case OPT_ANY:
		break;
	}
	return true;
}

static const struct opt_def *opt_find(
	const struct opt_def *defs, size_t count, const char *name, uint32_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(defs[i].name) == len && memcmp(defs[i].name, name, len) == 0)
			return &defs[i];
	}
	return NULL;
}

int opts_decode(const struct opt_def *defs, size_t count, const char *map, unsigned code,
	uint32_t fieldno, void *out)
{
	char text[256];
	uint32_t size = mp_raw_map(&map);
	for (uint32_t i = 0; i < size; i++) {
		if (mp_raw_type(map) != MP_STR) {
			diag_set_client(code, fieldno, "key must be a string");
			return -1;
		}
		uint32_t len;
		const char *name = mp_raw_str(&map, &len);
		const struct opt_def *def = opt_find(defs, count, name, len);
		if (def == NULL) {
			snprintf(text, sizeof(text), "unexpected option '%.*s'",
				(int)(len < 200 ? len : 200), name);
			diag_set_client(code, fieldno, text);
			return -1;
		}
		if (!opt_read(def, map, out)) {
			snprintf(text, sizeof(text), "'%s' must be %s", def->name,
				opt_type_name[def->type]);
			diag_set_client(code, fieldno, text);
			return -1;
		}
		map = mp_raw_next(map);
	}
	return 0;
}

/* ---- The spaces that hold the schema ---- */

/* Rows of these may come before the rows that define them (a snapshot's order). */
static const struct core_space {
	uint32_t id;
	const char *name;
	struct key_part parts[2];
	uint32_t part_count;
} core_spaces[] = {
	{SPACE_SCHEMA, "_schema", {{0, FIELD_TYPE_STRING, false, COLL_NONE}}, 1},
	{SPACE_COLLATION, "_collation", {{0, FIELD_TYPE_UNSIGNED, false, COLL_NONE}}, 1},
	{SPACE_SPACE, "_space", {{0, FIELD_TYPE_UNSIGNED, false, COLL_NONE}}, 1},
	{SPACE_SEQUENCE, "_sequence", {{0, FIELD_TYPE_UNSIGNED, false, COLL_NONE}}, 1},
	{SPACE_SEQUENCE_DATA, "_sequence_data",
		{{0, FIELD_TYPE_UNSIGNED, false, COLL_NONE}}, 1},
	{SPACE_INDEX, "_index",
		{{0, FIELD_TYPE_UNSIGNED, false, COLL_NONE},
			{1, FIELD_TYPE_UNSIGNED, false, COLL_NONE}},
		2},
};

static int core_space_add_index(struct space *space, const struct core_space *core)
{
	struct index_def *def = index_def_new(core->id, 0, "primary", strlen("primary"),
		INDEX_TREE, true, core->parts, core->part_count, NULL);
	struct index *index = def != NULL ? index_new(def) : NULL;
	struct index *old;
	if (index == NULL) {
		index_def_free(def);
		return -1;
	}
	if (space_add_index(space, index, &old) != 0) {
		index_unref(index);
		return -1;
	}
	return 0;
}

static int core_space_create(const struct core_space *core)
{
	struct space_def *def = space_def_new(core->id, USER_ADMIN, core->name,
		strlen(core->name), "memtx", 0, NULL, 0);
	struct space *space = def != NULL ? space_new(def) : NULL;
	if (space == NULL) {
		space_def_free(def);
		return -1;
	}
	int rc = core_space_add_index(space, core);
	if (rc == 0) {
		alter_add_triggers(space);
		rc = space_cache_put(space);
	}
	space_unref(space);
	return rc;
}

int schema_init(void)
{
	for (size_t i = 0; i < lengthof(core_spaces); i++) {
		if (core_space_create(&core_spaces[i]) != 0)
			return -1;
	}
	return 0;
}

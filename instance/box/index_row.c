#include "instance/box/index_row.h"

#include <stdio.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"

enum { INDEX_FIELD_MAX = 0x7fffffff };

/* The map of options in a row of _index. Those of vinyl and RTREE are only checked. */
struct index_opts {
	bool is_unique;
	int64_t dimension, range_size, page_size, run_count_per_level, lsn;
	double run_size_ratio, bloom_fpr;
	struct opt_str distance, sql;
	uint32_t func;
};

#define OPT(name, type, member)                                 \
	{                                                       \
		name, type, offsetof(struct index_opts, member) \
	}
static const struct opt_def index_opt_defs[] = {
	OPT("unique", OPT_BOOL, is_unique),
	OPT("dimension", OPT_INT, dimension),
	OPT("distance", OPT_ENUM, distance),
	OPT("range_size", OPT_INT, range_size),
	OPT("page_size", OPT_INT, page_size),
	OPT("run_count_per_level", OPT_INT, run_count_per_level),
	OPT("run_size_ratio", OPT_NUMBER, run_size_ratio),
	OPT("bloom_fpr", OPT_NUMBER, bloom_fpr),
	OPT("lsn", OPT_INT, lsn),
	OPT("stat", OPT_ANY, lsn),
	OPT("func", OPT_UINT, func),
	OPT("sql", OPT_STR, sql),
};
#undef OPT

/* One part as a map. */
struct part_opts {
	uint32_t field;
	struct opt_str type, path;
	uint32_t collation;
	bool is_nullable;
};

#define OPT(name, type, member)                                \
	{                                                      \
		name, type, offsetof(struct part_opts, member) \
	}
static const struct opt_def part_opt_defs[] = {
	OPT("type", OPT_ENUM, type),
	OPT("field", OPT_UINT, field),
	OPT("collation", OPT_UINT, collation),
	OPT("is_nullable", OPT_BOOL, is_nullable),
	OPT("nullable_action", OPT_ANY, field),
	OPT("sort_order", OPT_ANY, field),
	OPT("path", OPT_STR, path),
};
#undef OPT

static int index_opts_decode(const char *map, struct index_opts *opts)
{
	const char *wrong = NULL;
	*opts = (struct index_opts){.is_unique = true,
		.page_size = 8192,
		.run_count_per_level = 2,
		.run_size_ratio = 3.5,
		.bloom_fpr = 0.05};
	if (opts_decode(index_opt_defs, lengthof(index_opt_defs), map,
		    ER_WRONG_INDEX_OPTIONS, INDEX_ROW_OPTS, opts) != 0)
		return -1;
	struct opt_str *d = &opts->distance;
	if (d->s != NULL && !(d->len == 6 && memcmp(d->s, "euclid", 6) == 0) &&
		!(d->len == 9 && memcmp(d->s, "manhattan", 9) == 0))
		wrong = "distance must be either 'euclid' or 'manhattan'";
	else if (opts->range_size < 0)
		wrong = "range_size must be non-negative";
	else if (opts->page_size <= 0 ||
		 (opts->range_size > 0 && opts->page_size > opts->range_size))
		wrong = "page_size must be greater than 0 and less than or equal to "
			"range_size";
	else if (opts->run_count_per_level <= 0)
		wrong = "run_count_per_level must be greater than 0";
	else if (opts->run_size_ratio <= 1)
		wrong = "run_size_ratio must be greater than 1";
	else if (opts->bloom_fpr <= 0 || opts->bloom_fpr > 1)
		wrong = "bloom_fpr must be greater than 0 and less than or equal to 1";
	if (wrong == NULL)
		return 0;
	diag_set_client(ER_WRONG_INDEX_OPTIONS, INDEX_ROW_OPTS, wrong);
	return -1;
}

/** A part as [field, type, ...]; what follows is ignored. */
static int part_decode_array(const char **p, struct key_part *part)
{
	const char *wrong = NULL;
	const char *end = mp_raw_next(*p);
	uint32_t count = mp_raw_array(p);
	uint32_t len;
	if (count == 0)
		wrong = "expected a non-empty array";
	else if (count == 1)
		wrong = "a field type is missing";
	else if (mp_raw_type(*p) != MP_UINT)
		wrong = "field id must be an integer";
	if (wrong == NULL) {
		uint64_t fieldno = mp_raw_uint(p);
		part->fieldno = fieldno < UINT32_MAX ? (uint32_t)fieldno : UINT32_MAX;
		if (mp_raw_type(*p) != MP_STR)
			wrong = "field type must be a string";
	}
	if (wrong == NULL) {
		const char *type = mp_raw_str(p, &len);
		part->type = field_type_by_name(type, len);
		if (part->type == FIELD_TYPE_MAX)
			wrong = "unknown field type";
	}
	*p = end;
	if (wrong == NULL)
		return 0;
	diag_set_client(ER_WRONG_INDEX_PARTS, wrong);
	return -1;
}

/** The key of a collation as key_part has it; a row of _collation must exist. */
static const char *part_set_collation(struct key_part *part, uint32_t collation)
{
	if (part->type != FIELD_TYPE_STRING && part->type != FIELD_TYPE_SCALAR)
		return "collation is reasonable only for string and scalar parts";
	char key[9];
	mp_raw_put_uint(key, collation);
	if (!alter_row_exists(SPACE_COLLATION, 0, key, 1))
		return "collation was not found by ID";
	part->coll_id = collation != 0 ? collation : COLL_NONE;
	return NULL;
}

/** A part as a map. @param n its number, from 0 */
static int part_decode_map(const char **p, uint32_t n, struct key_part *part)
{
	struct part_opts opts = {.collation = COLL_NONE};
	const char *wrong = NULL;
	if (mp_raw_type(*p) != MP_MAP)
		wrong = "index part is expected to be a map";
	else if (opts_decode(part_opt_defs, lengthof(part_opt_defs), *p,
			 ER_WRONG_INDEX_OPTIONS, n + 1, &opts) != 0)
		return -1;
	*p = mp_raw_next(*p);
	part->fieldno = opts.field;
	part->is_nullable = opts.is_nullable;
	if (wrong == NULL) {
		part->type = FIELD_TYPE_MAX;
		if (opts.type.s != NULL)
			part->type = field_type_by_name(opts.type.s, opts.type.len);
		if (part->type == FIELD_TYPE_MAX)
			wrong = "index part: unknown field type";
		else if (opts.collation != COLL_NONE)
			wrong = part_set_collation(part, opts.collation);
	}
	if (wrong == NULL && opts.path.len > 0) {
		diag_set_client(ER_UNSUPPORTED, "Tarantella",
			"JSON paths in index parts; engine = \"tarantool\" runs them");
		return -1;
	}
	if (wrong == NULL)
		return 0;
	diag_set_client(ER_WRONG_INDEX_OPTIONS, n + 1, wrong);
	return -1;
}

/** The first part tells which of the two forms all have. */
static int parts_decode(const char *p, struct key_part *parts, uint32_t count)
{
	bool is_map = count > 0 && mp_raw_type(p) != MP_ARRAY;
	for (uint32_t i = 0; i < count; i++) {
		struct key_part *part = &parts[i];
		*part = (struct key_part){.coll_id = COLL_NONE};
		if ((is_map ? part_decode_map(&p, i, part)
			    : part_decode_array(&p, part)) != 0)
			return -1;
	}
	return 0;
}

/** What no kind of index can have. NULL, or why not. */
static const char *parts_refused(const struct key_part *parts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (parts[i].fieldno >= INDEX_FIELD_MAX)
			return "field no is too big";
		for (uint32_t j = 0; j < i; j++) {
			if (parts[j].fieldno == parts[i].fieldno)
				return "same key part is indexed twice";
		}
	}
	return NULL;
}

static const char *field_type_refused(
	const struct key_part *parts, uint32_t count, char *buf, size_t size)
{
	for (uint32_t i = 0; i < count; i++) {
		enum field_type type = parts[i].type;
		if (type == FIELD_TYPE_ANY || type == FIELD_TYPE_ARRAY ||
			type == FIELD_TYPE_MAP) {
			snprintf(buf, size, "field type '%s' is not supported",
				field_type_name[type]);
			return buf;
		}
	}
	return NULL;
}

static bool parts_nullable(const struct key_part *parts, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (parts[i].is_nullable)
			return true;
	}
	return false;
}

/** The rules for all indexes, then those of the type. 0, or -1 with diag set. */
static int index_row_check(const struct index_row *row, const struct space *space)
{
	char name[512], text[64];
	snprintf(name, sizeof(name), "%.*s",
		(int)(row->name.len < 511 ? row->name.len : 511), row->name.s);
	const char *why = NULL;
	if (row->iid >= INDEX_ID_MAX)
		why = "index id too big";
	else if (row->iid == 0 && !row->is_unique)
		why = "primary key must be unique";
	else if (row->part_count == 0)
		why = "part count must be positive";
	else
		why = parts_refused(row->parts, row->part_count);
	if (why == NULL && parts_nullable(row->parts, row->part_count)) {
		if (row->iid == 0) {
			diag_set_client(ER_NULLABLE_PRIMARY, space_name(space));
			return -1;
		}
		if (row->type != INDEX_TREE) {
			diag_set_client(ER_UNSUPPORTED, index_type_name[row->type],
				"nullable parts");
			return -1;
		}
	}
	if (why == NULL && row->type == INDEX_HASH && !row->is_unique)
		why = "HASH index must be unique";
	if (why == NULL && row->type == INDEX_BITSET && row->is_unique)
		why = "BITSET can not be unique";
	if (why == NULL && row->type == INDEX_RTREE && row->is_unique)
		why = "RTREE index can not be unique";
	if (why == NULL && row->type <= INDEX_HASH)
		why = field_type_refused(row->parts, row->part_count, text, sizeof(text));
	if (why == NULL)
		return 0;
	diag_set_client(ER_MODIFY_INDEX, name, space_name(space), why);
	return -1;
}

static int index_row_read(
	const struct tuple *tuple, const struct space *space, struct index_row *row)
{
	uint32_t type_len;
	struct index_opts opts = {0};
	if (tuple_field_u32(tuple, INDEX_ROW_IID, &row->iid) != 0)
		return -1;
	const char *type = tuple_field_str(tuple, INDEX_ROW_TYPE, &type_len);
	row->name.s = tuple_field_str(tuple, INDEX_ROW_NAME, &row->name.len);
	if (type == NULL || row->name.s == NULL ||
		index_opts_decode(tuple_field(tuple, INDEX_ROW_OPTS), &opts) != 0)
		return -1;
	row->is_unique = opts.is_unique;
	row->type = index_type_by_name(type, type_len);
	char name[64 + 1];
	snprintf(name, sizeof(name), "%.*s",
		(int)(row->name.len < 64 ? row->name.len : 64), row->name.s);
	if (row->name.len > IDENTIFIER_MAX) {
		diag_set_client(ER_MODIFY_INDEX, name, space_name(space),
			"index name is too long");
		return -1;
	}
	if (identifier_check(row->name.s, row->name.len) != 0)
		return -1;
	if (row->type == INDEX_TYPE_MAX) {
		diag_set_client(ER_INDEX_TYPE, name, space_name(space));
		return -1;
	}
	const char *parts = tuple_field(tuple, INDEX_ROW_PARTS);
	row->part_count = mp_raw_array(&parts);
	if (row->part_count > INDEX_PART_MAX) {
		diag_set_client(
			ER_MODIFY_INDEX, name, space_name(space), "too many key parts");
		return -1;
	}
	if (opts.func != 0) {
		diag_set_client(ER_UNSUPPORTED, "Tarantella",
			"functional indexes; engine = \"tarantool\" "
			"runs them");
		return -1;
	}
	return parts_decode(parts, row->parts, row->part_count);
}

int index_row_decode(
	const struct tuple *tuple, const struct space *space, struct index_row *row)
{
	if (index_row_read(tuple, space, row) != 0)
		return -1;
	return index_row_check(row, space);
}

struct index_def *index_row_def(
	const struct index_row *row, const struct space *space, const struct key_def *pk)
{
	return index_def_new(space_id(space), row->iid, row->name.s, row->name.len,
		row->type, row->is_unique, row->parts, row->part_count,
		row->iid == 0 ? NULL : pk);
}

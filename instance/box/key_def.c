#include "instance/box/key_def.h"

#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/box/mp_compare.h"
#include "instance/box/mp_raw.h"
#include "instance/box/tuple.h"
#include "proto/buf.h"

static void key_def_finish(struct key_def *def)
{
	for (uint32_t i = 0; i < def->part_count; i++) {
		const struct key_part *part = &def->parts[i];
		def->is_nullable |= part->is_nullable;
		if (part->fieldno >= def->field_count)
			def->field_count = part->fieldno + 1;
	}
	if (def->part_count == 0)
		return;
	enum field_type type = def->parts[0].type;
	def->is_hint_complete = type == FIELD_TYPE_UNSIGNED ||
				type == FIELD_TYPE_INTEGER || type == FIELD_TYPE_BOOLEAN;
}

struct key_def *key_def_new(const struct key_part *parts, uint32_t part_count)
{
	for (uint32_t i = 0; i < part_count; i++) {
		if (parts[i].coll_id == COLL_NONE || parts[i].coll_id == COLL_BINARY)
			continue;
		diag_set_client(ER_UNSUPPORTED, "Tarantella",
			"unicode collations; engine = \"tarantool\" runs them");
		return NULL;
	}
	struct key_def *def = calloc(1, sizeof(*def) + part_count * sizeof(*parts));
	if (def == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	def->part_count = def->unique_part_count = part_count;
	memcpy(def->parts, parts, part_count * sizeof(*parts));
	key_def_finish(def);
	return def;
}

void key_def_free(struct key_def *def)
{
	free(def);
}

struct key_def *key_def_dup(const struct key_def *def)
{
	size_t size = sizeof(*def) + def->part_count * sizeof(def->parts[0]);
	struct key_def *copy = malloc(size);
	if (copy == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	memcpy(copy, def, size);
	return copy;
}

struct key_def *key_def_merge(
	const struct key_def *def, const struct key_def *pk, bool is_unique)
{
	size_t max = def->part_count + pk->part_count;
	struct key_def *merged = calloc(1, sizeof(*def) + max * sizeof(def->parts[0]));
	if (merged == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	memcpy(merged->parts, def->parts, def->part_count * sizeof(def->parts[0]));
	merged->part_count = def->part_count;
	for (uint32_t i = 0; i < pk->part_count; i++)
		if (key_def_find(def, pk->parts[i].fieldno) == NULL)
			merged->parts[merged->part_count++] = pk->parts[i];
	merged->unique_part_count = is_unique ? def->part_count : merged->part_count;
	key_def_finish(merged);
	return merged;
}

bool key_def_equals(const struct key_def *a, const struct key_def *b)
{
	if (a->part_count != b->part_count)
		return false;
	for (uint32_t i = 0; i < a->part_count; i++) {
		const struct key_part *p = &a->parts[i], *q = &b->parts[i];
		if (p->fieldno != q->fieldno || p->type != q->type ||
			p->is_nullable != q->is_nullable || p->coll_id != q->coll_id)
			return false;
	}
	return true;
}

const struct key_part *key_def_find(const struct key_def *def, uint32_t fieldno)
{
	for (uint32_t i = 0; i < def->part_count; i++)
		if (def->parts[i].fieldno == fieldno)
			return &def->parts[i];
	return NULL;
}

uint64_t key_def_hint_tuple(const struct key_def *def, const struct tuple *tuple)
{
	return mp_hint(tuple_field(tuple, def->parts[0].fieldno));
}

uint64_t key_def_hint_key(const struct key_def *def, const char *key, uint32_t part_count)
{
	(void)def;
	return part_count > 0 ? mp_hint(key) : 0;
}

static bool is_nil(const char *field)
{
	return field == NULL || mp_raw_type(field) == MP_NIL;
}

int key_def_compare(const struct key_def *def, const struct tuple *a,
	const struct tuple *b, uint32_t first)
{
	for (uint32_t i = first; i < def->unique_part_count; i++) {
		const struct key_part *part = &def->parts[i];
		int rc = mp_compare_field(tuple_field(a, part->fieldno),
			tuple_field(b, part->fieldno), part->type);
		if (rc != 0)
			return rc;
	}
	if (def->unique_part_count == def->part_count ||
		!key_def_tuple_has_nil(def, a, def->unique_part_count))
		return 0;
	for (uint32_t i = def->unique_part_count; i < def->part_count; i++) {
		const struct key_part *part = &def->parts[i];
		int rc = mp_compare_field(tuple_field(a, part->fieldno),
			tuple_field(b, part->fieldno), part->type);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int key_def_compare_key(const struct key_def *def, const struct tuple *tuple,
	const char *key, uint32_t part_count, uint32_t first)
{
	for (uint32_t i = 0; i < part_count; i++, key = mp_raw_next(key)) {
		const struct key_part *part = &def->parts[i];
		if (i < first)
			continue;
		int rc = mp_compare_field(
			tuple_field(tuple, part->fieldno), key, part->type);
		if (rc != 0)
			return rc;
	}
	return 0;
}

bool key_def_tuple_has_nil(
	const struct key_def *def, const struct tuple *tuple, uint32_t part_count)
{
	if (!def->is_nullable)
		return false;
	for (uint32_t i = 0; i < part_count; i++)
		if (def->parts[i].is_nullable &&
			is_nil(tuple_field(tuple, def->parts[i].fieldno)))
			return true;
	return false;
}

int key_def_check_key(const struct key_def *def, const char *key, uint32_t part_count,
	bool is_partial, bool may_be_nil)
{
	if (is_partial && part_count > def->part_count) {
		diag_set_client(ER_KEY_PART_COUNT, def->part_count, part_count);
		return -1;
	}
	if (!is_partial && part_count != def->part_count) {
		diag_set_client(ER_EXACT_MATCH, def->part_count, part_count);
		return -1;
	}
	for (uint32_t i = 0; i < part_count; i++, key = mp_raw_next(key)) {
		const struct key_part *part = &def->parts[i];
		if (field_type_matches(part->type, key, part->is_nullable && may_be_nil))
			continue;
		diag_set_client(ER_KEY_PART_TYPE, i, field_type_name[part->type]);
		return -1;
	}
	return 0;
}

int key_def_extract(const struct key_def *def, const struct tuple *tuple, struct buf *out)
{
	size_t len_before = out->len;
	char head[8];
	int rc = buf_append(
		out, head, (size_t)(mp_raw_put_array(head, def->part_count) - head));
	for (uint32_t i = 0; rc == 0 && i < def->part_count; i++) {
		const char *field = tuple_field(tuple, def->parts[i].fieldno);
		if (field == NULL)
			rc = buf_append(out, "\xc0", 1);
		else
			rc = buf_append(out, field, (size_t)(mp_raw_next(field) - field));
	}
	if (rc == 0)
		return 0;
	out->len = len_before;
	diag_set(oom, "out of memory");
	return -1;
}

#include "instance/box/tuple_format.h"

#include <string.h>
#include <strings.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/key_def.h"
#include "instance/box/tuple.h"

const char *const field_type_name[] = {
	[FIELD_TYPE_ANY] = "any",
	[FIELD_TYPE_UNSIGNED] = "unsigned",
	[FIELD_TYPE_STRING] = "string",
	[FIELD_TYPE_NUMBER] = "number",
	[FIELD_TYPE_DOUBLE] = "double",
	[FIELD_TYPE_INTEGER] = "integer",
	[FIELD_TYPE_BOOLEAN] = "boolean",
	[FIELD_TYPE_VARBINARY] = "varbinary",
	[FIELD_TYPE_SCALAR] = "scalar",
	[FIELD_TYPE_DECIMAL] = "decimal",
	[FIELD_TYPE_UUID] = "uuid",
	[FIELD_TYPE_ARRAY] = "array",
	[FIELD_TYPE_MAP] = "map",
	[FIELD_TYPE_MAX] = NULL,
};

enum {
	BIT_NIL = 1 << MP_NIL,
	BIT_NUMBER = 1 << MP_UINT | 1 << MP_INT | 1 << MP_FLOAT | 1 << MP_DOUBLE
};

/* Types of msgpack that a field type takes; extensions are looked at apart. */
static const uint16_t type_bits[] = {
	[FIELD_TYPE_ANY] = UINT16_MAX,
	[FIELD_TYPE_UNSIGNED] = 1 << MP_UINT,
	[FIELD_TYPE_STRING] = 1 << MP_STR,
	[FIELD_TYPE_NUMBER] = BIT_NUMBER,
	[FIELD_TYPE_DOUBLE] = 1 << MP_DOUBLE,
	[FIELD_TYPE_INTEGER] = 1 << MP_UINT | 1 << MP_INT,
	[FIELD_TYPE_BOOLEAN] = 1 << MP_BOOL,
	[FIELD_TYPE_VARBINARY] = 1 << MP_BIN,
	[FIELD_TYPE_SCALAR] = BIT_NUMBER | 1 << MP_STR | 1 << MP_BIN | 1 << MP_BOOL,
	[FIELD_TYPE_DECIMAL] = 0,
	[FIELD_TYPE_UUID] = 0,
	[FIELD_TYPE_ARRAY] = 1 << MP_ARRAY,
	[FIELD_TYPE_MAP] = 1 << MP_MAP,
};

/* The same for extension types MP_EXT_DECIMAL and MP_EXT_UUID. */
static const uint8_t type_ext_bits[] = {
	[FIELD_TYPE_ANY] = 0xff,
	[FIELD_TYPE_NUMBER] = 1 << MP_EXT_DECIMAL,
	[FIELD_TYPE_SCALAR] = 1 << MP_EXT_DECIMAL,
	[FIELD_TYPE_DECIMAL] = 1 << MP_EXT_DECIMAL,
	[FIELD_TYPE_UUID] = 1 << MP_EXT_UUID,
	[FIELD_TYPE_MAP] = 0,
};

struct tuple_format **tuple_formats;
struct tuple_format *tuple_format_runtime;
static uint32_t format_cap;
static uint32_t format_free_hint;

enum field_type field_type_by_name(const char *name, size_t len)
{
	if (len == 1 && *name == '*')
		return FIELD_TYPE_ANY;
	static const struct {
		const char *name;
		enum field_type type;
	} aliases[] = {{"str", FIELD_TYPE_STRING}, {"num", FIELD_TYPE_UNSIGNED}};
	for (int t = 0; t < FIELD_TYPE_MAX; t++)
		if (strlen(field_type_name[t]) == len &&
			strncasecmp(field_type_name[t], name, len) == 0)
			return (enum field_type)t;
	for (size_t i = 0; i < lengthof(aliases); i++)
		if (strlen(aliases[i].name) == len &&
			strncasecmp(aliases[i].name, name, len) == 0)
			return aliases[i].type;
	return FIELD_TYPE_MAX;
}

bool field_type_contains(enum field_type a, enum field_type b)
{
	return (type_bits[a] & type_bits[b]) == type_bits[b] &&
	       (type_ext_bits[a] & type_ext_bits[b]) == type_ext_bits[b];
}

bool field_type_matches(enum field_type type, const char *field, bool is_nullable)
{
	enum mp_type mp = mp_raw_type(field);
	if (mp == MP_NIL)
		return is_nullable || type == FIELD_TYPE_ANY;
	if (type_bits[type] >> mp & 1)
		return true;
	if (mp != MP_EXT)
		return false;
	int8_t ext;
	uint32_t len;
	mp_raw_ext(&field, &ext, &len);
	return ext >= 0 && ext < 8 && (type_ext_bits[type] >> ext & 1);
}

/* ---- Names ---- */

static uint32_t hash_name(const char *name, size_t len)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h;
}

static void dict_fini(struct tuple_dict *dict)
{
	for (uint32_t i = 0; i < dict->name_count; i++)
		free(dict->names[i]);
	free(dict->names);
	free(dict->slots);
}

/* The slot of a name: where it is, or the empty one where it would go. */
static uint32_t *dict_slot(const struct tuple_dict *dict, const char *name, size_t len)
{
	for (uint32_t i = hash_name(name, len);; i++) {
		uint32_t *slot = &dict->slots[i & dict->slot_mask];
		if (*slot == 0)
			return slot;
		const char *other = dict->names[*slot - 1];
		if (strncmp(other, name, len) == 0 && other[len] == '\0')
			return slot;
	}
}

static int dict_fill(struct tuple_dict *dict, const struct field_def *fields)
{
	uint32_t cap = 4;
	while (cap < dict->name_count * 2)
		cap *= 2;
	uint32_t count = dict->name_count;
	dict->name_count = 0;
	dict->slot_mask = cap - 1;
	dict->names = calloc(count, sizeof(*dict->names));
	dict->slots = calloc(cap, sizeof(*dict->slots));
	if (dict->names == NULL || dict->slots == NULL) {
		diag_set(oom, "out of memory");
		return -1;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t *slot = dict_slot(dict, fields[i].name, strlen(fields[i].name));
		if (*slot != 0) {
			diag_set_client(ER_SPACE_FIELD_IS_DUPLICATE, fields[i].name);
			return -1;
		}
		dict->names[i] = strdup(fields[i].name);
		if (dict->names[i] == NULL) {
			diag_set(oom, "out of memory");
			return -1;
		}
		dict->name_count++;
		*slot = i + 1;
	}
	return 0;
}

struct tuple_dict *tuple_dict_new(const struct field_def *fields, uint32_t field_count)
{
	struct tuple_dict *dict = calloc(1, sizeof(*dict));
	if (dict == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	dict->refs = 1;
	while (dict->name_count < field_count && fields[dict->name_count].name != NULL)
		dict->name_count++;
	if (dict->name_count > 0 && dict_fill(dict, fields) != 0) {
		tuple_dict_unref(dict);
		return NULL;
	}
	return dict;
}

void tuple_dict_ref(struct tuple_dict *dict)
{
	dict->refs++;
}

void tuple_dict_unref(struct tuple_dict *dict)
{
	if (--dict->refs > 0)
		return;
	dict_fini(dict);
	free(dict);
}

void tuple_dict_swap(struct tuple_dict *a, struct tuple_dict *b)
{
	struct tuple_dict tmp = *a;
	uint32_t a_refs = a->refs, b_refs = b->refs;
	*a = *b;
	*b = tmp;
	a->refs = a_refs;
	b->refs = b_refs;
}

int64_t tuple_dict_find(const struct tuple_dict *dict, const char *name, size_t len)
{
	if (dict->name_count == 0)
		return -1;
	return (int64_t)*dict_slot(dict, name, len) - 1;
}

/* ---- Formats ---- */

/* Give the format an id. -1 with diag set when all are taken. */
static int format_register(struct tuple_format *format)
{
	uint32_t id = format_free_hint;
	while (id < format_cap && tuple_formats[id] != NULL)
		id++;
	if (id >= TUPLE_FORMAT_ID_MAX) {
		diag_set_client(ER_TUPLE_FORMAT_LIMIT, (unsigned)TUPLE_FORMAT_ID_MAX);
		return -1;
	}
	if (id == format_cap) {
		uint32_t cap = format_cap == 0 ? 64 : format_cap * 2;
		struct tuple_format **bigger =
			realloc(tuple_formats, cap * sizeof(*tuple_formats));
		if (bigger == NULL) {
			diag_set(oom, "out of memory");
			return -1;
		}
		memset(bigger + format_cap, 0, (cap - format_cap) * sizeof(*bigger));
		tuple_formats = bigger;
		format_cap = cap;
	}
	format->id = (uint16_t)id;
	tuple_formats[id] = format;
	format_free_hint = id + 1;
	return 0;
}

/* Narrow the field of a key part to the part's type. */
static int format_add_part(struct tuple_format *format, const struct key_part *part,
	uint32_t space_field_count)
{
	struct tuple_field *field = &format->fields[part->fieldno];
	bool is_in_space = part->fieldno < space_field_count;
	/* A part may be nullable where another one, or the format, forbids nil. */
	if (!field->is_key_part && !is_in_space)
		field->is_nullable = part->is_nullable;
	else if (!part->is_nullable)
		field->is_nullable = false;
	if (field_type_contains(field->type, part->type)) {
		field->type = part->type;
	} else if (!field_type_contains(part->type, field->type)) {
		diag_set_client(field->is_key_part ? ER_INDEX_PART_TYPE_MISMATCH
						   : ER_FORMAT_MISMATCH_INDEX_PART,
			tuple_field_label(part->fieldno), field_type_name[field->type],
			field_type_name[part->type]);
		return -1;
	}
	field->is_key_part = true;
	return 0;
}

static int format_fill(struct tuple_format *format, const struct field_def *fields,
	uint32_t field_count, const struct key_def *const *keys, uint32_t key_count)
{
	for (uint32_t i = 0; i < format->field_count; i++) {
		if (i >= field_count) {
			format->fields[i].is_nullable = true;
			continue;
		}
		format->fields[i].type = fields[i].type;
		format->fields[i].is_nullable = fields[i].is_nullable;
	}
	for (uint32_t i = 0; i < key_count; i++)
		for (uint32_t j = 0; j < keys[i]->part_count; j++)
			if (format_add_part(format, &keys[i]->parts[j], field_count) != 0)
				return -1;
	for (uint32_t i = 0; i < format->field_count; i++)
		if (!format->fields[i].is_nullable)
			format->min_field_count = i + 1;
	return 0;
}

struct tuple_format *tuple_format_new(const struct field_def *fields,
	uint32_t field_count, uint32_t exact_field_count,
	const struct key_def *const *keys, uint32_t key_count, struct tuple_dict *dict)
{
	uint32_t total = field_count;
	for (uint32_t i = 0; i < key_count; i++)
		if (keys[i]->field_count > total)
			total = keys[i]->field_count;
	struct tuple_format *format = calloc(1, sizeof(*format));
	if (format == NULL) {
		diag_set(oom, "out of memory");
		return NULL;
	}
	format->refs = 1;
	format->id = TUPLE_FORMAT_ID_MAX;
	format->exact_field_count = exact_field_count;
	format->field_count = total;
	format->fields = calloc(total + 1, sizeof(*format->fields));
	if (format->fields == NULL) {
		diag_set(oom, "out of memory");
		goto fail;
	}
	if (dict != NULL)
		tuple_dict_ref(dict);
	else
		dict = tuple_dict_new(fields, field_count);
	format->dict = dict;
	if (dict == NULL ||
		format_fill(format, fields, field_count, keys, key_count) != 0 ||
		format_register(format) != 0)
		goto fail;
	return format;
fail:
	tuple_format_unref(format);
	return NULL;
}

void tuple_format_ref(struct tuple_format *format)
{
	format->refs++;
}

void tuple_format_unref(struct tuple_format *format)
{
	if (format == NULL || --format->refs > 0)
		return;
	if (format->id < format_cap && tuple_formats[format->id] == format) {
		tuple_formats[format->id] = NULL;
		if (format->id < format_free_hint)
			format_free_hint = format->id;
	}
	if (format->dict != NULL)
		tuple_dict_unref(format->dict);
	free(format->fields);
	free(format);
}

int tuple_format_init(void)
{
	if (tuple_format_runtime != NULL)
		return 0;
	tuple_format_runtime = tuple_format_new(NULL, 0, 0, NULL, 0, NULL);
	if (tuple_format_runtime == NULL)
		return -1;
	tuple_format_runtime->is_runtime = true;
	return 0;
}

void tuple_format_fini(void)
{
	tuple_format_unref(tuple_format_runtime);
	tuple_format_runtime = NULL;
	free(tuple_formats);
	tuple_formats = NULL;
	format_cap = format_free_hint = 0;
}

int tuple_format_check(
	const struct tuple_format *format, const char *data, const char *end)
{
	(void)end;
	const char *p = data;
	uint32_t count = mp_raw_array(&p);
	if (format->exact_field_count != 0 && count != format->exact_field_count) {
		diag_set_client(ER_EXACT_FIELD_COUNT, count, format->exact_field_count);
		return -1;
	}
	uint32_t n = count < format->field_count ? count : format->field_count;
	for (uint32_t i = 0; i < n; i++) {
		const struct tuple_field *field = &format->fields[i];
		if (!field_type_matches(field->type, p, field->is_nullable)) {
			diag_set_client(ER_FIELD_TYPE, tuple_field_label(i),
				field_type_name[field->type]);
			return -1;
		}
		p = mp_raw_next(p);
	}
	if (count >= format->min_field_count)
		return 0;
	for (uint32_t i = count; i < format->min_field_count; i++) {
		if (!format->fields[i].is_nullable) {
			diag_set_client(ER_FIELD_MISSING, tuple_field_label(i));
			return -1;
		}
	}
	return 0;
}

/*
 * The shape of a space's tuples: field types, names, nullability.
 */
#ifndef BOX_TUPLE_FORMAT_H
#define BOX_TUPLE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
	FIELD_TYPE_ANY,
	FIELD_TYPE_UNSIGNED,
	FIELD_TYPE_STRING,
	FIELD_TYPE_NUMBER,
	FIELD_TYPE_DOUBLE,
	FIELD_TYPE_INTEGER,
	FIELD_TYPE_BOOLEAN,
	FIELD_TYPE_VARBINARY,
	FIELD_TYPE_SCALAR,
	FIELD_TYPE_DECIMAL,
	FIELD_TYPE_UUID,
	FIELD_TYPE_ARRAY,
	FIELD_TYPE_MAP,
	FIELD_TYPE_MAX,
};
/** "any", "unsigned"... by enum field_type. */
extern const char *const field_type_name[];

enum {
	TUPLE_FORMAT_ID_MAX = UINT16_MAX,
	COLL_NONE = UINT32_MAX, /* key_part.coll_id and field_def.coll_id */
	COLL_BINARY = 3,        /* its id in _collation */
};

/**
 * A type by its name; shortened and other spellings ("str", "num", "int", "*")
 * are taken as Tarantool takes them.
 * @return FIELD_TYPE_MAX when there is none
 */
enum field_type field_type_by_name(const char *name, size_t len);
/** Is each value of type `b` one of type `a` too? */
bool field_type_contains(enum field_type a, enum field_type b);
/** Does the msgpack value match the type? nil only when is_nullable (or for any). */
bool field_type_matches(enum field_type type, const char *field, bool is_nullable);

/* Plain data; the name belongs to whoever owns the definition. */
struct field_def {
	const char *name; /* terminated; NULL: without a name */
	enum field_type type;
	bool is_nullable;
	uint32_t coll_id;
};

/*
 * Field names. Reference counted: all formats of a space share one, so tuples
 * made before a rename of fields know the new names.
 */
struct tuple_dict {
	uint32_t refs;
	uint32_t name_count;
	char **names;    /* owned, as is each name */
	uint32_t *slots; /* open addressing: field number + 1, or 0 */
	uint32_t slot_mask;
};

/**
 * Fields without a name end the list.
 * @return NULL with diag set (duplicate name: ER_SPACE_FIELD_IS_DUPLICATE)
 */
struct tuple_dict *tuple_dict_new(const struct field_def *fields, uint32_t field_count);
void tuple_dict_ref(struct tuple_dict *dict);
void tuple_dict_unref(struct tuple_dict *dict);
/** Exchange the content: whoever holds one sees the names of the other. */
void tuple_dict_swap(struct tuple_dict *a, struct tuple_dict *b);
/** @return the field number, or -1 */
int64_t tuple_dict_find(const struct tuple_dict *dict, const char *name, size_t len);

/* One field as the format requires it: space format and index parts together. */
struct tuple_field {
	enum field_type type;
	bool is_nullable;
	bool is_key_part;
};

/* Reference counted: each tuple holds one reference on its format's users count. */
struct tuple_format {
	uint32_t refs;
	uint16_t id;
	bool is_runtime;            /* of no space: memtx_max_tuple_size is not for it */
	uint32_t exact_field_count; /* 0: any count */
	uint32_t field_count;       /* entries in fields */
	uint32_t min_field_count;   /* up to the last field that may not be missing */
	struct tuple_dict *dict;    /* a reference */
	struct tuple_field *fields; /* owned */
};

struct key_def;

/** All formats by id. */
extern struct tuple_format **tuple_formats;
/** The format without rules, of box.tuple.new(). */
extern struct tuple_format *tuple_format_runtime;

/** Make tuple_format_runtime. @return 0, or -1 with diag set (OutOfMemory) */
int tuple_format_init(void);
void tuple_format_fini(void);

/**
 * Make a format from a space's fields and its indexes' keys.
 * @param fields the space's format; may be NULL
 * @param dict   names; NULL makes a new one from the fields
 * @return NULL with diag set (types that contradict each other, too many formats)
 */
struct tuple_format *tuple_format_new(const struct field_def *fields,
	uint32_t field_count, uint32_t exact_field_count,
	const struct key_def *const *keys, uint32_t key_count, struct tuple_dict *dict);
void tuple_format_ref(struct tuple_format *format);
/** Drop a reference; NULL is fine. */
void tuple_format_unref(struct tuple_format *format);

/**
 * Check msgpack data against the format.
 * @param data one well-formed array
 * @return 0, or -1 with ER_EXACT_FIELD_COUNT, ER_FIELD_MISSING or ER_FIELD_TYPE
 */
int tuple_format_check(
	const struct tuple_format *format, const char *data, const char *end);

#endif

/* Rows of _space: create, change, drop a space. Rows of _truncate: empty one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/alter.h"

enum { ID, OWNER, NAME, ENGINE, FIELD_COUNT, OPTS, FORMAT };

enum { GROUP_DEFAULT, GROUP_LOCAL, GROUP_max };

/* The map of options in a row of _space. */
struct space_opts {
	uint32_t group_id;
	bool is_temporary;
	bool is_view;
	bool is_sync;
	struct opt_str sql;
};

static const struct opt_def space_opt_defs[] = {
	{"group_id", OPT_UINT, offsetof(struct space_opts, group_id)},
	{"temporary", OPT_BOOL, offsetof(struct space_opts, is_temporary)},
	{"view", OPT_BOOL, offsetof(struct space_opts, is_view)},
	{"is_sync", OPT_BOOL, offsetof(struct space_opts, is_sync)},
	{"sql", OPT_STR, offsetof(struct space_opts, sql)},
};

/* One map of a format. What is not known is kept in the row and ignored. */
struct field_opts {
	struct opt_str name, type;
	bool is_nullable;
	uint32_t coll_id;
};

/* The engines that exist: all keep tuples in memory. */
static const char *const engines[] = {"memtx", "sysview", "blackhole", "service"};

static int engine_check(const char *name, uint32_t len)
{
	for (size_t i = 0; i < lengthof(engines); i++) {
		if (strlen(engines[i]) == len && memcmp(engines[i], name, len) == 0)
			return 0;
	}
	if (len == 5 && memcmp(name, "vinyl", 5) == 0) {
		diag_set_client(ER_UNSUPPORTED, "Tarantella",
			"engine 'vinyl'; engine = \"tarantool\" runs it");
		return -1;
	}
	char text[64];
	snprintf(text, sizeof(text), "%.*s", (int)(len < 63 ? len : 63), name);
	diag_set_client(ER_NO_SUCH_ENGINE, text);
	return -1;
}

/** "Failed to create space 'x': what", or the same for a change. */
static void set_space_error(
	unsigned code, const char *name, uint32_t len, const char *what)
{
	char text[64 + 1];
	snprintf(text, sizeof(text), "%.*s", (int)(len < 64 ? len : 64), name);
	diag_set_client(code, text, what);
}

/** One value of a field's map by its key. */
static int field_opt_read(struct field_opts *opts, const char *key, uint32_t key_len,
	const char *p, const char **ret_expected)
{
#define KEY_IS(s) (key_len == sizeof(s) - 1 && memcmp(key, s, key_len) == 0)
	enum mp_type type = mp_raw_type(p);
	if (KEY_IS("name")) {
		*ret_expected = "'name' must be string";
		if (type != MP_STR)
			return -1;
		opts->name.s = mp_raw_str(&p, &opts->name.len);
	} else if (KEY_IS("type")) {
		*ret_expected = "'type' must be enum";
		if (type != MP_STR)
			return -1;
		opts->type.s = mp_raw_str(&p, &opts->type.len);
	} else if (KEY_IS("is_nullable")) {
		*ret_expected = "'is_nullable' must be boolean";
		if (type != MP_BOOL)
			return -1;
		opts->is_nullable = mp_raw_bool(&p);
	} else if (KEY_IS("collation")) {
		*ret_expected = "'collation' must be unsigned";
		if (type != MP_UINT)
			return -1;
		opts->coll_id = (uint32_t)mp_raw_uint(&p);
	}
	return 0;
#undef KEY_IS
}

/* Where a format's decoding stands. */
struct format_decoder {
	unsigned code;
	struct opt_str space;
	uint32_t fieldno; /* from 1 */
};

static void set_field_error(const struct format_decoder *d, const char *what)
{
	char text[128];
	snprintf(text, sizeof(text), "field %u %s", d->fieldno, what);
	set_space_error(d->code, d->space.s, d->space.len, text);
}

static int field_map_decode(
	const struct format_decoder *d, const char **p, struct field_opts *opts)
{
	if (mp_raw_type(*p) != MP_MAP) {
		set_field_error(d, "is not map");
		return -1;
	}
	uint32_t size = mp_raw_map(p);
	for (uint32_t i = 0; i < size; i++) {
		if (mp_raw_type(*p) != MP_STR) {
			set_field_error(d, "format is not map with string keys");
			return -1;
		}
		uint32_t key_len;
		const char *key = mp_raw_str(p, &key_len);
		const char *expected;
		if (field_opt_read(opts, key, key_len, *p, &expected) != 0) {
			diag_set_client(ER_WRONG_SPACE_FORMAT, d->fieldno, expected);
			return -1;
		}
		*p = mp_raw_next(*p);
	}
	return 0;
}

static int field_def_decode(
	const struct format_decoder *d, const char **p, struct field_def *field)
{
	struct field_opts opts = {.coll_id = 0};
	if (field_map_decode(d, p, &opts) != 0)
		return -1;
	if (opts.name.len == 0) {
		set_field_error(d, "name is not specified");
		return -1;
	}
	if (opts.name.len > IDENTIFIER_MAX) {
		set_field_error(d, "name is too long");
		return -1;
	}
	if (identifier_check(opts.name.s, opts.name.len) != 0)
		return -1;
	field->type = FIELD_TYPE_ANY;
	if (opts.type.s != NULL)
		field->type = field_type_by_name(opts.type.s, opts.type.len);
	if (field->type == FIELD_TYPE_MAX) {
		set_field_error(d, "has unknown field type");
		return -1;
	}
	field->is_nullable = opts.is_nullable;
	field->coll_id = opts.coll_id != 0 ? opts.coll_id : COLL_NONE;
	field->name = strndup(opts.name.s, opts.name.len);
	if (field->name == NULL) {
		diag_set(oom, "Failed to allocate %u bytes in malloc for a field name",
			opts.name.len);
		return -1;
	}
	return 0;
}

/* Owns the fields' names. */
struct field_list {
	struct field_def *fields;
	uint32_t count;
};

static void field_list_fini(struct field_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free((char *)list->fields[i].name);
	free(list->fields);
}

static int format_decode(struct format_decoder *d, const char *p, struct field_list *list)
{
	uint32_t count = mp_raw_array(&p);
	if (count == 0)
		return 0;
	list->fields = calloc(count, sizeof(*list->fields));
	if (list->fields == NULL) {
		diag_set(oom, "Failed to allocate memory for %u fields", count);
		return -1;
	}
	for (; list->count < count; list->count++) {
		d->fieldno = list->count + 1;
		if (field_def_decode(d, &p, &list->fields[list->count]) != 0)
			return -1;
	}
	return 0;
}

/** Options that depend on each other. */
static int space_opts_check(
	const struct space_opts *opts, const struct opt_str *name, unsigned code)
{
	if (opts->is_view && opts->sql.s == NULL) {
		diag_set_client(ER_VIEW_MISSING_SQL);
		return -1;
	}
	if (opts->group_id >= GROUP_max) {
		char text[16];
		snprintf(text, sizeof(text), "%u", opts->group_id);
		diag_set_client(ER_NO_SUCH_GROUP, text);
		return -1;
	}
	if (opts->is_view) {
		set_space_error(code, name->s, name->len, "Tarantella has no SQL views");
		return -1;
	}
	return 0;
}

struct space_def *space_def_decode(const struct tuple *tuple, unsigned code)
{
	uint32_t id, owner, field_count, engine_len;
	struct opt_str name;
	if (tuple_field_u32(tuple, ID, &id) != 0 ||
		tuple_field_u32(tuple, OWNER, &owner) != 0)
		return NULL;
	name.s = tuple_field_str(tuple, NAME, &name.len);
	if (name.s == NULL)
		return NULL;
	if (name.len > IDENTIFIER_MAX) {
		set_space_error(code, name.s, name.len, "space name is too long");
		return NULL;
	}
	if (identifier_check(name.s, name.len) != 0)
		return NULL;
	const char *what =
		id > SPACE_ID_MAX ? "space id is too big" : "space id 0 is reserved";
	if (id > SPACE_ID_MAX || id == 0) {
		set_space_error(code, name.s, name.len, what);
		return NULL;
	}
	const char *engine = tuple_field_str(tuple, ENGINE, &engine_len);
	if (engine == NULL || engine_check(engine, engine_len) != 0)
		return NULL;
	if (tuple_field_u32(tuple, FIELD_COUNT, &field_count) != 0)
		return NULL;
	struct space_opts opts = {0};
	if (opts_decode(space_opt_defs, lengthof(space_opt_defs),
		    tuple_field(tuple, OPTS), ER_WRONG_SPACE_OPTIONS, OPTS, &opts) != 0 ||
		space_opts_check(&opts, &name, code) != 0)
		return NULL;
	_cleanup_(field_list_fini) struct field_list list = {0};
	struct format_decoder d = {.code = code, .space = name};
	if (format_decode(&d, tuple_field(tuple, FORMAT), &list) != 0)
		return NULL;
	if (field_count != 0 && field_count < list.count) {
		set_space_error(code, name.s, name.len,
			"exact_field_count must be either 0 or >= formatted field count");
		return NULL;
	}
	char engine_text[16];
	snprintf(engine_text, sizeof(engine_text), "%.*s", (int)engine_len, engine);
	struct space_def *def = space_def_new(id, owner, name.s, name.len, engine_text,
		field_count, list.fields, list.count);
	if (def == NULL)
		return NULL;
	def->is_temporary = opts.is_temporary;
	def->is_local = opts.group_id == GROUP_LOCAL;
	def->is_sync = opts.is_sync;
	def->is_view = strcmp(def->engine, "sysview") == 0;
	return def;
}

/* ---- Create, drop ---- */

/* The space that a statement made or dropped: a reference. */
struct space_undo {
	struct undo base;
	struct space *space;
};

static void space_undo_free(struct undo *undo)
{
	space_unref(((struct space_undo *)undo)->space);
}

static void space_create_undo(struct undo *undo)
{
	struct space *space = ((struct space_undo *)undo)->space;
	uint32_t id = space_id(space);
	space_cache_del(space);
	space_unref(space);
	schema_space_changed(id);
}

static void space_drop_undo(struct undo *undo)
{
	struct space *space = ((struct space_undo *)undo)->space;
	uint32_t id = space_id(space);
	if (space_cache_put(space) == 0)
		space->is_dropped = false;
	space_unref(space);
	schema_space_changed(id);
}

static int space_create(struct txn_stmt *stmt)
{
	struct space_def *def = space_def_decode(stmt->new_tuple, ER_CREATE_SPACE);
	if (def == NULL)
		return -1;
	struct object_ref obj = {OBJECT_SPACE, def->id, def->uid, def->name};
	if (access_check_ddl(&obj, PRIV_C) != 0) {
		space_def_free(def);
		return -1;
	}
	struct space *space = space_new(def);
	if (space == NULL) {
		space_def_free(def);
		return -1;
	}
	struct space_undo *undo =
		undo_new(sizeof(*undo), space_create_undo, space_undo_free);
	if (undo == NULL || space_cache_put(space) != 0) {
		free(undo);
		space_unref(space);
		return -1;
	}
	alter_add_triggers(space);
	undo->space = space; /* the reference of space_new() */
	undo_register(stmt, &undo->base);
	schema_space_changed(space_id(space));
	return 0;
}

static int space_drop(struct txn_stmt *stmt, struct space *space)
{
	struct object_ref obj = space_object(space);
	if (access_check_ddl(&obj, PRIV_D) != 0)
		return -1;
	char key[9];
	mp_raw_put_uint(key, space_id(space));
	const char *why = NULL;
	if (space->index_count > 0)
		why = "the space has indexes";
	else if (alter_object_has_grants(OBJECT_SPACE, space_id(space)))
		why = "the space has grants";
	else if (alter_row_exists(SPACE_TRUNCATE, 0, key, 1))
		why = "the space has truncate record";
	if (why != NULL) {
		diag_set_client(ER_DROP_SPACE, space_name(space), why);
		return -1;
	}
	struct space_undo *undo =
		undo_new(sizeof(*undo), space_drop_undo, space_undo_free);
	if (undo == NULL)
		return -1;
	uint32_t id = space_id(space);
	space_ref(space);
	undo->space = space;
	space_cache_del(space);
	space->is_dropped = true;
	undo_register(stmt, &undo->base);
	schema_space_changed(id);
	return 0;
}

/* ---- Change ---- */

/* The definition that was there before. */
struct space_alter_undo {
	struct undo base;
	struct space *space;       /* a reference */
	struct space_def *old_def; /* owned */
};

/** Put a definition in, under its name in the cache. */
static int space_put_def(
	struct space *space, struct space_def *def, struct space_def **ret_old)
{
	if (space_set_def(space, def, ret_old) != 0)
		return -1;
	if (strcmp((*ret_old)->name, def->name) != 0)
		space_cache_rename();
	schema_space_changed(space_id(space));
	return 0;
}

static void space_alter_undo(struct undo *base)
{
	struct space_alter_undo *undo = (struct space_alter_undo *)base;
	struct space_def *def = NULL;
	if (space_put_def(undo->space, undo->old_def, &def) == 0)
		space_def_free(def);
	space_unref(undo->space);
}

static void space_alter_commit(struct undo *base)
{
	struct space_alter_undo *undo = (struct space_alter_undo *)base;
	space_def_free(undo->old_def);
	space_unref(undo->space);
}

/** What may not change, and what not while there are tuples. */
static const char *space_alter_refused(
	const struct space_def *old, const struct space_def *def, bool is_empty)
{
	if (old->id != def->id)
		return "space id is immutable";
	if (strcmp(old->engine, def->engine) != 0)
		return "can not change space engine";
	if (old->is_local != def->is_local)
		return "replication group is immutable";
	if (old->is_view != def->is_view)
		return "can not convert a space to a view and vice versa";
	if (old->is_temporary != def->is_temporary && !is_empty)
		return "can not switch temporary flag on a non-empty space";
	return NULL;
}

/** Does each tuple that fits the space as it is fit the new definition? */
static bool space_def_is_wider(const struct space *space, const struct space_def *def)
{
	const struct tuple_format *format = space->format;
	if (def->exact_field_count != 0 &&
		def->exact_field_count != format->exact_field_count)
		return false;
	for (uint32_t i = 0; i < def->field_count; i++) {
		const struct field_def *field = &def->fields[i];
		bool is_wider = field->type == FIELD_TYPE_ANY && field->is_nullable;
		/* What the format says of it, the keys' parts included. */
		if (i < format->field_count)
			is_wider = field_type_contains(
					   field->type, format->fields[i].type) &&
				   (field->is_nullable || !format->fields[i].is_nullable);
		if (!is_wider)
			return false;
	}
	return true;
}

/** Do the tuples that are there fit? */
static int space_check_tuples(struct space *space, const struct space_def *def)
{
	if (space_def_is_wider(space, def))
		return 0;
	if (txn_check_singlestatement(txn_current(), "space format check") != 0)
		return -1;
	return space_check_format(space, def);
}

static int space_alter(struct txn_stmt *stmt, struct space *space)
{
	struct object_ref obj = space_object(space);
	uint32_t len;
	const char *engine = tuple_field_str(stmt->new_tuple, ENGINE, &len);
	if (engine != NULL && len == 5 && memcmp(engine, "vinyl", 5) == 0) {
		diag_set_client(
			ER_ALTER_SPACE, space_name(space), "can not change space engine");
		return -1;
	}
	struct space_def *def = space_def_decode(stmt->new_tuple, ER_ALTER_SPACE);
	if (def == NULL)
		return -1;
	struct index *pk = space_primary(space);
	bool is_empty = pk == NULL || index_size(pk) == 0;
	struct space_alter_undo *undo = NULL;
	if (access_check_ddl(&obj, PRIV_A) != 0)
		goto err;
	const char *why = space_alter_refused(space->def, def, is_empty);
	if (why != NULL) {
		diag_set_client(ER_ALTER_SPACE, space_name(space), why);
		goto err;
	}
	undo = undo_new(sizeof(*undo), space_alter_undo, space_alter_commit);
	if (undo == NULL || (!is_empty && space_check_tuples(space, def) != 0) ||
		space_put_def(space, def, &undo->old_def) != 0)
		goto err;
	space_ref(space);
	undo->space = space;
	undo_register(stmt, &undo->base);
	return 0;
err:
	free(undo);
	space_def_free(def);
	return -1;
}

int alter_on_space(struct txn_stmt *stmt)
{
	uint32_t id;
	const struct tuple *tuple =
		stmt->old_tuple != NULL ? stmt->old_tuple : stmt->new_tuple;
	if (tuple_field_u32(tuple, ID, &id) != 0)
		return -1;
	struct space *space = space_by_id(id);
	if (space == NULL)
		return space_create(stmt);
	if (stmt->new_tuple == NULL)
		return space_drop(stmt, space);
	return space_alter(stmt, space);
}

/* ---- _truncate ---- */

/* The indexes with what they held. */
struct truncate_undo {
	struct undo base;
	struct space *space; /* a reference */
	struct index *old[INDEX_ID_MAX];
};

static void truncate_undo(struct undo *base)
{
	struct truncate_undo *undo = (struct truncate_undo *)base;
	space_restore_indexes(undo->space, undo->old);
	space_unref(undo->space);
}

static void truncate_commit(struct undo *base)
{
	struct truncate_undo *undo = (struct truncate_undo *)base;
	for (size_t i = 0; i < lengthof(undo->old); i++)
		index_unref(undo->old[i]);
	space_unref(undo->space);
}

int alter_on_truncate(struct txn_stmt *stmt)
{
	uint32_t id;
	if (stmt->new_tuple == NULL)
		return 0; /* the space is being dropped */
	if (tuple_field_u32(stmt->new_tuple, 0, &id) != 0)
		return -1;
	struct space *space = space_find(id);
	if (space == NULL)
		return -1;
	if (space_is_system(space)) {
		diag_set_client(ER_TRUNCATE_SYSTEM_SPACE, space_name(space));
		return -1;
	}
	struct object_ref obj = space_object(space);
	if (access_check_object(&obj, PRIV_W) != 0)
		return -1;
	struct truncate_undo *undo =
		undo_new(sizeof(*undo), truncate_undo, truncate_commit);
	if (undo == NULL)
		return -1;
	if (space_truncate_indexes(space, undo->old) != 0) {
		free(undo);
		return -1;
	}
	space_ref(space);
	undo->space = space;
	undo_register(stmt, &undo->base);
	return 0;
}

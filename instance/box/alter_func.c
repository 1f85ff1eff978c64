/* Rows of _func: create and drop functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/alter.h"
#include "instance/box/func.h"

enum {
	ID,
	OWNER,
	NAME,
	SETUID,
	LANGUAGE,
	BODY,
	ROUTINE_TYPE,
	PARAM_LIST,
	RETURNS,
	IS_SANDBOXED = 12,
	EXPORTS = 14
};

enum { FUNC_ID_MAX = 32000 };

int (*func_check_body)(const char *name, const char *body, uint32_t len);

static void set_func_error(const char *name, uint32_t len, const char *what)
{
	char text[64 + 1];
	snprintf(text, sizeof(text), "%.*s", (int)(len < 64 ? len : 64), name);
	diag_set_client(ER_CREATE_FUNCTION, text, what);
}

static bool str_is(const char *s, uint32_t len, const char *text)
{
	return len == strlen(text) && memcmp(s, text, len) == 0;
}

static bool exports_are_valid(const char *p)
{
	uint32_t count = mp_raw_array(&p);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t len;
		if (mp_raw_type(p) != MP_STR)
			return false;
		const char *s = mp_raw_str(&p, &len);
		if (!str_is(s, len, "LUA") && !str_is(s, len, "SQL"))
			return false;
	}
	return true;
}

static int language_decode(const char *language, uint32_t len, const char *name,
	uint32_t name_len, enum func_language *ret)
{
	static const char *const names[] = {
		[FUNC_LANGUAGE_LUA] = "LUA",
		[FUNC_LANGUAGE_C] = "C",
		[FUNC_LANGUAGE_SQL_BUILTIN] = "SQL_BUILTIN",
	};
	for (unsigned i = 0; i < lengthof(names); i++) {
		if (str_is(language, len, names[i])) {
			*ret = (enum func_language)i;
			return 0;
		}
	}
	char text[64 + 1], func[64 + 1];
	snprintf(func, sizeof(func), "%.*s", (int)(name_len < 64 ? name_len : 64), name);
	snprintf(text, sizeof(text), "%.*s", (int)(len < 64 ? len : 64), language);
	diag_set_client(ER_FUNCTION_LANGUAGE, text, func);
	return -1;
}

/** The row's fields one by one; NULL with diag set. */
static struct func *func_decode(const struct tuple *tuple)
{
	uint32_t id, owner, name_len, language_len, body_len = 0, returns_len;
	uint64_t setuid;
	enum func_language lang;
	if (tuple_field_u32(tuple, ID, &id) != 0 ||
		tuple_field_u32(tuple, OWNER, &owner) != 0 ||
		tuple_field_u64(tuple, SETUID, &setuid) != 0)
		return NULL;
	const char *name = tuple_field_str(tuple, NAME, &name_len);
	const char *language = tuple_field_str(tuple, LANGUAGE, &language_len);
	const char *body = tuple_field_str(tuple, BODY, &body_len);
	const char *returns = tuple_field_str(tuple, RETURNS, &returns_len);
	if (name == NULL || language == NULL || body == NULL || returns == NULL)
		return NULL;
	const char *wrong = NULL;
	if (name_len > IDENTIFIER_MAX)
		wrong = "function name is too long";
	else if (id > FUNC_ID_MAX)
		wrong = "function id is too big";
	else if (field_type_by_name(returns, returns_len) == FIELD_TYPE_MAX)
		wrong = "invalid returns value";
	else if (!exports_are_valid(tuple_field(tuple, EXPORTS)))
		wrong = "invalid exports value";
	if (wrong != NULL) {
		set_func_error(name, name_len, wrong);
		return NULL;
	}
	if (identifier_check(name, name_len) != 0 ||
		language_decode(language, language_len, name, name_len, &lang) != 0)
		return NULL;
	const char *is_sandboxed = tuple_field(tuple, IS_SANDBOXED);
	if (lang == FUNC_LANGUAGE_C && (body_len > 0 || mp_raw_bool(&is_sandboxed))) {
		set_func_error(name, name_len,
			"body and is_sandboxed options are not compatible with C "
			"language");
		return NULL;
	}
	struct func *func = calloc(1, sizeof(*func));
	char *copy = strndup(name, name_len);
	if (func == NULL || copy == NULL) {
		free(func);
		free(copy);
		diag_set(oom, "Failed to allocate memory for a function");
		return NULL;
	}
	list_init(&func->link);
	func->ref = (struct object_ref){OBJECT_FUNCTION, id, owner, copy};
	func->is_setuid = setuid != 0;
	func->language = lang;
	func->is_persistent = lang == FUNC_LANGUAGE_LUA && body_len > 0;
	func->owner_cred.uid = owner;
	if (func->is_persistent && func_check_body != NULL &&
		func_check_body(copy, body, body_len) != 0) {
		func_free(func);
		return NULL;
	}
	return func;
}

/* The function that a statement made or dropped. */
struct func_undo {
	struct undo base;
	struct func *func;
};

static void func_create_rollback(struct undo *base)
{
	struct func *func = ((struct func_undo *)base)->func;
	func_cache_del(func);
	func_changed(func->ref.name);
	func_free(func);
}

static void func_drop_rollback(struct undo *base)
{
	struct func *func = ((struct func_undo *)base)->func;
	func_cache_put(func);
	func_changed(func->ref.name);
}

static void func_drop_commit(struct undo *base)
{
	func_free(((struct func_undo *)base)->func);
}

static int func_create(struct txn_stmt *stmt)
{
	struct func *func = func_decode(stmt->new_tuple);
	if (func == NULL)
		return -1;
	struct func_undo *undo = NULL;
	if (access_check_ddl(&func->ref, PRIV_C) == 0)
		undo = undo_new(sizeof(*undo), func_create_rollback, NULL);
	if (undo == NULL) {
		func_free(func);
		return -1;
	}
	undo->func = func;
	func_cache_put(func);
	undo_register(stmt, &undo->base);
	func_changed(func->ref.name);
	return 0;
}

static int func_drop(struct txn_stmt *stmt, struct func *func)
{
	if (access_check_ddl(&func->ref, PRIV_D) != 0)
		return -1;
	if (alter_object_has_grants(OBJECT_FUNCTION, func->ref.id)) {
		diag_set_client(ER_DROP_FUNCTION, func->ref.owner, "function has grants");
		return -1;
	}
	struct func_undo *undo =
		undo_new(sizeof(*undo), func_drop_rollback, func_drop_commit);
	if (undo == NULL)
		return -1;
	undo->func = func;
	func_cache_del(func);
	undo_register(stmt, &undo->base);
	func_changed(func->ref.name);
	return 0;
}

int alter_on_func(struct txn_stmt *stmt)
{
	uint32_t id;
	if (stmt->old_tuple == NULL)
		return func_create(stmt);
	if (stmt->new_tuple != NULL) {
		diag_set_client(ER_UNSUPPORTED, "function", "alter");
		return -1;
	}
	if (tuple_field_u32(stmt->old_tuple, ID, &id) != 0)
		return -1;
	struct func *func = func_by_id(id);
	return func != NULL ? func_drop(stmt, func) : 0;
}

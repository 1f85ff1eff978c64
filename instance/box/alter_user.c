/* Rows of _user: create, change, drop users and roles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/alter.h"
#include "instance/box/func.h"
#include "proto/base64.h"
#include "proto/chap.h"

enum { ID, OWNER, NAME, TYPE, AUTH };

/** "Failed to create user 'x': what", with a name that may be long. */
static void set_user_error(unsigned code, const struct user_def *def, const char *what)
{
	char text[64 + 1];
	snprintf(text, sizeof(text), "%.*s",
		(int)(def->name_len < 64 ? def->name_len : 64), def->name);
	diag_set_client(code, text, what);
}

/** guest logs in without a password. */
static bool is_guest_password(const struct user_def *def, const unsigned char *hash2)
{
	unsigned char empty[CHAP_SIZE];
	chap_hash2("", 0, empty);
	return def->id != USER_GUEST || memcmp(empty, hash2, CHAP_SIZE) == 0;
}

/** The password's hash out of {'chap-sha1': base64}; other methods are ignored. */
static int auth_decode(const char *p, struct user_def *def)
{
	uint32_t size = mp_raw_map(&p);
	for (uint32_t i = 0; i < size; i++) {
		uint32_t len = 0;
		const char *key = mp_raw_type(p) == MP_STR ? mp_raw_str(&p, &len) : NULL;
		if (key == NULL)
			p = mp_raw_next(p);
		if (key == NULL || len != 9 || memcmp(key, "chap-sha1", 9) != 0) {
			p = mp_raw_next(p);
			continue;
		}
		if (def->is_role) {
			set_user_error(ER_CREATE_ROLE, def,
				"authentication data can not be set for a role");
			return -1;
		}
		const char *text = mp_raw_type(p) == MP_STR ? mp_raw_str(&p, &len) : NULL;
		unsigned char hash2[CHAP_STORED_SIZE];
		if (text == NULL || len != CHAP_STORED_SIZE ||
			base64_decode(text, len, hash2) != CHAP_SIZE) {
			set_user_error(ER_CREATE_USER, def, "invalid user password");
			return -1;
		}
		if (!is_guest_password(def, hash2)) {
			diag_set_client(ER_GUEST_USER_PASSWORD);
			return -1;
		}
		memcpy(def->hash2, hash2, CHAP_SIZE);
		def->has_password = true;
		return 0;
	}
	return 0;
}

static int user_def_decode(const struct tuple *tuple, struct user_def *def)
{
	uint32_t name_len, type_len;
	if (tuple_field_u32(tuple, ID, &def->id) != 0 ||
		tuple_field_u32(tuple, OWNER, &def->owner) != 0)
		return -1;
	def->name = tuple_field_str(tuple, NAME, &name_len);
	const char *type = tuple_field_str(tuple, TYPE, &type_len);
	if (def->name == NULL || type == NULL)
		return -1;
	def->name_len = name_len;
	if (name_len > IDENTIFIER_MAX) {
		set_user_error(ER_CREATE_USER, def, "user name is too long");
		return -1;
	}
	bool is_user = type_len == 4 && memcmp(type, "user", 4) == 0;
	def->is_role = type_len == 4 && memcmp(type, "role", 4) == 0;
	if (!is_user && !def->is_role) {
		set_user_error(ER_CREATE_USER, def, "unknown user type");
		return -1;
	}
	if (identifier_check(def->name, name_len) != 0)
		return -1;
	return auth_decode(tuple_field(tuple, AUTH), def);
}

/* What a user was before: grants survive, as they stand in _priv. */
struct user_undo {
	struct undo base;
	uint32_t id;
	bool is_created;
	struct user_def def; /* its name is owned */
	struct grant *grants;
	size_t grant_count;
};

static void user_undo_free(struct undo *base)
{
	struct user_undo *undo = (struct user_undo *)base;
	free((char *)undo->def.name);
	free(undo->grants);
}

static void user_undo_rollback(struct undo *base)
{
	struct user_undo *undo = (struct user_undo *)base;
	if (undo->is_created) {
		user_cache_delete(undo->id);
	} else {
		struct user *u = user_cache_replace(&undo->def);
		for (size_t i = 0; u != NULL && i < undo->grant_count; i++) {
			const struct grant *g = &undo->grants[i];
			(void)user_grant(u, g->type, g->id, g->access);
		}
	}
	user_undo_free(base);
}

/** What `old` is now (NULL: it does not exist yet), to go back to. */
static struct user_undo *user_undo_new(uint32_t id, const struct user *old)
{
	struct user_undo *undo =
		undo_new(sizeof(*undo), user_undo_rollback, user_undo_free);
	if (undo == NULL)
		return NULL;
	undo->id = id;
	undo->is_created = old == NULL;
	if (old == NULL)
		return undo;
	undo->def =
		(struct user_def){old->id, old->owner, old->is_role, old->has_password,
			.name = strdup(old->name), .name_len = strlen(old->name)};
	memcpy(undo->def.hash2, old->hash2, sizeof(old->hash2));
	undo->grant_count = old->granted.count;
	undo->grants = malloc((old->granted.count + 1) * sizeof(struct grant));
	if (undo->def.name == NULL || undo->grants == NULL) {
		user_undo_free(&undo->base);
		free(undo);
		diag_set(oom, "Failed to allocate memory for user %s", old->name);
		return NULL;
	}
	if (old->granted.count > 0)
		memcpy(undo->grants, old->granted.list,
			old->granted.count * sizeof(struct grant));
	return undo;
}

static int user_put(struct txn_stmt *stmt, const struct user *old)
{
	struct user_def def = {0};
	if (user_def_decode(stmt->new_tuple, &def) != 0)
		return -1;
	_cleanup_(freep) char *name = strndup(def.name, def.name_len);
	if (name == NULL) {
		diag_set(oom, "Failed to allocate memory for a user name");
		return -1;
	}
	struct object_ref obj = {
		def.is_role ? OBJECT_ROLE : OBJECT_USER, def.id, def.owner, name};
	if (access_check_ddl(&obj, old != NULL ? PRIV_A : PRIV_C) != 0)
		return -1;
	struct user_undo *undo = user_undo_new(def.id, old);
	if (undo == NULL)
		return -1;
	if (user_cache_replace(&def) == NULL) {
		user_undo_free(&undo->base);
		free(undo);
		return -1;
	}
	undo_register(stmt, &undo->base);
	return 0;
}

static int space_owned_by(struct space *space, void *uid)
{
	return space->def->uid == *(const uint32_t *)uid;
}

/** Does anything in the schema belong to him, or a grant name him? */
static bool user_has_objects(uint32_t uid)
{
	char key[9];
	mp_raw_put_uint(key, uid);
	return space_each(space_owned_by, &uid) != 0 ||
	       alter_row_exists(SPACE_FUNC, 1, key, 1) ||
	       alter_row_exists(SPACE_SEQUENCE, 1, key, 1) ||
	       alter_row_exists(SPACE_PRIV, 1, key, 1) ||
	       alter_row_exists(SPACE_PRIV, 0, key, 1);
}

static int user_drop(struct txn_stmt *stmt, const struct user *old)
{
	struct object_ref obj = {
		old->is_role ? OBJECT_ROLE : OBJECT_USER, old->id, old->owner, old->name};
	if (access_check_ddl(&obj, PRIV_D) != 0)
		return -1;
	const char *why = NULL;
	if (old->id <= ROLE_PUBLIC || old->id == ROLE_SUPER)
		why = "the user or the role is a system";
	else if (user_has_objects(old->id))
		why = "the user has objects";
	if (why != NULL) {
		diag_set_client(ER_DROP_USER, old->name, why);
		return -1;
	}
	struct user_undo *undo = user_undo_new(old->id, old);
	if (undo == NULL)
		return -1;
	user_cache_delete(old->id);
	undo_register(stmt, &undo->base);
	return 0;
}

int alter_on_user(struct txn_stmt *stmt)
{
	uint32_t id;
	const struct tuple *tuple =
		stmt->old_tuple != NULL ? stmt->old_tuple : stmt->new_tuple;
	if (tuple_field_u32(tuple, ID, &id) != 0)
		return -1;
	struct user *old = user_by_id(id);
	if (stmt->new_tuple != NULL)
		return user_put(stmt, old);
	return old != NULL ? user_drop(stmt, old) : 0;
}

/* Rows of _priv: grant and revoke. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/alter.h"
#include "instance/box/func.h"

enum { GRANTOR, GRANTEE, OBJECT_TYPE, OBJECT_ID, PRIVILEGE };

/* A row of _priv. */
struct priv_def {
	uint32_t grantor, grantee;
	enum object_type type;
	uint32_t id; /* OBJECT_ID_ALL: all of the type */
	uint32_t access;
};

static int priv_def_decode(const struct tuple *tuple, struct priv_def *def)
{
	uint32_t len;
	if (tuple_field_u32(tuple, GRANTOR, &def->grantor) != 0 ||
		tuple_field_u32(tuple, GRANTEE, &def->grantee) != 0)
		return -1;
	const char *type = tuple_field_str(tuple, OBJECT_TYPE, &len);
	if (type == NULL)
		return -1;
	def->type = object_type_by_name(type, len);
	if (def->type == OBJECT_UNKNOWN) {
		char text[64];
		snprintf(text, sizeof(text), "%.*s", (int)(len < 63 ? len : 63), type);
		diag_set_client(ER_UNKNOWN_SCHEMA_OBJECT, text);
		return -1;
	}
	const char *id = tuple_field(tuple, OBJECT_ID);
	if (mp_raw_type(id) == MP_STR && mp_raw_str(&id, &len) != NULL && len == 0)
		def->id = OBJECT_ID_ALL;
	else if (tuple_field_u32(tuple, OBJECT_ID, &def->id) != 0)
		return -1;
	uint64_t access;
	if (tuple_field_u64(tuple, PRIVILEGE, &access) != 0)
		return -1;
	def->access = (uint32_t)access;
	return 0;
}

static void set_no_such(unsigned code, uint32_t id)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", id);
	diag_set_client(code, text);
}

/** Who it is about: owner and name. -1 with diag set when it does not exist. */
static int object_find(struct object_ref *obj)
{
	const struct space *space;
	const struct func *func;
	const struct user *u;
	obj->name = "";
	obj->owner = USER_ADMIN;
	if (obj->id == OBJECT_ID_ALL || obj->type == OBJECT_UNIVERSE)
		return 0;
	switch (obj->type) {
	case OBJECT_SPACE:
		space = space_by_id(obj->id);
		if (space == NULL) {
			set_no_such(ER_NO_SUCH_SPACE, obj->id);
			return -1;
		}
		*obj = space_object(space);
		return 0;
	case OBJECT_FUNCTION:
		func = func_by_id(obj->id);
		if (func == NULL) {
			set_no_such(ER_NO_SUCH_FUNCTION, obj->id);
			return -1;
		}
		*obj = func->ref;
		return 0;
	case OBJECT_USER:
	case OBJECT_ROLE:
		u = user_by_id(obj->id);
		if (u == NULL || u->is_role != (obj->type == OBJECT_ROLE)) {
			char text[16];
			snprintf(text, sizeof(text), "%u", obj->id);
			diag_set_client(obj->type == OBJECT_ROLE ? ER_NO_SUCH_ROLE
								 : ER_NO_SUCH_USER,
				u != NULL ? u->name : text);
			return -1;
		}
		obj->owner = u->owner;
		obj->name = u->name;
		return 0;
	case OBJECT_SEQUENCE:
		set_no_such(ER_NO_SUCH_SEQUENCE, obj->id);
		return -1;
	default:
		diag_set_client(ER_UNKNOWN_SCHEMA_OBJECT, object_type_name(obj->type));
		return -1;
	}
}

/** Only the owner and admin may; public may be granted to anybody by anybody. */
static int grantor_check(const struct priv_def *def, const struct object_ref *obj)
{
	uint32_t uid = def->grantor;
	if (uid == USER_ADMIN || obj->owner == uid)
		return 0;
	if (obj->type == OBJECT_ROLE && obj->id == ROLE_PUBLIC)
		return 0;
	if (obj->type == OBJECT_USER && obj->id == uid)
		return 0;
	const struct user *u = user_by_id(uid);
	struct credentials cred = {uid};
	const struct credentials *old = session_set_effective(u != NULL ? &cred : NULL);
	access_denied(priv_name(PRIV_GRANT), object_type_name(obj->type), obj->name);
	session_set_effective(old);
	return -1;
}

static int priv_check(const struct priv_def *def, bool is_revoke)
{
	if (user_find(def->grantor) == NULL || user_find(def->grantee) == NULL)
		return -1;
	struct object_ref obj = {.type = def->type, .id = def->id};
	if (object_find(&obj) != 0 || grantor_check(def, &obj) != 0)
		return -1;
	const struct user *grantee = user_by_id(def->grantee);
	if (def->type == OBJECT_ROLE && !is_revoke && grantee->is_role &&
		role_contains(def->id, def->grantee)) {
		diag_set_client(ER_ROLE_LOOP, obj.name, grantee->name);
		return -1;
	}
	if (!is_revoke && def->access == 0) {
		diag_set_client(ER_GRANT, "the grant tuple has no privileges");
		return -1;
	}
	return 0;
}

/* What a grantee had on an object. */
struct priv_undo {
	struct undo base;
	uint32_t grantee;
	struct grant old;
};

static void priv_undo_rollback(struct undo *base)
{
	const struct priv_undo *undo = (const struct priv_undo *)base;
	struct user *u = user_by_id(undo->grantee);
	if (u != NULL)
		(void)user_grant(u, undo->old.type, undo->old.id, undo->old.access);
}

/** admin keeps all rights, whatever happens: nobody could give them back. */
static int admin_check(const struct priv_def *def, bool is_revoke)
{
	if (def->grantee == USER_ADMIN && def->type == OBJECT_UNIVERSE && def->id == 0 &&
		(is_revoke || def->access != UINT32_MAX)) {
		diag_set_client(ER_GRANT, "can't revoke universe from the admin user");
		return -1;
	}
	return 0;
}

int alter_on_priv(struct txn_stmt *stmt)
{
	struct priv_def def;
	bool is_revoke = stmt->new_tuple == NULL;
	if (priv_def_decode(is_revoke ? stmt->old_tuple : stmt->new_tuple, &def) != 0 ||
		priv_check(&def, is_revoke) != 0 || admin_check(&def, is_revoke) != 0)
		return -1;
	struct user *grantee = user_by_id(def.grantee);
	struct priv_undo *undo = undo_new(sizeof(*undo), priv_undo_rollback, NULL);
	if (undo == NULL)
		return -1;
	undo->grantee = def.grantee;
	undo->old =
		(struct grant){def.type, def.id, user_granted(grantee, def.type, def.id)};
	if (user_grant(grantee, def.type, def.id, is_revoke ? 0 : def.access) != 0) {
		free(undo);
		return -1;
	}
	undo_register(stmt, &undo->base);
	return 0;
}

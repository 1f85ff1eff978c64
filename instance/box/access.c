#include "instance/box/access.h"

#include "instance/base/trigger.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

struct list session_on_access_denied = {
	&session_on_access_denied, &session_on_access_denied};

static const struct object_ref *no_function(const char *name, uint32_t len)
{
	return NULL;
}

const struct object_ref *(*access_find_function)(const char *, uint32_t) = no_function;

const char *priv_name(uint32_t access)
{
	static const char *const names[] = {"Read", "Write", "Execute", "Session",
		"Usage", "Create", "Drop", "Alter", "Reference", "Trigger", "Insert",
		"Update", "Delete", "Grant", "Revoke"};
	unsigned bit = access != 0 ? (unsigned)__builtin_ctz(access) : 0;
	return bit < lengthof(names) ? names[bit] : "Unknown";
}

/** The effective user; NULL (nothing is allowed) when he has been dropped. */
static struct user *current_user(void)
{
	return user_by_id(session_effective_uid());
}

static const char *current_user_name(void)
{
	const struct user *u = current_user();
	return u != NULL ? u->name : "?";
}

void access_denied(const char *access, const char *object_type, const char *object_name)
{
	struct error *e = error_new_client(__FILE__, __LINE__, ER_ACCESS_DENIED, access,
		object_type, object_name, current_user_name());
	if (e->type == &error_type_client) { /* else out of memory, a static object */
		e->type = &error_type_access_denied;
		e->object_type = strdup(object_type);
		e->object_name = strdup(object_name);
		e->access_type = strdup(access);
	}
	struct access_denied_event event = {access, object_type, object_name};
	if (triggers_run(&session_on_access_denied, &event) != 0)
		diag_clear();
	diag_set_error(e);
}

static uint32_t universe_access(void)
{
	struct user *u = current_user();
	return u != NULL ? user_access(u, OBJECT_UNIVERSE, 0) : 0;
}

int access_check_universe(uint32_t access)
{
	uint32_t missing = access & ~universe_access();
	if (missing == 0)
		return 0;
	access_denied(priv_name(missing), object_type_name(OBJECT_UNIVERSE), "");
	return -1;
}

/** Bits of `access` that are missing on the object. */
static uint32_t missing_access(
	struct user *u, const struct object_ref *obj, uint32_t access)
{
	access &= ~user_access(u, obj->type, OBJECT_ID_ALL);
	if (access == 0 || obj->owner == u->id)
		return 0;
	return access & ~user_access(u, obj->type, obj->id);
}

/** The common part: usage of the universe, then the object. */
static int check_object(const struct object_ref *obj, uint32_t access, bool is_ddl)
{
	uint32_t has = universe_access();
	uint32_t missing = (access | PRIV_U) & ~has;
	if (missing == 0)
		return 0;
	if (missing & PRIV_U) {
		access_denied(priv_name(PRIV_U), object_type_name(OBJECT_UNIVERSE), "");
		return -1;
	}
	struct user *u = current_user();
	struct object_ref stranger = *obj;
	if (is_ddl && (access & PRIV_C) != 0)
		stranger.owner = OBJECT_ID_ALL;
	if (u != NULL)
		missing = missing_access(u, &stranger, missing);
	if (missing == 0)
		return 0;
	access_denied(priv_name(missing), object_type_name(obj->type), obj->name);
	return -1;
}

int access_check_object(const struct object_ref *obj, uint32_t access)
{
	return check_object(obj, access, false);
}

int access_check_ddl(const struct object_ref *obj, uint32_t access)
{
	return check_object(obj, access, true);
}

bool access_has_any(const struct object_ref *obj, uint32_t access)
{
	struct user *u = current_user();
	if (u == NULL)
		return false;
	if (obj->owner == u->id)
		return true;
	uint32_t has = user_access(u, OBJECT_UNIVERSE, 0) |
		       user_access(u, obj->type, OBJECT_ID_ALL) |
		       user_access(u, obj->type, obj->id);
	return (has & access) != 0;
}

int access_check_session(uint32_t uid)
{
	struct credentials cred = {uid};
	const struct credentials *old = session_set_effective(&cred);
	int rc = access_check_universe(PRIV_S);
	session_set_effective(old);
	return rc;
}

int access_check_eval(void)
{
	return access_check_universe(PRIV_X);
}

int access_check_reload(void)
{
	if ((universe_access() & (PRIV_X | PRIV_U)) == (PRIV_X | PRIV_U))
		return 0;
	/* As 2.6 says it, whichever of the two is missing. */
	access_denied(priv_name(PRIV_U), object_type_name(OBJECT_UNIVERSE), "");
	return -1;
}

int access_check_call(const char *name, uint32_t len)
{
	uint32_t missing = (PRIV_X | PRIV_U) & ~universe_access();
	if (missing == 0)
		return 0;
	struct user *u = current_user();
	const struct object_ref *func = access_find_function(name, len);
	const struct object_ref unknown = {
		OBJECT_FUNCTION, OBJECT_ID_ALL, OBJECT_ID_ALL, ""};
	if (u != NULL && missing_access(u, func != NULL ? func : &unknown, missing) == 0)
		return 0;
	/* Whatever is missing: what was asked for is told. */
	char text[256];
	snprintf(text, sizeof(text), "%.*s", (int)(len < 255 ? len : 255), name);
	access_denied(priv_name(PRIV_X), object_type_name(OBJECT_FUNCTION), text);
	return -1;
}

/* May the effective user do this? */
#ifndef BOX_ACCESS_H
#define BOX_ACCESS_H

#include "instance/box/session.h"
#include "instance/box/user.h"

/** Any object that has an owner and a name in the schema. */
struct object_ref {
	enum object_type type;
	uint32_t id;
	uint32_t owner;
	const char *name;
};

/** All of `access` (enum priv bits) on everything? 0, or -1 with diag set. */
int access_check_universe(uint32_t access);
/** May the effective user replace C modules? 0, or -1 with diag set. */
int access_check_reload(void);
/** May this user have a session? 0, or -1 with diag set. */
int access_check_session(uint32_t uid);
/**
 * All of `access` on the object: through a grant on it, on all of its type, on
 * the universe, or because he owns it. Usage of the universe is needed besides.
 * @return 0, or -1 with AccessDeniedError
 */
int access_check_object(const struct object_ref *obj, uint32_t access);
/** DML on a space: PRIV_R, PRIV_W. */
static inline int access_check_space(
	uint32_t id, uint32_t owner, const char *name, uint32_t access)
{
	struct object_ref obj = {OBJECT_SPACE, id, owner, name};
	return access_check_object(&obj, access);
}
/**
 * A definition is made, changed or dropped: PRIV_C, PRIV_A, PRIV_D. Owning the
 * object allows to alter and drop it, but not to create it.
 */
int access_check_ddl(const struct object_ref *obj, uint32_t access);
/** Does the effective user have any of `access` on the object? Sets no diag. */
bool access_has_any(const struct object_ref *obj, uint32_t access);
/** AccessDeniedError with its fields; runs the on_access_denied triggers. */
void access_denied(const char *access, const char *object_type, const char *object_name);
/** "Read", "Write"... for the lowest bit of `access`. */
const char *priv_name(uint32_t access);

/* What on_access_denied triggers are told. */
struct access_denied_event {
	const char *access_type, *object_type, *object_name;
};
extern struct list session_on_access_denied;

/** Who owns a function that exists: set by the schema. NULL: no such function. */
extern const struct object_ref *(*access_find_function)(const char *name, uint32_t len);

#endif

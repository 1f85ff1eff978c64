/*
 * Users, roles and what each is granted: the in-memory side of _user and
 * _priv. The alter triggers of these spaces keep it up to date.
 */
#ifndef BOX_USER_H
#define BOX_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	USER_MAX = 32,
	USER_PASSWORD_HASH_SIZE = 20,
	/* Ids from here on are given to users that are created. */
	USER_SYSTEM_ID_MAX = 31,
	/* The id of all objects of a type: a grant with the object id ''. */
	OBJECT_ID_ALL = 0xffffffff,
};

enum object_type {
	OBJECT_UNKNOWN,
	OBJECT_UNIVERSE,
	OBJECT_SPACE,
	OBJECT_FUNCTION,
	OBJECT_USER,
	OBJECT_ROLE,
	OBJECT_SEQUENCE,
	OBJECT_COLLATION,
	OBJECT_TYPE_MAX,
};

/** Name as in _priv; "unknown" for what is none. */
const char *object_type_name(enum object_type type);
enum object_type object_type_by_name(const char *name, size_t len);

/* One grant: access bits (enum priv) on an object. */
struct grant {
	enum object_type type;
	uint32_t id; /* OBJECT_ID_ALL: on all objects of the type */
	uint32_t access;
};

/* Sorted by type and id. Owns `list`. */
struct grant_set {
	struct grant *list;
	size_t count, cap;
};

/* A user or a role. Owned by the table of users. */
struct user {
	uint32_t id;
	uint32_t owner;
	bool is_role;
	bool has_password;
	/* SHA1(SHA1(password)) */
	unsigned char hash2[USER_PASSWORD_HASH_SIZE];
	char *name;                 /* owned */
	struct grant_set granted;   /* rows of _priv, roles among them */
	struct grant_set effective; /* with those of all roles; see user_effective() */
	uint32_t universe_access;   /* of effective, on the universe */
	bool is_effective_valid;
};

/** guest, and admin with all rights: so much is there before any row. */
int user_cache_init(void);
void user_cache_fini(void);

/* What a row of _user says. */
struct user_def {
	uint32_t id, owner;
	bool is_role;
	bool has_password;
	unsigned char hash2[USER_PASSWORD_HASH_SIZE];
	const char *name;
	size_t name_len;
};

/**
 * Add a user or change the one with this id; keeps its grants.
 * @return NULL with diag set (ER_USER_MAX, out of memory)
 */
struct user *user_cache_replace(const struct user_def *def);
/** Forget a user with all that is granted to him. */
void user_cache_delete(uint32_t id);
/** NULL when there is none; no diag. */
struct user *user_by_id(uint32_t id);
struct user *user_by_name(const char *name, size_t len);
/** As user_by_id(), with ER_NO_SUCH_USER set. */
struct user *user_find(uint32_t id);
/** As user_by_name() for users only (not roles), with ER_NO_SUCH_USER set. */
struct user *user_find_by_name(const char *name, size_t len);

/**
 * Set what is granted on an object (0: nothing).
 * @return 0, or -1 with diag set
 */
int user_grant(struct user *u, enum object_type type, uint32_t id, uint32_t access);
/** Bits granted to him directly. */
uint32_t user_granted(const struct user *u, enum object_type type, uint32_t id);
/** Bits he has, also through roles; without what `type` as a whole gives him. */
uint32_t user_access(struct user *u, enum object_type type, uint32_t id);
/** Does `role` hold `user` (directly, or through another role)? For loops. */
bool role_contains(uint32_t role, uint32_t user);

#endif

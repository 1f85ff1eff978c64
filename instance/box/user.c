#include "instance/box/user.h"

#include "instance/base/diag.h"
#include "instance/base/util.h"
#include "instance/box/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
	[OBJECT_UNKNOWN] = "unknown",
	[OBJECT_UNIVERSE] = "universe",
	[OBJECT_SPACE] = "space",
	[OBJECT_FUNCTION] = "function",
	[OBJECT_USER] = "user",
	[OBJECT_ROLE] = "role",
	[OBJECT_SEQUENCE] = "sequence",
	[OBJECT_COLLATION] = "collation",
};

/* Few enough that a walk beats a hash. Slots are never moved. */
static struct user *users[USER_MAX];

const char *object_type_name(enum object_type type)
{
	return type < OBJECT_TYPE_MAX ? type_names[type] : type_names[OBJECT_UNKNOWN];
}

enum object_type object_type_by_name(const char *name, size_t len)
{
	for (int i = OBJECT_UNIVERSE; i < OBJECT_TYPE_MAX; i++) {
		if (strlen(type_names[i]) == len && memcmp(type_names[i], name, len) == 0)
			return i;
	}
	return OBJECT_UNKNOWN;
}

static int grant_cmp(const struct grant *g, enum object_type type, uint32_t id)
{
	if (g->type != type)
		return g->type < type ? -1 : 1;
	return g->id < id ? -1 : g->id > id;
}

/** The first grant that is not before (type, id). */
static size_t grant_set_lower(
	const struct grant_set *set, enum object_type type, uint32_t id)
{
	size_t lo = 0, hi = set->count;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (grant_cmp(&set->list[mid], type, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint32_t grant_set_get(
	const struct grant_set *set, enum object_type type, uint32_t id)
{
	size_t i = grant_set_lower(set, type, id);
	if (i < set->count && grant_cmp(&set->list[i], type, id) == 0)
		return set->list[i].access;
	return 0;
}

/** Put `access` in place of (or, if `is_or`, add it to) what is there. */
static int grant_set_put(struct grant_set *set, enum object_type type, uint32_t id,
	uint32_t access, bool is_or)
{
	size_t i = grant_set_lower(set, type, id);
	if (i < set->count && grant_cmp(&set->list[i], type, id) == 0) {
		set->list[i].access = is_or ? set->list[i].access | access : access;
		return 0;
	}
	if (set->count == set->cap) {
		size_t cap = set->cap > 0 ? set->cap * 2 : 8;
		struct grant *list = realloc(set->list, cap * sizeof(*list));
		if (list == NULL) {
			diag_set(oom, "Failed to allocate %zu bytes in malloc for grants",
				cap * sizeof(*list));
			return -1;
		}
		set->list = list;
		set->cap = cap;
	}
	memmove(set->list + i + 1, set->list + i, (set->count - i) * sizeof(*set->list));
	set->list[i] = (struct grant){.type = type, .id = id, .access = access};
	set->count++;
	return 0;
}

static void grant_set_del(struct grant_set *set, enum object_type type, uint32_t id)
{
	size_t i = grant_set_lower(set, type, id);
	if (i == set->count || grant_cmp(&set->list[i], type, id) != 0)
		return;
	set->count--;
	memmove(set->list + i, set->list + i + 1, (set->count - i) * sizeof(*set->list));
}

static void user_free(struct user *u)
{
	free(u->granted.list);
	free(u->effective.list);
	free(u->name);
	free(u);
}

void user_cache_fini(void)
{
	for (int i = 0; i < USER_MAX; i++) {
		if (users[i] != NULL)
			user_free(users[i]);
		users[i] = NULL;
	}
}

/** A change of any role may change what any user has. */
static void effective_invalidate(void)
{
	for (int i = 0; i < USER_MAX; i++) {
		if (users[i] != NULL)
			users[i]->is_effective_valid = false;
	}
}

static struct user *user_new(const struct user_def *def)
{
	int slot = 0;
	while (slot < USER_MAX && users[slot] != NULL)
		slot++;
	if (slot == USER_MAX) {
		diag_set_client(ER_USER_MAX, USER_MAX);
		return NULL;
	}
	struct user *u = calloc(1, sizeof(*u));
	if (u == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for user",
			sizeof(*u));
		return NULL;
	}
	u->id = def->id;
	users[slot] = u;
	return u;
}

struct user *user_cache_replace(const struct user_def *def)
{
	_cleanup_(freep) char *name = strndup(def->name, def->name_len);
	if (name == NULL) {
		diag_set(oom, "Failed to allocate %zu bytes in malloc for user",
			def->name_len);
		return NULL;
	}
	struct user *u = user_by_id(def->id);
	if (u == NULL)
		u = user_new(def);
	if (u == NULL)
		return NULL;
	free(u->name);
	u->name = TAKE_PTR(name);
	u->owner = def->owner;
	u->is_role = def->is_role;
	u->has_password = def->has_password;
	memcpy(u->hash2, def->hash2, sizeof(u->hash2));
	return u;
}

void user_cache_delete(uint32_t id)
{
	for (int i = 0; i < USER_MAX; i++) {
		if (users[i] != NULL && users[i]->id == id) {
			user_free(users[i]);
			users[i] = NULL;
		}
	}
	effective_invalidate();
}

struct user *user_by_id(uint32_t id)
{
	for (int i = 0; i < USER_MAX; i++) {
		if (users[i] != NULL && users[i]->id == id)
			return users[i];
	}
	return NULL;
}

struct user *user_by_name(const char *name, size_t len)
{
	for (int i = 0; i < USER_MAX; i++) {
		if (users[i] != NULL && strlen(users[i]->name) == len &&
			memcmp(users[i]->name, name, len) == 0)
			return users[i];
	}
	return NULL;
}

struct user *user_find(uint32_t id)
{
	struct user *u = user_by_id(id);
	if (u == NULL) {
		char text[16];
		snprintf(text, sizeof(text), "%u", id);
		diag_set_client(ER_NO_SUCH_USER, text);
	}
	return u;
}

struct user *user_find_by_name(const char *name, size_t len)
{
	struct user *u = user_by_name(name, len);
	if (u != NULL && !u->is_role)
		return u;
	char text[256];
	snprintf(text, sizeof(text), "%.*s", (int)(len < 255 ? len : 255), name);
	diag_set_client(ER_NO_SUCH_USER, text);
	return NULL;
}

int user_grant(struct user *u, enum object_type type, uint32_t id, uint32_t access)
{
	effective_invalidate();
	if (access != 0)
		return grant_set_put(&u->granted, type, id, access, false);
	grant_set_del(&u->granted, type, id);
	return 0;
}

uint32_t user_granted(const struct user *u, enum object_type type, uint32_t id)
{
	return grant_set_get(&u->granted, type, id);
}

static int role_by_slot(uint32_t role)
{
	for (int i = 0; i < USER_MAX; i++) {
		if (users[i] != NULL && users[i]->id == role)
			return i;
	}
	return -1;
}

/** Add what u and its roles have to `set`; `seen` has a bit for each slot done. */
static int collect_grants(const struct user *u, struct grant_set *set, uint32_t *seen)
{
	for (size_t i = 0; i < u->granted.count; i++) {
		const struct grant *g = &u->granted.list[i];
		if (grant_set_put(set, g->type, g->id, g->access, true) != 0)
			return -1;
		if (g->type != OBJECT_ROLE || (g->access & PRIV_X) == 0)
			continue;
		int slot = role_by_slot(g->id);
		if (slot < 0 || (*seen & (1u << slot)) != 0)
			continue;
		*seen |= 1u << slot;
		if (collect_grants(users[slot], set, seen) != 0)
			return -1;
	}
	return 0;
}

uint32_t user_access(struct user *u, enum object_type type, uint32_t id)
{
	if (u->is_effective_valid && type == OBJECT_UNIVERSE && id == 0)
		return u->universe_access;
	if (!u->is_effective_valid) {
		uint32_t seen = 0;
		u->effective.count = 0;
		if (collect_grants(u, &u->effective, &seen) != 0) {
			/* Out of memory: what is not known is not granted. */
			diag_clear();
			return grant_set_get(&u->effective, type, id);
		}
		u->universe_access = grant_set_get(&u->effective, OBJECT_UNIVERSE, 0);
		u->is_effective_valid = true;
	}
	return grant_set_get(&u->effective, type, id);
}

static bool contains(const struct user *role, uint32_t id, uint32_t *seen)
{
	for (size_t i = 0; i < role->granted.count; i++) {
		const struct grant *g = &role->granted.list[i];
		if (g->type != OBJECT_ROLE)
			continue;
		if (g->id == id)
			return true;
		int slot = role_by_slot(g->id);
		if (slot < 0 || (*seen & (1u << slot)) != 0)
			continue;
		*seen |= 1u << slot;
		if (contains(users[slot], id, seen))
			return true;
	}
	return false;
}

bool role_contains(uint32_t role, uint32_t id)
{
	uint32_t seen = 0;
	const struct user *u = user_by_id(role);
	return role == id || (u != NULL && contains(u, id, &seen));
}

int user_cache_init(void)
{
	struct user_def guest = {USER_GUEST, USER_ADMIN, .name = "guest", .name_len = 5};
	struct user_def admin = {USER_ADMIN, USER_ADMIN, .name = "admin", .name_len = 5};
	if (user_cache_replace(&guest) == NULL)
		return -1;
	struct user *u = user_cache_replace(&admin);
	return u != NULL ? user_grant(u, OBJECT_UNIVERSE, 0, UINT32_MAX) : -1;
}

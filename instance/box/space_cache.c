/* All spaces, by id (a sorted array) and by name (a hash table). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/box/space.h"

static struct space **spaces; /* by growing id */
static uint32_t space_count, space_cap;
static struct space *last_found;
/* By name: open addressing; rebuilt after each change, which is rare. */
static struct space **names;
static uint32_t name_mask;

static uint32_t hash_name(const char *name, size_t len)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h;
}

/* Where the id is or would be. */
static uint32_t lower_bound(uint32_t id)
{
	uint32_t from = 0, to = space_count;
	while (from < to) {
		uint32_t mid = (from + to) / 2;
		if (spaces[mid]->def->id < id)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* -1 with diag set: the table is as before. */
static int names_reserve(uint32_t count)
{
	uint32_t cap = 64;
	while (cap < count * 2)
		cap *= 2;
	if (names != NULL && name_mask + 1 >= cap)
		return 0;
	struct space **bigger = calloc(cap, sizeof(struct space *));
	if (bigger == NULL) {
		diag_set(oom, "out of memory");
		return -1;
	}
	free(names);
	names = bigger;
	name_mask = cap - 1;
	return 0;
}

static void names_rebuild(void)
{
	if (names == NULL)
		return;
	memset(names, 0, (name_mask + 1) * sizeof(struct space *));
	for (uint32_t i = 0; i < space_count; i++) {
		uint32_t h =
			hash_name(spaces[i]->def->name, strlen(spaces[i]->def->name));
		while (names[h & name_mask] != NULL)
			h++;
		names[h & name_mask] = spaces[i];
	}
}

int space_cache_init(void)
{
	return names_reserve(0);
}

void space_cache_fini(void)
{
	for (uint32_t i = 0; i < space_count; i++) {
		spaces[i]->is_dropped = true;
		space_unref(spaces[i]);
	}
	free(spaces);
	free(names);
	spaces = NULL;
	names = NULL;
	last_found = NULL;
	space_count = space_cap = 0;
	name_mask = 0;
}

struct space *space_by_id(uint32_t id)
{
	if (last_found != NULL && last_found->def->id == id)
		return last_found;
	uint32_t i = lower_bound(id);
	if (i == space_count || spaces[i]->def->id != id)
		return NULL;
	return last_found = spaces[i];
}

struct space *space_by_name(const char *name, size_t len)
{
	if (names == NULL)
		return NULL;
	for (uint32_t h = hash_name(name, len);; h++) {
		struct space *space = names[h & name_mask];
		if (space == NULL)
			return NULL;
		/* The name that is asked for may have any bytes, zeros too. */
		if (strlen(space->def->name) == len &&
			memcmp(space->def->name, name, len) == 0)
			return space;
	}
}

struct space *space_find(uint32_t id)
{
	struct space *space = space_by_id(id);
	if (space == NULL) {
		char text[16];
		snprintf(text, sizeof(text), "%u", id);
		diag_set_client(ER_NO_SUCH_SPACE, text);
	}
	return space;
}

int space_cache_put(struct space *space)
{
	uint32_t at = lower_bound(space->def->id);
	if (at < space_count && spaces[at] == space) {
		names_rebuild();
		return 0;
	}
	if (space_count == space_cap) {
		uint32_t cap = space_cap == 0 ? 64 : space_cap * 2;
		struct space **bigger = realloc(spaces, cap * sizeof(struct space *));
		if (bigger == NULL) {
			diag_set(oom, "out of memory");
			return -1;
		}
		spaces = bigger;
		space_cap = cap;
	}
	int rc = names_reserve(space_count + 1);
	if (rc == 0) {
		memmove(&spaces[at + 1], &spaces[at],
			(space_count - at) * sizeof(struct space *));
		spaces[at] = space;
		space_count++;
		space_ref(space);
		space->is_dropped = false;
	}
	names_rebuild();
	return rc;
}

void space_cache_del(struct space *space)
{
	uint32_t at = lower_bound(space->def->id);
	if (at == space_count || spaces[at] != space)
		return;
	memmove(&spaces[at], &spaces[at + 1],
		(--space_count - at) * sizeof(struct space *));
	if (last_found == space)
		last_found = NULL;
	names_rebuild();
	space->is_dropped = true;
	space_unref(space);
}

int space_each(int (*cb)(struct space *space, void *arg), void *arg)
{
	for (uint32_t i = 0; i < space_count; i++) {
		int rc = cb(spaces[i], arg);
		if (rc != 0)
			return rc;
	}
	return 0;
}

void space_cache_rename(void)
{
	names_rebuild();
}

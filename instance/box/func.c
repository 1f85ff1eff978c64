#include "instance/box/func.h"

#include <stdlib.h>
#include <string.h>

#include "instance/base/util.h"

enum { BUCKETS = 512 };

static struct list *buckets;

static void changed_nothing(const char *name)
{
}

void (*func_changed)(const char *name) = changed_nothing;

static uint32_t name_hash(const char *name, size_t len)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return h;
}

static struct list *name_bucket(const char *name, size_t len)
{
	return &buckets[name_hash(name, len) % BUCKETS];
}

static const struct object_ref *find_function(const char *name, uint32_t len)
{
	const struct func *func = func_by_name(name, len);
	return func != NULL ? &func->ref : NULL;
}

int func_cache_init(void)
{
	buckets = calloc(BUCKETS, sizeof(*buckets));
	if (buckets == NULL) {
		diag_set(oom, "Failed to allocate the cache of functions");
		return -1;
	}
	for (int i = 0; i < BUCKETS; i++)
		list_init(&buckets[i]);
	access_find_function = find_function;
	return 0;
}

void func_cache_fini(void)
{
	for (int i = 0; buckets != NULL && i < BUCKETS; i++) {
		list_foreach_safe(func, tmp, &buckets[i], struct func, link)
		{
			func_cache_del(func);
			func_free(func);
		}
	}
	free(TAKE_PTR(buckets));
}

struct func *func_by_name(const char *name, size_t len)
{
	if (buckets == NULL)
		return NULL;
	list_foreach(func, name_bucket(name, len), struct func, link)
	{
		if (strlen(func->ref.name) == len &&
			memcmp(func->ref.name, name, len) == 0)
			return func;
	}
	return NULL;
}

struct func *func_by_id(uint32_t id)
{
	for (int i = 0; buckets != NULL && i < BUCKETS; i++) {
		list_foreach(func, &buckets[i], struct func, link)
		{
			if (func->ref.id == id)
				return func;
		}
	}
	return NULL;
}

void func_cache_put(struct func *func)
{
	list_add(name_bucket(func->ref.name, strlen(func->ref.name)), &func->link);
}

void func_cache_del(struct func *func)
{
	list_del(&func->link);
}

void func_free(struct func *func)
{
	free((char *)func->ref.name);
	free(func);
}

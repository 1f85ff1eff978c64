#include "instance/box/func.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/base/util.h"
#include "instance/box/tuple.h"
#include "proto/mp.h"

enum { BUCKETS = 512 };

static struct list *buckets;

static void changed_nothing(const char *name)
{
}

void (*func_changed)(const char *name) = changed_nothing;

static int no_c_calls(struct func *func, const char *args, const char *args_end,
	struct func_result *result)
{
	diag_set_client(ER_UNSUPPORTED, "Tarantella", "C functions here");
	return -1;
}

int (*func_c_call)(struct func *func, const char *args, const char *args_end,
	struct func_result *result) = no_c_calls;
void (*func_c_free)(struct module_func *c);

/** The last eight bytes, or all there are: loads that overlap, no loop over bytes. */
static uint64_t name_tail(const char *name, size_t len)
{
	uint64_t word;
	uint32_t first, last;
	if (len >= sizeof(word)) {
		memcpy(&word, name + len - sizeof(word), sizeof(word));
		return word;
	}
	if (len >= sizeof(first)) {
		memcpy(&first, name, sizeof(first));
		memcpy(&last, name + len - sizeof(last), sizeof(last));
		return first | (uint64_t)last << 32;
	}
	return len == 0 ? 0
			: (uint64_t)(unsigned char)name[0] |
				  (uint64_t)(unsigned char)name[len / 2] << 8 |
				  (uint64_t)(unsigned char)name[len - 1] << 16;
}

/* Each call from the network asks twice. */
static uint32_t name_hash(const char *name, size_t len)
{
	uint64_t h = len, word;
	for (size_t i = 0; i + sizeof(word) < len; i += sizeof(word)) {
		memcpy(&word, name + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	h = (h ^ name_tail(name, len)) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 32);
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

int func_each(int (*cb)(struct func *func, void *arg), void *arg)
{
	for (int i = 0; buckets != NULL && i < BUCKETS; i++) {
		list_foreach(func, &buckets[i], struct func, link)
		{
			int rc = cb(func, arg);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
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
	if (func->c != NULL)
		func_c_free(func->c);
	free((char *)func->ref.name);
	free(func);
}

static int result_oom(struct func_result *result)
{
	result->is_broken = true;
	diag_set(oom, "Failed to allocate memory for the result of a function");
	return -1;
}

/* Room for one more of the kept values. */
static struct func_value *value_new(struct func_result *result)
{
	if (result->count == result->capacity) {
		uint32_t capacity = result->capacity != 0 ? result->capacity * 2 : 8;
		struct func_value *values =
			realloc(result->values, capacity * sizeof(*values));
		if (values == NULL)
			return NULL;
		result->values = values;
		result->capacity = capacity;
	}
	return &result->values[result->count];
}

int func_result_add_tuple(struct func_result *result, struct tuple *tuple)
{
	if (result->keeps_values) {
		struct func_value *value = value_new(result);
		if (value == NULL)
			return result_oom(result);
		tuple_ref(tuple);
		*value = (struct func_value){.tuple = tuple};
	} else if (buf_append(result->out, tuple->data, tuple->size) != 0) {
		return result_oom(result);
	}
	result->count++;
	return 0;
}

int func_result_add_mp(struct func_result *result, const char *mp, const char *end)
{
	const char *wrong = mp_check(mp, end);
	if (wrong != NULL) {
		char text[128];
		snprintf(text, sizeof(text), "a function returned it: %s", wrong);
		result->is_broken = true;
		diag_set_client(ER_INVALID_MSGPACK, text);
		return -1;
	}
	struct func_value *value = NULL;
	if (result->keeps_values && (value = value_new(result)) == NULL)
		return result_oom(result);
	size_t begin = result->out->len;
	if (buf_append(result->out, mp, (size_t)(end - mp)) != 0)
		return result_oom(result);
	if (value != NULL)
		*value = (struct func_value){.begin = begin, .end = result->out->len};
	result->count++;
	return 0;
}

void func_result_fini(struct func_result *result)
{
	for (uint32_t i = 0; result->values != NULL && i < result->count; i++) {
		if (result->values[i].tuple != NULL)
			tuple_unref(result->values[i].tuple);
	}
	free(TAKE_PTR(result->values));
	result->count = result->capacity = 0;
}

/* Functions of _func by name and id, and calls of those written in C. */
#ifndef BOX_FUNC_H
#define BOX_FUNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/base/list.h"
#include "instance/box/access.h"
#include "proto/buf.h"

struct module_func;
struct tuple;

enum func_language { FUNC_LANGUAGE_LUA, FUNC_LANGUAGE_C, FUNC_LANGUAGE_SQL_BUILTIN };

/* Owned by the cache while it is in it. */
struct func {
	struct list link;      /* in its bucket of the cache */
	struct object_ref ref; /* its name is owned */
	enum func_language language;
	bool is_setuid;
	bool is_persistent;            /* Lua, and _func holds its body */
	struct credentials owner_cred; /* for setuid */
	struct module_func *c; /* C: the symbol, once it was called; module/ owns it */
};

/** @return 0, or -1 with diag set (OutOfMemory) */
int func_cache_init(void);
void func_cache_fini(void);
/** NULL when there is none; no diag. */
struct func *func_by_name(const char *name, size_t len);
struct func *func_by_id(uint32_t id);
/** Call cb for each until it returns non-zero. */
int func_each(int (*cb)(struct func *func, void *arg), void *arg);
/** Takes it over. */
void func_cache_put(struct func *func);
/** Out of the cache; the caller owns it then. */
void func_cache_del(struct func *func);
void func_free(struct func *func);

/* ---- What a C function returns ---- */

/* One value of a result that keeps them apart. */
struct func_value {
	struct tuple *tuple; /* a reference; or NULL: msgpack */
	size_t begin, end;   /* in the result's buffer */
};

/*
 * Where the results of a call go; on the caller's stack. Two ways: as msgpack, one
 * value after another, at the end of `out` (a reply); or, when `keeps_values`, in
 * `values` too, where tuples stay tuples (a call from Lua).
 */
struct func_result {
	struct buf *out;
	uint32_t count;
	bool keeps_values;
	bool is_broken;            /* a value was refused: the call has failed */
	struct func_value *values; /* `count` of them; freed by func_result_fini() */
	uint32_t capacity;
};

/** Append a tuple. @return 0, or -1 with diag set (OutOfMemory) */
int func_result_add_tuple(struct func_result *result, struct tuple *tuple);
/**
 * Append one msgpack value, which is checked.
 * @return 0, or -1 with diag set: no msgpack, or not exactly one value
 */
int func_result_add_mp(struct func_result *result, const char *mp, const char *end);
/** Drop the values that were kept, not `out`. */
void func_result_fini(struct func_result *result);

/* ---- Hooks of the upper layers ---- */

/**
 * Call a C function; loads its module the first time. Rights are checked by the
 * caller. Yields if the function does.
 * @param args a checked msgpack array; stays valid for the whole call
 * @return 0; -1 with diag set, and `result` holds nothing of this call
 */
extern int (*func_c_call)(struct func *func, const char *args, const char *args_end,
	struct func_result *result);
/** The function is gone: its func->c is not needed any more. */
extern void (*func_c_free)(struct module_func *c);

/** Does this text compile to a function? NULL: not checked. -1 with diag set. */
extern int (*func_check_body)(const char *name, const char *body, uint32_t len);
/** A function was made or dropped (also by a rollback): box.func. */
extern void (*func_changed)(const char *name);

#endif

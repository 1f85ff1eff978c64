/* Functions of _func by name and id. */
#ifndef BOX_FUNC_H
#define BOX_FUNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/base/list.h"
#include "instance/box/access.h"

/* Owned by the cache while it is in it. */
struct func {
	struct list link;      /* in its bucket of the cache */
	struct object_ref ref; /* its name is owned */
	bool is_setuid;
	bool is_persistent; /* _func holds its body */
	bool is_lua;
	struct credentials owner_cred; /* for setuid */
};

/** @return 0, or -1 with diag set (OutOfMemory) */
int func_cache_init(void);
void func_cache_fini(void);
/** NULL when there is none; no diag. */
struct func *func_by_name(const char *name, size_t len);
struct func *func_by_id(uint32_t id);
/** Takes it over. */
void func_cache_put(struct func *func);
/** Out of the cache; the caller owns it then. */
void func_cache_del(struct func *func);
void func_free(struct func *func);

/* ---- Hooks of the Lua layer ---- */

/** Does this text compile to a function? NULL: not checked. -1 with diag set. */
extern int (*func_check_body)(const char *name, const char *body, uint32_t len);
/** A function was made or dropped (also by a rollback): box.func. */
extern void (*func_changed)(const char *name);

#endif

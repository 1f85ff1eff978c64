/*
 * What the functions of the C API share: arguments are looked at before they are
 * used, the last tuple that was given away is held.
 */
#ifndef MODULE_API_UTIL_H
#define MODULE_API_UTIL_H

#include <stddef.h>

#include "instance/base/diag.h"
#include "instance/box/mp_raw.h"
#include "instance/box/tuple.h"

/** The tuple that a function gave last: a reference, or NULL. */
extern struct tuple *api_last_tuple;

/**
 * Give a tuple to a module: it stays until the next one is given. Takes over the
 * caller's reference; NULL is fine.
 * @return the tuple
 */
static inline struct tuple *api_give(struct tuple *tuple)
{
	struct tuple *before = api_last_tuple;
	if (tuple == NULL)
		return NULL;
	api_last_tuple = tuple;
	if (before != NULL)
		tuple_unref(before);
	return tuple;
}

/**
 * What a function that may fail gives: *ret of dml_*(), with its reference.
 * @param ret where the module wants it; NULL: it does not
 * @return rc, with ER_LOADING for what needs box.cfg{} before it ran
 */
int api_result(int rc, struct tuple *tuple, struct tuple **ret);

/** IllegalParams naming the argument that is NULL or wrong. @return -1 */
int api_wrong_argument(const char *function, const char *argument);

/**
 * Is [data, *end) one msgpack array? A key may be followed by other bytes, as in
 * Tarantool: *end is set to its end then.
 * @param what "tuple" and such, for the message
 * @return 0, or -1 with ER_INVALID_MSGPACK or ER_TUPLE_NOT_ARRAY
 */
int api_check_tuple(const char *data, const char *end, const char *what);
int api_check_key(const char *data, const char **end);
/** Is it one msgpack value? 0, or -1 with ER_INVALID_MSGPACK. */
int api_check_value(const char *data, const char *end, const char *what);

/**
 * Memory of the running fiber until the call that took it is over, or the fiber.
 * @return NULL with diag set
 */
void *api_scratch_alloc(size_t size);
/** Where the running fiber's memory stands, when a call begins... */
uint64_t api_scratch_mark(void);
/** ...and when it is over: free what was taken since. */
void api_scratch_release(uint64_t mark);

#endif

/*
 * The C API of modules: stored procedures in C and Lua modules written in C.
 * Installed as <tarantella/module.h>.
 *
 * Types, values and prototypes are those of Tarantool 2.6's module.h (Debian's
 * tarantool-dev), so one .so file runs in both; tests/compat/capi/check_header.py
 * proves it. Include Lua's directory too: pkg-config --cflags luajit.
 *
 * Everything is called in the thread of the instance, in a fiber; only a function
 * that coio_call() runs is elsewhere, and it may use nothing of this. What yields
 * says so: other fibers run meanwhile. What fails has set the fiber's last error,
 * box_error_last().
 *
 * With TARANTELLA_CORE (the instance itself) the types that the instance defines
 * are taken from there.
 */
#ifndef TARANTOOL_MODULE_H_INCLUDED
#define TARANTOOL_MODULE_H_INCLUDED

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#ifdef TARANTELLA_CORE
#include "instance/base/list.h"
#include "instance/base/say.h"
#include "instance/base/util.h"
#include "instance/box/index.h"
#include "instance/box/tuple_format.h"
#include "instance/fiber/coio.h"
#include "instance/fiber/fiber.h"
#include "proto/errcode.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#include <lua.h>

#pragma GCC visibility push(default)

/* The level of the API, not of the program: box.info.package tells that one. */
#define PACKAGE_VERSION_MAJOR 2
#define PACKAGE_VERSION_MINOR 6
#define PACKAGE_VERSION_PATCH 0
#define PACKAGE_VERSION "2.6.0-0-g47aa4e01e"

/* Where Debian keeps modules; package.path and package.cpath look there. */
#define SYSCONF_DIR "/etc"
#define INSTALL_PREFIX "/usr"
#define MODULE_LIBDIR "/usr/lib/x86_64-linux-gnu/tarantool"
#define MODULE_LUADIR "/usr/share/tarantool"
#define MODULE_INCLUDEDIR "/usr/include/tarantool"
#define MODULE_LIBSUFFIX ".so"

/* ---- What modules use of the compiler ---- */

#ifdef TARANTELLA_CORE
#define API_EXPORT extern
#elif defined(__cplusplus)
#define API_EXPORT extern "C" __attribute__((nothrow, visibility("default")))
#else
#define API_EXPORT extern __attribute__((nothrow, visibility("default")))
#endif
#ifndef CFORMAT
#define CFORMAT(kind, text_index, first_index) \
	__attribute__((format(kind, text_index, first_index)))
#endif
#ifndef TARANTELLA_CORE
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
#ifndef prefetch
#define prefetch(address, ...) (__builtin_prefetch(address, __VA_ARGS__))
#endif
#ifndef unreachable
#define unreachable() (assert(0), __builtin_unreachable())
#endif
#ifndef container_of
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#endif
#ifndef __cplusplus
#include <stdalign.h>
#endif
#ifndef MAYBE_UNUSED
#define MAYBE_UNUSED __attribute__((unused))
#endif
#ifndef NODISCARD
#define NODISCARD __attribute__((warn_unused_result))
#endif
#ifndef NOINLINE
#define NOINLINE __attribute__((noinline))
#endif
#ifndef NORETURN
#define NORETURN __attribute__((noreturn))
#endif
#ifndef DEPRECATED
#define DEPRECATED(text) __attribute__((deprecated(text)))
#endif
#ifndef PACKED
#define PACKED __attribute__((packed))
#endif
#ifndef FALLTHROUGH
#define FALLTHROUGH __attribute__((fallthrough))
#endif
#endif

/* ---- The log ---- */

#ifndef TARANTELLA_CORE
enum say_level {
	S_FATAL, /* for the program itself */
	S_SYSERROR,
	S_ERROR,
	S_CRIT,
	S_WARN,
	S_INFO,
	S_VERBOSE,
	S_DEBUG
};

enum say_format { SF_PLAIN, SF_JSON, say_format_MAX };
#endif

/** What box.cfg.log_level is: lines above it are not written. */
extern int log_level;

static inline bool say_log_level_is_enabled(int level)
{
	return level <= log_level;
}

typedef void (*sayfunc_t)(int level, const char *file, int line, const char *error,
	const char *format, ...);
/** Writes a line, whatever the level; the macros below are what to use. */
CFORMAT(printf, 5, 0) extern sayfunc_t _say;

#ifndef TARANTELLA_CORE
/** A line of the log. @param error what follows after a colon, or NULL */
#define say_file_line(level, file, line, error, format, ...)                   \
	({                                                                     \
		if (say_log_level_is_enabled(level))                           \
			_say(level, file, line, error, format, ##__VA_ARGS__); \
	})
#define say(level, error, format, ...) \
	({ say_file_line(level, __FILE__, __LINE__, error, format, ##__VA_ARGS__); })
#define say_error(format, ...) say(S_ERROR, NULL, format, ##__VA_ARGS__)
#define say_crit(format, ...) say(S_CRIT, NULL, format, ##__VA_ARGS__)
#define say_warn(format, ...) say(S_WARN, NULL, format, ##__VA_ARGS__)
#define say_info(format, ...) say(S_INFO, NULL, format, ##__VA_ARGS__)
#define say_verbose(format, ...) say(S_VERBOSE, NULL, format, ##__VA_ARGS__)
#define say_debug(format, ...) say(S_DEBUG, NULL, format, ##__VA_ARGS__)
#define say_syserror(format, ...) say(S_SYSERROR, strerror(errno), format, ##__VA_ARGS__)
#endif

/* ---- Fibers ---- */

struct fiber;
struct fiber_attr;
struct slab_cache;

/** What a fiber runs. @return 0, or -1 with the last error set */
typedef int (*fiber_func)(va_list);

/** How fibers are to be made; kept by the caller. NULL when out of memory. */
API_EXPORT struct fiber_attr *fiber_attr_new(void);
/** Fibers that were made with it stay as they are. */
API_EXPORT void fiber_attr_delete(struct fiber_attr *attr);
/** @return 0; -1 with the last error set when that is too small for a fiber */
API_EXPORT int fiber_attr_setstacksize(struct fiber_attr *attr, size_t stack_size);
/** @param attr NULL: what fibers have by default */
API_EXPORT size_t fiber_attr_getstacksize(struct fiber_attr *attr);

#ifndef TARANTELLA_CORE
/** The running fiber. */
API_EXPORT struct fiber *fiber_self(void);
/** Was the running fiber asked to end? */
API_EXPORT bool fiber_is_cancelled(void);
#endif
/**
 * Make a fiber; it runs when it is started, and frees itself when it ends, unless
 * it is joinable. @return NULL with the last error set
 */
API_EXPORT struct fiber *fiber_new(const char *name, fiber_func f);
API_EXPORT struct fiber *fiber_new_ex(
	const char *name, const struct fiber_attr *attr, fiber_func f);
/**
 * Run a new fiber now, until it yields for the first time. The arguments reach its
 * function as a va_list that is good until then.
 */
API_EXPORT void fiber_start(struct fiber *f, ...);
/** Yields: let others run until somebody wakes this fiber up. */
API_EXPORT void fiber_yield(void);
/** Make a fiber that yielded (or was not started) run in this turn of the loop. */
API_EXPORT void fiber_wakeup(struct fiber *f);
/** Ask it to end: sets its flag, and wakes it unless it does not want that. */
API_EXPORT void fiber_cancel(struct fiber *f);
/** Shall a cancel wake the running fiber? @return what was set before */
API_EXPORT bool fiber_set_cancellable(bool yesno);
API_EXPORT void fiber_set_joinable(struct fiber *f, bool yesno);
/**
 * Yields until a joinable fiber has ended, then frees it.
 * @return what its function returned; its error is the caller's last one then
 */
API_EXPORT int fiber_join(struct fiber *f);
/** Yields for that time at least; a cancel or a wake-up ends it early. */
API_EXPORT void fiber_sleep(double seconds);
/** Yields: let the others that are ready run first. */
API_EXPORT void fiber_reschedule(void);
/** The time of day when this turn of the event loop began: seconds. */
API_EXPORT double fiber_time(void);
/** The same in microseconds. */
API_EXPORT uint64_t fiber_time64(void);
/** The monotonic clock of this turn: seconds. */
API_EXPORT double fiber_clock(void);
API_EXPORT uint64_t fiber_clock64(void);
/** For the library `small`. Not in tarantella: a module that needs it does not load. */
API_EXPORT struct slab_cache *cord_slab_cache(void);

/* A condition to wait for. Unlike a thread's it needs no lock. */
struct fiber_cond;

/** NULL with the last error set. */
struct fiber_cond *fiber_cond_new(void);
/** Nobody may wait on it. */
void fiber_cond_delete(struct fiber_cond *cond);
/** Wake the fiber that waits longest; no fiber waits: nothing happens. */
void fiber_cond_signal(struct fiber_cond *cond);
void fiber_cond_broadcast(struct fiber_cond *cond);
/**
 * Yields. A wake-up ends it as a signal does, so check what you wait for.
 * @return 0; -1 with TimedOut or FiberIsCancelled as the last error
 */
int fiber_cond_wait_timeout(struct fiber_cond *cond, double timeout);
int fiber_cond_wait(struct fiber_cond *cond);

/* ---- Descriptors, and what blocks ---- */

#ifndef TARANTELLA_CORE
enum { COIO_READ = 0x1, COIO_WRITE = 0x2 };
#endif

/**
 * Yields until the (non-blocking) descriptor is ready.
 * @param event COIO_READ, COIO_WRITE or both
 * @return the events that came; 0 when the time passed or the fiber was woken up
 */
API_EXPORT int coio_wait(int fd, int event, double timeout);
/** close(2) that wakes the fibers which wait for the descriptor. */
API_EXPORT int coio_close(int fd);
/**
 * Yields while func runs in a worker thread with the arguments.
 * @return what func returned, with its errno; -1 and ENOMEM when it cannot run
 */
ssize_t coio_call(ssize_t (*func)(va_list), ...);

struct addrinfo;

/**
 * Yields while getaddrinfo(3) runs in a worker thread.
 * @return 0, and *res is for freeaddrinfo(3); -1 with the last error set
 */
int coio_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
	struct addrinfo **res, double timeout);

/* ---- Lua: values ---- */

/**
 * Push a cdata of a type; its memory is not set.
 * @param ctypeid as luaL_ctypeid() gave it. @return the memory
 */
LUA_API void *luaL_pushcdata(struct lua_State *L, uint32_t ctypeid);
/** The memory of the cdata at idx; raises when it is none. */
LUA_API void *luaL_checkcdata(struct lua_State *L, int idx, uint32_t *ctypeid);
/** The function on the top (popped) is to run when the cdata at idx is collected. */
LUA_API void luaL_setcdatagc(struct lua_State *L, int idx);
/** The number of a C type, such as "uint32_t" or "struct foo". */
LUA_API uint32_t luaL_ctypeid(struct lua_State *L, const char *ctypename);
/** ffi.cdef. @return 0, or LUA_ERRRUN and such with the error on the stack */
LUA_API int luaL_cdef(struct lua_State *L, const char *definitions);

/** Push an integer: a number when it is exact, else a 64-bit cdata. */
LUA_API void luaL_pushuint64(struct lua_State *L, uint64_t val);
LUA_API void luaL_pushint64(struct lua_State *L, int64_t val);
/** The integer at idx: a number, a 64-bit cdata or a string of digits; else raises. */
LUA_API uint64_t luaL_checkuint64(struct lua_State *L, int idx);
LUA_API int64_t luaL_checkint64(struct lua_State *L, int idx);
/** The same, or 0. */
LUA_API uint64_t luaL_touint64(struct lua_State *L, int idx);
LUA_API int64_t luaL_toint64(struct lua_State *L, int idx);

#ifndef TARANTELLA_CORE
/**
 * As lua_pcall(); an error becomes the last error, and stays on the stack, with its
 * text above it when it is no error object. @return 0 when there was none
 */
LUA_API int luaT_call(lua_State *L, int nargs, int nreturns);
#endif
/** As lua_cpcall(), in the same way. */
LUA_API int luaT_cpcall(lua_State *L, lua_CFunction func, void *ud);
/** The main Lua state. */
LUA_API lua_State *luaT_state(void);
/** Push what print() would show of the value at idx. @return it; valid while pushed */
LUA_API const char *luaT_tolstring(lua_State *L, int idx, size_t *ssize);
/** Is there a function at idx, or a value with __call? */
LUA_API int luaL_iscallable(lua_State *L, int idx);

/* ---- Lua: errors ---- */

struct error;

/** Raise the last error. Does not return. */
LUA_API int luaT_error(lua_State *L);
/** Push nil and the last error. @return 2 */
LUA_API int luaT_push_nil_and_error(lua_State *L);
void luaT_pusherror(struct lua_State *L, struct error *e);

/* ---- Transactions ---- */

/** -1 when there is none in this fiber. */
API_EXPORT int64_t box_txn_id(void);
API_EXPORT bool box_txn(void);
/** @return 0; -1 when one is active already */
API_EXPORT int box_txn_begin(void);
/** Yields when there is something to write. @return 0; -1: it was rolled back */
API_EXPORT int box_txn_commit(void);
/** @return 0; -1 inside a statement (a trigger) */
API_EXPORT int box_txn_rollback(void);
/** Memory that goes with the transaction. */
API_EXPORT void *box_txn_alloc(size_t size);

/* ---- Tuples, their formats and keys ---- */

typedef struct key_def box_key_def_t;
typedef struct tuple box_tuple_t;
typedef struct tuple_format box_tuple_format_t;
typedef struct tuple_iterator box_tuple_iterator_t;

#ifndef TARANTELLA_CORE
enum field_type {
	FIELD_TYPE_ANY = 0,
	FIELD_TYPE_UNSIGNED,
	FIELD_TYPE_STRING,
	FIELD_TYPE_NUMBER,
	FIELD_TYPE_DOUBLE,
	FIELD_TYPE_INTEGER,
	FIELD_TYPE_BOOLEAN,
	FIELD_TYPE_VARBINARY,
	FIELD_TYPE_SCALAR,
	FIELD_TYPE_DECIMAL,
	FIELD_TYPE_UUID,
	FIELD_TYPE_ARRAY,
	FIELD_TYPE_MAP,
	field_type_MAX
};
#endif

enum on_conflict_action {
	ON_CONFLICT_ACTION_NONE = 0,
	ON_CONFLICT_ACTION_ROLLBACK,
	ON_CONFLICT_ACTION_ABORT,
	ON_CONFLICT_ACTION_FAIL,
	ON_CONFLICT_ACTION_IGNORE,
	ON_CONFLICT_ACTION_REPLACE,
	ON_CONFLICT_ACTION_DEFAULT,
	on_conflict_action_MAX
};

/** A key of part_count fields (from 0) with their types. NULL with the last error set. */
box_key_def_t *box_key_def_new(uint32_t *fields, uint32_t *types, uint32_t part_count);
void box_key_def_delete(box_key_def_t *key_def);
/** By the key's fields: < 0, 0, > 0. */
int box_tuple_compare(box_tuple_t *tuple_a, box_tuple_t *tuple_b, box_key_def_t *key_def);
/** @param key_b a msgpack array of the first parts or all */
int box_tuple_compare_with_key(
	box_tuple_t *tuple_a, const char *key_b, box_key_def_t *key_def);

/** The format of tuples that belong to no space. */
box_tuple_format_t *box_tuple_format_default(void);
/** A format for tuples with these keys; NULL with the last error set. */
box_tuple_format_t *box_tuple_format_new(struct key_def **keys, uint16_t key_count);
void box_tuple_format_ref(box_tuple_format_t *format);
void box_tuple_format_unref(box_tuple_format_t *format);

/**
 * Tuples are counted. One that a function gave stays until the next call of the API
 * that gives one or yields; take a reference to keep it. @return 0
 */
int box_tuple_ref(box_tuple_t *tuple);
void box_tuple_unref(box_tuple_t *tuple);
uint32_t box_tuple_field_count(box_tuple_t *tuple);
/** Bytes of its msgpack. */
size_t box_tuple_bsize(box_tuple_t *tuple);
/** Copy its msgpack if it fits. @return how many bytes it has */
ssize_t box_tuple_to_buf(box_tuple_t *tuple, char *buf, size_t size);
box_tuple_format_t *box_tuple_format(box_tuple_t *tuple);
/** The msgpack of a field (from 0), or NULL. */
const char *box_tuple_field(box_tuple_t *tuple, uint32_t fieldno);
/** An iterator over the fields; it holds the tuple. NULL with the last error set. */
box_tuple_iterator_t *box_tuple_iterator(box_tuple_t *tuple);
void box_tuple_iterator_free(box_tuple_iterator_t *it);
/** The number of the field that comes next. */
uint32_t box_tuple_position(box_tuple_iterator_t *it);
void box_tuple_rewind(box_tuple_iterator_t *it);
/** Go to a field. @return its msgpack; NULL when there are not that many */
const char *box_tuple_seek(box_tuple_iterator_t *it, uint32_t fieldno);
const char *box_tuple_next(box_tuple_iterator_t *it);
/** A tuple of a msgpack array, which is copied. NULL with the last error set. */
box_tuple_t *box_tuple_new(box_tuple_format_t *format, const char *data, const char *end);
/** A changed copy. @param expr a msgpack array of operations, fields from 0 */
box_tuple_t *box_tuple_update(box_tuple_t *tuple, const char *expr, const char *expr_end);
box_tuple_t *box_tuple_upsert(box_tuple_t *tuple, const char *expr, const char *expr_end);

/* ---- Stored procedures ---- */

typedef struct box_function_ctx box_function_ctx_t;

/*
 * A procedure is `int name(box_function_ctx_t *ctx, const char *args, const char
 * *args_end)`; args is a msgpack array, valid for the whole call. It returns 0, or
 * -1 with the last error set.
 */

/** One more result of the call. @return 0; -1 when out of memory */
API_EXPORT int box_return_tuple(box_function_ctx_t *ctx, box_tuple_t *tuple);
/** The same with one msgpack value, which is copied. */
API_EXPORT int box_return_mp(box_function_ctx_t *ctx, const char *mp, const char *mp_end);

/* ---- Spaces ---- */

enum {
	BOX_SYSTEM_ID_MIN = 256,
	BOX_VINYL_DEFERRED_DELETE_ID = 257,
	BOX_SCHEMA_ID = 272,
	BOX_COLLATION_ID = 276,
	BOX_VCOLLATION_ID = 277,
	BOX_SPACE_ID = 280,
	BOX_VSPACE_ID = 281,
	BOX_SEQUENCE_ID = 284,
	BOX_SEQUENCE_DATA_ID = 285,
	BOX_VSEQUENCE_ID = 286,
	BOX_INDEX_ID = 288,
	BOX_VINDEX_ID = 289,
	BOX_FUNC_ID = 296,
	BOX_VFUNC_ID = 297,
	BOX_USER_ID = 304,
	BOX_VUSER_ID = 305,
	BOX_PRIV_ID = 312,
	BOX_VPRIV_ID = 313,
	BOX_CLUSTER_ID = 320,
	BOX_TRIGGER_ID = 328,
	BOX_TRUNCATE_ID = 330,
	BOX_SPACE_SEQUENCE_ID = 340,
	BOX_FK_CONSTRAINT_ID = 356,
	BOX_CK_CONSTRAINT_ID = 364,
	BOX_FUNC_INDEX_ID = 372,
	BOX_SESSION_SETTINGS_ID = 380,
	BOX_SYSTEM_ID_MAX = 511,
	BOX_ID_NIL = 2147483647 /* no space, no index */
};

/** BOX_ID_NIL when there is none that the user may see. */
API_EXPORT uint32_t box_space_id_by_name(const char *name, uint32_t len);
API_EXPORT uint32_t box_index_id_by_name(
	uint32_t space_id, const char *name, uint32_t len);

/*
 * Tuples, keys and operations are msgpack arrays. *result is the new tuple (of a
 * delete: the old one), or NULL; it may be NULL itself. All return 0, or -1 with the
 * last error set, and yield when a change outside a transaction is written.
 */
API_EXPORT int box_insert(uint32_t space_id, const char *tuple, const char *tuple_end,
	box_tuple_t **result);
API_EXPORT int box_replace(uint32_t space_id, const char *tuple, const char *tuple_end,
	box_tuple_t **result);
API_EXPORT int box_delete(uint32_t space_id, uint32_t index_id, const char *key,
	const char *key_end, box_tuple_t **result);
/** @param index_base the number that the operations give the first field */
API_EXPORT int box_update(uint32_t space_id, uint32_t index_id, const char *key,
	const char *key_end, const char *ops, const char *ops_end, int index_base,
	box_tuple_t **result);
/** Insert the tuple, or change what is there. *result is always NULL. */
API_EXPORT int box_upsert(uint32_t space_id, uint32_t index_id, const char *tuple,
	const char *tuple_end, const char *ops, const char *ops_end, int index_base,
	box_tuple_t **result);
API_EXPORT int box_truncate(uint32_t space_id);

API_EXPORT int box_sequence_next(uint32_t seq_id, int64_t *result);
API_EXPORT int box_sequence_current(uint32_t seq_id, int64_t *result);
API_EXPORT int box_sequence_set(uint32_t seq_id, int64_t value);
API_EXPORT int box_sequence_reset(uint32_t seq_id);

/** Send a msgpack value to the client while its request runs. */
API_EXPORT int box_session_push(const char *data, const char *data_end);

/* ---- Indexes ---- */

typedef struct iterator box_iterator_t;

#ifndef TARANTELLA_CORE
enum iterator_type {
	ITER_EQ = 0,
	ITER_REQ = 1,
	ITER_ALL = 2,
	ITER_LT = 3,
	ITER_LE = 4,
	ITER_GE = 5,
	ITER_GT = 6,
	ITER_BITS_ALL_SET = 7,
	ITER_BITS_ANY_SET = 8,
	ITER_BITS_ALL_NOT_SET = 9,
	ITER_OVERLAPS = 10,
	ITER_NEIGHBOR = 11,
	iterator_type_MAX
};
#endif

/** @param type enum iterator_type. NULL with the last error set */
box_iterator_t *box_index_iterator(uint32_t space_id, uint32_t index_id, int type,
	const char *key, const char *key_end);
/** *result is NULL at the end. @return 0, or -1 with the last error set */
int box_iterator_next(box_iterator_t *iterator, box_tuple_t **result);
void box_iterator_free(box_iterator_t *iterator);
/** Tuples in the index; -1 with the last error set. */
ssize_t box_index_len(uint32_t space_id, uint32_t index_id);
/** Bytes of memory. */
ssize_t box_index_bsize(uint32_t space_id, uint32_t index_id);
/* *result is NULL when there is none. @return 0, or -1 with the last error set */
int box_index_random(
	uint32_t space_id, uint32_t index_id, uint32_t rnd, box_tuple_t **result);
int box_index_get(uint32_t space_id, uint32_t index_id, const char *key,
	const char *key_end, box_tuple_t **result);
int box_index_min(uint32_t space_id, uint32_t index_id, const char *key,
	const char *key_end, box_tuple_t **result);
int box_index_max(uint32_t space_id, uint32_t index_id, const char *key,
	const char *key_end, box_tuple_t **result);
ssize_t box_index_count(uint32_t space_id, uint32_t index_id, int type, const char *key,
	const char *key_end);
/** The tuple's key of an index, as a msgpack array from box_txn_alloc(). */
char *box_tuple_extract_key(
	box_tuple_t *tuple, uint32_t space_id, uint32_t index_id, uint32_t *key_size);

/* ---- Errors ---- */

typedef struct error box_error_t;

/** "ClientError" and such. */
const char *box_error_type(const box_error_t *error);
/** One of enum box_error_code. */
uint32_t box_error_code(const box_error_t *error);
const char *box_error_message(const box_error_t *error);
/** The last error of this fiber, or NULL; good until the next call that fails. */
box_error_t *box_error_last(void);
void box_error_clear(void);
/** Make a ClientError the last error. @return -1 */
int box_error_set(
	const char *file, unsigned line, uint32_t code, const char *format, ...);
#define box_error_raise(code, format, ...) \
	box_error_set(__FILE__, __LINE__, code, format, ##__VA_ARGS__)

/* ---- Tuples in Lua ---- */

/** The tuple at idx; raises when it is none. */
box_tuple_t *luaT_checktuple(struct lua_State *L, int idx);
/** Lua holds a reference of its own. */
void luaT_pushtuple(struct lua_State *L, box_tuple_t *tuple);
/** The tuple at idx, or NULL. */
box_tuple_t *luaT_istuple(struct lua_State *L, int idx);

/* ---- Latches: locks between fibers ---- */

typedef struct box_latch box_latch_t;

box_latch_t *box_latch_new(void);
void box_latch_delete(box_latch_t *latch);
/** Yields until it is free. */
void box_latch_lock(box_latch_t *latch);
/** @return 0; 1 when another fiber has it */
int box_latch_trylock(box_latch_t *latch);
/** By the fiber that locked it. */
void box_latch_unlock(box_latch_t *latch);

/* ---- Clocks ---- */

/* Seconds; nanoseconds. */
double clock_realtime(void);
double clock_monotonic(void);
double clock_process(void);
double clock_thread(void);
uint64_t clock_realtime64(void);
uint64_t clock_monotonic64(void);
uint64_t clock_process64(void);
uint64_t clock_thread64(void);

#ifndef TARANTELLA_CORE
/* clang-format off */
enum box_error_code {
	ER_UNKNOWN, ER_ILLEGAL_PARAMS, ER_MEMORY_ISSUE, ER_TUPLE_FOUND,
	ER_TUPLE_NOT_FOUND, ER_UNSUPPORTED, ER_NONMASTER, ER_READONLY, ER_INJECTION,
	ER_CREATE_SPACE, ER_SPACE_EXISTS, ER_DROP_SPACE, ER_ALTER_SPACE, ER_INDEX_TYPE,
	ER_MODIFY_INDEX, ER_LAST_DROP, ER_TUPLE_FORMAT_LIMIT, ER_DROP_PRIMARY_KEY,
	ER_KEY_PART_TYPE, ER_EXACT_MATCH, ER_INVALID_MSGPACK, ER_PROC_RET,
	ER_TUPLE_NOT_ARRAY, ER_FIELD_TYPE, ER_INDEX_PART_TYPE_MISMATCH, ER_UPDATE_SPLICE,
	ER_UPDATE_ARG_TYPE, ER_FORMAT_MISMATCH_INDEX_PART, ER_UNKNOWN_UPDATE_OP,
	ER_UPDATE_FIELD, ER_FUNCTION_TX_ACTIVE, ER_KEY_PART_COUNT, ER_PROC_LUA,
	ER_NO_SUCH_PROC, ER_NO_SUCH_TRIGGER, ER_NO_SUCH_INDEX_ID, ER_NO_SUCH_SPACE,
	ER_NO_SUCH_FIELD_NO, ER_EXACT_FIELD_COUNT, ER_FIELD_MISSING, ER_WAL_IO,
	ER_MORE_THAN_ONE_TUPLE, ER_ACCESS_DENIED, ER_CREATE_USER, ER_DROP_USER,
	ER_NO_SUCH_USER, ER_USER_EXISTS, ER_PASSWORD_MISMATCH, ER_UNKNOWN_REQUEST_TYPE,
	ER_UNKNOWN_SCHEMA_OBJECT, ER_CREATE_FUNCTION, ER_NO_SUCH_FUNCTION,
	ER_FUNCTION_EXISTS, ER_BEFORE_REPLACE_RET, ER_MULTISTATEMENT_TRANSACTION,
	ER_TRIGGER_EXISTS, ER_USER_MAX, ER_NO_SUCH_ENGINE, ER_RELOAD_CFG, ER_CFG,
	ER_SAVEPOINT_EMPTY_TX, ER_NO_SUCH_SAVEPOINT, ER_UNKNOWN_REPLICA,
	ER_REPLICASET_UUID_MISMATCH, ER_INVALID_UUID, ER_REPLICASET_UUID_IS_RO,
	ER_INSTANCE_UUID_MISMATCH, ER_REPLICA_ID_IS_RESERVED, ER_INVALID_ORDER,
	ER_MISSING_REQUEST_FIELD, ER_IDENTIFIER, ER_DROP_FUNCTION, ER_ITERATOR_TYPE,
	ER_REPLICA_MAX, ER_INVALID_XLOG, ER_INVALID_XLOG_NAME, ER_INVALID_XLOG_ORDER,
	ER_NO_CONNECTION, ER_TIMEOUT, ER_ACTIVE_TRANSACTION, ER_CURSOR_NO_TRANSACTION,
	ER_CROSS_ENGINE_TRANSACTION, ER_NO_SUCH_ROLE, ER_ROLE_EXISTS, ER_CREATE_ROLE,
	ER_INDEX_EXISTS, ER_SESSION_CLOSED, ER_ROLE_LOOP, ER_GRANT, ER_PRIV_GRANTED,
	ER_ROLE_GRANTED, ER_PRIV_NOT_GRANTED, ER_ROLE_NOT_GRANTED, ER_MISSING_SNAPSHOT,
	ER_CANT_UPDATE_PRIMARY_KEY, ER_UPDATE_INTEGER_OVERFLOW, ER_GUEST_USER_PASSWORD,
	ER_TRANSACTION_CONFLICT, ER_UNSUPPORTED_PRIV, ER_LOAD_FUNCTION,
	ER_FUNCTION_LANGUAGE, ER_RTREE_RECT, ER_PROC_C,
	ER_UNKNOWN_RTREE_INDEX_DISTANCE_TYPE, ER_PROTOCOL,
	ER_UPSERT_UNIQUE_SECONDARY_KEY, ER_WRONG_INDEX_RECORD, ER_WRONG_INDEX_PARTS,
	ER_WRONG_INDEX_OPTIONS, ER_WRONG_SCHEMA_VERSION, ER_MEMTX_MAX_TUPLE_SIZE,
	ER_WRONG_SPACE_OPTIONS, ER_UNSUPPORTED_INDEX_FEATURE, ER_VIEW_IS_RO,
	ER_NO_TRANSACTION, ER_SYSTEM, ER_LOADING, ER_CONNECTION_TO_SELF,
	ER_KEY_PART_IS_TOO_LONG, ER_COMPRESSION, ER_CHECKPOINT_IN_PROGRESS,
	ER_SUB_STMT_MAX, ER_COMMIT_IN_SUB_STMT, ER_ROLLBACK_IN_SUB_STMT,
	ER_DECOMPRESSION, ER_INVALID_XLOG_TYPE, ER_ALREADY_RUNNING,
	ER_INDEX_FIELD_COUNT_LIMIT, ER_LOCAL_INSTANCE_ID_IS_READ_ONLY,
	ER_BACKUP_IN_PROGRESS, ER_READ_VIEW_ABORTED, ER_INVALID_INDEX_FILE,
	ER_INVALID_RUN_FILE, ER_INVALID_VYLOG_FILE, ER_CHECKPOINT_ROLLBACK,
	ER_VY_QUOTA_TIMEOUT, ER_PARTIAL_KEY, ER_TRUNCATE_SYSTEM_SPACE, ER_LOAD_MODULE,
	ER_VINYL_MAX_TUPLE_SIZE, ER_WRONG_DD_VERSION, ER_WRONG_SPACE_FORMAT,
	ER_CREATE_SEQUENCE, ER_ALTER_SEQUENCE, ER_DROP_SEQUENCE, ER_NO_SUCH_SEQUENCE,
	ER_SEQUENCE_EXISTS, ER_SEQUENCE_OVERFLOW, ER_NO_SUCH_INDEX_NAME,
	ER_SPACE_FIELD_IS_DUPLICATE, ER_CANT_CREATE_COLLATION,
	ER_WRONG_COLLATION_OPTIONS, ER_NULLABLE_PRIMARY, ER_NO_SUCH_FIELD_NAME_IN_SPACE,
	ER_TRANSACTION_YIELD, ER_NO_SUCH_GROUP, ER_SQL_BIND_VALUE, ER_SQL_BIND_TYPE,
	ER_SQL_BIND_PARAMETER_MAX, ER_SQL_EXECUTE, ER_UPDATE_DECIMAL_OVERFLOW,
	ER_SQL_BIND_NOT_FOUND, ER_ACTION_MISMATCH, ER_VIEW_MISSING_SQL,
	ER_FOREIGN_KEY_CONSTRAINT, ER_NO_SUCH_MODULE, ER_NO_SUCH_COLLATION,
	ER_CREATE_FK_CONSTRAINT, ER_DROP_FK_CONSTRAINT, ER_NO_SUCH_CONSTRAINT,
	ER_CONSTRAINT_EXISTS, ER_SQL_TYPE_MISMATCH, ER_ROWID_OVERFLOW, ER_DROP_COLLATION,
	ER_ILLEGAL_COLLATION_MIX, ER_SQL_NO_SUCH_PRAGMA, ER_SQL_CANT_RESOLVE_FIELD,
	ER_INDEX_EXISTS_IN_SPACE, ER_INCONSISTENT_TYPES, ER_SQL_SYNTAX_WITH_POS,
	ER_SQL_STACK_OVERFLOW, ER_SQL_SELECT_WILDCARD, ER_SQL_STATEMENT_EMPTY,
	ER_SQL_KEYWORD_IS_RESERVED, ER_SQL_SYNTAX_NEAR_TOKEN, ER_SQL_UNKNOWN_TOKEN,
	ER_SQL_PARSER_GENERIC, ER_SQL_ANALYZE_ARGUMENT, ER_SQL_COLUMN_COUNT_MAX,
	ER_HEX_LITERAL_MAX, ER_INT_LITERAL_MAX, ER_SQL_PARSER_LIMIT,
	ER_INDEX_DEF_UNSUPPORTED, ER_CK_DEF_UNSUPPORTED, ER_MULTIKEY_INDEX_MISMATCH,
	ER_CREATE_CK_CONSTRAINT, ER_CK_CONSTRAINT_FAILED, ER_SQL_COLUMN_COUNT,
	ER_FUNC_INDEX_FUNC, ER_FUNC_INDEX_FORMAT, ER_FUNC_INDEX_PARTS,
	ER_NO_SUCH_FIELD_NAME, ER_FUNC_WRONG_ARG_COUNT, ER_BOOTSTRAP_READONLY,
	ER_SQL_FUNC_WRONG_RET_COUNT, ER_FUNC_INVALID_RETURN_TYPE,
	ER_SQL_PARSER_GENERIC_WITH_POS, ER_REPLICA_NOT_ANON, ER_CANNOT_REGISTER,
	ER_SESSION_SETTING_INVALID_VALUE, ER_SQL_PREPARE, ER_WRONG_QUERY_ID,
	ER_SEQUENCE_NOT_STARTED, ER_NO_SUCH_SESSION_SETTING,
	ER_UNCOMMITTED_FOREIGN_SYNC_TXNS, ER_SYNC_MASTER_MISMATCH,
	ER_SYNC_QUORUM_TIMEOUT, ER_SYNC_ROLLBACK, ER_TUPLE_METADATA_IS_TOO_BIG,
	box_error_code_MAX
};
/* clang-format on */
#endif

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif

/*
 * Diagnostics: one error object per fiber, set where the fault is known,
 * wrapped on the way up, reported once at the top.
 *
 * A function that fails returns -1 or NULL and has set the error of the running
 * fiber (of the thread, outside the main one). The scheduler switches
 * `diag_current` together with the fiber.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "instance/base/util.h"
#include "proto/errcode.h"

/* Names as error.type shows them in Lua. Immutable. */
struct error_type {
	const char *name;
	const struct error_type *parent;
};

extern const struct error_type error_type_client;         /* ClientError */
extern const struct error_type error_type_access_denied;  /* AccessDeniedError */
extern const struct error_type error_type_custom;         /* CustomError */
extern const struct error_type error_type_luajit;         /* LuajitError */
extern const struct error_type error_type_system;         /* SystemError */
extern const struct error_type error_type_socket;         /* SocketError */
extern const struct error_type error_type_timed_out;      /* TimedOut */
extern const struct error_type error_type_oom;            /* OutOfMemory */
extern const struct error_type error_type_illegal_params; /* IllegalParams */
extern const struct error_type error_type_cancelled;      /* FiberIsCancelled */
extern const struct error_type error_type_channel_closed; /* ChannelIsClosed */
extern const struct error_type error_type_xlog;           /* XlogError */

/* Reference counted; owned by whoever holds a reference. */
struct error {
	int refs;
	const struct error_type *type;
	unsigned code;   /* errcode for the client types, else 0 */
	int saved_errno; /* errno for the system types, else 0 */
	unsigned line;   /* where it was set */
	char file[64];
	char *message;       /* owned */
	char *custom_type;   /* CustomError: the user's name; owned or NULL */
	char *object_type;   /* AccessDeniedError: e.g. "function"; owned or NULL */
	char *object_name;   /* owned or NULL */
	char *access_type;   /* e.g. "Execute"; owned or NULL */
	struct error *cause; /* error.prev; a reference, or NULL */
};

/* Owned by a fiber or a thread. */
struct diag {
	struct error *last; /* a reference, or NULL */
	unsigned set_count; /* how often one was set: an error may be set again */
};

/** Client errors made so far; for statistics. */
extern uint64_t diag_client_error_count;

extern _Thread_local struct diag diag_of_thread;
/** The running fiber's diag, set by the scheduler; NULL in a thread without fibers. */
extern _Thread_local struct diag *diag_current;

/** The diag of the running fiber or thread; never NULL. */
static inline struct diag *diag_get(void)
{
	return diag_current != NULL ? diag_current : &diag_of_thread;
}

/** A new error with one reference. The text is printf'ed; never fails (falls
 * back on a static out-of-memory error). */
struct error *error_new(const struct error_type *type, const char *file, unsigned line,
	const char *fmt, ...) _format_(4, 5);
/** A ClientError with the text of the code from the list, filled with the arguments. */
struct error *error_new_client(const char *file, unsigned line, unsigned code, ...);
void error_ref(struct error *e);
/** Drop a reference; NULL is fine. */
void error_unref(struct error *e);
/** Set e->cause. -1 when that would make a ring. Takes a reference of its own. */
int error_set_cause(struct error *e, struct error *cause);
bool error_is_a(const struct error *e, const struct error_type *type);
/** What iproto sends: e->code, or the code that stands for the type. */
unsigned error_iproto_code(const struct error *e);

/** Put an error in place of the last one; takes over the caller's reference. */
void diag_set_error(struct error *e);
static inline struct error *diag_last(void)
{
	return diag_get()->last;
}
void diag_clear(void);
/** Move the content of one diag to another (a joined fiber's error). */
void diag_move(struct diag *from, struct diag *to);

#define diag_set(type_, ...) \
	diag_set_error(error_new(&error_type_##type_, __FILE__, __LINE__, __VA_ARGS__))
/** diag_set_client(ER_NO_SUCH_SPACE, "name") */
#define diag_set_client(...) \
	diag_set_error(error_new_client(__FILE__, __LINE__, __VA_ARGS__))
/** A SystemError with errno: diag_set_errno("can't open %s", path) */
#define diag_set_errno(...) diag_set(system, __VA_ARGS__)

#endif

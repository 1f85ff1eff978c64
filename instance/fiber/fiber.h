/*
 * C-stack fibers on an event loop.
 *
 * One thread runs all fibers. A fiber runs until it yields; who it was waiting
 * for makes it ready with fiber_wakeup(), and the scheduler (the thread's own
 * stack, in fiber_loop_run()) switches to the ready ones between turns of the
 * event loop.
 */
#ifndef FIBER_FIBER_H
#define FIBER_FIBER_H

#include <stdbool.h>
#include <stdint.h>

#include "instance/base/diag.h"
#include "instance/base/list.h"

struct lua_State;
struct ev_loop;

enum { FIBER_NAME_MAX = 255, FIBER_ID_SCHED = 1, FIBER_ID_RESERVED = 100 };

#define TIMEOUT_INFINITY (365.0 * 86400 * 100)

/* What higher layers keep per fiber; the fiber layer only stores the pointers. */
enum fiber_local {
	FIBER_LOCAL_SESSION, /* struct session *, box/session.h; NULL: the admin session */
	FIBER_LOCAL_TXN,     /* struct txn *, box/txn.h */
	FIBER_LOCAL_REQUEST, /* struct net_request *, net/; the request it serves */
	FIBER_LOCAL_MODULE,  /* module/: which C module created it */
	FIBER_LOCAL_CRED,    /* const struct credentials *, box/session.h; NULL: the session's */
	FIBER_LOCAL_max
};

enum fiber_flag {
	FIBER_IS_CANCELLED = 1 << 0,
	FIBER_IS_JOINABLE = 1 << 1,
	FIBER_IS_READY = 1 << 2,
	FIBER_IS_DEAD = 1 << 3,
	FIBER_IS_RUNNING = 1 << 4,
	FIBER_NOT_CANCELLABLE = 1 << 5, /* a cancel sets the flag but does not wake it */
};

/* Something to be told about a fiber; owned by whoever registers it. */
struct fiber_hook {
	struct list link;
	void (*run)(struct fiber_hook *hook);
};

/* Owned by the scheduler; a finished joinable one by who joins it. */
struct fiber {
	uint64_t id;
	unsigned flags;
	uint64_t csw;	   /* context switches so far */
	void *ctx;	   /* saved machine context while it does not run */
	struct list ready; /* link in the ready queue, or in what it waits on */
	struct list all;   /* link in the list of live fibers */
	struct list joiners;
	struct list on_yield; /* struct fiber_hook: before each switch-out */
	struct list on_stop;  /* struct fiber_hook: once, when its function returned */
	struct diag diag;
	int (*run)(void *arg);
	void *arg;
	int result; /* of run(): 0, or -1 and diag is set */
	void *local[FIBER_LOCAL_max];
	/*
	 * Lua: the thread the fiber was made with, and the one that runs now
	 * (a coroutine inside it). Whoever enters C from Lua and may yield sets
	 * lua_now first (luaT_may_yield); whoever calls Lua from C sets it back
	 * after the call. The switch needs it: see fiber/switch.c.
	 */
	struct lua_State *lua;
	struct lua_State *lua_now;
	int lua_ref;	 /* registry reference that keeps `lua` alive */
	int storage_ref; /* fiber.storage, or LUA_NOREF */
	struct fiber_stack *stack;
	char name[FIBER_NAME_MAX + 1];
};

/** The running fiber; the scheduler counts as one (id 1, name "sched"). */
extern struct fiber *fiber_current;
static inline struct fiber *fiber_self(void)
{
	return fiber_current;
}

/** The event loop. Timers, ev_io and ev_async of any layer live on it. */
extern struct ev_loop *fiber_loop;

/** Set up loop and scheduler. @return 0, or -1 with diag set. */
int fiber_init(void);
/** Free everything; no fiber may run any more. */
void fiber_fini(void);
/**
 * Run fibers and events until fiber_loop_break(), or, if `until_idle`, until no
 * live fiber and no referenced watcher is left.
 */
void fiber_loop_run(bool until_idle);
void fiber_loop_break(void);

/**
 * Make a fiber; it runs when it is woken up.
 * @param run  returns 0, or -1 with diag set. Does not free arg.
 * @return NULL with diag set (out of memory, out of maps)
 */
struct fiber *fiber_create(const char *name, int (*run)(void *arg), void *arg);
/** Put in the ready queue; nothing happens when it is ready or dead already. */
void fiber_wakeup(struct fiber *f);
/** Switch to it now; the caller continues in the next turn of the ready queue. */
void fiber_run_now(struct fiber *f);
/** Give the CPU away until somebody wakes this fiber up. */
void fiber_yield(void);
/** Let the other ready fibers run, then go on. */
void fiber_reschedule(void);
/** @return true when the time passed, false when woken up before. */
bool fiber_yield_timeout(double seconds);
/** Sleep; returns early (before the time) when cancelled. */
void fiber_sleep(double seconds);
/** Ask it to end: sets the flag and wakes it. Does not wait. */
void fiber_cancel(struct fiber *f);
static inline bool fiber_is_cancelled(void)
{
	return fiber_current->flags & FIBER_IS_CANCELLED;
}
/** -1 with FiberIsCancelled set when the running fiber is cancelled. */
int fiber_testcancel(void);
/** @return the state before */
bool fiber_set_cancellable(bool yesno);
void fiber_set_joinable(struct fiber *f, bool yesno);
/** Wait for the end of a joinable fiber, free it; its error moves to the caller. */
int fiber_join(struct fiber *f);
void fiber_set_name(struct fiber *f, const char *name);
/** A live fiber by id, or NULL. */
struct fiber *fiber_find(uint64_t id);
/** Call cb for each live fiber until it returns non-zero. */
int fiber_each(int (*cb)(struct fiber *f, void *arg), void *arg);

/** The loop's idea of now; monotonic, seconds. */
double fiber_clock(void);
/** Wall clock, seconds, cached per loop turn. */
double fiber_time(void);

#endif

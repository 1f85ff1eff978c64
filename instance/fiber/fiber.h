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
#include "instance/base/util.h"
#include "instance/fiber/stack.h"

struct lua_State;
struct ev_loop;

/*
 * Ids up to 100 are reserved, as in Tarantool, and 101 is a fiber of its own that
 * we do not need; so the script gets its usual 103, after "on_shutdown".
 */
enum {
	FIBER_NAME_MAX = 255,
	FIBER_ID_SCHED = 1,
	FIBER_ID_RESERVED = 100,
	FIBER_ID_FIRST = 102
};

#define TIMEOUT_INFINITY (365.0 * 86400 * 100)

/* What higher layers keep per fiber; the fiber layer only stores the pointers. */
enum fiber_local {
	FIBER_LOCAL_SESSION, /* struct session *, box/session.h; NULL: the admin session
			      */
	FIBER_LOCAL_TXN,     /* struct txn *, box/txn.h */
	FIBER_LOCAL_REQUEST, /* struct net_request *, net/; the request it serves */
	FIBER_LOCAL_MODULE,  /* module/: which C module created it */
	FIBER_LOCAL_ARGS,    /* module/: what fiber_start() passed */
	FIBER_LOCAL_CRED,    /* const struct credentials *, box/session.h; NULL: the
				session's */
	FIBER_LOCAL_max
};

enum fiber_flag {
	FIBER_IS_CANCELLED = 1 << 0,
	FIBER_IS_JOINABLE = 1 << 1,
	FIBER_IS_READY = 1 << 2,
	FIBER_IS_DEAD = 1 << 3,
	FIBER_IS_RUNNING = 1 << 4,
	FIBER_NOT_CANCELLABLE = 1 << 5, /* a cancel sets the flag but does not wake it */
	FIBER_HOLDS_THREAD = 1 << 6,    /* fiber/switch.c: lua_now is in the registry */
};

/* Something to be told about a fiber; owned by whoever registers it. */
struct fiber_hook {
	struct list link;
	void (*run)(struct fiber_hook *hook);
};

/* CPU time while fiber/top.h is on; ns. */
struct fiber_cpu {
	uint64_t total;
	uint64_t turn, last_turn; /* of the loop's turn: this one, the one before */
	double average;           /* moving, per turn */
};

/* Owned by the scheduler; a finished joinable one by who joins it. */
struct fiber {
	uint64_t id;
	unsigned flags;
	uint64_t csw;      /* how often it was switched to */
	void *ctx;         /* saved machine context while it does not run */
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
	 * after the call. The switch needs it, and does not rely on it where C modules
	 * are that do not know it: see fiber/switch.c.
	 */
	struct lua_State *lua;
	struct lua_State *lua_now;
	int lua_ref;     /* registry reference that keeps `lua` alive */
	int storage_ref; /* fiber.storage, or LUA_NOREF */
	struct fiber
		*caller; /* who gets the CPU back at the next yield; NULL: the queue */
	struct fiber *id_next; /* chain in the table of ids */
	struct fiber_stack stack;
	void *fake_stack; /* of the address sanitizer */
	struct fiber_cpu cpu;
	char name[FIBER_NAME_MAX + 1];
};

/** The running fiber; the scheduler counts as one (id 1, name "sched"). */
extern struct fiber *fiber_current;
_public_ inline struct fiber *fiber_self(void)
{
	return fiber_current;
}

/** The event loop. Timers, ev_io and ev_async of any layer live on it. */
extern struct ev_loop *fiber_loop;

/** Set up loop and scheduler. @return 0, or -1 with diag set. */
int fiber_init(void);
/** Free everything; no fiber may run any more. */
void fiber_fini(void);
/*
 * What the Lua layer does for the fiber layer; may stay NULL.
 * on_new: a fiber came from the system: make fiber->lua. -1 with diag set.
 * on_reset: drop fiber->storage_ref (its end, or fiber_reset()).
 * on_free: drop fiber->lua, the fiber goes back to the system.
 * on_error: a fiber that nobody joins ended with -1; diag is set. Logs it.
 */
struct fiber_upcalls {
	int (*on_new)(struct fiber *f);
	void (*on_reset)(struct fiber *f);
	void (*on_free)(struct fiber *f);
	void (*on_error)(struct fiber *f);
};
extern struct fiber_upcalls fiber_upcalls;
/** Where the VM keeps the thread that runs (lua/current.c); NULL when not known. */
extern struct lua_State *const *fiber_lua_current;

/**
 * Run fibers and events until fiber_loop_break(), or, if `until_idle`, until
 * nothing can happen any more: no fiber is ready and no referenced watcher
 * (timer, ev_io, a worker's task) is active. Watchers that shall not keep the
 * program alive are ev_unref'ed by whoever starts them. Call from the main stack.
 */
void fiber_loop_run(bool until_idle);
/** End fiber_loop_run() as soon as the running fiber yields. */
void fiber_loop_break(void);

/**
 * Make a fiber; it runs when it is woken up.
 * @param run  returns 0, or -1 with diag set. Does not free arg.
 * @return NULL with diag set (out of memory, out of maps)
 */
struct fiber *fiber_create(const char *name, int (*run)(void *arg), void *arg);
/** The same with a stack of that many bytes at least, which is not kept for others. */
struct fiber *fiber_create_sized(
	const char *name, size_t stack_size, int (*run)(void *arg), void *arg);
/** Give back a fiber that was made and never ran. */
void fiber_discard(struct fiber *f);
/** Put in the ready queue; nothing happens when it is ready or dead already. */
_public_ void fiber_wakeup(struct fiber *f);
/**
 * Switch to it now. The caller goes on as soon as that fiber yields or ends,
 * before any other ready fiber (as fiber_start of Tarantool). From the
 * scheduler (an ev callback) too. Not for a fiber that is running already.
 */
void fiber_run_now(struct fiber *f);
/**
 * Give the CPU away until somebody wakes this fiber up. Not from the scheduler.
 * Raises a Lua error (all that yields does) inside a Lua finaliser.
 */
_public_ void fiber_yield(void);
/** Let the other ready fibers run, then go on. */
_public_ void fiber_reschedule(void);
/**
 * Make lua_now right in C code that may have been called without luaT_may_yield() (a
 * module's) before it calls Lua.
 */
void fiber_find_lua(void);
/** @return true when the time passed, false when woken up before. */
bool fiber_yield_timeout(double seconds);
/**
 * Sleep; returns early (before the time) when cancelled. For no time: until all
 * that are ready now, whenever they got ready, have run (Lua's fiber.yield).
 */
_public_ void fiber_sleep(double seconds);
/** Ask it to end: sets the flag and wakes it. Does not wait. */
_public_ void fiber_cancel(struct fiber *f);
_public_ inline bool fiber_is_cancelled(void)
{
	return fiber_current->flags & FIBER_IS_CANCELLED;
}
/** -1 with FiberIsCancelled set when the running fiber is cancelled. */
int fiber_testcancel(void);
/** @return the state before */
_public_ bool fiber_set_cancellable(bool yesno);
_public_ void fiber_set_joinable(struct fiber *f, bool yesno);
/** Wait until a joinable fiber is dead; it stays. Not ended by a cancel. */
int fiber_join_wait(struct fiber *f);
/** Wait for the end of a joinable fiber, free it; its error, when it failed, moves to
 * the caller. */
_public_ int fiber_join(struct fiber *f);
void fiber_set_name(struct fiber *f, const char *name);
/**
 * Make the running or an idle fiber look new, for pools that serve one request
 * after another on the same fiber: storage dropped, name set, not cancelled, no
 * on_yield hooks, no error, no locals. The id stays, as in Tarantool.
 */
void fiber_reset(struct fiber *f, const char *name);
/** Fibers that are not dead, the scheduler not counted. */
size_t fiber_count(void);
/** A live fiber (or one that is dead but waits to be joined) by id, or NULL. */
struct fiber *fiber_find(uint64_t id);
/** Call cb for each live fiber until it returns non-zero. */
int fiber_each(int (*cb)(struct fiber *f, void *arg), void *arg);

/** The loop's idea of now; monotonic, seconds. */
_public_ double fiber_clock(void);
/** Wall clock, seconds, cached per loop turn. */
_public_ double fiber_time(void);

#endif

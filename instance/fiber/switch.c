#include "instance/fiber/switch.h"

#include <lauxlib.h>
#include <lua.h>
#include <luajit.h>
#include <pthread.h>

#include "instance/fiber/ctx.h"
#include "instance/fiber/stack.h"
#include "instance/fiber/top.h"

#if defined(__SANITIZE_ADDRESS__)
#define SWITCH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SWITCH_ASAN 1
#endif
#endif
#ifdef SWITCH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK_COLOURS = 32 };

struct lua_State *const *fiber_lua_current;

/* What the VM took for running when this fiber was switched to, and whether that was
 * of this fiber. */
static struct lua_State *arrived_with;
static bool is_ours;

static void (*fiber_entry)(void);
#ifdef SWITCH_ASAN
static struct fiber_stack sched_stack; /* not ours: bounds for the sanitizer */
#endif

void switch_init(void)
{
#ifdef SWITCH_ASAN /* it reads /proc/self/maps: not for nothing at each start */
	pthread_attr_t attr;
	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	void *base;
	if (pthread_attr_getstack(&attr, &base, &sched_stack.size) == 0)
		sched_stack.base = base;
	pthread_attr_destroy(&attr);
#endif
}

/** Keep a thread from being collected while the fiber sleeps, whoever dropped it. */
static void hold_thread(struct fiber *f, lua_State *L)
{
	luaL_checkstack(L, 4, "fiber");
	lua_pushlightuserdata(L, f);
	lua_pushthread(L);
	lua_rawset(L, LUA_REGISTRYINDEX);
	f->flags |= FIBER_HOLDS_THREAD;
}

static void release_thread(struct fiber *f)
{
	lua_pushlightuserdata(f->lua_now, f);
	lua_pushnil(f->lua_now);
	lua_rawset(f->lua_now, LUA_REGISTRYINDEX);
	f->flags &= ~(unsigned)FIBER_HOLDS_THREAD;
}

/** The Lua thread that runs in this fiber; NULL: none. */
static lua_State *running_thread(void)
{
	struct fiber *f = fiber_current;
	if (fiber_lua_current == NULL)
		return f->lua_now;
	lua_State *L = *fiber_lua_current;
	if (likely(L == f->lua_now))
		return L;
	if (!is_ours && L == arrived_with)
		return f->lua_now; /* the VM did not run here since */
	lua_Debug ar;
	bool is_active = L != NULL && lua_getstack(L, 0, &ar) != 0;
	if (!is_active) {
		/* C called Lua on that thread, and it returned. */
		if (f->lua_now == NULL || f->lua_now == f->lua)
			return f->lua_now;
		if (L == NULL)
			return f->lua_now = f->lua;
	}
	hold_thread(f, L);
	return f->lua_now = L;
}

void fiber_find_lua(void)
{
	running_thread();
}

void switch_check(void)
{
	lua_State *L = running_thread();
	if (L != NULL)
		luaJIT_setmode(L, 0, LUAJIT_MODE_DEBUG);
}

static int noop(lua_State *L)
{
	return 0;
}

/* The function object is kept in the registry: a new one per switch is garbage. */
static void reenter_vm(lua_State *L)
{
	static char key;
	lua_pushlightuserdata(L, &key);
	lua_rawget(L, LUA_REGISTRYINDEX);
	if (unlikely(lua_isnil(L, -1))) {
		lua_pop(L, 1);
		lua_pushlightuserdata(L, &key);
		lua_pushcfunction(L, noop);
		lua_rawset(L, LUA_REGISTRYINDEX);
		lua_pushlightuserdata(L, &key);
		lua_rawget(L, LUA_REGISTRYINDEX);
	}
	lua_call(L, 0, 0);
}

static void sanitizer_leave(struct fiber *from, const struct fiber *to)
{
#ifdef SWITCH_ASAN
	const struct fiber_stack *s = to->stack.base != NULL ? &to->stack : &sched_stack;
	__sanitizer_start_switch_fiber(&from->fake_stack, s->base, s->size);
#endif
}

static void sanitizer_arrive(struct fiber *to)
{
#ifdef SWITCH_ASAN
	__sanitizer_finish_switch_fiber(to->fake_stack, NULL, NULL);
#endif
}

static void note_arrival(bool has_lua)
{
	is_ours = has_lua;
	if (fiber_lua_current != NULL)
		arrived_with = *fiber_lua_current;
}

static void first_arrival(struct ctx_transfer t)
{
	struct fiber *from = t.data;
	from->ctx = t.from;
	sanitizer_arrive(fiber_current);
	note_arrival(false);
	fiber_entry();
	__builtin_unreachable();
}

void switch_prepare(struct fiber *f, void (*entry)(void))
{
	fiber_entry = entry;
#ifdef SWITCH_ASAN
	/* Frames of whoever had this memory before never returned. */
	__asan_unpoison_memory_region(f->stack.base, f->stack.size);
#endif
	/* The same goes for the lines within the first page: see stack.h. */
	static unsigned count;
	size_t skip = (size_t)(count++ % STACK_COLOURS) * 64;
	f->ctx = ctx_make(f->stack.base + f->stack.size - skip, f->stack.size - skip,
		first_arrival);
}

void switch_to(struct fiber *to)
{
	struct fiber *from = fiber_current;
	switch_check();
	stack_check(&from->stack);
	from->flags &= ~FIBER_IS_RUNNING;
	to->flags = (to->flags | FIBER_IS_RUNNING) & ~FIBER_IS_READY;
	to->csw++;
	if (unlikely(top_is_on))
		top_switch(from);
	fiber_current = to;
	diag_current = &to->diag;
	sanitizer_leave(from, to);
	struct ctx_transfer t = ctx_jump(to->ctx, from);
	((struct fiber *)t.data)->ctx = t.from;
	sanitizer_arrive(from);
	if (from->lua_now != NULL)
		reenter_vm(from->lua_now);
	note_arrival(from->lua_now != NULL);
	if (unlikely(from->flags & FIBER_HOLDS_THREAD))
		release_thread(from);
}

/* Fibers from C: their life, arguments, ends; conditions; clocks. */
#include "module.h"

#include <lauxlib.h>

LUA_API int luaopen_capi_fiber(lua_State *L);

struct job {
	int a;
	double b;
	const char *text;
	int64_t c;
	int log[16], log_count;
};

static void note(struct job *job, int what)
{
	job->log[job->log_count++ % 16] = what;
}

static void push_log(lua_State *L, const struct job *job)
{
	lua_newtable(L);
	for (int i = 0; i < job->log_count; i++) {
		lua_pushinteger(L, job->log[i]);
		lua_rawseti(L, -2, i + 1);
	}
}

static int run_args(va_list ap)
{
	struct job *job = va_arg(ap, struct job *);
	job->a = va_arg(ap, int);
	job->b = va_arg(ap, double);
	job->text = va_arg(ap, const char *);
	job->c = va_arg(ap, int64_t);
	/* More than the registers hold. */
	for (int i = 0; i < 8; i++)
		note(job, va_arg(ap, int));
	fiber_yield();
	note(job, 100);
	return 42;
}

static int start_args(lua_State *L)
{
	struct job job = {0};
	struct fiber *f = fiber_new("args", run_args);
	fiber_set_joinable(f, true);
	fiber_start(f, &job, 7, 2.5, "text", (int64_t)1 << 40, 1, 2, 3, 4, 5, 6, 7, 8);
	note(&job, 50);
	fiber_wakeup(f);
	int rc = fiber_join(f);
	lua_pushinteger(L, job.a);
	lua_pushnumber(L, job.b);
	lua_pushstring(L, job.text);
	lua_pushnumber(L, (double)job.c);
	push_log(L, &job);
	lua_pushinteger(L, rc);
	return 6;
}

static int run_fail(va_list ap)
{
	int code = va_arg(ap, int);
	fiber_sleep(0);
	return box_error_set(__FILE__, __LINE__, (uint32_t)code, "failed with %d", code);
}

static int join_fail(lua_State *L)
{
	box_error_clear();
	struct fiber *f = fiber_new("fail", run_fail);
	fiber_set_joinable(f, true);
	fiber_start(f, (int)lua_tointeger(L, 1));
	int rc = fiber_join(f);
	lua_pushinteger(L, rc);
	luaT_pusherror(L, box_error_last());
	return 2;
}

static int run_ok(va_list ap)
{
	box_error_set(__FILE__, __LINE__, ER_PROC_C, "left behind");
	return 0;
}

/* A fiber that ends well leaves the caller's error alone. */
static int join_ok(lua_State *L)
{
	box_error_set(__FILE__, __LINE__, ER_PROC_C, "the caller's");
	struct fiber *f = fiber_new("ok", run_ok);
	fiber_set_joinable(f, true);
	fiber_start(f);
	lua_pushinteger(L, fiber_join(f));
	lua_pushstring(L, box_error_message(box_error_last()));
	return 2;
}

static int run_cancelled(va_list ap)
{
	struct job *job = va_arg(ap, struct job *);
	note(job, fiber_is_cancelled());
	bool before = fiber_set_cancellable(va_arg(ap, int));
	note(job, before);
	fiber_sleep(1000);
	note(job, fiber_is_cancelled());
	note(job, 9);
	return 0;
}

static int cancel(lua_State *L)
{
	struct job job = {0};
	bool is_cancellable = lua_toboolean(L, 1);
	struct fiber *f = fiber_new("cancelled", run_cancelled);
	fiber_set_joinable(f, true);
	fiber_start(f, &job, is_cancellable);
	note(&job, 20);
	fiber_cancel(f);
	note(&job, 21);
	fiber_sleep(0.001);
	note(&job, 22);
	if (!is_cancellable)
		fiber_wakeup(f);
	fiber_join(f);
	note(&job, 23);
	push_log(L, &job);
	return 1;
}

/* Sleeping longer than the first sleep: woken by a wake-up. */
static int run_wakeup(va_list ap)
{
	struct job *job = va_arg(ap, struct job *);
	fiber_sleep(1000);
	note(job, fiber_is_cancelled());
	return 0;
}

static int wakeup(lua_State *L)
{
	struct job job = {0};
	struct fiber *f = fiber_new("wakeup", run_wakeup);
	fiber_set_joinable(f, true);
	fiber_start(f, &job);
	fiber_wakeup(f);
	fiber_wakeup(f);
	note(&job, 1);
	fiber_join(f);
	push_log(L, &job);
	return 1;
}

static int ran;

static int run_count(va_list ap)
{
	ran++;
	fiber_reschedule();
	ran += 10;
	return 0;
}

/* A fiber that is only woken runs in the next turn. */
static int wake_new(lua_State *L)
{
	ran = 0;
	struct fiber *f = fiber_new("woken", run_count);
	fiber_set_joinable(f, true);
	fiber_wakeup(f);
	lua_pushinteger(L, ran);
	fiber_join(f);
	lua_pushinteger(L, ran);
	return 2;
}

static int run_order(va_list ap)
{
	struct job *job = va_arg(ap, struct job *);
	int who = va_arg(ap, int);
	for (int i = 0; i < 3; i++) {
		note(job, who * 10 + i);
		fiber_reschedule();
	}
	return 0;
}

static int order(lua_State *L)
{
	struct job job = {0};
	struct fiber *a = fiber_new("a", run_order), *b = fiber_new("b", run_order);
	fiber_set_joinable(a, true);
	fiber_set_joinable(b, true);
	fiber_start(a, &job, 1);
	fiber_start(b, &job, 2);
	note(&job, 5);
	fiber_join(b);
	fiber_join(a);
	push_log(L, &job);
	return 1;
}

static int run_deep(va_list ap)
{
	volatile char buf[300 * 1024];
	memset((char *)buf, 7, sizeof(buf));
	fiber_sleep(0);
	return buf[0] + buf[sizeof(buf) - 1];
}

static int attributes(lua_State *L)
{
	struct fiber_attr *attr = fiber_attr_new();
	lua_pushinteger(L, (lua_Integer)fiber_attr_getstacksize(NULL));
	lua_pushinteger(L, (lua_Integer)fiber_attr_getstacksize(attr));
	box_error_clear();
	errno = 0;
	lua_pushinteger(L, fiber_attr_setstacksize(attr, 1000));
	lua_pushinteger(L, errno);
	box_error_t *e = box_error_last();
	lua_pushstring(L, e != NULL ? box_error_type(e) : "none");
	lua_pushstring(L, e != NULL ? box_error_message(e) : "none");
	lua_pushinteger(L, (lua_Integer)fiber_attr_getstacksize(attr));
	lua_pushinteger(L, fiber_attr_setstacksize(attr, 16384));
	lua_pushinteger(L, fiber_attr_setstacksize(attr, 1000 * 1000));
	lua_pushinteger(L, (lua_Integer)fiber_attr_getstacksize(attr));
	int sum = 0;
	for (int i = 0; i < 20; i++) {
		struct fiber *f = fiber_new_ex("deep", attr, run_deep);
		fiber_set_joinable(f, true);
		fiber_start(f);
		sum += fiber_join(f);
	}
	fiber_attr_delete(attr);
	lua_pushinteger(L, sum);
	return 11;
}

/* ---- Conditions ---- */

struct wait {
	struct fiber_cond *cond;
	double timeout;
	int log[16], log_count;
};

static int run_wait(va_list ap)
{
	struct wait *w = va_arg(ap, struct wait *);
	int who = va_arg(ap, int);
	box_error_clear();
	int rc = w->timeout < 0 ? fiber_cond_wait(w->cond)
				: fiber_cond_wait_timeout(w->cond, w->timeout * who);
	w->log[w->log_count++] = who * 10 + (rc == 0 ? 0 : 1);
	return rc;
}

static void join_and_note(lua_State *L, struct fiber *f)
{
	int rc = fiber_join(f);
	lua_pushinteger(L, rc);
	if (rc != 0)
		luaT_pusherror(L, box_error_last());
	else
		lua_pushnil(L);
}

static int cond(lua_State *L)
{
	const char *how = lua_tostring(L, 1);
	struct wait w = {.cond = fiber_cond_new(), .timeout = lua_tonumber(L, 2)};
	struct fiber *f[3];
	for (int i = 0; i < 3; i++) {
		f[i] = fiber_new("waiter", run_wait);
		fiber_set_joinable(f[i], true);
		fiber_start(f[i], &w, i + 1);
	}
	if (strcmp(how, "signal") == 0) {
		fiber_cond_signal(w.cond);
		fiber_cond_signal(w.cond);
		fiber_sleep(0.001);
		w.log[w.log_count++] = 99;
		fiber_cond_signal(w.cond);
		fiber_cond_signal(w.cond);
	} else if (strcmp(how, "broadcast") == 0) {
		fiber_cond_broadcast(w.cond);
		w.log[w.log_count++] = 99;
	} else if (strcmp(how, "wakeup") == 0) {
		for (int i = 0; i < 3; i++)
			fiber_wakeup(f[i]);
	} else if (strcmp(how, "cancel") == 0) {
		for (int i = 0; i < 3; i++)
			fiber_cancel(f[i]);
	}
	for (int i = 0; i < 3; i++)
		join_and_note(L, f[i]);
	fiber_cond_delete(w.cond);
	lua_newtable(L);
	for (int i = 0; i < w.log_count; i++) {
		lua_pushinteger(L, w.log[i]);
		lua_rawseti(L, -2, i + 1);
	}
	return 7;
}

/* ---- Clocks ---- */

static int clocks(lua_State *L)
{
	bool is_near = true;
	double a = clock_realtime();
	uint64_t b = clock_realtime64();
	is_near = is_near && (double)b / 1e9 - a >= 0 && (double)b / 1e9 - a < 10;
	a = clock_monotonic();
	b = clock_monotonic64();
	is_near = is_near && (double)b / 1e9 - a >= -1e-6 && (double)b / 1e9 - a < 10;
	a = clock_process();
	b = clock_process64();
	is_near = is_near && (double)b / 1e9 - a >= -1e-6 && (double)b / 1e9 - a < 10;
	a = clock_thread();
	b = clock_thread64();
	is_near = is_near && (double)b / 1e9 - a >= -1e-6 && (double)b / 1e9 - a < 10;
	lua_pushboolean(L, is_near);
	a = fiber_time();
	is_near = a - (double)fiber_time64() / 1e6 < 1e-3 && clock_realtime() - a < 10;
	a = fiber_clock();
	is_near = is_near && (double)fiber_clock64() / 1e6 - a < 1 &&
		  clock_monotonic() - a < 10;
	fiber_sleep(0.01);
	is_near = is_near && fiber_clock() - a > 0.009;
	lua_pushboolean(L, is_near);
	return 2;
}

static int self(lua_State *L)
{
	lua_pushboolean(L, fiber_self() != NULL);
	lua_pushboolean(L, fiber_is_cancelled());
	return 2;
}

/* ---- Yields of a Lua function that is written in C ---- */

static int sleep_in_c(lua_State *L)
{
	fiber_sleep(luaL_optnumber(L, 1, 0));
	lua_pushvalue(L, 1);
	return 1;
}

static int yield_and_raise(lua_State *L)
{
	fiber_reschedule();
	return luaL_error(L, "raised after a yield: %s", luaL_checkstring(L, 1));
}

int luaopen_capi_fiber(lua_State *L)
{
	static const struct luaL_Reg functions[] = {
		{"start_args", start_args},
		{"join_fail", join_fail},
		{"join_ok", join_ok},
		{"cancel", cancel},
		{"wakeup", wakeup},
		{"wake_new", wake_new},
		{"order", order},
		{"attributes", attributes},
		{"cond", cond},
		{"clocks", clocks},
		{"self", self},
		{"sleep", sleep_in_c},
		{"yield_and_raise", yield_and_raise},
		{NULL, NULL},
	};
	lua_newtable(L);
	luaL_register(L, NULL, functions);
	return 1;
}

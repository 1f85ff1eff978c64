#include "instance/lua/shutdown.h"

#include "instance/base/say.h"
#include "instance/base/trigger.h"
#include "instance/lua/utils.h"

struct list shutdown_triggers = {&shutdown_triggers, &shutdown_triggers};

static bool is_started;
static int code_asked;
static const struct fiber *trigger_fiber; /* runs the triggers; may be gone */

static void run_one(struct trigger *t)
{
	struct list one;
	list_init(&one);
	list_del(&t->link);
	trigger_add(&one, t);
	if (triggers_run(&one, NULL) != 0)
		say_write(S_ERROR, __FILE__, __LINE__, diag_last()->message, "%s",
			diag_last()->type->name);
	triggers_clear(&one);
}

/** Each one, newest first; an error in one does not keep the others from running. */
static int run_shutdown(void *arg)
{
	while (!list_is_empty(&shutdown_triggers))
		run_one(list_first(&shutdown_triggers, struct trigger, link));
	fiber_loop_break();
	return 0;
}

void shutdown_start(int exit_code)
{
	if (is_started)
		return;
	is_started = true;
	code_asked = exit_code;
	if (list_is_empty(&shutdown_triggers)) {
		fiber_loop_break();
		return;
	}
	struct fiber *f = fiber_create("on_shutdown", run_shutdown, NULL);
	trigger_fiber = f;
	if (f != NULL)
		fiber_wakeup(f);
	else
		fiber_loop_break();
}

int shutdown_code(int otherwise)
{
	return is_started ? code_asked : otherwise;
}

bool shutdown_is_started(void)
{
	return is_started;
}

/* os.exit([code]): what is no number is 0, as in Tarantool. Does not return. */
static int l_os_exit(lua_State *L)
{
	int code = lua_type(L, 1) == LUA_TNUMBER ? (int)lua_tointeger(L, 1) : 0;
	if (fiber_current->id == FIBER_ID_SCHED)
		exit(code);
	luaT_may_yield(L);
	if (fiber_current == trigger_fiber)
		fiber_loop_break(); /* os.exit() in a trigger: the rest is not run */
	shutdown_start(code);
	fiber_set_cancellable(false);
	for (;;)
		fiber_yield();
}

void shutdown_init(void)
{
	lua_getglobal(lua_main, "os");
	lua_pushcfunction(lua_main, l_os_exit);
	lua_setfield(lua_main, -2, "exit");
	lua_pop(lua_main, 1);
}

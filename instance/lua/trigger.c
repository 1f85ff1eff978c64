#include "instance/lua/trigger.h"

#include <stdlib.h>

#include "instance/base/util.h"
#include "instance/lua/utils.h"

/* Owned by its list. */
struct lua_trigger {
	struct trigger base;
	int ref; /* the function, in the registry */
	trigger_push_cb push;
	trigger_take_cb take; /* may be NULL */
};

/* What a call on_x(new, old) asks for. */
enum trigger_action {
	TRIGGER_LIST,    /* on_x(): the functions, oldest first */
	TRIGGER_ADD,     /* on_x(f) */
	TRIGGER_REPLACE, /* on_x(new, old) */
	TRIGGER_DELETE,  /* on_x(nil, old) */
};

/** Look at the two arguments from idx on. Raises on wrong ones. */
static enum trigger_action action_of(lua_State *L, int idx)
{
	lua_settop(L, lua_gettop(L) < idx + 1 ? idx + 1 : lua_gettop(L));
	bool has_new = !lua_isnil(L, idx), has_old = !lua_isnil(L, idx + 1);
	if ((has_new && !lua_isfunction(L, idx)) ||
		(has_old && !lua_isfunction(L, idx + 1)) || lua_gettop(L) > idx + 1)
		luaL_error(L, "trigger reset: incorrect arguments");
	if (!has_old)
		return has_new ? TRIGGER_ADD : TRIGGER_LIST;
	return has_new ? TRIGGER_REPLACE : TRIGGER_DELETE;
}

static int lua_trigger_run(struct trigger *base, void *event)
{
	struct lua_trigger *t = (struct lua_trigger *)base;
	lua_State *L = fiber_current->lua_now;
	/* A trigger may run in a fiber that has no Lua thread of its own. */
	if (L == NULL)
		L = lua_main;
	int top = lua_gettop(L);
	luaL_checkstack(L, LUA_MINSTACK, "trigger");
	lua_rawgeti(L, LUA_REGISTRYINDEX, t->ref);
	trigger_take_cb take = t->take;
	int rc = luaT_call(L, t->push(L, event), take != NULL ? LUA_MULTRET : 0);
	if (rc == 0 && take != NULL && lua_gettop(L) > top) {
		lua_settop(L, top + 1);
		rc = take(L, event);
	}
	lua_settop(L, top);
	return rc;
}

static void lua_trigger_destroy(struct trigger *base)
{
	struct lua_trigger *t = (struct lua_trigger *)base;
	luaL_unref(lua_main, LUA_REGISTRYINDEX, t->ref);
	free(t);
}

static struct trigger *lua_trigger_new(
	lua_State *L, int idx, trigger_push_cb push, trigger_take_cb take)
{
	struct lua_trigger *t = malloc(sizeof(*t));
	if (t == NULL)
		luaL_error(L, "trigger reset: out of memory");
	trigger_init(&t->base, lua_trigger_run, NULL, lua_trigger_destroy);
	t->push = push;
	t->take = take;
	lua_pushvalue(L, idx);
	t->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	return &t->base;
}

static struct trigger *find(lua_State *L, int idx, struct list *triggers)
{
	list_foreach(t, triggers, struct trigger, link)
	{
		if (t->run != lua_trigger_run)
			continue;
		lua_rawgeti(L, LUA_REGISTRYINDEX, ((struct lua_trigger *)t)->ref);
		bool is_same = lua_rawequal(L, -1, idx);
		lua_pop(L, 1);
		if (is_same)
			return t;
	}
	luaL_error(L, "trigger reset: Trigger is not found");
	return NULL;
}

/** The oldest one first. */
static int push_all(lua_State *L, const struct list *triggers)
{
	int n = 0;
	lua_newtable(L);
	for (struct list *l = triggers->prev; l != triggers; l = l->prev) {
		struct trigger *t = container_of(l, struct trigger, link);
		if (t->run != lua_trigger_run)
			continue;
		lua_rawgeti(L, LUA_REGISTRYINDEX, ((struct lua_trigger *)t)->ref);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

int luaT_trigger_reset_take(lua_State *L, int idx, struct list *triggers,
	trigger_push_cb push, trigger_take_cb take)
{
	switch (action_of(L, idx)) {
	case TRIGGER_LIST:
		return push_all(L, triggers);
	case TRIGGER_ADD:
		trigger_add(triggers, lua_trigger_new(L, idx, push, take));
		break;
	case TRIGGER_REPLACE: {
		struct trigger *old = find(L, idx + 1, triggers);
		trigger_replace(old, lua_trigger_new(L, idx, push, take));
		break;
	}
	case TRIGGER_DELETE:
		trigger_del(find(L, idx + 1, triggers));
		return 0;
	}
	lua_pushvalue(L, idx);
	return 1;
}

int luaT_trigger_reset(lua_State *L, int idx, struct list *triggers, trigger_push_cb push)
{
	return luaT_trigger_reset_take(L, idx, triggers, push, NULL);
}

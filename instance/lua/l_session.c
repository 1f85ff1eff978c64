/* box.session: what needs C. lua/box/session.lua makes the module. */
#include <string.h>

#include "instance/box/access.h"
#include "instance/box/func.h"
#include "instance/box/session.h"
#include "instance/lua/trigger.h"
#include "instance/lua/utils.h"

static struct session *own_session(lua_State *L)
{
	struct session *s = session_own();
	if (s == NULL)
		luaT_error(L);
	return s;
}

/** The session whose id is at idx; the current one when there is none. */
static struct session *arg_session(lua_State *L, const char *method)
{
	if (lua_gettop(L) == 0)
		return own_session(L);
	struct session *s = session_by_id((uint64_t)luaL_checkinteger(L, 1));
	if (s == NULL)
		luaL_error(L, "session.%s(): session does not exist", method);
	return s;
}

static int push_user_name(lua_State *L, uint32_t uid)
{
	const struct user *u = user_by_id(uid);
	if (u == NULL)
		lua_pushnil(L);
	else
		lua_pushstring(L, u->name);
	return 1;
}

static int l_session_id(lua_State *L)
{
	luaT_push_uint64(L, own_session(L)->id);
	return 1;
}

static int l_session_uid(lua_State *L)
{
	lua_pushnumber(L, session_current()->cred.uid);
	return 1;
}

static int l_session_euid(lua_State *L)
{
	lua_pushnumber(L, session_effective_uid());
	return 1;
}

static int l_session_user(lua_State *L)
{
	return push_user_name(L, session_current()->cred.uid);
}

static int l_session_effective_user(lua_State *L)
{
	return push_user_name(L, session_effective_uid());
}

static int l_session_type(lua_State *L)
{
	lua_pushstring(L, session_type_name[session_current()->type]);
	return 1;
}

static int l_session_peer(lua_State *L)
{
	if (lua_gettop(L) > 1)
		return luaL_error(L, "session.peer(sid): bad arguments");
	const struct session *s = arg_session(L, "peer");
	if (s->peer[0] == '\0')
		lua_pushnil(L);
	else
		lua_pushstring(L, s->peer);
	return 1;
}

static int l_session_exists(lua_State *L)
{
	int64_t id;
	own_session(L);
	if (lua_gettop(L) > 1)
		return luaL_error(L, "session.exists(sid): bad arguments");
	if (lua_gettop(L) == 0) {
		lua_pushboolean(L, true);
		return 1;
	}
	if (!luaT_to_int64(L, 1, &id))
		return luaL_error(L, "expected int64_t as -1 argument");
	lua_pushboolean(L, session_by_id((uint64_t)id) != NULL);
	return 1;
}

static int l_session_fd(lua_State *L)
{
	if (lua_gettop(L) > 1)
		return luaL_error(L, "session.fd(sid): bad arguments");
	const struct session *s = arg_session(L, "fd");
	lua_pushinteger(L, s->vtab != NULL && s->vtab->fd != NULL ? s->vtab->fd(s) : -1);
	return 1;
}

static uint64_t session_sync(const struct session *s)
{
	return s->vtab != NULL && s->vtab->sync != NULL ? s->vtab->sync(s) : 0;
}

static int l_session_sync(lua_State *L)
{
	luaT_push_uint64(L, session_sync(session_current()));
	return 1;
}

static int l_session_push(lua_State *L)
{
	luaT_may_yield(L);
	if (lua_gettop(L) != 1)
		return luaL_error(L, "Usage: box.session.push(data)");
	struct session *s = session_current();
	int rc = -1;
	if (s->vtab != NULL && s->vtab->push != NULL) {
		rc = s->vtab->push(s, session_sync(s), L, 1);
	} else {
		char text[64];
		snprintf(text, sizeof(text), "Session '%s'", session_type_name[s->type]);
		diag_set_client(ER_UNSUPPORTED, text, "push()");
	}
	if (rc == 0) {
		lua_pushboolean(L, true);
		return 1;
	}
	lua_pushnil(L);
	luaT_push_error(L, diag_last());
	return 2;
}

/* Rights that the running fiber takes on until the end of a C scope. */
struct su_scope {
	struct credentials cred;
	const struct credentials *before;
};

static void su_scope_end(struct su_scope *scope)
{
	session_set_effective(scope->before);
}

static const struct user *arg_user(lua_State *L)
{
	if (lua_gettop(L) == 0)
		luaL_error(L, "session.su(): bad arguments");
	const struct user *u;
	if (lua_type(L, 1) == LUA_TSTRING) {
		size_t len;
		const char *name = lua_tolstring(L, 1, &len);
		u = user_find_by_name(name, len);
	} else {
		u = user_find((uint32_t)luaL_checkinteger(L, 1));
	}
	if (u == NULL)
		luaT_error(L);
	return u;
}

/** su(user): the session is his from now on. su(user, f, ...): f runs with his rights. */
static int l_session_su(lua_State *L)
{
	luaT_may_yield(L);
	struct su_scope scope = {.cred = {arg_user(L)->id}};
	if (access_check_session(scope.cred.uid) != 0)
		return luaT_error(L);
	if (lua_gettop(L) == 1) {
		struct session *s = own_session(L);
		s->cred = s->real_cred = scope.cred;
		session_set_effective(NULL);
		return 0;
	}
	luaL_checktype(L, 2, LUA_TFUNCTION);
	_cleanup_(su_scope_end) struct su_scope running = scope;
	running.before = session_set_effective(&running.cred);
	lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
	return lua_gettop(L) - 1;
}

/**
 * _call_function(name, f, ...): f with the rights that a setuid function of that
 * name has.
 */
static int l_session_call_as_owner(lua_State *L)
{
	luaT_may_yield(L);
	size_t len;
	const char *name = luaL_checklstring(L, 1, &len);
	const struct func *func = func_by_name(name, len);
	if (func == NULL || !func->is_setuid) {
		lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
		return lua_gettop(L) - 1;
	}
	_cleanup_(su_scope_end) struct su_scope scope = {.cred = func->owner_cred};
	scope.before = session_set_effective(&scope.cred);
	lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
	return lua_gettop(L) - 1;
}

/** call_as_admin(f, ...) */
static int l_session_call_as_admin(lua_State *L)
{
	luaT_may_yield(L);
	_cleanup_(su_scope_end) struct su_scope scope = {.cred = {USER_ADMIN}};
	scope.before = session_set_effective(&scope.cred);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

/** box.session.storage: a table that lives as long as the session. */
static int l_session_storage(lua_State *L)
{
	struct session *s = own_session(L);
	if (s->storage_ref == LUA_NOREF) {
		lua_newtable(L);
		s->storage_ref = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->storage_ref);
	return 1;
}

static void storage_free(int storage_ref)
{
	if (lua_main != NULL)
		luaL_unref(lua_main, LUA_REGISTRYINDEX, storage_ref);
}

static int push_nothing(lua_State *L, void *event)
{
	return 0;
}

static int push_auth(lua_State *L, void *event)
{
	const struct session_event *e = event;
	lua_pushstring(L, e->user);
	lua_pushboolean(L, e->is_authenticated);
	return 2;
}

static int push_denied(lua_State *L, void *event)
{
	const struct access_denied_event *e = event;
	lua_pushstring(L, e->access_type);
	lua_pushstring(L, e->object_type);
	lua_pushstring(L, e->object_name);
	return 3;
}

static int l_session_on_connect(lua_State *L)
{
	return luaT_trigger_reset(L, 1, &session_on_connect, push_nothing);
}

static int l_session_on_disconnect(lua_State *L)
{
	return luaT_trigger_reset(L, 1, &session_on_disconnect, push_nothing);
}

static int l_session_on_auth(lua_State *L)
{
	return luaT_trigger_reset(L, 1, &session_on_auth, push_auth);
}

static int l_session_on_access_denied(lua_State *L)
{
	return luaT_trigger_reset(L, 1, &session_on_access_denied, push_denied);
}

int luaopen_session(lua_State *L);

int luaopen_session(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{"id", l_session_id},
		{"uid", l_session_uid},
		{"euid", l_session_euid},
		{"user", l_session_user},
		{"effective_user", l_session_effective_user},
		{"type", l_session_type},
		{"peer", l_session_peer},
		{"exists", l_session_exists},
		{"fd", l_session_fd},
		{"sync", l_session_sync},
		{"push", l_session_push},
		{"su", l_session_su},
		{"on_connect", l_session_on_connect},
		{"on_disconnect", l_session_on_disconnect},
		{"on_auth", l_session_on_auth},
		{"on_access_denied", l_session_on_access_denied},
		{NULL, NULL},
	};
	static const luaL_Reg internal[] = {
		{"storage", l_session_storage},
		{"call_as_owner", l_session_call_as_owner},
		{"call_as_admin", l_session_call_as_admin},
		{NULL, NULL},
	};
	session_storage_free = storage_free;
	if (session_init() != 0)
		luaT_error(L);
	luaT_module(L, "box.internal.session", internal);
	lua_newtable(L);
	for (const luaL_Reg *f = funcs; f->name != NULL; f++) {
		lua_pushcfunction(L, f->func);
		lua_setfield(L, -2, f->name);
	}
	lua_setfield(L, -2, "api");
	return 1;
}

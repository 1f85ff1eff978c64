#include "instance/lua/call.h"
#include "instance/box/stat.h"

#include <string.h>

#include "instance/box/func.h"
#include "instance/box/tuple.h"
#include "instance/box/txn.h"
#include "instance/lua/l_msgpack.h"
#include "instance/lua/l_space.h"
#include "instance/lua/utils.h"

/* One request; lives on the caller's stack. */
struct call {
	const char *text; /* function path or chunk */
	uint32_t text_len;
	const char *args, *args_end;
	bool is_call_16;
	struct buf *out;
	uint32_t count; /* results */
};

static int no_such_procedure(lua_State *L, const struct call *call)
{
	diag_set_client(ER_NO_SUCH_PROC, (int)call->text_len, call->text);
	return luaT_error(L);
}

/* Can `:method` be taken of the value on the top? */
static bool has_methods(lua_State *L)
{
	int type = lua_type(L, -1);
	return type == LUA_TTABLE || type == LUA_TUSERDATA ||
	       type == LUA_TLIGHTUSERDATA || type == LUA_TCDATA;
}

/*
 * Push the function that the path names and, for `a.b:method`, the object.
 * Each step may run an __index and so raise.
 */
static void push_function(lua_State *L, const struct call *call)
{
	const char *pos = call->text, *end = call->text + call->text_len, *stop;
	lua_pushvalue(L, LUA_GLOBALSINDEX);
	while ((stop = memchr(pos, '.', (size_t)(end - pos))) != NULL) {
		lua_pushlstring(L, pos, (size_t)(stop - pos));
		lua_gettable(L, -2);
		lua_remove(L, -2);
		if (!lua_istable(L, -1))
			no_such_procedure(L, call);
		pos = stop + 1;
	}
	bool is_method = false;
	if ((stop = memchr(pos, ':', (size_t)(end - pos))) != NULL) {
		lua_pushlstring(L, pos, (size_t)(stop - pos));
		lua_gettable(L, -2);
		lua_remove(L, -2);
		if (!has_methods(L))
			no_such_procedure(L, call);
		is_method = true;
		pos = stop + 1;
	}
	lua_pushlstring(L, pos, (size_t)(end - pos));
	lua_gettable(L, -2);
	if (!lua_isfunction(L, -1) && !lua_istable(L, -1))
		no_such_procedure(L, call);
	if (is_method)
		lua_insert(L, -2);
	else
		lua_remove(L, -2);
}

/* Push the elements of the argument array. @return how many */
static int push_args(lua_State *L, const struct call *call)
{
	if (call->args == NULL)
		return 0;
	struct mp_cursor cur;
	mp_cursor_init(&cur, call->args, call->args_end);
	uint32_t n = mp_read_array(&cur);
	luaL_checkstack(L, (int)n + LUA_MINSTACK, "too many arguments");
	for (uint32_t i = 0; i < n && cur.error == NULL; i++)
		msgpack_to_lua(L, &lua_codec_msgpack, &cur);
	if (cur.error != NULL) {
		diag_set_client(ER_INVALID_MSGPACK, cur.error);
		luaT_error(L);
	}
	return (int)n;
}

/* The results are what is on the stack above `base`. */
static void pack_results(lua_State *L, struct call *call, int base)
{
	int top = lua_gettop(L);
	for (int i = base + 1; i <= top; i++)
		lua_to_msgpack(L, &lua_codec_msgpack, i, call->out);
	call->count = (uint32_t)(top - base);
}

static void pack_array_header(lua_State *L, struct call *call, uint32_t size)
{
	msgpack_packer pk;
	mp_packer_init(&pk, call->out);
	if (msgpack_pack_array(&pk, size) != 0) {
		diag_set(oom, "Failed to allocate memory in msgpack.encode");
		luaT_error(L);
	}
}

static bool is_row(const struct lua_item *item)
{
	return item->kind == LUA_KIND_ARRAY || item->kind == LUA_KIND_TUPLE;
}

/* 1.6 sends rows: what is none becomes a row of one field. */
static void pack_row_16(lua_State *L, struct call *call, int idx, bool is_array)
{
	if (!is_array)
		pack_array_header(L, call, 1);
	lua_to_msgpack(L, &lua_codec_msgpack, idx, call->out);
}

/* A single array: either one row of scalars or a list of rows. */
static void pack_list_16(lua_State *L, struct call *call, int idx, uint32_t size)
{
	for (uint32_t i = 1; i <= size; i++) {
		struct lua_item item;
		lua_rawgeti(L, idx, (int)i);
		lua_pushvalue(L, -1);
		lua_classify(L, &lua_codec_msgpack, lua_gettop(L), &item);
		lua_pop(L, 1);
		if (i == 1 && !is_row(&item)) {
			lua_pop(L, 1);
			lua_to_msgpack(L, &lua_codec_msgpack, idx, call->out);
			call->count = 1;
			return;
		}
		pack_row_16(L, call, lua_gettop(L), is_row(&item));
		lua_pop(L, 1);
	}
	call->count = size;
}

static void pack_results_16(lua_State *L, struct call *call, int base)
{
	int top = lua_gettop(L);
	luaL_checkstack(L, LUA_MINSTACK, "call");
	for (int i = base + 1; i <= top; i++) {
		struct lua_item item;
		lua_pushvalue(L, i);
		lua_classify(L, &lua_codec_msgpack, lua_gettop(L), &item);
		lua_pop(L, 1);
		if (top - base == 1 && item.kind == LUA_KIND_ARRAY && item.size > 0) {
			pack_list_16(L, call, i, item.size);
			return;
		}
		pack_row_16(L, call, i, is_row(&item));
	}
	call->count = (uint32_t)(top - base);
}

/* Rights that a setuid function lends; given back when the call is over. */
struct lent_rights {
	struct credentials cred;
	const struct credentials *before;
	bool is_lent;
};

static void lent_rights_end(struct lent_rights *rights)
{
	if (rights->is_lent)
		session_set_effective(rights->before);
}

/* Under pcall: the request's call on an empty stack. */
static int run_call(lua_State *L)
{
	struct call *call = lua_touserdata(L, 1);
	const struct func *func = func_by_name(call->text, call->text_len);
	_cleanup_(lent_rights_end) struct lent_rights rights = {.is_lent = false};
	if (func != NULL && func->is_setuid) {
		rights.cred = func->owner_cred;
		rights.before = session_set_effective(&rights.cred);
		rights.is_lent = true;
	}
	lua_settop(L, 0);
	if (func != NULL && func->is_persistent)
		luaT_push_persistent(L, call->text, call->text_len);
	else
		push_function(L, call);
	int nargs = lua_gettop(L) - 1;
	nargs += push_args(L, call);
	lua_call(L, nargs, LUA_MULTRET);
	if (call->is_call_16)
		pack_results_16(L, call, 0);
	else
		pack_results(L, call, 0);
	return 0;
}

/*
 * Compiled chunks by text. Clients send the same few texts again and again, and
 * compiling costs far more than running them. A slot is taken over by the next
 * text that falls on it.
 */
enum { EVAL_CACHE_SLOTS = 256, EVAL_CACHE_TEXT_MAX = 4096 };

static struct eval_slot {
	uint64_t hash;
	uint32_t len;
	char *text;
	int ref; /* of the function, in the registry */
} eval_cache[EVAL_CACHE_SLOTS];

static uint64_t hash_text(const char *text, size_t len)
{
	uint64_t h = len * 0x9e3779b97f4a7c15ULL;
	while (len >= 8) {
		uint64_t v;
		memcpy(&v, text, 8);
		h = (h ^ v) * 0x9fb21c651e98df25ULL;
		h ^= h >> 32;
		text += 8;
		len -= 8;
	}
	uint64_t v = 0;
	memcpy(&v, text, len);
	h = (h ^ v) * 0x9fb21c651e98df25ULL;
	return h ^ h >> 29;
}

/* Push the compiled chunk when it is there and still has the global environment. */
static bool push_cached(lua_State *L, struct eval_slot *slot, uint64_t hash,
	const char *text, uint32_t len)
{
	if (slot->text == NULL || slot->hash != hash || slot->len != len ||
		memcmp(slot->text, text, len) != 0)
		return false;
	lua_rawgeti(L, LUA_REGISTRYINDEX, slot->ref);
	lua_getfenv(L, -1);
	bool is_global = lua_rawequal(L, -1, LUA_GLOBALSINDEX);
	lua_pop(L, 1);
	if (!is_global)
		lua_pop(L, 1);
	return is_global;
}

/* Remember the function on the top. */
static void cache_chunk(lua_State *L, struct eval_slot *slot, uint64_t hash,
	const char *text, uint32_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	if (copy == NULL)
		return;
	memcpy(copy, text, len);
	if (slot->text != NULL)
		luaL_unref(L, LUA_REGISTRYINDEX, slot->ref);
	free(slot->text);
	*slot = (struct eval_slot){.hash = hash, .len = len, .text = copy};
	lua_pushvalue(L, -1);
	slot->ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

static void push_chunk(lua_State *L, const struct call *call)
{
	struct eval_slot *slot = NULL;
	uint64_t hash = 0;
	if (call->text_len <= EVAL_CACHE_TEXT_MAX) {
		hash = hash_text(call->text, call->text_len);
		slot = &eval_cache[hash % EVAL_CACHE_SLOTS];
		if (push_cached(L, slot, hash, call->text, call->text_len))
			return;
	}
	if (luaL_loadbuffer(L, call->text, call->text_len, "=eval") != 0)
		lua_error(L);
	if (slot != NULL)
		cache_chunk(L, slot, hash, call->text, call->text_len);
}

static int run_eval(lua_State *L)
{
	struct call *call = lua_touserdata(L, 1);
	lua_settop(L, 0);
	push_chunk(L, call);
	int nargs = push_args(L, call);
	lua_call(L, nargs, LUA_MULTRET);
	pack_results(L, call, 0);
	return 0;
}

/** A request may not leave its transaction open: nobody could end it. */
static int refuse_open_txn(void)
{
	if (txn_current() == NULL)
		return 0;
	diag_set_client(ER_FUNCTION_TX_ACTIVE);
	return -1;
}

/** Roll back what a failed request began; its error stays. */
static void end_open_txn(void)
{
	if (txn_current() == NULL)
		return;
	struct error *e = diag_last();
	error_ref(e);
	txn_abort();
	diag_set_error(e);
}

/* A function of this file that was pushed before: no closure per request. */
struct entry {
	lua_CFunction func;
	int ref; /* in the registry; 0: not there yet */
};

static void push_entry(lua_State *L, struct entry *entry)
{
	if (unlikely(entry->ref == 0)) {
		lua_pushcfunction(L, entry->func);
		entry->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, entry->ref);
}

static int run_request(struct entry *entry, struct call *call, uint32_t *ret_count)
{
	lua_State *L = fiber_self()->lua;
	size_t len_before = call->out->len;
	*ret_count = 0;
	if (!lua_checkstack(L, LUA_MINSTACK)) {
		diag_set(oom, "Failed to grow the Lua stack");
		return -1;
	}
	push_entry(L, entry);
	lua_pushlightuserdata(L, call);
	if (luaT_call(L, 1, 0) != 0 || refuse_open_txn() != 0) {
		call->out->len = len_before;
		end_open_txn();
		return -1;
	}
	*ret_count = call->count;
	return 0;
}

int lua_call_path(const char *name, uint32_t name_len, const char *args,
	const char *args_end, bool is_call_16, struct buf *out, uint32_t *ret_count)
{
	static struct entry entry = {.func = run_call};
	box_stat_count(BOX_STAT_CALL);
	struct call call = {.text = name,
		.text_len = name_len,
		.args = args,
		.args_end = args_end,
		.is_call_16 = is_call_16,
		.out = out};
	return run_request(&entry, &call, ret_count);
}

int lua_eval_text(const char *expr, uint32_t expr_len, const char *args,
	const char *args_end, struct buf *out, uint32_t *ret_count)
{
	static struct entry entry = {.func = run_eval};
	box_stat_count(BOX_STAT_EVAL);
	struct call call = {.text = expr,
		.text_len = expr_len,
		.args = args,
		.args_end = args_end,
		.out = out};
	return run_request(&entry, &call, ret_count);
}

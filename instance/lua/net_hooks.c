/*
 * What runs Lua for the network: calls, the text console, and box.session.push, a
 * message to the client while its request still runs.
 */
#include "instance/lua/net_hooks.h"

#include "instance/base/diag.h"
#include "instance/lua/call.h"
#include "instance/lua/l_msgpack.h"
#include "instance/lua/l_tuple.h"
#include "instance/lua/text_console.h"
#include "instance/lua/utils.h"
#include "instance/net/conn.h"
#include "instance/net/hooks.h"

/* Wait until a slow reader took enough: pushes must not fill the memory. */
static int wait_drained(struct conn *con)
{
	while (con->fd >= 0 && buf_used(&con->out) > NET_OUT_MAX) {
		conn_flush(con);
		if (con->fd < 0 || buf_used(&con->out) <= NET_OUT_MAX)
			break;
		if (cond_wait(&con->drained, TIMEOUT_INFINITY) != 0)
			return -1;
	}
	if (con->fd < 0) {
		diag_set_client(ER_SESSION_CLOSED);
		return -1;
	}
	return 0;
}

/* In a pcall of its own: a value may be one that cannot be encoded. */
static int encode(lua_State *L)
{
	lua_to_msgpack(L, &lua_codec_msgpack, 2, lua_touserdata(L, 1));
	return 0;
}

static int append_value(lua_State *L, int idx, struct buf *out)
{
	lua_pushvalue(L, idx);
	lua_pushcfunction(L, encode);
	lua_insert(L, -2);
	lua_pushlightuserdata(L, out);
	lua_insert(L, -2);
	return luaT_call(L, 2, 0);
}

/* Room for the headers of a CHUNK; the value goes behind them. */
static int chunk_begin(struct buf *frame)
{
	enum { HEADERS = IPROTO_REPLY_HEADER_SIZE + IPROTO_DATA_HEADER_SIZE };
	if (buf_reserve(frame, HEADERS) == NULL) {
		diag_set(oom, "can't allocate a message");
		return -1;
	}
	frame->len = HEADERS;
	iproto_write_data_header(frame->data + IPROTO_REPLY_HEADER_SIZE, 1);
	return 0;
}

static int push_chunk(struct conn *con, uint64_t sync, struct lua_State *L, int idx)
{
	_cleanup_(buf_fini) struct buf frame = {0};
	if (chunk_begin(&frame) != 0 || append_value(L, idx, &frame) != 0 ||
		wait_drained(con) != 0)
		return -1;
	conn_reply_frame(con, IPROTO_CHUNK, sync, &frame);
	return 0;
}

static int push_chunk_mp(
	struct conn *con, uint64_t sync, const char *data, const char *end)
{
	_cleanup_(buf_fini) struct buf frame = {0};
	if (chunk_begin(&frame) != 0)
		return -1;
	if (buf_append(&frame, data, (size_t)(end - data)) != 0) {
		diag_set(oom, "can't allocate a message");
		return -1;
	}
	if (wait_drained(con) != 0)
		return -1;
	conn_reply_frame(con, IPROTO_CHUNK, sync, &frame);
	return 0;
}

/* The connection, with a reference; NULL with diag set when it is closed. */
static struct conn *open_conn(struct session *s)
{
	struct conn *con = s->owner;
	if (con->fd < 0) {
		diag_set_client(ER_SESSION_CLOSED);
		return NULL;
	}
	con->refs++;
	return con;
}

/* To a text console a document, to others a CHUNK. */
static int net_push(struct session *s, uint64_t sync, struct lua_State *L, int idx)
{
	struct conn *con = open_conn(s);
	if (con == NULL)
		return -1;
	int rc = con->kind == CONN_TEXT ? text_console_push(con, L, idx)
					: push_chunk(con, sync, L, idx);
	conn_unref(con);
	return rc;
}

/* The value of a lightuserdata `const char *`. */
static int decode(lua_State *L)
{
	luaT_push_field(L, lua_touserdata(L, 1));
	return 1;
}

static int push_document_mp(struct conn *con, const char *data)
{
	lua_State *L = fiber_current->lua_now;
	if (L == NULL)
		L = luaT_fiber_state();
	if (L == NULL)
		return -1;
	int top = lua_gettop(L);
	if (!lua_checkstack(L, LUA_MINSTACK)) {
		diag_set(luajit, "stack overflow");
		return -1;
	}
	lua_pushcfunction(L, decode);
	lua_pushlightuserdata(L, (void *)data);
	int rc = luaT_call(L, 1, 1);
	if (rc == 0)
		rc = text_console_push(con, L, -1);
	lua_settop(L, top);
	return rc;
}

static int net_push_mp(
	struct session *s, uint64_t sync, const char *data, const char *end)
{
	struct conn *con = open_conn(s);
	if (con == NULL)
		return -1;
	int rc = con->kind == CONN_TEXT ? push_document_mp(con, data)
					: push_chunk_mp(con, sync, data, end);
	conn_unref(con);
	return rc;
}

static int fiber_prepare(void)
{
	return luaT_fiber_state() != NULL ? 0 : -1;
}

void lua_net_hooks_init(void)
{
	net_hooks = (struct net_hooks){
		.fiber_prepare = fiber_prepare,
		.call = lua_call_path,
		.eval = lua_eval_text,
		.serve_text = text_console_serve,
		.push = net_push,
		.push_mp = net_push_mp,
	};
}

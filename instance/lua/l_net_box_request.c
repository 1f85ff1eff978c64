/* net.box: requests, from Lua arguments to frames in the connection's buffer. */
#include "instance/lua/l_net_box.h"

#include "instance/lua/l_tuple.h"
#include "instance/lua/utils.h"
#include "proto/chap.h"
#include "proto/iproto.h"

/** After an encoder: raise when it failed. */
static int check_encoded(lua_State *L, int rc)
{
	if (rc != 0) {
		diag_set(oom, "Failed to allocate a request");
		return luaT_error(L);
	}
	return 0;
}

static uint64_t check_sync(lua_State *L)
{
	return (uint64_t)luaL_checknumber(L, 2);
}

static int l_conn_ping(lua_State *L)
{
	struct netbox_conn *c = netbox_check_conn(L);
	return check_encoded(L, iproto_encode_ping(&c->out, check_sync(L)));
}

/** auth(sync, user[, password]) */
static int l_conn_auth(lua_State *L)
{
	struct netbox_conn *c = netbox_check_conn(L);
	const char *user = luaL_checkstring(L, 3);
	size_t len;
	const char *password = luaL_optlstring(L, 4, NULL, &len);
	unsigned char scramble[CHAP_SIZE];
	if (password != NULL)
		chap_scramble(password, len, c->greeting.salt, scramble);
	return check_encoded(L, iproto_encode_auth(&c->out, check_sync(L), user,
					password != NULL ? scramble : NULL));
}

/* Arguments: a table as an array, nil as an empty one. */
static void encode_args(lua_State *L, int idx, struct buf *out)
{
	if (lua_isnoneornil(L, idx))
		check_encoded(L, buf_append(out, "\x90", 1));
	else
		luaT_tuple_encode(L, idx, out);
}

static int send_call(lua_State *L, uint32_t type)
{
	struct netbox_conn *c = netbox_check_conn(L);
	size_t len;
	const char *text = luaL_checklstring(L, 3, &len);
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	encode_args(L, 4, &b->buf);
	const char *args = buf_head(&b->buf), *end = args + buf_used(&b->buf);
	int rc = type == IPROTO_TYPE_EVAL ? iproto_encode_eval(&c->out, check_sync(L),
						    text, len, args, end)
					  : iproto_encode_call(&c->out, check_sync(L),
						    type, text, len, args, end);
	return check_encoded(L, rc);
}

/** call(sync, name, args) */
static int l_conn_call(lua_State *L)
{
	return send_call(L, IPROTO_TYPE_CALL);
}

static int l_conn_call_16(lua_State *L)
{
	return send_call(L, IPROTO_TYPE_CALL_16);
}

/** eval(sync, expression, args) */
static int l_conn_eval(lua_State *L)
{
	return send_call(L, IPROTO_TYPE_EVAL);
}

/** What was encoded into b since `start`; pointers are set when b is complete. */
struct span {
	size_t start, end;
};

static struct span encode_key(lua_State *L, int idx, struct buf *b)
{
	struct span s = {.start = b->len};
	luaT_key_encode(L, idx, b);
	s.end = b->len;
	return s;
}

static struct span encode_tuple(lua_State *L, int idx, struct buf *b)
{
	struct span s = {.start = b->len};
	luaT_tuple_encode(L, idx, b);
	s.end = b->len;
	return s;
}

/** select(sync, space_id, index_id, iterator, offset, limit, key) */
static int l_conn_select(lua_State *L)
{
	struct netbox_conn *c = netbox_check_conn(L);
	struct iproto_body body = {
		.space_id = (uint32_t)luaL_checknumber(L, 3),
		.index_id = (uint32_t)luaL_checknumber(L, 4),
		.iterator = (uint32_t)luaL_checknumber(L, 5),
		.offset = (uint32_t)luaL_checknumber(L, 6),
		.limit = (uint32_t)luaL_checknumber(L, 7),
	};
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	struct span key = encode_key(L, 8, &b->buf);
	body.key = b->buf.data + key.start;
	body.key_end = b->buf.data + key.end;
	return check_encoded(
		L, iproto_encode_data(&c->out, check_sync(L), IPROTO_TYPE_SELECT, &body));
}

static int send_store(lua_State *L, uint32_t type)
{
	struct netbox_conn *c = netbox_check_conn(L);
	struct iproto_body body = {.space_id = (uint32_t)luaL_checknumber(L, 3)};
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	struct span tuple = encode_tuple(L, 4, &b->buf);
	body.tuple = b->buf.data + tuple.start;
	body.tuple_end = b->buf.data + tuple.end;
	return check_encoded(L, iproto_encode_data(&c->out, check_sync(L), type, &body));
}

/** insert(sync, space_id, tuple) */
static int l_conn_insert(lua_State *L)
{
	return send_store(L, IPROTO_TYPE_INSERT);
}

static int l_conn_replace(lua_State *L)
{
	return send_store(L, IPROTO_TYPE_REPLACE);
}

/** delete(sync, space_id, index_id, key) */
static int l_conn_delete(lua_State *L)
{
	struct netbox_conn *c = netbox_check_conn(L);
	struct iproto_body body = {
		.space_id = (uint32_t)luaL_checknumber(L, 3),
		.index_id = (uint32_t)luaL_checknumber(L, 4),
	};
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	struct span key = encode_key(L, 5, &b->buf);
	body.key = b->buf.data + key.start;
	body.key_end = b->buf.data + key.end;
	return check_encoded(
		L, iproto_encode_data(&c->out, check_sync(L), IPROTO_TYPE_DELETE, &body));
}

/** update(sync, space_id, index_id, key, operations) */
static int l_conn_update(lua_State *L)
{
	struct netbox_conn *c = netbox_check_conn(L);
	struct iproto_body body = {
		.space_id = (uint32_t)luaL_checknumber(L, 3),
		.index_id = (uint32_t)luaL_checknumber(L, 4),
		.index_base = 1,
	};
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	struct span key = encode_key(L, 5, &b->buf);
	struct span ops = encode_tuple(L, 6, &b->buf);
	body.key = b->buf.data + key.start;
	body.key_end = b->buf.data + key.end;
	body.tuple = b->buf.data + ops.start;
	body.tuple_end = b->buf.data + ops.end;
	return check_encoded(
		L, iproto_encode_data(&c->out, check_sync(L), IPROTO_TYPE_UPDATE, &body));
}

/** upsert(sync, space_id, tuple, operations) */
static int l_conn_upsert(lua_State *L)
{
	struct netbox_conn *c = netbox_check_conn(L);
	struct iproto_body body = {
		.space_id = (uint32_t)luaL_checknumber(L, 3),
		.index_base = 1,
	};
	_cleanup_(lua_buf_putp) struct lua_buf *b = lua_buf_take(L);
	struct span tuple = encode_tuple(L, 4, &b->buf);
	struct span ops = encode_tuple(L, 5, &b->buf);
	body.tuple = b->buf.data + tuple.start;
	body.tuple_end = b->buf.data + tuple.end;
	body.ops = b->buf.data + ops.start;
	body.ops_end = b->buf.data + ops.end;
	return check_encoded(
		L, iproto_encode_data(&c->out, check_sync(L), IPROTO_TYPE_UPSERT, &body));
}

const luaL_Reg netbox_request_methods[] = {
	{"auth", l_conn_auth},
	{"call", l_conn_call},
	{"call_16", l_conn_call_16},
	{"delete", l_conn_delete},
	{"eval", l_conn_eval},
	{"insert", l_conn_insert},
	{"ping", l_conn_ping},
	{"replace", l_conn_replace},
	{"select", l_conn_select},
	{"update", l_conn_update},
	{"upsert", l_conn_upsert},
	{NULL, NULL},
};

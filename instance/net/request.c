/* What each type of request does. */
#include <string.h>

#include "instance/base/diag.h"
#include "instance/box/box.h"
#include "instance/box/func.h"
#include "instance/box/request.h"
#include "instance/box/session.h"
#include "instance/box/stat.h"
#include "instance/box/tuple.h"
#include "instance/net/conn.h"
#include "instance/net/hooks.h"
#include "proto/chap.h"

/* Open {DATA: [...]}; the count is filled in by data_end(). */
static size_t data_begin(struct buf *out)
{
	/* The room was made together with the header's. */
	size_t at = out->len;
	out->len += IPROTO_DATA_HEADER_SIZE;
	return at;
}

static void data_end(struct buf *out, size_t at, uint32_t count)
{
	iproto_write_data_header(out->data + at, count);
}

static int empty_body(struct buf *out)
{
	return buf_append(out, "\x80", 1);
}

/* Admin may do anything, also before there is a user of that name: the control socket
 * answers from the first moment. */
static bool is_admin(void)
{
	return session_effective_uid() == USER_ADMIN;
}

static int run_eval(struct net_request *req, struct buf *out)
{
	const struct iproto_body *b = &req->body;
	uint32_t count;
	if (!is_admin() && access_check_eval() != 0)
		return -1;
	size_t at = data_begin(out);
	if (net_hooks.eval(b->name, b->name_len, b->tuple, b->tuple_end, out, &count) !=
		0)
		return -1;
	data_end(out, at, count);
	return 0;
}

/* A function whose body is in _func: box.func knows it, no global does. */
static int call_persistent(
	const struct iproto_body *b, struct buf *out, uint32_t *ret_count)
{
	static const char chunk[] =
		"local name, args = ... return box.func[name]:call(args)";
	_cleanup_(buf_fini) struct buf args = {0};
	msgpack_packer pk;
	mp_packer_init(&pk, &args);
	int rc = msgpack_pack_array(&pk, 2) | msgpack_pack_str(&pk, b->name_len) |
		 msgpack_pack_str_body(&pk, b->name, b->name_len);
	if (b->tuple != NULL)
		rc |= buf_append(&args, b->tuple, (size_t)(b->tuple_end - b->tuple));
	else
		rc |= msgpack_pack_array(&pk, 0);
	if (rc != 0) {
		diag_set(oom, "can't allocate the arguments of a call");
		return -1;
	}
	return net_hooks.eval(chunk, sizeof(chunk) - 1, args.data, args.data + args.len,
		out, ret_count);
}

/* Make one array of the values behind `at`, where a byte is free for its header. */
static int wrap_results(struct buf *out, size_t at, uint32_t count)
{
	char header[5];
	size_t size = (size_t)(mp_raw_put_array(header, count) - header);
	if (size > 1) {
		if (buf_reserve(out, size - 1) == NULL) {
			diag_set(oom, "can't allocate a reply");
			return -1;
		}
		memmove(out->data + at + size, out->data + at + 1, out->len - at - 1);
		out->len += size - 1;
	}
	memcpy(out->data + at, header, size);
	return 0;
}

/*
 * A function in C writes its results into the reply itself. Unlike those of a Lua
 * function they are one value, an array; but not in the 1.6 protocol.
 */
static int call_c(struct func *func, const struct net_request *req, struct buf *out,
	uint32_t *ret_count)
{
	static const char no_args[] = "\x90";
	const struct iproto_body *b = &req->body;
	const char *args = b->tuple != NULL ? b->tuple : no_args;
	const char *end = b->tuple != NULL ? b->tuple_end : no_args + 1;
	struct func_result result = {.out = out};
	box_stat_count(BOX_STAT_CALL);
	size_t at = out->len;
	bool is_wrapped = req->type != IPROTO_TYPE_CALL_16;
	if (is_wrapped && buf_append(out, "", 1) != 0) {
		diag_set(oom, "can't allocate a reply");
		return -1;
	}
	if (func_c_call(func, args, end, &result) != 0)
		return -1;
	*ret_count = is_wrapped ? 1 : result.count;
	return is_wrapped ? wrap_results(out, at, result.count) : 0;
}

static int run_call(struct net_request *req, struct buf *out)
{
	const struct iproto_body *b = &req->body;
	uint32_t count;
	if (!is_admin() && access_check_call(b->name, b->name_len) != 0)
		return -1;
	struct func *func = func_by_name(b->name, b->name_len);
	/* A copy: the function may be dropped while it runs. */
	struct credentials owner = {0};
	bool is_setuid = func != NULL && func->is_setuid;
	if (is_setuid) {
		owner = func->owner_cred;
		session_set_effective(&owner);
	}
	size_t at = data_begin(out);
	int rc;
	if (func != NULL && func->language == FUNC_LANGUAGE_C)
		rc = call_c(func, req, out, &count);
	else if (func != NULL && func->is_persistent)
		rc = call_persistent(b, out, &count);
	else
		rc = net_hooks.call(b->name, b->name_len, b->tuple, b->tuple_end,
			req->type == IPROTO_TYPE_CALL_16, out, &count);
	if (is_setuid)
		session_set_effective(NULL);
	if (rc == 0)
		data_end(out, at, count);
	return rc;
}

static int run_select(struct net_request *req, struct buf *out)
{
	const struct iproto_body *b = &req->body;
	uint32_t count;
	size_t at = data_begin(out);
	if (box_select(b->space_id, b->index_id, (int)b->iterator, b->offset, b->limit,
		    b->key, b->key_end, out, &count) != 0)
		return -1;
	data_end(out, at, count);
	return 0;
}

/* INSERT, REPLACE, UPDATE, DELETE, UPSERT: the protocol's numbers are the request's. */
static int run_change(struct net_request *req, struct buf *out)
{
	const struct iproto_body *b = &req->body;
	struct request change = {
		.type = (enum request_type)req->type,
		.space_id = b->space_id,
		.index_id = b->index_id,
		.index_base = b->index_base,
		.key = b->key,
		.key_end = b->key_end,
		.tuple = b->tuple,
		.tuple_end = b->tuple_end,
		.ops = b->ops,
		.ops_end = b->ops_end,
	};
	struct tuple *tuple = NULL;
	size_t at = data_begin(out);
	if (request_execute(&change, &tuple) != 0)
		return -1;
	int rc = 0;
	if (tuple != NULL) {
		rc = buf_append(out, tuple->data, tuple->size);
		tuple_unref(tuple);
	}
	if (rc != 0) {
		diag_set(oom, "can't allocate a reply");
		return -1;
	}
	data_end(out, at, tuple != NULL);
	return 0;
}

static int invalid_msgpack(const char *what)
{
	diag_set_client(ER_INVALID_MSGPACK, what);
	return -1;
}

static int run_auth(struct net_request *req, struct buf *out)
{
	const struct iproto_body *b = &req->body;
	struct session *s = req->con->session;
	const char *salt = (const char *)req->con->salt;
	struct mp_cursor cur;
	mp_cursor_init(&cur, b->tuple, b->tuple_end);
	uint32_t count = mp_read_array(&cur), len;
	bool is_guest = b->name_len == 5 && memcmp(b->name, "guest", 5) == 0;
	const char *scramble = NULL;
	if (count > 0 || !is_guest) {
		if (count < 2)
			return invalid_msgpack("authentication request body");
		mp_skip(&cur); /* the method: there is only chap-sha1 */
		if (mp_peek(&cur) == MP_BIN)
			scramble = mp_read_bin(&cur, &len);
		else
			scramble = mp_read_str(&cur, &len);
		if (cur.error != NULL)
			return invalid_msgpack("authentication scramble");
		if (len != CHAP_SIZE)
			return invalid_msgpack("invalid scramble size");
	}
	if (session_auth(s, b->name, b->name_len, salt, scramble, CHAP_SIZE) != 0)
		return -1;
	return empty_body(out);
}

static int unsupported(const char *what)
{
	diag_set_client(ER_UNSUPPORTED, "tarantella", what);
	return -1;
}

static int decode_body(struct net_request *req, struct mp_cursor *cur)
{
	const char *field;
	switch (iproto_decode_body(cur, req->type, &req->body, &field)) {
	case IPROTO_BODY_OK:
		return 0;
	case IPROTO_BODY_MISSING:
		return invalid_msgpack("missing request body");
	case IPROTO_BODY_FIELD:
		diag_set_client(ER_MISSING_REQUEST_FIELD, field);
		return -1;
	case IPROTO_BODY_INVALID:
		break;
	}
	return invalid_msgpack("packet body");
}

/* 2.6 puts the two numbers into this text the wrong way round. */
static int check_schema_version(uint32_t version)
{
	if (likely(version == 0 || version == box_schema_version))
		return 0;
	diag_set_client(ER_WRONG_SCHEMA_VERSION, (int)version, box_schema_version);
	return -1;
}

int net_request_execute(struct net_request *req, struct buf *out)
{
	struct conn *con = req->con;
	struct mp_cursor body = con->body;
	req->type = con->header.type;
	if (iproto_type_name(req->type) == NULL) {
		diag_set_client(ER_UNKNOWN_REQUEST_TYPE, req->type);
		return -1;
	}
	uint32_t schema_version = con->header.schema_version;
	if (decode_body(req, &body) != 0 || check_schema_version(schema_version) != 0)
		return -1;
	switch ((enum iproto_type)req->type) {
	case IPROTO_TYPE_EVAL:
		return run_eval(req, out);
	case IPROTO_TYPE_CALL:
	case IPROTO_TYPE_CALL_16:
		return run_call(req, out);
	case IPROTO_TYPE_SELECT:
		return run_select(req, out);
	case IPROTO_TYPE_INSERT:
	case IPROTO_TYPE_REPLACE:
	case IPROTO_TYPE_UPDATE:
	case IPROTO_TYPE_DELETE:
	case IPROTO_TYPE_UPSERT:
		return run_change(req, out);
	case IPROTO_TYPE_AUTH:
		return run_auth(req, out);
	case IPROTO_TYPE_EXECUTE:
	case IPROTO_TYPE_PREPARE:
		return unsupported("SQL; an instance with engine = \"tarantool\" does");
	case IPROTO_TYPE_JOIN:
	case IPROTO_TYPE_SUBSCRIBE:
	case IPROTO_TYPE_VOTE:
	case IPROTO_TYPE_VOTE_DEPRECATED:
	case IPROTO_TYPE_FETCH_SNAPSHOT:
	case IPROTO_TYPE_REGISTER:
		return unsupported(
			"replication; an instance with engine = \"tarantool\" does");
	default: /* PING with a schema version, NOP */
		return empty_body(out);
	}
}

static int session_fd(const struct session *s)
{
	return ((const struct conn *)s->owner)->fd;
}

static uint64_t session_sync(const struct session *s)
{
	const struct net_request_info *info = fiber_current->local[FIBER_LOCAL_REQUEST];
	return info != NULL ? info->sync : 0;
}

static int session_push(struct session *s, uint64_t sync, struct lua_State *L, int idx)
{
	return net_hooks.push(s, sync, L, idx);
}

static int session_push_mp(
	struct session *s, uint64_t sync, const char *data, const char *end)
{
	return net_hooks.push_mp(s, sync, data, end);
}

const struct session_vtab net_session_vtab = {
	.push = session_push,
	.push_mp = session_push_mp,
	.fd = session_fd,
	.sync = session_sync,
};

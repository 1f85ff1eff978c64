#include "ctl/remote.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "ctl/embedded.h"
#include "ctl/luatext.h"
#include "proto/base64.h"
#include "proto/text.h"

/* What print() of the code sends begins so. */
#define PRINT_TAG "ctl-print/"
/* The instance has not got remote.lua yet. */
#define STATUS_LOAD "ctl.load"

void remote_init(struct remote_call *call, const char *op, deadline_ms deadline)
{
	memset(call, 0, sizeof(*call));
	call->op = op;
	call->deadline = deadline;
}

void remote_fini(struct remote_call *call)
{
	buf_fini(&call->args);
	buf_fini(&call->reply);
}

void remote_add_str(struct remote_call *call, const char *text, size_t len)
{
	msgpack_packer pk;
	mp_packer_init(&pk, &call->args);
	msgpack_pack_str(&pk, len);
	msgpack_pack_str_body(&pk, text, len);
	call->arg_count++;
}

void remote_add_cstr(struct remote_call *call, const char *text)
{
	remote_add_str(call, text, strlen(text));
}

void remote_add_bool(struct remote_call *call, bool value)
{
	msgpack_packer pk;
	mp_packer_init(&pk, &call->args);
	if (value)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
	call->arg_count++;
}

void remote_add_uint(struct remote_call *call, uint64_t value)
{
	msgpack_packer pk;
	mp_packer_init(&pk, &call->args);
	msgpack_pack_uint64(&pk, value);
	call->arg_count++;
}

void remote_add_double(struct remote_call *call, double value)
{
	msgpack_packer pk;
	mp_packer_init(&pk, &call->args);
	msgpack_pack_double(&pk, value);
	call->arg_count++;
}

void remote_add_raw(struct remote_call *call, const char *data, size_t len)
{
	buf_append(&call->args, data, len);
	call->arg_count++;
}

void remote_add_strv(struct remote_call *call, int argc, char **argv)
{
	msgpack_packer pk;
	mp_packer_init(&pk, &call->args);
	msgpack_pack_array(&pk, (size_t)argc);
	for (int i = 0; i < argc; i++) {
		msgpack_pack_str(&pk, strlen(argv[i]));
		msgpack_pack_str_body(&pk, argv[i], strlen(argv[i]));
	}
	call->arg_count++;
}

void remote_token(char token[REMOTE_TOKEN_SIZE])
{
	uint64_t bits = 0;
	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		bits = (uint64_t)clock_ms();
	snprintf(token, REMOTE_TOKEN_SIZE, "%016llx", (unsigned long long)bits);
}

/** The chunk to evaluate: a short one that finds remote.lua, or remote.lua itself. */
static int make_chunk(struct buf *out, bool is_load)
{
	if (!is_load)
		return buf_printf(out,
			"local f = debug.getregistry()['ctl.remote/%s'] "
			"if f == nil then return '" STATUS_LOAD "' end return f(...)",
			remote_lua_hash);
	if (buf_printf(out, "local KEY = 'ctl.remote/%s' ", remote_lua_hash) != 0)
		return -1;
	return buf_append(out, remote_lua, remote_lua_len);
}

/** The arguments as a msgpack array: the op and its own. */
static int make_args(const struct remote_call *call, struct buf *out)
{
	msgpack_packer pk;
	mp_packer_init(&pk, out);
	int rc = msgpack_pack_array(&pk, call->arg_count + 1);
	rc |= msgpack_pack_str(&pk, strlen(call->op));
	rc |= msgpack_pack_str_body(&pk, call->op, strlen(call->op));
	return rc | buf_append(out, call->args.data, call->args.len);
}

/** Append the request to c->out. */
static int make_request(struct conn *c, const struct remote_call *call)
{
	_cleanup_(buf_fini) struct buf chunk = {0}, args = {0};
	if (make_chunk(&chunk, call->is_load) != 0 || make_args(call, &args) != 0)
		return -1;
	if (!c->is_text)
		return iproto_encode_eval(&c->out, ++c->sync, chunk.data, chunk.len,
			args.data, args.data + args.len);
	/* One line; the first one makes sure that the answer is YAML. */
	int rc = buf_puts(&c->out,
		"\\set output yaml\n"
		"return require('digest').base64_encode(require('msgpack')"
		".encode({loadstring(");
	rc |= luatext_string(&c->out, chunk.data, chunk.len);
	rc |= buf_puts(&c->out, ")(unpack((require('msgpack').decode(");
	rc |= luatext_string(&c->out, args.data, args.len);
	rc |= buf_puts(&c->out, "))))}),{nowrap=true})\n");
	return rc;
}

static enum conn_status malformed(struct conn *c)
{
	snprintf(c->error, sizeof(c->error), "malformed reply");
	return CONN_FAILED;
}

static bool has_prefix(const char *data, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);
	return len >= n && memcmp(data, prefix, n) == 0;
}

/* --- the binary protocol --- */

static void push_value(const struct remote_call *call, const char *data, const char *end)
{
	struct mp_cursor cur;
	mp_cursor_init(&cur, data, end);
	if (call->on_push == NULL || mp_read_array(&cur) != 1)
		return;
	uint32_t len;
	const char *start = cur.pos;
	if (mp_peek(&cur) == MP_STR) {
		const char *text = mp_read_str(&cur, &len);
		size_t n = strlen(PRINT_TAG);
		if (cur.error == NULL && has_prefix(text, len, PRINT_TAG)) {
			call->on_push(REMOTE_PRINT, text + n, len - n, call->push_arg);
			return;
		}
		mp_cursor_init(&cur, start, end);
	}
	mp_skip(&cur);
	if (cur.error == NULL)
		call->on_push(
			REMOTE_VALUE, start, (size_t)(cur.pos - start), call->push_arg);
}

/** Read frames until the reply to the last request is there, into call->reply. */
static enum conn_status read_binary(struct conn *c, struct remote_call *call)
{
	for (;;) {
		struct iproto_frame frame;
		struct iproto_header header;
		struct mp_cursor cur;
		enum conn_status rc = conn_read_frame(c, &frame, call->deadline);
		if (rc != CONN_OK)
			return rc;
		mp_cursor_init(&cur, frame.data, frame.end);
		if (iproto_decode_header(&cur, &header) != 0)
			return malformed(c);
		if (header.sync != c->sync)
			continue; /* of a request that was given up */
		if (header.type & IPROTO_TYPE_ERROR) {
			struct iproto_error_view error;
			if (iproto_decode_error(&cur, &error) != 0)
				return malformed(c);
			snprintf(c->error, sizeof(c->error), "%.*s",
				(int)error.message_len, error.message);
			return CONN_FAILED;
		}
		const char *data, *end;
		if (iproto_find_key(&cur, IPROTO_DATA, &data, &end) != 0)
			return malformed(c);
		if (header.type != IPROTO_CHUNK)
			return buf_append(&call->reply, data, (size_t)(end - data)) == 0
				       ? CONN_OK
				       : malformed(c);
		push_value(call, data, end);
	}
}

/* --- the text console --- */

/** The scalar of `<prefix>SCALAR\n...`: plain or in quotes. */
static const char *find_scalar(
	const char *reply, size_t len, const char *prefix, size_t *ret_len)
{
	const char *end = reply + len;
	const char *p = memmem(reply, len, prefix, strlen(prefix));
	if (p == NULL)
		return NULL;
	p += strlen(prefix);
	if (p < end && (*p == '\'' || *p == '"'))
		p++;
	const char *q = p;
	while (q < end && *q != '\n' && *q != '\'' && *q != '"')
		q++;
	*ret_len = (size_t)(q - p);
	return p;
}

static int decode_into(struct buf *out, const char *text, size_t len)
{
	char *p = buf_reserve(out, base64_decoded_size_max(len));
	ssize_t n = p != NULL ? base64_decode(text, len, p) : -1;
	if (n < 0)
		return -1;
	out->len += (size_t)n;
	return 0;
}

static void push_text(const struct remote_call *call, const char *reply, size_t len)
{
	if (call->on_push == NULL)
		return;
	size_t n;
	const char *text = find_scalar(reply, len, "--- " PRINT_TAG, &n);
	if (text == NULL) {
		call->on_push(REMOTE_YAML, reply, len, call->push_arg);
		return;
	}
	_cleanup_(buf_fini) struct buf line = {0};
	if (decode_into(&line, text, n) == 0)
		call->on_push(REMOTE_PRINT, line.data, line.len, call->push_arg);
}

static enum conn_status read_text(struct conn *c, struct remote_call *call)
{
	/* The answer to `\set output`, then pushes, then the answer to the request. */
	for (;;) {
		const char *reply;
		size_t len, n;
		enum conn_status rc = conn_read_text(c, &reply, &len, call->deadline);
		if (rc != CONN_OK)
			return rc;
		if (text_is_push(reply, len)) {
			push_text(call, reply, len);
			continue;
		}
		if (call->answers++ == 0)
			continue;
		const char *text = find_scalar(reply, len, "- error: ", &n);
		if (text != NULL) {
			snprintf(c->error, sizeof(c->error), "%.*s", (int)n, text);
			return CONN_FAILED;
		}
		text = find_scalar(reply, len, "---\n- ", &n);
		if (text == NULL || decode_into(&call->reply, text, n) != 0)
			return malformed(c);
		return CONN_OK;
	}
}

/* --- both --- */

static enum conn_status send_request(struct conn *c, struct remote_call *call)
{
	buf_reset(&call->reply);
	call->answers = 0;
	if (make_request(c, call) == 0)
		return CONN_OK;
	snprintf(c->error, sizeof(c->error), "out of memory");
	return CONN_FAILED;
}

/** Take the status off the answer. */
static enum conn_status read_status(struct conn *c, struct remote_call *call)
{
	mp_cursor_init(
		&call->values, call->reply.data, call->reply.data + call->reply.len);
	uint32_t count = mp_read_array(&call->values), len;
	const char *status = mp_read_str(&call->values, &len);
	if (count < 1 || call->values.error != NULL || len >= sizeof(call->status))
		return malformed(c);
	memcpy(call->status, status, len);
	call->status[len] = '\0';
	call->is_ok = strcmp(call->status, "ok") == 0;
	return CONN_OK;
}

enum conn_status remote_resume(struct conn *c, struct remote_call *call)
{
	for (;;) {
		enum conn_status rc = conn_flush(c, call->deadline);
		if (rc == CONN_OK)
			rc = c->is_text ? read_text(c, call) : read_binary(c, call);
		if (rc == CONN_OK)
			rc = read_status(c, call);
		if (rc != CONN_OK || call->is_load ||
			strcmp(call->status, STATUS_LOAD) != 0)
			return rc;
		call->is_load = true;
		rc = send_request(c, call);
		if (rc != CONN_OK)
			return rc;
	}
}

enum conn_status remote_run(struct conn *c, struct remote_call *call)
{
	enum conn_status rc = send_request(c, call);
	return rc == CONN_OK ? remote_resume(c, call) : rc;
}

const char *remote_next_str(struct remote_call *call, uint32_t *ret_len)
{
	*ret_len = 0;
	if (mp_left(&call->values) == 0)
		return "";
	const char *text = mp_read_str(&call->values, ret_len);
	return call->values.error == NULL ? text : "";
}

/*
 * Calls of lua/remote.lua inside an instance, over either protocol. The text is
 * sent on the first call only: the instance keeps it.
 */
#ifndef CTL_REMOTE_H
#define CTL_REMOTE_H

#include "ctl/conn.h"

enum { REMOTE_TOKEN_SIZE = 17 };

/* What the code sent before its result. */
enum remote_push {
	REMOTE_PRINT, /* what print() wrote */
	REMOTE_VALUE, /* box.session.push: one msgpack value */
	REMOTE_YAML,  /* box.session.push on a text console: a YAML document */
};
typedef void (*remote_push_cb)(
	enum remote_push kind, const char *data, size_t len, void *arg);

/* One call; the caller fills the first part. */
struct remote_call {
	struct buf args;    /* msgpack values: the op's arguments, one after another */
	uint32_t arg_count; /* how many */
	const char *op;
	remote_push_cb on_push; /* NULL: what is pushed is dropped */
	void *push_arg;
	deadline_ms deadline;
	/* The answer: what the op returned, as msgpack values. */
	struct buf reply;
	struct mp_cursor values; /* over `reply`, behind the status */
	bool is_ok;              /* the status is 'ok' */
	char status[16];
	bool is_load; /* the request in flight carries remote.lua */
	int answers;  /* text console: answers read so far */
};

/** A call of an op without arguments so far. `op` must live as long as the call. */
void remote_init(struct remote_call *call, const char *op, deadline_ms deadline);
/** Free arguments and answer. */
void remote_fini(struct remote_call *call);
/* One more argument, copied. */
void remote_add_str(struct remote_call *call, const char *text, size_t len);
void remote_add_cstr(struct remote_call *call, const char *text);
void remote_add_bool(struct remote_call *call, bool value);
void remote_add_uint(struct remote_call *call, uint64_t value);
void remote_add_double(struct remote_call *call, double value);
/** One msgpack value. */
void remote_add_raw(struct remote_call *call, const char *data, size_t len);
/** An array of strings. */
void remote_add_strv(struct remote_call *call, int argc, char **argv);

/**
 * Run the call.
 * @return CONN_OK when the op answered (call->is_ok, call->values); what else
 *         went wrong is in c->error
 */
enum conn_status remote_run(struct conn *c, struct remote_call *call);
/** Go on waiting for the answer after CONN_TIMEOUT or CONN_INTERRUPTED. */
enum conn_status remote_resume(struct conn *c, struct remote_call *call);
/** The next value of the answer; "" when there is none. Points into call->reply. */
const char *remote_next_str(struct remote_call *call, uint32_t *ret_len);

/** A name for a request, so that another connection can cancel it. */
void remote_token(char token[REMOTE_TOKEN_SIZE]);

#endif

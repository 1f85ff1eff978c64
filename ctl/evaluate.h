/* Running code inside an instance: its result, its output, its end. */
#ifndef CTL_EVALUATE_H
#define CTL_EVALUATE_H

#include "ctl/remote.h"
#include "ctl/target.h"

enum evaluate_status {
	EVALUATE_OK,
	EVALUATE_ERROR,       /* the code failed: message and trace are set */
	EVALUATE_TIMEOUT,     /* the deadline passed; the code was cancelled */
	EVALUATE_INTERRUPTED, /* Ctrl-C; the code was cancelled */
	EVALUATE_DETACHED,    /* either, but the code could not be cancelled */
	EVALUATE_LOST,        /* the connection broke: conn.error */
	EVALUATE_REFUSED,     /* the instance refused to run it: conn.error */
};

/* One evaluation; the caller fills the first part. */
struct evaluate {
	const struct target *target;
	struct conn *conn; /* connected to it */
	const char *text;
	size_t text_len;
	char **series; /* when series_count > 0: statements instead of `text`, which run
			*/
	int series_count; /* one after another, without a wait in between */
	const char *name; /* chunk name as Lua has it: "@file", "=stdin", "": the text */
	int argc;
	char **argv;
	const char *format; /* yaml, json, lua, table, ... */
	deadline_ms deadline;
	remote_push_cb on_push;
	void *push_arg;
	/* The outcome; texts point into `call`. */
	struct remote_call call;
	const char *result, *message, *trace;
	uint32_t result_len, message_len, trace_len;
	const char *shown; /* the error in the format that was asked for */
	const char *state; /* of the instance behind it: "", "ro", "tx", ... */
	uint32_t shown_len, state_len;
};

/** Run it. evaluate_fini() afterwards. */
enum evaluate_status evaluate_run(struct evaluate *ev);
void evaluate_fini(struct evaluate *ev);
/** Write what was pushed to a stdio stream (push_arg), as a text console shows it. */
void evaluate_write_push(
	enum remote_push kind, const char *data, size_t len, void *stream);

#endif

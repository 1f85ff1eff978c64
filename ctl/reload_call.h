/* One op of the reload engine inside an instance. */
#ifndef CTL_RELOAD_CALL_H
#define CTL_RELOAD_CALL_H

#include "ctl/remote.h"
#include "ctl/target.h"

enum reload_format {
	RELOAD_TEXT, /* for people */
	RELOAD_ROW,  /* for people, one line */
	RELOAD_JSON, /* the op's answer as it is */
	RELOAD_PATHS /* the files and folders that the answer names, one a line */
};

/* One call; the caller fills the first part. */
struct reload_call {
	const struct instance *instance;
	const char *op;
	struct buf args; /* a JSON object: the op's options */
	enum reload_format format;
	int64_t silence_ms; /* give up when it does not answer so long; 0: 35 s */
	/* What it answered; texts point into `call`. */
	struct remote_call call;
	struct conn conn;
	int exit;
	const char *out, *message;
	uint32_t out_len, message_len;
};

/**
 * Run it: the engine is sent when the instance has none, or an older one. A call that
 * takes long shows the phase it is in on a terminal. While it waits it sees that the
 * instance answers others.
 * @return CTL_OK: it answered, ->exit is its exit code; else an exit code after saying
 *         what is wrong. reload_call_fini() in either case.
 */
int reload_call_run(struct reload_call *rc);
void reload_call_fini(struct reload_call *rc);

#endif

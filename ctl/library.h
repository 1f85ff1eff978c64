/* Replacing a C module in one instance, whatever kind of module and server it is. */
#ifndef CTL_LIBRARY_H
#define CTL_LIBRARY_H

#include "ctl/library_file.h"
#include "ctl/remote.h"

/* What is done; points to what the caller owns. */
struct library_request {
	const struct instance *inst;
	const char *name;
	bool is_check;   /* all but the switch */
	int64_t wait_ms; /* for the old version to go; -1: don't */
	deadline_ms deadline;
};

/* How it went; library_result_fini(). */
struct library_result {
	char message[LIBRARY_ERROR_SIZE]; /* why it failed */
	bool is_told;                     /* on stderr already: not reached */
	char note[LIBRARY_ERROR_SIZE];    /* what else is worth telling; may be "" */
	char old_build_id[ELF_BUILD_ID_TEXT_SIZE];
	char new_build_id[ELF_BUILD_ID_TEXT_SIZE];
	char path[PATH_MAX];
	int64_t functions;
	int64_t calls, fibers; /* that are in the old version still; -1: unknown */
	double seconds;        /* that the server took */
	bool is_waited;
	struct buf
		left; /* after a wait: what is left of the old, a msgpack array; owned */
};

/** Does the instance have the module loaded? @return an exit code, after saying why */
int library_is_loaded(
	const struct instance *inst, const char *name, deadline_ms deadline, bool *ret);
/** @return an exit code; result->message tells why it is not CTL_OK */
int library_reload(const struct library_request *rq, struct library_result *result);
void library_result_fini(struct library_result *result);

#endif

/* Where a command connects to: an instance's control socket, or a URI. */
#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include "ctl/conn.h"
#include "ctl/instance.h"

/* Points to what the caller owns. */
struct target {
	const struct instance *inst; /* NULL: the URI */
	struct uri uri;
};

/** The control socket of an instance, which must live as long as the target. */
void target_of_instance(struct target *t, const struct instance *inst);
/** @return 0, or -1 after saying what is wrong with the URI */
int target_of_uri(struct target *t, const char *text);
enum conn_status target_open(
	const struct target *t, struct conn *c, deadline_ms deadline);
/** Say why target_open() failed. @return an exit code */
int target_explain(const struct target *t, const struct conn *c, enum conn_status status);
/** "unix/:/path" or "host:port"; never a password. */
void target_name(const struct target *t, char *buf, size_t size);

#endif

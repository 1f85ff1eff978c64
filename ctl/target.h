/* Where a command connects to: an instance's control socket, or a URI. */
#ifndef CTL_TARGET_H
#define CTL_TARGET_H

#include <limits.h>

#include "ctl/conn.h"
#include "ctl/instance.h"

enum { TARGET_URI_MAX = PATH_MAX + 512 };

/* Points into itself: must not be copied. The instance is the caller's. */
struct target {
	const struct instance *inst; /* NULL: the URI */
	struct uri uri;
	char text[TARGET_URI_MAX];
	char user[256], password[256]; /* when they are not of the URI */
};

/** The control socket of an instance, which must live as long as the target. */
void target_of_instance(struct target *t, const struct instance *inst);
/**
 * User and password come from the URI, else from CTL_USER and CTL_PASSWORD; a user
 * without a password is asked for it when there is a terminal. A password in `text` is
 * overwritten there: it is the command line, which others may see.
 * @return CTL_OK; CTL_USAGE after saying what is wrong; CTL_INTERRUPTED
 */
int target_of_uri(struct target *t, char *text);
enum conn_status target_open(
	const struct target *t, struct conn *c, deadline_ms deadline);
/** Say why target_open() failed. @return an exit code */
int target_explain(const struct target *t, const struct conn *c, enum conn_status status);
/** "unix/:/path" or "host:port"; never a password. */
void target_name(const struct target *t, char *buf, size_t size);

#endif

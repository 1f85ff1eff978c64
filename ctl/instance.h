/* From an instance argument to paths. */
#ifndef CTL_INSTANCE_H
#define CTL_INSTANCE_H

#include <limits.h>
#include <stdbool.h>

struct config;

enum { INSTANCE_NAME_MAX = 200 };

/* Plain data. */
struct instance {
	char name[INSTANCE_NAME_MAX];
	char file[PATH_MAX]; /* the instance file */
	char pid_path[PATH_MAX];
	char sock_path[PATH_MAX];
	char log_path[PATH_MAX];
	char wal_dir[PATH_MAX];
	char memtx_dir[PATH_MAX];
	char vinyl_dir[PATH_MAX];
	bool has_file;
};

struct instance_list {
	struct instance *items; /* owned */
	int count;
};

/**
 * Resolve one argument: a name, the path of an instance file, a pattern, or
 * @GROUP.
 * Appends what it stands for; says on stderr what is wrong.
 * @param must_have_file the instance file is needed (else a running instance
 *                       without one will do)
 * @return CTL_OK or an exit code
 */
int instance_resolve(const struct config *cfg, const char *arg, bool must_have_file,
	struct instance_list *list);
/** Does the argument name a control socket, unix/:PATH? */
bool instance_is_socket(const char *arg);
/**
 * What answers on the control socket of such an argument, whoever started it: it has no
 * file, no pid file and no log that we know of. Appends it.
 * @return CTL_OK or an exit code
 */
int instance_resolve_socket(const char *arg, struct instance_list *list);
/** All of instance_dir. */
int instance_resolve_all(const struct config *cfg, struct instance_list *list);
void instance_list_fini(struct instance_list *list);

#endif

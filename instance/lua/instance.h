/* The process as an instance: what box.cfg{} sets up beside the data. */
#ifndef LUA_INSTANCE_H
#define LUA_INSTANCE_H

#include <stdbool.h>

/** Once, after lua_init(). @return 0, or -1 with diag set */
int instance_init(void);
/** Stop listening, remove the pid file, close the log. */
void instance_fini(void);
/** box.cfg{} has succeeded: the process stays when its script is over. */
void instance_set_server(void);
bool instance_is_server(void);
/** Tell the service manager (sd_notify) that the instance file has returned. */
void instance_notify_ready(void);

/* The steps of box.cfg{}; each 0, or -1 with diag set. */
int instance_set_work_dir(const char *path);
/** Become that user; an error when neither root nor that user already. */
int instance_set_user(const char *name);
/** As large as the hard limit allows; what forbids them is the system's say. */
void instance_allow_core_dumps(void);
/** Create and lock it; it says who runs to whoever tries the same. */
int instance_lock_pid_file(const char *path);
int instance_write_pid_file(void);
/** Take it back: what came after it failed. */
void instance_unlock_pid_file(void);
/** Go on in a child without a terminal; the parent exits. */
int instance_daemonize(void);

#endif

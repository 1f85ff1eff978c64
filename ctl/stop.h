/* Ending the process of an instance. */
#ifndef CTL_STOP_H
#define CTL_STOP_H

#include "ctl/ctl.h"
#include "ctl/instance.h"

enum { STOP_TIMEOUT_MS = 30 * 1000 };

/**
 * Send SIGTERM and wait until the process is gone.
 * @param is_kill SIGKILL at the deadline
 * @return an exit code; what is wrong was said
 */
int stop_instance(const struct instance *inst, int64_t timeout_ms, bool is_kill);
/** SIGKILL, and wait until the process is gone. */
int kill_instance(const struct instance *inst);

#endif

/* Instances that systemd runs, as units tarantella@NAME.service. */
#ifndef CTL_SYSTEMD_H
#define CTL_SYSTEMD_H

#include "ctl/verb.h"

/**
 * Does systemd own the instance: is its process the unit's main process, or, when it does
 * not run, is the unit enabled, has it failed, or is it about to start?
 */
bool systemd_owns(const struct config *cfg, const struct instance *inst);
/**
 * Hand the command over to `systemctl`, when systemd owns the instance.
 * @param command what systemctl calls it
 * @param ret_rc systemctl's exit code; what is wrong was said
 * @return false: the command is ctl's own to run
 */
bool systemd_forward(const struct request *rq, const char *command, int *ret_rc);
/** Run `systemctl COMMAND tarantella@NAME.service`. @return its exit code */
int systemd_run(const struct instance *inst, const char *command);

#endif

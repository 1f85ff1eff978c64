/* Where an instance logs. */
#ifndef CTL_LOG_PATH_H
#define CTL_LOG_PATH_H

#include "ctl/instance.h"

/**
 * The instance may log elsewhere than the defaults say: ask it.
 * @param path PATH_MAX bytes; where the defaults say when it does not tell
 */
void log_path_find(const struct instance *inst, char *path);

#endif

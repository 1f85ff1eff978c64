/* The interactive console of `enter` and `connect`. */
#ifndef CTL_CONSOLE_H
#define CTL_CONSOLE_H

#include "ctl/target.h"

/**
 * Talk to the target until the user or the instance ends it.
 * @param name     what the prompt shows: "app" gives "app> "
 * @param language "lua" or "sql"
 * @return an exit code
 */
int console_run(const struct target *target, const char *name, const char *language);

#endif

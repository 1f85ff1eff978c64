/* `ctl reload --watch`: a reload whenever a source file is saved. */
#ifndef CTL_RELOAD_WATCH_H
#define CTL_RELOAD_WATCH_H

#include "ctl/verb.h"

/** Reload, and again after each change, until Ctrl-C. @return an exit code */
int reload_watch(const struct request *rq);

#endif

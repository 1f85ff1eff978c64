/* The C modules of an instance: `ctl gens --unit library`. */
#ifndef CTL_LIBRARY_LIST_H
#define CTL_LIBRARY_LIST_H

#include "ctl/verb.h"

/** Print a row for each loaded version. @return an exit code */
int library_list(const struct request *rq);

#endif

/* One command on several instances, side by side. */
#ifndef CTL_FANOUT_H
#define CTL_FANOUT_H

#include "ctl/verb.h"

/**
 * Run the request on each instance of the list: in this process when it is one,
 * else in a process each. Their output comes out whole, in the order of the
 * list; a line of stderr begins with the instance's name.
 * @return the exit codes merged
 */
int fanout_run(const struct request *rq, const struct instance_list *list);

#endif

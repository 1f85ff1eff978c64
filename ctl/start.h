/* What `start` and `restart` share: the options of supervision. */
#ifndef CTL_START_H
#define CTL_START_H

#include "ctl/launch.h"
#include "ctl/supervisor_file.h"
#include "ctl/verb.h"

/* Plain data. */
struct start_policy {
	bool is_supervised;
	struct supervisor_limit limit;
};

/**
 * What --restart and --restart-limit ask for.
 * @param policy in: what holds when they were not given
 * @return CTL_OK, or CTL_USAGE after saying what is wrong
 */
int start_read_policy(const struct request *rq, struct start_policy *policy);
/** Start the instance of the request. @return an exit code; what is wrong was said */
int start_run(const struct request *rq, const struct launch_options *opt,
	const struct start_policy *policy);

#define START_OPTIONS                                                      \
	{"restart", 0, "no|on-failure",                                    \
		"start it again whenever it dies by itself: a supervisor " \
		"stays with it"},                                          \
	{                                                                  \
		"restart-limit", 0, "N/TIME",                              \
			"give up after N deaths in this time (5/60s)"      \
	}

#endif

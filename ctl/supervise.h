/* A process of ctl's own that starts an instance again when it dies by itself. */
#ifndef CTL_SUPERVISE_H
#define CTL_SUPERVISE_H

#include "ctl/launch.h"
#include "ctl/supervisor_file.h"

/* Unless told otherwise. */
enum { SUPERVISE_DEATHS = 5, SUPERVISE_SECONDS = 60 };

/**
 * Start the instance and leave a supervisor with it; returns when the instance is ready.
 * @return an exit code; what is wrong was said
 */
int supervise_instance(const struct config *cfg, const struct instance *inst,
	const struct launch_options *opt, struct supervisor_limit limit);
/** Read "N/TIME". @return 0, or -1 when it is malformed */
int supervise_parse_limit(const char *text, struct supervisor_limit *ret);

#endif

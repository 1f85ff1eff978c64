#include <stdio.h>

#include "ctl/verb.h"

static int run(const struct request *rq)
{
	printf("ctl %s (Tarantella)\n", CTL_VERSION);
	return CTL_OK;
}

const struct verb verb_row_version = {
	.name = "version",
	.args = "",
	.summary = "Show the version of ctl",
	.run = run,
};

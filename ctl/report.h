/* Evaluate code once and print the outcome: `ctl eval`, `... | ctl connect`. */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

#include "ctl/target.h"

struct report {
	const struct target *target;
	const char *label; /* the instance, when there are several; or NULL */
	bool is_json;
	int64_t timeout_ms; /* -1: none */
	const char *text;
	size_t text_len;
	const char *name; /* see struct evaluate */
	int argc;
	char **argv;
};

/** @return an exit code; everything was printed */
int report_eval(const struct report *rep);

#endif

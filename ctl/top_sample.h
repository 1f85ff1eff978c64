/* What `ctl top` knows of an instance, asked of all of them side by side. */
#ifndef CTL_TOP_SAMPLE_H
#define CTL_TOP_SAMPLE_H

#include "ctl/instance.h"
#include "ctl/probe.h"

enum { TOP_HISTORY = 64 };

/* One look at an instance; plain data, goes through a pipe as it is. */
struct top_sample {
	enum probe_state state;
	bool is_crashed;     /* its supervisor gave up */
	int64_t at_ms;       /* when it answered */
	double requests;     /* so far, -1: unknown */
	double latency_ms;   /* of a ping over the control socket, -1: unknown */
	uint64_t memory;     /* bytes resident, 0: unknown */
	int64_t fibers;      /* -1: unknown */
	int64_t connections; /* -1: unknown */
	int64_t generation;  /* -1: unknown */
};

/* A row of the screen; plain data. */
struct top_row {
	const char *name;
	struct top_sample now;
	double rate; /* requests a second since the look before, -1: unknown */
	double history[TOP_HISTORY]; /* of rates, the newest last */
	int history_len;
};

/** Ask the instance. */
void top_sample_take(
	const struct instance *inst, deadline_ms deadline, struct top_sample *ret_sample);
/** The next look at the instance of the row. */
void top_row_add(struct top_row *row, const struct top_sample *sample);

#endif

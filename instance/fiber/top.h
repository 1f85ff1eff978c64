/* Who uses the CPU: per fiber, per turn of the event loop. Off by default. */
#ifndef FIBER_TOP_H
#define FIBER_TOP_H

#include "instance/fiber/fiber.h"

extern bool top_is_on;

/* Percents of the last turn and of the recent turns; seconds since the start. */
struct top_share {
	double instant, average, time_s;
};

/** Count from now, from zero. */
void top_start(void);
void top_stop(void);
/** CPU seconds of a fiber since top_start(), else 0. */
double top_cpu_time(const struct fiber *f);
void top_get(const struct fiber *f, struct top_share *ret);
/** As fiber_each(), with the scheduler as the first one. */
int top_each(int (*cb)(struct fiber *f, void *arg), void *arg);

/* Called by the switch when a fiber stops running, and once a turn. */
void top_switch(struct fiber *from);
void top_turn(void);

#endif

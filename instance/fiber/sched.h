/* The scheduler's state and the ends of a fiber's life. Internal to fiber/. */
#ifndef FIBER_SCHED_H
#define FIBER_SCHED_H

#include "instance/fiber/fiber.h"

/* The main stack as a fiber: its flags, diag and saved context. */
extern struct fiber fiber_sched;

/** Once, on the main stack. @return 0, or -1 with diag set */
int sched_init(void);
void sched_fini(void);
/** Who runs when the running fiber stops. Takes it off its queue. */
struct fiber *sched_next(void);

/** Give the fibers that are cached beyond the limit back to the system. */
void fiber_cache_trim(void);

#endif

/* Whether the instance takes writes (box.cfg.read_only), and waiting for a change. */
#ifndef BOX_READ_ONLY_H
#define BOX_READ_ONLY_H

#include <stdbool.h>

/** Is the instance read-only? (The program is until box.cfg{}.) */
bool box_is_read_only(void);
/** Set it, and wake those who wait. */
void box_set_read_only(bool is_read_only);
/** 0 when writes are taken, else -1 with ER_READONLY. */
int box_check_writable(void);
/**
 * Wait until box_is_read_only() is as wanted. Yields.
 * @return 0; -1 with TimedOut or FiberIsCancelled set
 */
int box_wait_read_only(bool is_wanted, double timeout_s);

#endif

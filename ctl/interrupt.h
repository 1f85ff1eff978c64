/*
 * Ctrl-C, or the end of who read our output (SIGPIPE). Both signals stay blocked
 * except inside interrupt_poll(), so none is lost between a test of the flag and the
 * wait.
 */
#ifndef CTL_INTERRUPT_H
#define CTL_INTERRUPT_H

#include <poll.h>
#include <stdbool.h>

#include "ctl/ctl.h"

/** From now on these signals set a flag. */
void interrupt_start(void);
/** Back to the default: they end the program. */
void interrupt_stop(void);
/**
 * While what the first one asked for is done, another changes nothing: who signals a
 * group of processes may reach one of them twice.
 */
void interrupt_hold(bool is_on);
/** Was there one? The flag is cleared. */
bool interrupt_take(void);
/** poll() that ends with EINTR on Ctrl-C. */
int interrupt_poll(struct pollfd *fds, unsigned n, int timeout_ms);

#endif

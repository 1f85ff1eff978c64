/* Waiting for descriptors, and worker threads for what blocks. */
#ifndef FIBER_COIO_H
#define FIBER_COIO_H

#include <stddef.h>
#include <sys/types.h>

#include "instance/base/util.h"

struct addrinfo;

enum { COIO_READ = 1, COIO_WRITE = 2 };

/**
 * Wait until the descriptor is ready. Yields.
 * @return the events that came; 0 on time-out or when the fiber was woken up
 */
_public_ int coio_wait(int fd, int events, double timeout_s);

/**
 * Close a descriptor on which fibers may wait: they wake up as if it were ready,
 * and find out. @return as close(2)
 */
_public_ int coio_close(int fd);

/**
 * Run func in a worker thread. Yields; not cancellable in between (the memory
 * that func uses stays valid). func may use its own thread's diag_current.
 * @return what func returned (its diag moves to the calling fiber); -1 with diag
 *         set when no thread could be had
 */
ssize_t coio_run(ssize_t (*func)(void *arg), void *arg);

/** getaddrinfo in a worker thread. @return 0, or -1 with diag set. Yields. */
int coio_resolve(const char *host, const char *port, const struct addrinfo *hints,
	struct addrinfo **ret_list, double timeout_s);

#endif

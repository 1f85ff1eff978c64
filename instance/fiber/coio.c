#include "instance/fiber/coio.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "instance/fiber/fiber.h"
#include "instance/fiber/switch.h"
#include "instance/fiber/worker.h"

/*
 * libev ends the process when a watched descriptor turns out to be closed. So nobody
 * waits on one that is not open, and a close ends the waits first: they are found here.
 */
enum { WAIT_BUCKETS = 256 }; /* by descriptor */
static struct list waits[WAIT_BUCKETS];

/* A wait of a fiber, on its stack. */
struct fd_wait {
	struct list link; /* in its bucket */
	struct ev_io io;
	struct fiber *fiber;
	int events;
};

static struct list *wait_bucket(int fd)
{
	struct list *bucket = &waits[fd % WAIT_BUCKETS];
	if (bucket->next == NULL)
		list_init(bucket);
	return bucket;
}

static void wait_notify(struct fd_wait *w, int events)
{
	w->events |= events;
	fiber_wakeup(w->fiber);
}

static void on_io(struct ev_loop *loop, struct ev_io *io, int events)
{
	wait_notify(io->data, events);
}

static void stop_io(struct fd_wait *w)
{
	ev_io_stop(fiber_loop, &w->io);
	list_del(&w->link);
}

int coio_wait(int fd, int events, double timeout_s)
{
	switch_check();
	if (fd < 0 || fcntl(fd, F_GETFD) < 0)
		return COIO_READ | COIO_WRITE; /* the next call on it fails */
	_cleanup_(stop_io) struct fd_wait w = {.fiber = fiber_current};
	int ev_events =
		(events & COIO_READ ? EV_READ : 0) | (events & COIO_WRITE ? EV_WRITE : 0);
	ev_io_init(&w.io, on_io, fd, ev_events);
	w.io.data = &w;
	list_add_tail(wait_bucket(fd), &w.link);
	ev_io_start(fiber_loop, &w.io);
	fiber_yield_timeout(timeout_s);
	return (w.events & EV_READ ? COIO_READ : 0) |
	       (w.events & EV_WRITE ? COIO_WRITE : 0);
}

int coio_close(int fd)
{
	struct list *bucket = wait_bucket(fd >= 0 ? fd : 0);
	list_foreach(w, bucket, struct fd_wait, link)
	{
		if (w->io.fd != fd)
			continue;
		ev_io_stop(fiber_loop, &w->io);
		wait_notify(w, EV_READ | EV_WRITE);
	}
	return close(fd);
}

struct call {
	struct worker_task task;
	struct fiber *fiber;
	bool is_done;
};

static void on_call_done(struct worker_task *task)
{
	struct call *call = container_of(task, struct call, task);
	call->is_done = true;
	fiber_wakeup(call->fiber);
}

ssize_t coio_run(ssize_t (*func)(void *arg), void *arg)
{
	switch_check();
	struct call call = {
		.task = {.func = func, .arg = arg, .done = on_call_done},
		.fiber = fiber_current,
	};
	list_init(&call.task.link);
	if (worker_submit(&call.task) != 0)
		return -1;
	/* A wake-up or a cancel does not end the wait: func uses our memory. */
	while (!call.is_done)
		fiber_yield();
	if (call.task.diag.last != NULL) {
		diag_clear();
		diag_move(&call.task.diag, diag_get());
	}
	errno = call.task.saved_errno;
	return call.task.result;
}

/*
 * Owned by the waiting fiber until it stops waiting (time-out, cancel), then by
 * the task, whose end frees it.
 */
struct resolve {
	struct worker_task task;
	struct fiber *fiber; /* NULL: nobody waits any more */
	bool is_done;
	char *host, *port; /* owned, or NULL */
	struct addrinfo hints;
	bool has_hints;
	struct addrinfo *list; /* owned */
};

static void resolve_free(struct resolve *r)
{
	if (r->list != NULL)
		freeaddrinfo(r->list);
	if (r->task.diag.last != NULL)
		error_unref(r->task.diag.last);
	free(r->host);
	free(r->port);
	free(r);
}

static void on_resolved(struct worker_task *task)
{
	struct resolve *r = container_of(task, struct resolve, task);
	if (r->fiber == NULL) {
		resolve_free(r);
		return;
	}
	r->is_done = true;
	fiber_wakeup(r->fiber);
}

static ssize_t resolve_run(void *arg)
{
	struct resolve *r = arg;
	return getaddrinfo(r->host, r->port, r->has_hints ? &r->hints : NULL, &r->list);
}

static struct resolve *resolve_new(
	const char *host, const char *port, const struct addrinfo *hints)
{
	struct resolve *r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	list_init(&r->task.link);
	r->task.func = resolve_run;
	r->task.arg = r;
	r->task.done = on_resolved;
	r->fiber = fiber_current;
	r->host = host != NULL ? strdup(host) : NULL;
	r->port = port != NULL ? strdup(port) : NULL;
	if ((host != NULL && r->host == NULL) || (port != NULL && r->port == NULL)) {
		resolve_free(r);
		return NULL;
	}
	if (hints != NULL) {
		r->hints = *hints;
		r->has_hints = true;
	}
	return r;
}

int coio_resolve(const char *host, const char *port, const struct addrinfo *hints,
	struct addrinfo **ret_list, double timeout_s)
{
	switch_check();
	struct resolve *r = resolve_new(host, port, hints);
	if (r == NULL) {
		diag_set(oom, "can't allocate a name lookup");
		return -1;
	}
	if (worker_submit(&r->task) != 0) {
		resolve_free(r);
		return -1;
	}
	fiber_yield_timeout(timeout_s);
	if (!r->is_done) {
		r->fiber = NULL;
		if (fiber_testcancel() == 0) {
			errno = ETIMEDOUT;
			diag_set(timed_out, "timed out");
		}
		return -1;
	}
	int rc = (int)r->task.result;
	if (rc == 0) {
		*ret_list = TAKE_PTR(r->list);
	} else {
		errno = rc == EAI_SYSTEM ? r->task.saved_errno : EIO;
		diag_set(system, "getaddrinfo: %s", gai_strerror(rc));
	}
	resolve_free(r);
	return rc == 0 ? 0 : -1;
}

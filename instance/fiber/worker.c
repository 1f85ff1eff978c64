#include "instance/fiber/worker.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "instance/fiber/fiber.h"

/* Guarded by lock, except what says otherwise. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t has_work, thread_left;
	struct list todo, done;
	int threads, idle;
	bool is_stopping;
	struct ev_async wake; /* tells the loop that `done` has something */
	int pending;          /* the loop's thread only: submitted and not yet done */
} pool;

static void run_task(struct worker_task *task)
{
	errno = 0;
	task->result = task->func(task->arg);
	task->saved_errno = errno;
	diag_move(&diag_of_thread, &task->diag);
}

static void *worker_main(void *arg)
{
	pthread_mutex_lock(&pool.lock);
	for (;;) {
		while (list_is_empty(&pool.todo) && !pool.is_stopping) {
			pool.idle++;
			pthread_cond_wait(&pool.has_work, &pool.lock);
			pool.idle--;
		}
		if (pool.is_stopping)
			break;
		struct worker_task *task =
			list_first(&pool.todo, struct worker_task, link);
		list_del(&task->link);
		pthread_mutex_unlock(&pool.lock);
		run_task(task);
		pthread_mutex_lock(&pool.lock);
		if (pool.is_stopping)
			break;
		list_add_tail(&pool.done, &task->link);
		ev_async_send(fiber_loop, &pool.wake);
	}
	pool.threads--;
	pthread_cond_signal(&pool.thread_left);
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

static void on_done(struct ev_loop *loop, struct ev_async *async, int events)
{
	struct list done;
	list_init(&done);
	pthread_mutex_lock(&pool.lock);
	list_splice_tail(&done, &pool.done);
	pthread_mutex_unlock(&pool.lock);
	while (!list_is_empty(&done)) {
		struct worker_task *task = list_first(&done, struct worker_task, link);
		list_del(&task->link);
		/* A task under way keeps the loop alive, an idle pool does not. */
		if (--pool.pending == 0)
			ev_unref(fiber_loop);
		task->done(task);
	}
}

/* A forked child (background = true) has the loop, but none of the threads. */
static void after_fork(void)
{
	if (fiber_loop == NULL)
		return;
	pthread_mutex_init(&pool.lock, NULL);
	pthread_cond_init(&pool.has_work, NULL);
	pthread_cond_init(&pool.thread_left, NULL);
	pool.threads = pool.idle = 0;
	ev_loop_fork(fiber_loop);
}

int worker_init(void)
{
	static bool has_atfork;
	pthread_mutex_init(&pool.lock, NULL);
	pthread_cond_init(&pool.has_work, NULL);
	pthread_cond_init(&pool.thread_left, NULL);
	list_init(&pool.todo);
	list_init(&pool.done);
	pool.is_stopping = false;
	pool.pending = 0;
	ev_async_init(&pool.wake, on_done);
	ev_async_start(fiber_loop, &pool.wake);
	ev_unref(fiber_loop);
	if (!has_atfork && pthread_atfork(NULL, NULL, after_fork) != 0) {
		diag_set(oom, "can't register the fork handler");
		return -1;
	}
	has_atfork = true;
	return 0;
}

void worker_fini(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.is_stopping = true;
	pthread_cond_broadcast(&pool.has_work);
	while (pool.idle > 0)
		pthread_cond_wait(&pool.thread_left, &pool.lock);
	pthread_mutex_unlock(&pool.lock);
	ev_ref(fiber_loop);
	ev_async_stop(fiber_loop, &pool.wake);
}

/* Signals belong to the thread of the event loop: all are blocked in a worker. */
static int start_thread(void)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 1024 * 1024);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_t thread;
	int rc = pthread_create(&thread, &attr, worker_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}

int worker_submit(struct worker_task *task)
{
	int rc = 0;
	pthread_mutex_lock(&pool.lock);
	if (pool.idle == 0 && pool.threads < WORKER_THREADS_MAX &&
		(rc = start_thread()) == 0)
		pool.threads++;
	if (pool.threads == 0) {
		pthread_mutex_unlock(&pool.lock);
		diag_set(system, "can't start a worker thread: %s", strerror(rc));
		return -1;
	}
	list_add_tail(&pool.todo, &task->link);
	pthread_cond_signal(&pool.has_work);
	pthread_mutex_unlock(&pool.lock);
	if (pool.pending++ == 0)
		ev_ref(fiber_loop);
	return 0;
}

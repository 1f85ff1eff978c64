/*
 * Requests run in a pool of fibers.
 *
 * One fiber of the pool is active: it takes one request after another from the
 * ready connections without any switch in between, then sends all replies. When
 * its request yields (the on_yield hook tells), it stays with that request and a
 * spare fiber becomes the active one for the rest. A spare is always there, made
 * beforehand: nothing is allocated inside a yield.
 *
 * To the code that it runs each request looks like a fiber of its own: name,
 * storage, session, cancellation and transaction are reset in between.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "instance/base/say.h"
#include "instance/box/txn.h"
#include "instance/net/conn.h"
#include "instance/net/hooks.h"

enum {
	IDLE_MAX = 32,           /* more fibers than that do not stay */
	SCRATCH_KEEP = 64 << 10, /* memory that an idle fiber keeps for replies */
};

/* A cheap clock; its unit is some third of a nanosecond. */
static inline uint64_t cycles(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 3000000000 + (uint64_t)ts.tv_nsec * 3;
#endif
}

/*
 * Replies wait for the end of the batch, but not for long; nor does the event loop:
 * some 0.1 and 1 ms.
 */
enum { FLUSH_CYCLES = 300000, SLICE_CYCLES = 3000000 };

/* Owned by its fiber. */
struct worker {
	struct list idle;
	struct fiber *fiber;
	struct fiber_hook on_yield;
	struct net_request *request;
	struct buf
		out; /* a reply while it is made: other replies may be sent meanwhile */
};

uint32_t net_in_flight;
uint32_t net_msg_max = NET_MSG_MAX;

static struct list net_ready = {&net_ready, &net_ready};
static struct list net_stalled = {&net_stalled, &net_stalled};
static struct list running = {&running, &running}; /* requests that sleep */
static struct list idle = {&idle, &idle};
static unsigned idle_count;
static struct worker *active;
static bool is_kicked; /* a worker was woken up and has not run yet */
static bool is_stopping;

static int worker_main(void *arg);

static void idle_add(struct worker *w)
{
	list_add(&idle, &w->idle);
	idle_count++;
}

static void idle_del(struct worker *w)
{
	if (list_is_empty(&w->idle))
		return;
	list_del(&w->idle);
	idle_count--;
}

/* One more idle fiber. */
static int worker_new(void)
{
	struct worker *w = calloc(1, sizeof(*w));
	if (w == NULL) {
		diag_set(oom, "can't allocate a request fiber");
		return -1;
	}
	w->fiber = fiber_create("main", worker_main, w);
	if (w->fiber == NULL) {
		free(w);
		return -1;
	}
	list_init(&w->idle);
	idle_add(w);
	return 0;
}

/* Have a fiber look at the ready list soon. */
static void kick(void)
{
	if (active != NULL || is_kicked || is_stopping)
		return;
	if (list_is_empty(&idle) && worker_new() != 0) {
		/* Those that sleep will take the rest when they are done. */
		say_error("%s", diag_last()->message);
		return;
	}
	struct worker *w = list_first(&idle, struct worker, idle);
	idle_del(w);
	is_kicked = true;
	fiber_wakeup(w->fiber);
}

void net_dispatch(struct conn *con)
{
	if (list_is_empty(&con->ready))
		list_add_tail(&net_ready, &con->ready);
	kick();
}

void net_undispatch(struct conn *con)
{
	list_del(&con->ready);
}

void net_unstall(void)
{
	if (list_is_empty(&net_stalled) || net_in_flight >= net_msg_max)
		return;
	list_splice_tail(&net_ready, &net_stalled);
	kick();
}

/* The running request is about to sleep. */
static void on_yield(struct fiber_hook *hook)
{
	struct worker *w = container_of(hook, struct worker, on_yield);
	if (list_is_empty(&w->request->running))
		list_add_tail(&running, &w->request->running);
	active = NULL;
	if (!list_is_empty(&net_ready) || !list_is_empty(&net_dirty))
		kick();
}

/* The fiber must look new to the next request. */
static void reset_fiber(struct fiber *f)
{
	enum { DIRTY = FIBER_IS_CANCELLED | FIBER_IS_JOINABLE | FIBER_NOT_CANCELLABLE };
	if (likely((f->flags & DIRTY) == 0 && f->storage_ref < 0 &&
		    f->diag.last == NULL && memcmp(f->name, "main", 5) == 0)) {
		memset(f->local, 0, sizeof(f->local));
		return;
	}
	f->flags &= ~(unsigned)(FIBER_IS_JOINABLE | FIBER_NOT_CANCELLABLE);
	fiber_reset(f, "main");
}

/* A transaction may not outlive the request that began it. */
static int end_transaction(struct fiber *f, int rc)
{
	if (likely(f->local[FIBER_LOCAL_TXN] == NULL))
		return rc;
	txn_abort();
	if (rc == 0)
		diag_set_client(ER_FUNCTION_TX_ACTIVE);
	return -1;
}

/* An admin's connection broke: what became of the request is worth a line. */
static void log_lost(const struct net_request *req, int rc)
{
	const char *type = iproto_type_name(req->type);
	if (rc != 0)
		say_warn("the client is gone, its %s failed: %s", type,
			diag_last()->message);
	else
		say_info("the client is gone, its %s is done", type);
}

static void send_result(struct worker *w, struct net_request *req, int rc)
{
	struct conn *con = req->con;
	if (rc == 0 && unlikely(w->out.len > UINT32_MAX)) {
		diag_set_client(ER_PROC_LUA, "the result is too large");
		rc = -1;
	}
	if (unlikely(con->fd < 0 || con->is_eof) && con->is_control)
		log_lost(req, rc);
	if (rc == 0)
		conn_reply_frame(con, IPROTO_OK, req->info.sync, &w->out);
	else
		conn_reply_error(con, req->info.sync);
	buf_reset(&w->out);
	if (unlikely(w->out.cap > SCRATCH_KEEP))
		buf_fini(&w->out);
	if (buf_used(&con->out) > NET_OUT_FLUSH)
		conn_flush(con);
}

static int execute(struct worker *w, struct net_request *req)
{
	if (buf_reserve(&w->out, IPROTO_REPLY_HEADER_SIZE + IPROTO_DATA_HEADER_SIZE) ==
		NULL) {
		diag_set(oom, "can't allocate a reply");
		return -1;
	}
	w->out.len = IPROTO_REPLY_HEADER_SIZE;
	return net_request_execute(req, &w->out);
}

/* Run the request that stands in con->header and con->body. */
static void run_request(struct worker *w, struct conn *con)
{
	struct fiber *f = w->fiber;
	struct net_request req = {
		.info = {con->session, con->header.sync},
		.con = con,
		.chunk = con->chunk,
		.fiber = f,
	};
	bool is_timed = net_latency_is_on && !con->is_control;
	double from_s = is_timed ? net_latency_clock() : 0;
	list_init(&req.running);
	con->has_header = false;
	con->refs++;
	con->chunk->refs++;
	con->in_flight++;
	net_in_flight++;
	w->request = &req;
	f->local[FIBER_LOCAL_SESSION] = con->session;
	f->local[FIBER_LOCAL_REQUEST] = &req.info;
	list_add(&f->on_yield, &w->on_yield.link);

	int rc = end_transaction(f, execute(w, &req));

	active = w; /* it may have slept */
	list_del(&w->on_yield.link);
	list_del(&req.running);
	w->request = NULL;
	send_result(w, &req, rc);
	if (unlikely(is_timed))
		net_latency_add(from_s);
	reset_fiber(f);
	net_in_flight--;
	con->in_flight--;
	net_chunk_unref(req.chunk);
	if (con->is_eof && con->fd >= 0 && list_is_empty(&con->dirty))
		list_add_tail(&net_dirty, &con->dirty);
	conn_unref(con);
	net_unstall();
}

/* The jobs that are no requests: they only happen with triggers set. */
static void run_on_connect(struct worker *w, struct conn *con)
{
	struct net_request req = {
		.info = {con->session, 0}, .con = con, .fiber = w->fiber};
	list_init(&req.running);
	list_del(&con->ready);
	con->refs++;
	w->request = &req;
	list_add(&w->fiber->on_yield, &w->on_yield.link);
	int rc = session_run_on_connect(con->session);
	active = w;
	list_del(&w->on_yield.link);
	list_del(&req.running);
	w->request = NULL;
	con->is_connected = true;
	if (rc != 0) {
		conn_reply_error(con, 0);
		con->is_broken = true;
		con->has_disconnected = true;
	}
	reset_fiber(w->fiber);
	if (con->fd >= 0)
		net_dispatch(con);
	else
		conn_start_disconnect(con); /* it was closed meanwhile */
	conn_unref(con);
}

static void run_on_disconnect(struct worker *w, struct conn *con)
{
	struct net_request req = {
		.info = {con->session, 0}, .con = con, .fiber = w->fiber};
	list_init(&req.running);
	con->wants_disconnect = false;
	if (con->fd < 0)
		list_del(&con->ready);
	w->request = &req;
	list_add(&w->fiber->on_yield, &w->on_yield.link);
	session_run_on_disconnect(con->session);
	active = w;
	list_del(&w->on_yield.link);
	list_del(&req.running);
	w->request = NULL;
	reset_fiber(w->fiber);
	conn_unref(con);
}

/* Nothing more can be done for it now. */
static void park(struct conn *con)
{
	list_del(&con->ready);
	if (con->fd < 0)
		return;
	if (!con->is_eof && !con->is_broken && !con->is_slow)
		conn_set_reading(con, true);
	if ((con->is_eof || con->is_broken) && list_is_empty(&con->dirty))
		list_add_tail(&net_dirty, &con->dirty);
}

/* One step of the first ready connection. */
static void serve_one(struct worker *w)
{
	struct conn *con = list_first(&net_ready, struct conn, ready);
	if (unlikely(con->wants_disconnect)) {
		run_on_disconnect(w, con);
	} else if (unlikely(!con->is_connected)) {
		run_on_connect(w, con);
	} else if (unlikely(net_in_flight >= net_msg_max && !con->is_control)) {
		list_del(&con->ready);
		list_add_tail(&net_stalled, &con->ready);
	} else if (unlikely(con->is_slow) || conn_next_frame(con) == CONN_NOTHING) {
		park(con);
	} else {
		run_request(w, con);
	}
}

/* The next connection's turn; other fibers and events have theirs in between. */
static void take_a_break(void)
{
	if (!list_is_empty(&net_ready)) {
		struct list *first = net_ready.next;
		list_del(first);
		list_add_tail(&net_ready, first);
	}
	struct worker *w = active;
	active = NULL;
	fiber_reschedule();
	active = w;
}

/* Work through the ready connections. */
static void run_batch(struct worker *w)
{
	uint64_t slice_end = cycles() + SLICE_CYCLES, flush_at = cycles() + FLUSH_CYCLES;
	while (!list_is_empty(&net_ready)) {
		serve_one(w);
		uint64_t now = cycles();
		if (likely(now < flush_at))
			continue;
		net_flush_dirty();
		flush_at = now + FLUSH_CYCLES;
		if (now >= slice_end) {
			take_a_break();
			slice_end = cycles() + SLICE_CYCLES;
		}
	}
	net_flush_dirty();
}

static int worker_main(void *arg)
{
	struct worker *w = arg;
	w->on_yield.run = on_yield;
	list_init(&w->on_yield.link);
	bool is_fit = net_hooks.fiber_prepare() == 0;
	if (!is_fit)
		say_error("%s", diag_last()->message);
	while (!is_stopping && is_fit) {
		idle_del(w);
		is_kicked = false;
		active = w;
		if (list_is_empty(&idle))
			worker_new();
		/* Sending may free a connection that was too slow: it is ready then. */
		while (!list_is_empty(&net_ready) || !list_is_empty(&net_dirty))
			run_batch(w);
		net_stat_tick();
		active = NULL;
		if (idle_count >= IDLE_MAX)
			break;
		idle_add(w);
		fiber_yield();
	}
	idle_del(w);
	buf_fini(&w->out);
	free(w);
	return 0;
}

bool net_cancel_request(uint64_t session_id, uint64_t sync)
{
	list_foreach(req, &running, struct net_request, running)
	{
		if (req->info.session->id == session_id && req->info.sync == sync &&
			req->type != 0) {
			fiber_cancel(req->fiber);
			return true;
		}
	}
	return false;
}

int net_dispatch_init(void)
{
	is_stopping = false;
	return worker_new();
}

void net_dispatch_fini(void)
{
	is_stopping = true;
	list_foreach(req, &running, struct net_request, running) fiber_cancel(req->fiber);
	list_foreach(w, &idle, struct worker, idle) fiber_wakeup(w->fiber);
}

/*
 * Counters, and their rates over the last seconds. No timer: the history moves on
 * when something happens, and when somebody asks.
 */
#include <string.h>
#include <time.h>

#include "instance/net/conn.h"

enum { SECONDS = 5 };

struct net_counters net_counters;

static struct net_counters history[SECONDS + 1]; /* at the end of each second */
static uint64_t history_second;
static struct net_counters base; /* what reset hides */

bool net_latency_is_on;
const double net_latency_bounds_s[NET_LATENCY_BOUNDS] = {10e-6, 25e-6, 50e-6, 100e-6,
	250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5,
	5, 10};
static struct net_latency latency;

double net_latency_clock(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

void net_latency_add(double from_s)
{
	double took_s = net_latency_clock() - from_s;
	int i = 0;
	while (i < NET_LATENCY_BOUNDS && took_s > net_latency_bounds_s[i])
		i++;
	latency.counts[i]++;
	latency.sum_s += took_s;
}

const struct net_latency *net_latency_get(void)
{
	net_latency_is_on = true;
	return &latency;
}

static void move_on(uint64_t second)
{
	uint64_t passed = second - history_second;
	if (passed > SECONDS + 1)
		passed = SECONDS + 1;
	for (uint64_t i = 0; i < passed; i++) {
		memmove(&history[1], &history[0], SECONDS * sizeof(history[0]));
		history[0] = net_counters;
	}
	history_second = second;
}

void net_stat_tick(void)
{
	uint64_t second = (uint64_t)ev_now(fiber_loop);
	if (unlikely(second != history_second))
		move_on(second);
}

void net_stat_get(struct net_stat *ret_stat)
{
	ev_now_update(fiber_loop);
	net_stat_tick();
	const struct net_counters *now = &net_counters, *old = &history[SECONDS];
	*ret_stat = (struct net_stat){
		.sent = now->sent - base.sent,
		.sent_rps = (history[0].sent - old->sent) / SECONDS,
		.received = now->received - base.received,
		.received_rps = (history[0].received - old->received) / SECONDS,
		.connections = now->connections - base.connections,
		.connections_rps = (history[0].connections - old->connections) / SECONDS,
		.requests = now->requests - base.requests,
		.requests_rps = (history[0].requests - old->requests) / SECONDS,
		.connections_now = now->connections_now,
		.requests_now = net_in_flight,
	};
}

void net_stat_reset(void)
{
	base = net_counters;
	for (int i = 0; i <= SECONDS; i++)
		history[i] = net_counters;
}

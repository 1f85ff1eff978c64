#include "instance/fiber/top.h"

#include <string.h>
#include <time.h>

#include "instance/fiber/sched.h"

/* The weight of one turn in the moving average. */
static const double turn_weight = 1.0 / 16;

bool top_is_on;

static uint64_t switched_at, turn_began_at;
static uint64_t last_turn;
static double average_turn;

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int top_each(int (*cb)(struct fiber *f, void *arg), void *arg)
{
	int rc = cb(&fiber_sched, arg);
	return rc != 0 ? rc : fiber_each(cb, arg);
}

static int clear(struct fiber *f, void *arg)
{
	memset(&f->cpu, 0, sizeof(f->cpu));
	return 0;
}

void top_start(void)
{
	if (top_is_on)
		return;
	top_each(clear, NULL);
	last_turn = 0;
	average_turn = 0;
	switched_at = turn_began_at = now_ns();
	top_is_on = true;
}

void top_stop(void)
{
	top_is_on = false;
}

void top_switch(struct fiber *from)
{
	uint64_t now = now_ns();
	from->cpu.turn += now - switched_at;
	from->cpu.total += now - switched_at;
	switched_at = now;
}

static int end_turn(struct fiber *f, void *arg)
{
	f->cpu.last_turn = f->cpu.turn;
	f->cpu.turn = 0;
	f->cpu.average += ((double)f->cpu.last_turn - f->cpu.average) * turn_weight;
	return 0;
}

void top_turn(void)
{
	top_switch(fiber_current);
	last_turn = switched_at - turn_began_at;
	turn_began_at = switched_at;
	average_turn += ((double)last_turn - average_turn) * turn_weight;
	top_each(end_turn, NULL);
}

double top_cpu_time(const struct fiber *f)
{
	return top_is_on ? (double)f->cpu.total * 1e-9 : 0;
}

void top_get(const struct fiber *f, struct top_share *ret)
{
	ret->time_s = top_cpu_time(f);
	ret->instant =
		last_turn > 0 ? 100.0 * (double)f->cpu.last_turn / (double)last_turn : 0;
	ret->average = average_turn > 0 ? 100.0 * f->cpu.average / average_turn : 0;
}

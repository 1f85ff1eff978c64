#include "instance/box/stat.h"

#include <ev.h>
#include <stdbool.h>
#include <string.h>

#include "instance/base/diag.h"
#include "instance/fiber/fiber.h"

enum { SECONDS = 5 };

const char *const box_stat_names[BOX_STAT_MAX] = {"SELECT", "INSERT", "REPLACE", "UPDATE",
	"DELETE", "UPSERT", "CALL", "EVAL", "AUTH", "ERROR"};

uint64_t box_stat_counts[BOX_STAT_MAX];

/* The counts at the end of each of the last seconds, newest first. */
static uint64_t history[SECONDS + 1][BOX_STAT_MAX];
static uint64_t base[BOX_STAT_MAX]; /* what a reset hides */
bool box_stat_is_started;
static struct ev_timer timer;

static void collect(void)
{
	box_stat_counts[BOX_STAT_ERROR] = diag_client_error_count;
}

static void on_second(struct ev_loop *loop, struct ev_timer *w, int events)
{
	collect();
	memmove(history[1], history[0], sizeof(history[0]) * SECONDS);
	memcpy(history[0], box_stat_counts, sizeof(history[0]));
	/* An instance that does nothing wakes up for nothing: stop until it does. */
	if (memcmp(history[0], history[SECONDS], sizeof(history[0])) == 0) {
		box_stat_is_started = false;
		ev_ref(loop);
		ev_timer_stop(loop, w);
	}
}

void box_stat_start(void)
{
	/* Before the loop is there nothing is timed (unit tests of the data core). */
	if (box_stat_is_started || fiber_loop == NULL)
		return;
	box_stat_is_started = true;
	ev_timer_init(&timer, on_second, 1, 1);
	ev_timer_start(fiber_loop, &timer);
	ev_unref(fiber_loop);
}

uint64_t box_stat_total(enum box_stat stat)
{
	collect();
	return box_stat_counts[stat] - base[stat];
}

uint64_t box_stat_rps(enum box_stat stat)
{
	return (history[0][stat] - history[SECONDS][stat]) / SECONDS;
}

void box_stat_reset(void)
{
	collect();
	memcpy(base, box_stat_counts, sizeof(base));
	for (int i = 0; i <= SECONDS; i++)
		memcpy(history[i], box_stat_counts, sizeof(history[i]));
}

/* box.stat: how many requests of each kind, and their rates. */
#ifndef BOX_STAT_H
#define BOX_STAT_H

#include <stdbool.h>
#include <stdint.h>

#include "instance/base/util.h"

enum box_stat {
	BOX_STAT_SELECT,
	BOX_STAT_INSERT,
	BOX_STAT_REPLACE,
	BOX_STAT_UPDATE,
	BOX_STAT_DELETE,
	BOX_STAT_UPSERT,
	BOX_STAT_CALL,
	BOX_STAT_EVAL,
	BOX_STAT_AUTH,
	BOX_STAT_ERROR, /* errors raised, counted in base/diag.c */
	BOX_STAT_MAX
};

/* "SELECT"... */
extern const char *const box_stat_names[BOX_STAT_MAX];
extern uint64_t box_stat_counts[BOX_STAT_MAX];

/** Take the counts each second, as long as something happens. */
void box_stat_start(void);
extern bool box_stat_is_started;

static inline void box_stat_count(enum box_stat stat)
{
	box_stat_counts[stat]++;
	if (unlikely(!box_stat_is_started))
		box_stat_start();
}

/** Since the start or the last reset, and per second over the last 5 seconds. */
uint64_t box_stat_total(enum box_stat stat);
uint64_t box_stat_rps(enum box_stat stat);
void box_stat_reset(void);

#endif

/*
 * Triggers: a list of callbacks that an event runs, newest first. C code and
 * Lua functions (through lua/trigger.c) register in the same lists.
 */
#ifndef BASE_TRIGGER_H
#define BASE_TRIGGER_H

#include <stdbool.h>

#include "instance/base/list.h"

/*
 * Owned by the list it is in: triggers_clear() and trigger_del() destroy it.
 * A trigger may remove itself or others while the list runs.
 */
struct trigger {
	struct list link;
	/** @return 0, or -1 with diag set: the event is refused where it can be */
	int (*run)(struct trigger *t, void *event);
	/** Frees the trigger; NULL when it is static memory. */
	void (*destroy)(struct trigger *t);
	void *data;
	int refs;        /* 1 for the list, 1 for each run in progress */
	bool is_deleted; /* taken out of the list */
};

static inline void trigger_init(struct trigger *t, int (*run)(struct trigger *, void *),
	void *data, void (*destroy)(struct trigger *))
{
	list_init(&t->link);
	t->run = run;
	t->destroy = destroy;
	t->data = data;
	t->refs = 1;
	t->is_deleted = false;
}

/** Add: it runs before the ones that are there. */
static inline void trigger_add(struct list *triggers, struct trigger *t)
{
	list_add(triggers, &t->link);
}

/** Take out of its list; destroyed now, or when the run in progress is over. */
void trigger_del(struct trigger *t);
/** Put `t` in the place of `old`, which is deleted. */
void trigger_replace(struct trigger *old, struct trigger *t);
/**
 * Run all, newest first, until one fails. May yield when a trigger does; those
 * added meanwhile do not run, those deleted meanwhile are skipped.
 * @return 0, or -1 with diag set
 */
int triggers_run(struct list *triggers, void *event);
/** Delete all. */
void triggers_clear(struct list *triggers);

#endif

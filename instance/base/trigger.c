#include "instance/base/trigger.h"

#include "instance/base/diag.h"

#include <stdlib.h>

static void trigger_unref(struct trigger *t)
{
	if (--t->refs == 0 && t->destroy != NULL)
		t->destroy(t);
}

void trigger_del(struct trigger *t)
{
	list_del(&t->link);
	t->is_deleted = true;
	trigger_unref(t);
}

void trigger_replace(struct trigger *old, struct trigger *t)
{
	list_insert_after(&old->link, &t->link);
	trigger_del(old);
}

/*
 * The list may change under a run (a trigger deletes itself, or yields while
 * another fiber edits the list), so a run works on a snapshot that holds a
 * reference to each trigger.
 */
static struct trigger **triggers_snapshot(
	struct list *triggers, struct trigger **few, size_t few_max, size_t *ret_count)
{
	size_t count = 0;
	list_foreach(t, triggers, struct trigger, link) count++;
	struct trigger **all = few;
	if (count > few_max) {
		all = calloc(count, sizeof(*all));
		if (all == NULL) {
			diag_set(oom,
				"Failed to allocate %zu bytes in malloc for triggers",
				count * sizeof(*all));
			return NULL;
		}
	}
	size_t i = 0;
	list_foreach(t, triggers, struct trigger, link)
	{
		t->refs++;
		all[i++] = t;
	}
	*ret_count = count;
	return all;
}

int triggers_run(struct list *triggers, void *event)
{
	if (list_is_empty(triggers))
		return 0;
	struct trigger *few[8];
	size_t count = 0;
	struct trigger **all = triggers_snapshot(triggers, few, lengthof(few), &count);
	if (all == NULL)
		return -1;
	int rc = 0;
	for (size_t i = 0; i < count; i++) {
		if (rc == 0 && !all[i]->is_deleted)
			rc = all[i]->run(all[i], event);
		trigger_unref(all[i]);
	}
	if (all != few)
		free(all);
	return rc;
}

void triggers_clear(struct list *triggers)
{
	list_foreach_safe(t, tmp, triggers, struct trigger, link) trigger_del(t);
}

#include "instance/fiber/channel.h"

#include "instance/fiber/switch.h"

/* On the stack of a fiber that waits in a get or a put. */
struct channel_wait {
	struct list link;
	struct fiber *fiber;
	void *item;
	bool is_served; /* the other side did what we wait for */
};

struct channel *channel_new(uint32_t size)
{
	struct channel *ch = calloc(1, sizeof(*ch) + size * sizeof(ch->slots[0]));
	if (ch == NULL) {
		diag_set(oom, "can't allocate a channel of %u slots", size);
		return NULL;
	}
	ch->size = size;
	list_init(&ch->readers);
	list_init(&ch->writers);
	return ch;
}

static void push(struct channel *ch, void *item)
{
	uint32_t tail = ch->head + ch->count;
	ch->slots[tail >= ch->size ? tail - ch->size : tail] = item;
	ch->count++;
}

static void *pop(struct channel *ch)
{
	void *item = ch->slots[ch->head];
	ch->head = ch->head + 1 == ch->size ? 0 : ch->head + 1;
	ch->count--;
	return item;
}

static void serve(struct channel_wait *w)
{
	w->is_served = true;
	list_del(&w->link);
	fiber_wakeup(w->fiber);
}

static void wait_leave(struct channel_wait *w)
{
	list_del(&w->link);
}

/* The state of a wait that was not served, as an error. */
static int wait_failed(const struct channel *ch, bool is_over)
{
	if (ch->is_closed)
		diag_set(channel_closed, "Channel is closed");
	else if (is_over)
		diag_set(timed_out, "timed out");
	else
		return fiber_testcancel();
	return -1;
}

static int wait(
	struct channel *ch, struct list *queue, struct channel_wait *w, double timeout_s)
{
	double deadline = timeout_s < TIMEOUT_INFINITY ? fiber_clock() + timeout_s : 0;
	switch_check();
	list_add_tail(queue, &w->link);
	for (;;) {
		bool is_over = timeout_s <= 0;
		if (!is_over)
			is_over = fiber_yield_timeout(timeout_s);
		if (w->is_served)
			return 0;
		if (wait_failed(ch, is_over) != 0)
			return -1;
		/* Woken up for nothing: wait on, with the time that is left. */
		if (timeout_s < TIMEOUT_INFINITY)
			timeout_s = deadline - fiber_clock();
	}
}

int channel_put(struct channel *ch, void *item, double timeout_s)
{
	if (ch->is_closed)
		return wait_failed(ch, false);
	if (channel_has_readers(ch)) {
		struct channel_wait *reader =
			list_first(&ch->readers, struct channel_wait, link);
		reader->item = item;
		serve(reader);
		return 0;
	}
	if (ch->count < ch->size) {
		push(ch, item);
		return 0;
	}
	_cleanup_(wait_leave) struct channel_wait w = {
		.fiber = fiber_current, .item = item};
	list_init(&w.link);
	return wait(ch, &ch->writers, &w, timeout_s);
}

int channel_get(struct channel *ch, void **ret_item, double timeout_s)
{
	if (ch->is_closed)
		return wait_failed(ch, false);
	struct channel_wait *writer = NULL;
	if (channel_has_writers(ch))
		writer = list_first(&ch->writers, struct channel_wait, link);
	if (ch->count > 0) {
		*ret_item = pop(ch);
		if (writer != NULL) {
			push(ch, writer->item);
			serve(writer);
		}
		return 0;
	}
	if (writer != NULL) {
		*ret_item = writer->item;
		serve(writer);
		return 0;
	}
	_cleanup_(wait_leave) struct channel_wait w = {.fiber = fiber_current};
	list_init(&w.link);
	if (wait(ch, &ch->readers, &w, timeout_s) != 0)
		return -1;
	*ret_item = w.item;
	return 0;
}

void channel_close(struct channel *ch, void (*drop)(void *item, void *arg), void *arg)
{
	ch->is_closed = true;
	while (ch->count > 0) {
		void *item = pop(ch);
		if (drop != NULL)
			drop(item, arg);
	}
	list_foreach(r, &ch->readers, struct channel_wait, link) fiber_wakeup(r->fiber);
	list_foreach(w, &ch->writers, struct channel_wait, link) fiber_wakeup(w->fiber);
}

void channel_free(struct channel *ch, void (*drop)(void *item, void *arg), void *arg)
{
	if (ch == NULL)
		return;
	channel_close(ch, drop, arg);
	free(ch);
}

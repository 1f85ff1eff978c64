/*
 * A queue of pointers between fibers, with a bounded number of slots (0: every
 * put waits for its get).
 */
#ifndef FIBER_CHANNEL_H
#define FIBER_CHANNEL_H

#include <stdint.h>

#include "instance/fiber/fiber.h"

/* Owned by whoever made it; must be empty of waiters when its memory goes. */
struct channel {
	uint32_t size, count; /* slots, items in them */
	uint32_t head;        /* the oldest item */
	bool is_closed;
	struct list readers, writers; /* struct channel_wait, waiting */
	void *slots[];
};

/** @return NULL with diag set when there is no memory */
struct channel *channel_new(uint32_t size);
/** Nobody may wait on it. Items still inside are given to drop() first. */
void channel_free(struct channel *ch, void (*drop)(void *item, void *arg), void *arg);
/**
 * Put an item. Yields while the channel is full.
 * @return 0; -1 with TimedOut, ChannelIsClosed or FiberIsCancelled set: the item
 *         stays the caller's
 */
int channel_put(struct channel *ch, void *item, double timeout_s);
/** Take the oldest item. Yields while there is none. @return as channel_put() */
int channel_get(struct channel *ch, void **ret_item, double timeout_s);
/** Wake all waiters with ChannelIsClosed; give the items inside to drop(). */
void channel_close(struct channel *ch, void (*drop)(void *item, void *arg), void *arg);

static inline bool channel_has_readers(const struct channel *ch)
{
	return !list_is_empty(&ch->readers);
}

static inline bool channel_has_writers(const struct channel *ch)
{
	return !list_is_empty(&ch->writers);
}

#endif

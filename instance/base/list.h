/* An intrusive doubly linked list; the head is a link of its own. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Owned by the struct it is embedded in. */
struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert_after(struct list *at, struct list *item)
{
	item->prev = at;
	item->next = at->next;
	at->next->prev = item;
	at->next = item;
}

/** Add as the last one. */
static inline void list_add_tail(struct list *head, struct list *item)
{
	list_insert_after(head->prev, item);
}

/** Add as the first one. */
static inline void list_add(struct list *head, struct list *item)
{
	list_insert_after(head, item);
}

/** Take out; the item is an empty list afterwards, so taking twice is harmless. */
static inline void list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

/** Move all items of `from` to the end of `to`. */
static inline void list_splice_tail(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define list_first(head, type, member) container_of((head)->next, type, member)

#define list_foreach(item, head, type, member)                      \
	for (type *item = container_of((head)->next, type, member); \
		&item->member != (head);                            \
		item = container_of(item->member.next, type, member))

/** The current item may be taken out or freed by the body. */
#define list_foreach_safe(item, tmp, head, type, member)                \
	for (type *item = container_of((head)->next, type, member),     \
		  *tmp = container_of(item->member.next, type, member); \
		&item->member != (head);                                \
		item = tmp, tmp = container_of(item->member.next, type, member))

#endif

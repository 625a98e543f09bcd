/*
 * Intrusive doubly linked list. A node is in at most one list; a detached node points at
 * itself or is zero. No memory of its own.
 */
#ifndef SVCD_BASE_LIST_H
#define SVCD_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l || l->next == NULL;
}

static inline void list_insert_after(struct list *at, struct list *n)
{
	n->next = at->next;
	n->prev = at;
	at->next->prev = n;
	at->next = n;
}

static inline void list_push(struct list *l, struct list *n) /* at the end */
{
	list_insert_after(l->prev, n);
}

static inline void list_remove(struct list *n) /* a detached node is fine */
{
	if (n->next == NULL)
		return;
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->next = n->prev = n;
}

static inline struct list *list_pop(struct list *l) /* the first, or NULL */
{
	struct list *n = l->next;

	if (list_empty(l))
		return NULL;
	list_remove(n);
	return n;
}

/* Moves all of from to the end of to; from becomes empty. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

/* Walks l; the current node may be removed in the body. it and tmp are struct list *. */
#define list_each(l, it, tmp) \
	for ((it) = (l)->next, (tmp) = (it)->next; (it) != (l); \
		(it) = (tmp), (tmp) = (it)->next)

#endif

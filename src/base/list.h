/*
 * An intrusive, circular, doubly linked list. A list and a link are the same
 * struct; an initialised one points to itself. list_remove leaves the link
 * initialised, so removing twice is harmless.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/base.h"

struct list {
    struct list *next;
    struct list *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts link in before `at`: at the end, when `at` is the list itself. */
static inline void list_insert_before(struct list *at, struct list *link)
{
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}

static inline void list_append(struct list *l, struct list *link)
{
    list_insert_before(l, link);
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* Iterates; `cur` may be removed (not freed with `cur->next` needed). */
#define LIST_EACH(cur, l)                                                      \
    for (struct list *cur = (l)->next, *cur##_next = cur->next; cur != (l);    \
         cur = cur##_next, cur##_next = cur->next)

#endif

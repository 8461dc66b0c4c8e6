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

/*@ requires \valid(l);
  @ assigns *l;
  @ ensures l->next == l && l->prev == l; */
static inline void list_init(struct list *l)
{
    l->next = l;
    l->prev = l;
}

/*@ requires \valid_read(l);
  @ assigns \nothing;
  @ ensures \result <==> l->next == l; */
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Puts link in before `at`: at the end, when `at` is the list itself. */
/*@ requires \valid(at) && \valid(link) && \valid(at->prev);
  @ requires at->prev->next == at && \separated(link, at, at->prev);
  @ assigns *link, at->prev, at->prev->next;
  @ ensures link->next == at && at->prev == link;
  @ ensures link->prev == \old(at->prev) && link->prev->next == link; */
static inline void list_insert_before(struct list *at, struct list *link)
{
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}

/*@ requires \valid(l) && \valid(link) && \valid(l->prev);
  @ requires l->prev->next == l && \separated(link, l, l->prev);
  @ assigns *link, l->prev, l->prev->next;
  @ ensures link->next == l && l->prev == link;
  @ ensures link->prev == \old(l->prev) && link->prev->next == link; */
static inline void list_append(struct list *l, struct list *link)
{
    list_insert_before(l, link);
}

/*@ requires \valid(link) && \valid(link->prev) && \valid(link->next);
  @ requires link->prev->next == link && link->next->prev == link;
  @ requires link->prev == link || \separated(link, link->prev);
  @ requires link->next == link || \separated(link, link->next);
  @ requires link->prev == link->next || \separated(link->prev, link->next);
  @ assigns *link, link->prev->next, link->next->prev;
  @ ensures link->next == link && link->prev == link;
  @ ensures \old(link->prev) != link ==>
  @     \old(link->prev)->next == \old(link->next) &&
  @     \old(link->next)->prev == \old(link->prev); */
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

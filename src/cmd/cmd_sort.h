/*
 * What SORT sorts: elements, what patterns name for them, and their order.
 * A function that returns false has written the reply.
 */
#ifndef CMD_CMD_SORT_H
#define CMD_CMD_SORT_H

#include "cmd/cmd.h"
#include "type/cell.h"

/* More elements, more results, or more values that patterns name, would hold up
 * everybody for a second. Part of the state machine, so it is not an option. */
#define CMD_SORT_MAX 250000

struct sort_text {
    size_t at; /* in the bytes of its list */
    uint32_t len;
    bool there;
};

/* Texts, one behind the other, each with a zero behind it. */
struct sort_list {
    struct buf bytes;
    struct buf texts; /* struct sort_text */
};

static inline uint64_t sort_list_count(const struct sort_list *l)
{
    return l->texts.len / sizeof(struct sort_text);
}

/* One that is there; *there: it is not what a pattern named in vain. */
struct bytes sort_list_at(const struct sort_list *l, uint64_t nth, bool *there);

struct sort {
    struct cmd_call *call;
    uint8_t type;    /* of the key that is sorted */
    bool by_pattern; /* by what `by` names, not by the elements themselves */
    struct bytes by;
    bool alpha;
    bool descending;
    uint64_t looked; /* values that were looked up, ... */
    uint64_t named;  /* ... and the bytes of their keys */
    uint64_t bytes;  /* of all that was copied */
    struct buf key;  /* being made */
    struct sort_list elements;
    struct sort_list weights; /* what `by` names, in the order of elements */
    struct buf order;         /* struct sort_item */
};

void sort_release(struct sort *s);
/* Takes a copy of an element. */
MUST_USE bool sort_add(struct sort *s, struct bytes element);
/* The same of what an object has. */
MUST_USE bool sort_add_cell(struct sort *s, struct object *o,
                            const struct cell *v);
/* More than that is refused at once. */
MUST_USE bool sort_count_fits(struct sort *s, uint64_t elements);
/* Appends what a pattern names for an element to a list. */
MUST_USE bool sort_look_up(struct sort *s, struct bytes pattern,
                           struct bytes element, struct sort_list *out);
/* Puts the elements in order; without it they are as they were added. */
MUST_USE bool sort_order(struct sort *s);
/* The element at a place of the order. */
struct bytes sort_at(const struct sort *s, uint64_t place);
/* A pattern as far as it is read: to its first zero. */
struct bytes sort_text_of(struct bytes pattern);

#endif

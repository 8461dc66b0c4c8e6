/*
 * How it works: each function is one or two walks down the tree. Pushes go to
 * the ends, whose pages fill up (btree.h), so a queue touches two pages.
 *
 * Blobs must be dropped one by one, which needs a look at each element that is
 * removed. So the list counts them: one without blobs is cut whole pages at a
 * time, and a walk for blobs ends with the last one.
 *
 * Elements that are removed by value are found some hundred at a time, before
 * the list is changed; so a walk is begun anew that seldom, and takes no memory
 * that grows with the list.
 *
 * How it fails: an element that is no cell is ERR_CORRUPT, which the keyspace
 * keeps (cell.h): then the entry is lost.
 */
#include "type/list.h"

#define FOUND_MAX 256

/* --- blobs -------------------------------------------------------------- */

uint64_t list_blobs(const struct object *o)
{
    uint64_t count = 0;
    ASSERT(o->own_len == 0 || o->own_len == sizeof(count));
    for (size_t i = 0; i < o->own_len; i++)
        count = count << 8 | o->own[i];
    return count;
}

static void set_blobs(struct object *o, uint64_t count)
{
    o->own_len = count > 0 ? sizeof(count) : 0;
    for (size_t i = 0; i < o->own_len; i++)
        o->own[i] = (uint8_t)(count >> (56 - 8 * i));
    ASSERT(list_blobs(o) == count);
}

/* Before the element goes. */
static void drop(struct object *o, const struct cell *cell)
{
    uint64_t blobs = list_blobs(o);
    if (!cell->apart || blobs == 0)
        return;
    cell_drop(o, cell);
    set_blobs(o, blobs - 1);
}

/* Of a value on its way in. */
static void encode(struct object *o, struct bytes value, struct buf *stored)
{
    cell_encode(o, value, 0, LIST_INLINE_MAX, stored);
    if (value.len > LIST_INLINE_MAX)
        set_blobs(o, list_blobs(o) + 1);
}

/* --- walks -------------------------------------------------------------- */

void list_walk_init(struct list_walk *w, struct object *o, uint64_t nth,
                    bool left)
{
    *w = (struct list_walk){.o = o, .left = left, .nth = nth};
    btree_cursor_init(&w->cursor, &o->trees[0]);
}

bool list_walk_next(struct list_walk *w)
{
    bool there = false;
    if (!w->begun)
        there = btree_seek_nth(&w->cursor, w->nth);
    else if (w->left)
        there = btree_previous(&w->cursor);
    else
        there = btree_next(&w->cursor);
    w->begun = true;
    if (!there)
        return false;
    w->nth = w->cursor.nth;
    return cell_decode(w->o, btree_at(&w->cursor).value, &w->cell);
}

void list_walk_release(struct list_walk *w)
{
    btree_cursor_release(&w->cursor);
}

/* --- changes ------------------------------------------------------------ */

void list_insert(struct object *o, uint64_t nth, struct bytes value)
{
    struct buf stored = BUF_INIT;
    ASSERT(nth <= list_length(o));
    encode(o, value, &stored);
    btree_insert(&o->trees[0], nth, buf_view(&stored));
    buf_release(&stored);
}

void list_push(struct object *o, enum list_end end, struct bytes value)
{
    list_insert(o, end == LIST_LEFT ? 0 : list_length(o), value);
}

void list_set(struct object *o, uint64_t nth, struct bytes value)
{
    struct element e;
    struct cell cell;
    struct buf stored = BUF_INIT;
    ASSERT(nth < list_length(o));
    if (!btree_get(&o->trees[0], nth, &e) || !cell_decode(o, e.value, &cell))
        return;
    drop(o, &cell);
    encode(o, value, &stored);
    btree_set(&o->trees[0], nth, buf_view(&stored));
    buf_release(&stored);
}

static void drop_blobs(struct object *o, uint64_t from, uint64_t to)
{
    struct list_walk w;
    ASSERT(from < to);
    list_walk_init(&w, o, from, false);
    while (list_blobs(o) > 0 && list_walk_next(&w) && w.nth < to)
        drop(o, &w.cell);
    list_walk_release(&w);
}

void list_cut(struct object *o, uint64_t from, uint64_t to)
{
    ASSERT(from <= to && to <= list_length(o));
    if (from < to && list_blobs(o) > 0)
        drop_blobs(o, from, to);
    btree_cut(&o->trees[0], from, to);
}

void list_rotate(struct object *o, enum list_end from, enum list_end to)
{
    struct btree *t = &o->trees[0];
    struct element e;
    struct buf stored = BUF_INIT;
    ASSERT(t->count > 0);
    uint64_t nth = from == LIST_LEFT ? 0 : t->count - 1;
    if (from == to || t->count == 1 || !btree_get(t, nth, &e))
        return;
    buf_bytes(&stored, e.value); /* its blob stays where it is */
    btree_cut(t, nth, nth + 1);
    btree_insert(t, to == LIST_LEFT ? 0 : t->count, buf_view(&stored));
    buf_release(&stored);
}

/* --- removal by value --------------------------------------------------- */

struct found {
    bool left;               /* the walk goes there, */
    uint64_t next;           /* and on from here */
    uint64_t nth[FOUND_MAX]; /* what it found, in that order */
    size_t count;
};

/* Looks on for at most `max`. False: the end was reached, or enough was found.
 */
static bool find(struct object *o, uint64_t max, struct bytes value,
                 struct found *f)
{
    struct list_walk w;
    ASSERT(max > 0 && f->next < list_length(o));
    f->count = 0;
    max = MIN(max, (uint64_t)FOUND_MAX);
    list_walk_init(&w, o, f->next, f->left);
    while (f->count < max && list_walk_next(&w)) {
        if (cell_equals(o, &w.cell, value))
            f->nth[f->count++] = w.nth;
    }
    list_walk_release(&w);
    if (f->count < FOUND_MAX)
        return false;
    f->next = f->nth[f->count - 1];
    return true;
}

/* From the highest one down, those next to each other at once. */
static void remove_found(struct object *o, const struct found *f)
{
    size_t done = 0;
    while (done < f->count) {
        size_t run = 1;
        uint64_t last = f->nth[f->left ? done : f->count - 1 - done];
        while (done + run < f->count &&
               f->nth[f->left ? done + run : f->count - 1 - done - run] ==
                   last - run)
            run++;
        list_cut(o, last + 1 - run, last + 1);
        done += run;
    }
}

uint64_t list_remove_equal(struct object *o, enum list_end from, uint64_t count,
                           struct bytes value)
{
    struct found f = {.left = from == LIST_RIGHT};
    bool more = list_length(o) > 0;
    uint64_t removed = 0;
    f.next = f.left && more ? list_length(o) - 1 : 0;
    while (more && removed < count) {
        more = find(o, count - removed, value, &f);
        remove_found(o, &f);
        removed += f.count;
        ASSERT(f.count <= FOUND_MAX && removed <= count);
        if (more && f.left)
            more = f.next-- > 0;
        else if (more)
            f.next += 1 - f.count;
        more = more && f.next < list_length(o);
    }
    return removed;
}

/*
 * Every base is verified as a backup is, every entry by its hash, all of them
 * by the chain, which has to go through the bases, too. Where entries are
 * missing a base has to begin anew.
 *
 * How it fails: it says what is damaged or missing, and goes on behind it.
 */
#include "ctl/shelf.h"

#include "base/alloc.h"
#include "base/level.h"
#include "codec/configuration.h"
#include "codec/request.h"
#include "ctl/ctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

struct audit {
    const struct shelf *shelf;
    struct walk walk;
    struct applied *bases; /* index 0: not whole */
    bool is_whole;
    uint16_t level; /* the highest that was raised; 0: none */
    /* Entries in a row: */
    raft_index first;
    int64_t first_ms, last_ms;
    struct buf error;
};

static void complain(struct audit *a)
{
    fprintf(stderr, "vardctl: %.*s\n", (int)a->error.len,
            a->error.len == 0 ? "" : (const char *)a->error.data);
    buf_reset(&a->error);
    a->is_whole = false;
}

static void verify_bases(struct audit *a)
{
    const struct shelf *s = a->shelf;
    for (size_t i = 0; i < s->base_count; i++) {
        char *path = shelf_path(s->dir, s->bases[i].name);
        if (backup_verify(path) != CTL_GOOD)
            a->is_whole = false; /* it has said why */
        else if (shelf_base(s, i, &a->bases[i], NULL, &a->error) != 0) {
            complain(a);
            a->bases[i].index = 0;
        }
        mem_free(path);
    }
}

/* The state that a base has is that after this entry. */
static void check_chain(struct audit *a)
{
    const struct shelf *s = a->shelf;
    for (size_t i = 0; i < s->base_count; i++) {
        if (a->bases[i].index != a->walk.last ||
            a->bases[i].chain == a->walk.chain)
            continue;
        buf_printf(&a->error,
                   "%s/%s: it is not of the same history as the log there",
                   s->dir, s->bases[i].name);
        complain(a);
    }
}

static void check_entry(struct audit *a, const struct entry *e)
{
    struct configuration c;
    int err = 0;
    if (e->kind == ENTRY_REQUESTS)
        err = request_parcels_check(e->payload);
    else if (e->kind == ENTRY_CONFIG)
        err = configuration_decode(e->payload, &c);
    if (err == 0 && e->kind == ENTRY_CONFIG)
        a->level = MAX(a->level, c.level);
    if (err != 0) {
        buf_printf(&a->error, "%s: entry %" PRIu64 " does not decode",
                   a->shelf->dir, e->index);
        complain(a);
    }
    a->last_ms = shelf_wall_ms(e->time_ms, e->wall_offset_ms);
    if (a->first == 0) {
        a->first = e->index;
        a->first_ms = a->last_ms;
    }
    check_chain(a);
}

static void say_row(struct audit *a)
{
    char from[SHELF_TIME_SIZE];
    char to[SHELF_TIME_SIZE];
    if (a->first == 0)
        return;
    shelf_time(from, a->first_ms);
    shelf_time(to, a->last_ms);
    printf("%s: entries %" PRIu64 " to %" PRIu64 ", of %s to %s\n",
           a->shelf->dir, a->first, a->walk.last, from, to);
    a->first = 0;
}

/* Entries are missing before this one: a base has to stand for them. */
static void check_gap(struct audit *a, raft_index next)
{
    for (size_t i = 0; i < a->shelf->base_count; i++) {
        if (a->bases[i].index + 1 == next)
            return;
    }
    buf_printf(&a->error,
               "%s: the entries before %" PRIu64
               " are missing, and there is no base that has them",
               a->shelf->dir, next);
    complain(a);
}

/* Entries in a row, from this file on; the file behind them. */
static size_t verify_row(struct audit *a, size_t file)
{
    struct walk *w = &a->walk;
    struct entry e;
    int err = walk_seek(w, file, &a->error);
    if (err == 0)
        check_chain(a);
    while (err == 0) {
        err = walk_next(w, &e, &a->error);
        if (err == 0)
            check_entry(a, &e);
    }
    say_row(a);
    if (err != ERR_NOT_FOUND && err != ERR_BEHIND)
        complain(a);
    return w->next;
}

int shelf_verify(const char *dir)
{
    struct shelf s;
    struct audit a = {.shelf = &s, .is_whole = true};
    if (shelf_read(&s, dir, &a.error) != 0)
        complain(&a);
    a.walk.shelf = &s;
    a.bases = mem_zalloc((s.base_count + 1) * sizeof(*a.bases));
    verify_bases(&a);
    for (size_t file = 0; file < s.log_count;) {
        bool covered = false;
        for (size_t i = 0; i < s.base_count; i++)
            covered |= s.bases[i].index + 1 >= s.logs[file].index;
        if (file > 0 || !covered)
            check_gap(&a, s.logs[file].index);
        file = verify_row(&a, file);
    }
    if (s.base_count == 0 && a.is_whole) {
        buf_printf(&a.error, "%s: there is no base in it", dir);
        complain(&a);
    }
    if (a.level > LEVEL_MAX)
        printf("%s: it reaches level %u: later moments need a later version "
               "of vardctl\n",
               dir, a.level);
    walk_release(&a.walk);
    mem_free(a.bases);
    shelf_release(&s);
    buf_release(&a.error);
    return a.is_whole ? CTL_GOOD : CTL_NO;
}

/*
 * Places in a circle or a box: GEOSEARCH, GEOSEARCHSTORE, and GEORADIUS and
 * GEORADIUSBYMEMBER with their forms that only read.
 *
 * A search goes over the members whose scores are in up to nine ranges, and
 * keeps those that are in the shape. Distances that are stored are computed by
 * geo_exact, so that all replicas have the same.
 *
 * How it fails: with an error reply, and nothing changed. As in Redis, the
 * arguments are read with the set at hand, in their order: so their errors
 * enter the log.
 */
#include "cmd/cmd_geo.h"
#include "cmd/cmd_internal.h"

#include "base/alloc.h"

#include <stdlib.h>

enum search_sort { SORT_NONE, SORT_NEAREST, SORT_FARTHEST };

struct search {
    struct cmd_call *call;
    struct zset *set;
    struct geo_shape shape;
    const struct geo_math *math;
    uint32_t at;      /* the argument that is read next */
    bool general;     /* GEOSEARCH, GEOSEARCHSTORE */
    bool read_only;   /* no STORE */
    bool from_member; /* where the center was given */
    bool from_place;
    bool by_radius; /* which shape was */
    bool with_distance;
    bool with_hash;
    bool with_place;
    bool any;
    bool store_distance;
    enum search_sort sort;
    int64_t count;            /* 0: all */
    const struct bytes *dest; /* NULL: it is not stored */
};

/* ---- arguments ---- */

static struct resp_writer *writer(const struct search *s)
{
    ASSERT(s->at <= s->call->argc);
    return s->call->out;
}

static uint32_t left(const struct search *s)
{
    ASSERT(s->at <= s->call->argc);
    return s->call->argc - s->at;
}

static const struct bytes *next(const struct search *s)
{
    ASSERT(s->at <= s->call->argc);
    return &s->call->argv[s->at];
}

/* Of a set that is there, a member that must be. */
static bool center_of_member(struct search *s)
{
    struct bytes member = *next(s);
    ASSERT(left(s) > 0);
    s->at++;
    s->from_member = true;
    if (zset_count(s->set) == 0 || place_of(s->set, member, &s->shape.center))
        return true;
    resp_error(writer(s), "ERR could not decode requested zset member");
    return false;
}

static bool center_of_place(struct search *s)
{
    ASSERT(left(s) >= 2);
    s->from_place = true;
    s->at += 2;
    return parse_place(writer(s), next(s) - 2, &s->shape.center);
}

static bool radius(struct search *s)
{
    ASSERT(left(s) >= 2);
    if (!parse_score(writer(s), next(s)[0], "ERR need numeric radius",
                     &s->shape.radius))
        return false;
    if (s->shape.radius < 0) {
        resp_error(writer(s), "ERR radius cannot be negative");
        return false;
    }
    if (!parse_unit(writer(s), next(s)[1], &s->shape.unit))
        return false;
    s->at += 2;
    s->by_radius = true;
    return true;
}

static bool box(struct search *s)
{
    struct geo_shape *shape = &s->shape;
    ASSERT(left(s) >= 3);
    if (!parse_score(writer(s), next(s)[0], "ERR need numeric width",
                     &shape->width) ||
        !parse_score(writer(s), next(s)[1], "ERR need numeric height",
                     &shape->height))
        return false;
    if (shape->width < 0 || shape->height < 0) {
        resp_error(writer(s), "ERR height or width cannot be negative");
        return false;
    }
    if (!parse_unit(writer(s), next(s)[2], &shape->unit))
        return false;
    s->at += 3;
    shape->box = true;
    return true;
}

static bool count(struct search *s)
{
    ASSERT(left(s) >= 1);
    if (!parse_integer(writer(s), *next(s), &s->count))
        return false;
    s->at++;
    if (s->count > 0)
        return true;
    resp_error(writer(s), "ERR COUNT must be > 0");
    return false;
}

static bool destination(struct search *s, bool distance)
{
    ASSERT(left(s) >= 1);
    s->dest = next(s);
    s->store_distance = distance;
    s->at++;
    return true;
}

/* Words that stand alone; false: it is none of these. */
static bool plain_word(struct search *s, struct bytes word)
{
    ASSERT(s->at > 0);
    if (word_is(word, "withdist"))
        s->with_distance = true;
    else if (word_is(word, "withhash"))
        s->with_hash = true;
    else if (word_is(word, "withcoord"))
        s->with_place = true;
    else if (word_is(word, "any"))
        s->any = true;
    else if (word_is(word, "asc"))
        s->sort = SORT_NEAREST;
    else if (word_is(word, "desc"))
        s->sort = SORT_FARTHEST;
    else if (s->general && s->dest != NULL && word_is(word, "storedist"))
        s->store_distance = true;
    else
        return false;
    return true;
}

/* The word before next() and what belongs to it. */
static bool option(struct search *s, struct bytes word)
{
    bool more = left(s) >= 1;
    bool stores = more && !s->read_only && !s->general;
    ASSERT(s->at > 0);
    if (plain_word(s, word))
        return true;
    if (more && word_is(word, "count"))
        return count(s);
    if (stores && word_is(word, "store"))
        return destination(s, false);
    if (stores && word_is(word, "storedist"))
        return destination(s, true);
    if (s->general) {
        if (more && !s->from_place && word_is(word, "frommember"))
            return center_of_member(s);
        if (left(s) >= 2 && !s->from_member && word_is(word, "fromlonlat"))
            return center_of_place(s);
        if (left(s) >= 2 && !s->shape.box && word_is(word, "byradius"))
            return radius(s);
        if (left(s) >= 3 && !s->by_radius && word_is(word, "bybox"))
            return box(s);
    }
    reply_syntax(writer(s));
    return false;
}

/* What options do not go together. */
static bool agree(struct search *s)
{
    const char *name = s->call->cmd->id == CMD_ID_GEOSEARCHSTORE
                           ? "GEOSEARCHSTORE"
                           : "STORE option in GEORADIUS";
    struct bytes word = s->call->argv[0];
    ASSERT(left(s) == 0);
    if (s->dest != NULL && (s->with_distance || s->with_hash || s->with_place))
        resp_errorf(writer(s),
                    "ERR %s is not compatible with WITHDIST, WITHHASH and "
                    "WITHCOORD options",
                    name);
    else if (s->general && !s->from_member && !s->from_place)
        resp_errorf(writer(s),
                    "ERR exactly one of FROMMEMBER or FROMLONLAT can be "
                    "specified for %.*s",
                    (int)word.len, (const char *)word.data);
    else if (s->general && !s->by_radius && !s->shape.box)
        resp_errorf(writer(s),
                    "ERR exactly one of BYRADIUS and BYBOX can be specified "
                    "for %.*s",
                    (int)word.len, (const char *)word.data);
    else if (s->any && s->count == 0)
        resp_error(writer(s), "ERR the ANY argument requires COUNT argument");
    else
        return true;
    return false;
}

/* What GEORADIUS and GEORADIUSBYMEMBER have before their options. If there is
 * no set, the size of a circle around a member is not looked at. */
static bool fixed_arguments(struct search *s)
{
    enum cmd_id id = s->call->cmd->id;
    bool member =
        id == CMD_ID_GEORADIUSBYMEMBER || id == CMD_ID_GEORADIUSBYMEMBER_RO;
    ASSERT(!s->general && s->at == 2);
    if (!member)
        return center_of_place(s) && radius(s);
    if (!center_of_member(s))
        return false;
    if (zset_count(s->set) > 0)
        return radius(s);
    s->at += 2;
    return true;
}

static bool parse_search(struct search *s)
{
    enum cmd_id id = s->call->cmd->id;
    s->at = id == CMD_ID_GEOSEARCHSTORE ? 3 : 2;
    s->general = id == CMD_ID_GEOSEARCH || id == CMD_ID_GEOSEARCHSTORE;
    s->read_only =
        id == CMD_ID_GEORADIUS_RO || id == CMD_ID_GEORADIUSBYMEMBER_RO;
    if (id == CMD_ID_GEOSEARCHSTORE)
        s->dest = &s->call->argv[1];
    if (!s->general && !fixed_arguments(s))
        return false;
    while (left(s) > 0) {
        s->at++;
        if (!option(s, next(s)[-1]))
            return false;
    }
    ASSERT(s->at == s->call->argc);
    if (s->count > 0 && s->sort == SORT_NONE && !s->any)
        s->sort = SORT_NEAREST;
    return agree(s);
}

/* ---- searching ---- */

/* Found members are in a list; these are beside, by its numbers. */
struct found {
    uint64_t item;
    double distance;
};

struct results {
    struct zset_list list; /* with the scores that they have */
    struct buf found;
};

static uint64_t found_count(const struct results *r)
{
    ASSERT(r->found.len % sizeof(struct found) == 0);
    return r->found.len / sizeof(struct found);
}

static struct found *found_at(const struct results *r, uint64_t i)
{
    ASSERT(i < found_count(r));
    return (struct found *)(void *)r->found.data + i;
}

static bool full(const struct search *s, const struct results *r)
{
    ASSERT(s->count >= 0);
    return s->any && found_count(r) >= (uint64_t)s->count;
}

/* False: there would be too many. */
static bool look_at(const struct search *s, const struct zset_entry *e,
                    struct results *r)
{
    struct geo_place p = geo_decode(e->score);
    struct found f = {found_count(r), 0};
    ASSERT(geo_is_valid(&p));
    if (!geo_within(s->math, &s->shape, &p, &f.distance))
        return true;
    f.distance /= s->shape.unit;
    buf_append(&r->found, &f, sizeof(f));
    return zset_list_add(&r->list, e, 0);
}

static bool search_range(const struct search *s, const struct geo_range *range,
                         struct results *r)
{
    struct zset_scores scores = {
        .min = (double)range->from, .max = (double)range->to, .max_open = true};
    struct zset_span span = zset_by_score(s->set, &scores);
    struct zset_walk w;
    struct zset_entry e;
    bool ok = true;
    ASSERT(range->from < range->to);
    if (span.from >= span.to)
        return true;
    zset_walk_init(&w, s->set);
    bool on = zset_walk_to(&w, span.from, &e);
    for (uint64_t i = span.from; ok && on && i < span.to && !full(s, r); i++) {
        ok = look_at(s, &e, r);
        on = zset_walk_next(&w, &e);
    }
    zset_walk_release(&w);
    return ok;
}

static bool search_all(const struct search *s, struct results *r)
{
    struct geo_range ranges[GEO_RANGES_MAX];
    uint32_t n = geo_ranges(s->math, &s->shape, ranges);
    bool ok = true;
    ASSERT(n > 0 && n <= GEO_RANGES_MAX);
    for (uint32_t i = 0; ok && i < n && !full(s, r); i++)
        ok = search_range(s, &ranges[i], r);
    return ok;
}

static int by_distance(const void *a, const void *b, void *arg)
{
    const struct found *x = a;
    const struct found *y = b;
    int sign = *(const enum search_sort *)arg == SORT_NEAREST ? 1 : -1;
    ASSERT(x == y || x->item != y->item);
    if (x->distance != y->distance)
        return x->distance < y->distance ? -sign : sign;
    return (x->item > y->item) - (x->item < y->item);
}

/* ---- results ---- */

static bool reply_found(const struct search *s, struct long_reply *reply,
                        const struct zset_entry *e, double distance)
{
    struct resp_writer *w = writer(s);
    size_t parts = (size_t)s->with_distance + s->with_hash + s->with_place;
    ASSERT(s->dest == NULL);
    if (!long_reply_add(reply, e->member.len, "a smaller area or COUNT"))
        return false;
    if (parts > 0)
        resp_array(w, parts + 1);
    resp_bulk(w, e->member);
    if (s->with_distance)
        reply_distance(w, distance);
    if (s->with_hash)
        resp_integer(w, geo_integer(e->score));
    if (s->with_place) {
        struct geo_place p = geo_decode(e->score);
        reply_place(w, &p);
    }
    return true;
}

static void reply_results(const struct search *s, const struct results *r,
                          uint64_t n)
{
    struct long_reply reply;
    ASSERT(n <= found_count(r));
    long_reply_begin(&reply, s->call);
    resp_array(writer(s), n);
    for (uint64_t i = 0; i < n; i++) {
        const struct found *f = found_at(r, i);
        struct zset_entry e = zset_list_at(&r->list, f->item);
        if (!reply_found(s, &reply, &e, f->distance))
            return;
    }
}

static void store_results(const struct search *s, const struct results *r,
                          uint64_t n)
{
    struct zset_list list;
    ASSERT(s->dest != NULL && n <= found_count(r));
    zset_list_init(&list);
    for (uint64_t i = 0; i < n; i++) {
        const struct found *f = found_at(r, i);
        struct zset_entry e = zset_list_at(&r->list, f->item);
        if (s->store_distance)
            e.score = f->distance;
        bool ok = zset_list_add(&list, &e, 0);
        ASSERT(ok); /* it is no longer than the other */
    }
    zset_list_store(s->call, *s->dest, &list, zset_list_is_large(&list));
    zset_list_release(&list);
    resp_integer(writer(s), (int64_t)n);
}

/* The set is closed by then: it may be the destination. */
static void finish(struct search *s, struct results *r)
{
    uint64_t n = found_count(r);
    ASSERT(s->count >= 0);
    if (s->sort != SORT_NONE && n > 0)
        qsort_r(r->found.data, n, sizeof(struct found), by_distance, &s->sort);
    if (s->count > 0)
        n = MIN(n, (uint64_t)s->count);
    if (s->dest != NULL)
        store_results(s, r, n);
    else
        reply_results(s, r, n);
}

void cmd_geosearch_run(struct cmd_call *c)
{
    struct zset z;
    struct search s = {.call = c, .set = &z, .math = &geo_fast};
    struct results r = {.found = BUF_INIT};
    uint32_t key = c->cmd->id == CMD_ID_GEOSEARCHSTORE ? 2 : 1;
    ASSERT(c->argc > key);
    if (!open_zset(c, c->argv[key], &z))
        return;
    bool ok = parse_search(&s);
    bool fits = true;
    if ((c->cmd->flags & CMD_WRITE) != 0)
        s.math = &geo_exact;
    zset_list_init(&r.list);
    if (ok && zset_count(&z) > 0)
        fits = search_all(&s, &r);
    zset_close(&z);
    if (ok && !fits)
        reply_too_many(c);
    else if (ok)
        finish(&s, &r);
    zset_list_release(&r.list);
    buf_release(&r.found);
}

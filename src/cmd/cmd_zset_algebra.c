/*
 * Sorted sets put together: ZUNION, ZINTER, ZDIFF, their STORE forms, and
 * ZINTERCARD.
 *
 * An intersection goes over the smallest set and asks the others, a difference
 * goes over the first. A union copies all of them into one list, and sorts that
 * by members, so that scores of the same member are next to each other, in the
 * order in which they are to be put together: that of the sizes of their sets,
 * as in Redis, because the sum of three numbers depends on it. What is not a
 * number becomes 0 where Redis does so.
 *
 * A key that is named twice is opened once, and looked at once for a member.
 *
 * How it fails: with an error reply, and nothing changed. As in Redis, options
 * are looked at after the types of the keys: so their errors enter the log.
 */
#include "cmd/cmd_internal.h"
#include "cmd/cmd_zset.h"

#include "base/alloc.h"
#include "type/zset_input.h"

#include <math.h>
#include <stdlib.h>

enum operation { UNION, INTERSECTION, DIFFERENCE };
enum aggregate { SUM, LEAST, GREATEST };

struct algebra {
    enum operation operation;
    enum aggregate aggregate;
    bool store;
    bool count_only; /* ZINTERCARD */
    bool with_scores;
    uint64_t limit; /* of what is counted; 0: none */
    uint32_t keys;  /* how many, from argument `first` on */
    uint32_t first;
    uint32_t weights; /* argument of the first; 0: there are none */
};

/* ---- arguments ---- */

static void operation_of(enum cmd_id id, struct algebra *g)
{
    *g = (struct algebra){.operation = UNION, .first = 2};
    g->store = id == CMD_ID_ZUNIONSTORE || id == CMD_ID_ZINTERSTORE ||
               id == CMD_ID_ZDIFFSTORE;
    g->count_only = id == CMD_ID_ZINTERCARD;
    if (id == CMD_ID_ZDIFF || id == CMD_ID_ZDIFFSTORE)
        g->operation = DIFFERENCE;
    else if (id != CMD_ID_ZUNION && id != CMD_ID_ZUNIONSTORE)
        g->operation = INTERSECTION;
    g->first += g->store;
    ASSERT(!g->store || !g->count_only);
}

static bool parse_keys(const struct cmd_args *a, struct algebra *g)
{
    int64_t keys = 0;
    operation_of(a->cmd->id, g);
    ASSERT(a->argc >= g->first + 1);
    if (!parse_integer(a->out, a->argv[g->first - 1], &keys))
        return false;
    if (keys < 1) {
        resp_errorf(a->out,
                    "ERR at least 1 input key is needed for '%s' command",
                    a->cmd->name);
        return false;
    }
    if (keys > (int64_t)(a->argc - g->first)) {
        reply_syntax(a->out);
        return false;
    }
    g->keys = (uint32_t)keys;
    return true;
}

static bool parse_weights(const struct cmd_args *a, uint32_t first,
                          struct algebra *g)
{
    double weight = 0;
    ASSERT(first + g->keys <= a->argc);
    for (uint32_t i = 0; i < g->keys; i++) {
        if (!parse_score(a->out, a->argv[first + i],
                         "ERR weight value is not a float", &weight))
            return false;
    }
    g->weights = first;
    ASSERT(g->weights > g->first);
    return true;
}

static bool parse_aggregate(const struct cmd_args *a, struct bytes word,
                            struct algebra *g)
{
    ASSERT(g->operation != DIFFERENCE);
    if (word_is(word, "sum"))
        g->aggregate = SUM;
    else if (word_is(word, "min"))
        g->aggregate = LEAST;
    else if (word_is(word, "max"))
        g->aggregate = GREATEST;
    else
        goto syntax;
    return true;
syntax:
    reply_syntax(a->out);
    return false;
}

static bool parse_limit(const struct cmd_args *a, struct bytes text,
                        struct algebra *g)
{
    struct resp_writer none = {.out = NULL};
    int64_t limit = 0;
    ASSERT(g->count_only);
    if (parse_integer(&none, text, &limit) && limit >= 0) {
        g->limit = (uint64_t)limit;
        return true;
    }
    resp_error(a->out, "ERR LIMIT can't be negative");
    return false;
}

/* The option at argv[*i]; moves *i to the last word that it took. */
static bool algebra_option(const struct cmd_args *a, uint32_t *i,
                           struct algebra *g)
{
    struct bytes word = a->argv[*i];
    uint32_t left = a->argc - *i;
    ASSERT(left > 0);
    bool scored = g->operation != DIFFERENCE && !g->count_only;
    if (scored && left > g->keys && word_is(word, "weights")) {
        uint32_t first = *i + 1;
        *i += g->keys;
        return parse_weights(a, first, g);
    }
    if (scored && left > 1 && word_is(word, "aggregate")) {
        *i += 1;
        return parse_aggregate(a, a->argv[*i], g);
    }
    if (!g->store && !g->count_only && word_is(word, "withscores")) {
        g->with_scores = true;
        return true;
    }
    if (g->count_only && left > 1 && word_is(word, "limit")) {
        *i += 1;
        return parse_limit(a, a->argv[*i], g);
    }
    reply_syntax(a->out);
    return false;
}

static bool parse_options(const struct cmd_args *a, struct algebra *g)
{
    ASSERT(g->first + g->keys <= a->argc);
    for (uint32_t i = g->first + g->keys; i < a->argc; i++) {
        if (!algebra_option(a, &i, g))
            return false;
    }
    return true;
}

bool cmd_zalgebra_check(struct cmd_args *a)
{
    struct algebra g;
    bool ok = parse_keys(a, &g);
    ASSERT(!ok || g.keys > 0);
    return ok;
}

/* ---- inputs ---- */

/* More members put together, or more of them looked for in other sets, would
 * hold up everybody for more than a second. Part of the state machine. */
#define UNION_MAX   500000
#define LOOKUPS_MAX 1000000

/* What a set has of the member that is asked for. */
struct known {
    uint64_t asked; /* for which member it was looked up last; 0: none */
    bool there;
    double score;
};

struct source {
    struct zset_input *input; /* may be that of others */
    struct bytes key;
    uint32_t place; /* among the arguments */
    double weight;
};

struct inputs {
    struct source *sources;
    uint32_t count;
    struct zset_input *opened; /* one for each key that is different */
    struct known *known;       /* of each of these */
    uint32_t opened_count;
    uint64_t asked;  /* members, by now */
    uint64_t looked; /* how often for one */
};

static int by_key(const void *a, const void *b)
{
    const struct source *x = a;
    const struct source *y = b;
    int order = bytes_cmp(x->key, y->key);
    ASSERT(x == y || x->place != y->place);
    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b)
{
    const struct source *x = a;
    const struct source *y = b;
    ASSERT(x == y || x->place != y->place);
    return (x->place > y->place) - (x->place < y->place);
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = zset_input_count(((const struct source *)a)->input);
    uint64_t y = zset_input_count(((const struct source *)b)->input);
    return x != y ? (x > y) - (x < y) : by_place(a, b);
}

static void close_inputs(struct inputs *in)
{
    ASSERT(in->opened_count <= in->count);
    for (uint32_t i = 0; i < in->opened_count; i++)
        zset_input_close(&in->opened[i]);
    mem_free(in->opened);
    mem_free(in->known);
    mem_free(in->sources);
}

/* False: a key has another type, which was answered. */
static bool open_inputs(struct cmd_call *c, const struct algebra *g,
                        struct inputs *in)
{
    struct source *s = mem_zalloc(g->keys * sizeof(*s));
    *in = (struct inputs){.sources = s, .count = g->keys};
    ASSERT(g->keys > 0);
    in->opened = mem_zalloc(g->keys * sizeof(*in->opened));
    in->known = mem_zalloc(g->keys * sizeof(*in->known));
    for (uint32_t i = 0; i < g->keys; i++) {
        s[i].key = c->argv[g->first + i];
        s[i].place = i;
        s[i].weight = 1;
    }
    qsort(s, g->keys, sizeof(*s), by_key);
    for (uint32_t i = 0; i < g->keys; i++) {
        if (i > 0 && bytes_eq(s[i].key, s[i - 1].key)) {
            s[i].input = s[i - 1].input;
            continue;
        }
        s[i].input = &in->opened[in->opened_count];
        if (!zset_input_open(s[i].input, c->ks, c->db, s[i].key)) {
            close_inputs(in);
            reply_wrong_type(c->out);
            return false;
        }
        in->opened_count++;
    }
    return true;
}

/* Weights go to their inputs, which get the order in which they are taken. */
static void arrange(struct cmd_call *c, const struct algebra *g,
                    struct inputs *in)
{
    for (uint32_t i = 0; g->weights != 0 && i < in->count; i++) {
        struct source *s = &in->sources[i];
        bool ok = score_from(c->argv[g->weights + s->place], &s->weight);
        ASSERT(ok); /* it was parsed */
    }
    qsort(in->sources, in->count, sizeof(*in->sources),
          g->operation == DIFFERENCE ? by_place : by_size);
}

/* ---- results ---- */

static double weighted(const struct source *s, double score)
{
    double product = s->weight * score;
    ASSERT(!isnan(s->weight) && !isnan(score));
    return isnan(product) ? 0 : product;
}

static double together(enum aggregate how, double a, double b)
{
    ASSERT(!isnan(a));
    if (how == LEAST)
        return b < a ? b : a;
    if (how == GREATEST)
        return b > a ? b : a;
    double sum = a + b; /* inf and -inf give none */
    return isnan(sum) ? 0 : sum;
}

/* The items of the same member become one. */
static void unite(struct zset_list *l, enum aggregate how)
{
    struct zset_item *items = zset_list_items(l);
    uint64_t count = zset_list_count(l);
    uint64_t last = 0;
    ASSERT(how <= GREATEST);
    zset_list_sort_members(l);
    for (uint64_t i = 1; i < count; i++) {
        if (bytes_eq(zset_list_at(l, last).member, zset_list_at(l, i).member))
            items[last].score =
                together(how, items[last].score, items[i].score);
        else
            items[++last] = items[i];
    }
    if (count > 0)
        l->items.len = (last + 1) * sizeof(*items);
}

/* False, here and below: it would be too much. */
static bool make_union(struct inputs *in, const struct algebra *g,
                       struct zset_list *out)
{
    uint64_t all = 0;
    ASSERT(g->operation == UNION);
    for (uint32_t i = 0; i < in->count; i++)
        all += zset_input_count(in->sources[i].input);
    bool ok = all <= UNION_MAX;
    for (uint32_t i = 0; ok && i < in->count; i++) {
        struct zset_input_walk w;
        struct zset_entry e;
        zset_input_walk_init(&w, in->sources[i].input);
        while (ok && zset_input_walk_next(&w, &e)) {
            e.score = weighted(&in->sources[i], e.score);
            ok = zset_list_add(out, &e, i);
        }
        zset_input_walk_release(&w);
    }
    if (ok)
        unite(out, g->aggregate);
    return ok;
}

/* A key that is named often is looked at once. */
static bool score_in(struct inputs *in, struct zset_input *input,
                     struct bytes member, double *score)
{
    size_t nth = (size_t)(input - in->opened);
    struct known *k = &in->known[nth];
    ASSERT(nth < in->opened_count && in->asked > 0);
    if (k->asked != in->asked) {
        k->there = zset_input_score(input, member, &k->score);
        k->asked = in->asked;
        in->looked++;
    }
    *score = k->score;
    return k->there;
}

/* Whether all others have the member as well; its score of all. */
static bool in_all(struct inputs *in, const struct algebra *g,
                   struct zset_entry *e)
{
    double own = e->score;
    ASSERT(g->operation == INTERSECTION);
    double value = 0;
    e->score = weighted(&in->sources[0], own);
    for (uint32_t i = 1; i < in->count; i++) {
        struct source *s = &in->sources[i];
        if (s->input == in->sources[0].input)
            value = own;
        else if (!score_in(in, s->input, e->member, &value))
            return false;
        e->score = together(g->aggregate, e->score, value * s->weight);
    }
    return true;
}

static bool in_none(struct inputs *in, const struct zset_entry *e)
{
    double value = 0;
    ASSERT(!isnan(e->score));
    for (uint32_t i = 1; i < in->count; i++) {
        struct zset_input *other = in->sources[i].input;
        if (other == in->sources[0].input ||
            score_in(in, other, e->member, &value))
            return false;
    }
    return true;
}

/* Goes over the first input; *count gets how many there are. */
static bool make_part(struct inputs *in, const struct algebra *g,
                      struct zset_list *out, uint64_t *count)
{
    struct zset_input_walk w;
    struct zset_entry e;
    bool ok = true;
    ASSERT(in->count > 0 && *count == 0);
    zset_input_walk_init(&w, in->sources[0].input);
    while (ok && (g->limit == 0 || *count < g->limit) &&
           zset_input_walk_next(&w, &e)) {
        in->asked++;
        bool wanted =
            g->operation == DIFFERENCE ? in_none(in, &e) : in_all(in, g, &e);
        *count += wanted;
        if (wanted && !g->count_only)
            ok = zset_list_add(out, &e, 0);
        ok = ok && in->looked <= LOOKUPS_MAX;
    }
    zset_input_walk_release(&w);
    return ok;
}

static void reply_list(struct cmd_call *c, const struct zset_list *l,
                       bool with_scores)
{
    struct long_reply r;
    ASSERT((c->cmd->flags & CMD_READ) != 0);
    uint64_t count = zset_list_count(l);
    long_reply_begin(&r, c);
    reply_entries(c->out, count, with_scores);
    for (uint64_t i = 0; i < count; i++) {
        struct zset_entry e = zset_list_at(l, i);
        if (!reply_entry(&r, &e, with_scores))
            return;
    }
}

static void finish(struct cmd_call *c, const struct algebra *g,
                   struct zset_list *l)
{
    uint64_t count = zset_list_count(l);
    ASSERT(!g->count_only);
    zset_list_sort_scores(l);
    if (!g->store) {
        reply_list(c, l, g->with_scores);
        return;
    }
    zset_list_store(c, c->argv[1], l, zset_list_is_large(l));
    resp_integer(c->out, (int64_t)count);
}

static void run(struct cmd_call *c, const struct algebra *g, struct inputs *in)
{
    struct zset_list list;
    uint64_t count = 0;
    ASSERT(in->count == g->keys);
    zset_list_init(&list);
    arrange(c, g, in);
    bool ok = g->operation == UNION ? make_union(in, g, &list)
                                    : make_part(in, g, &list, &count);
    close_inputs(in);
    if (!ok)
        reply_too_many(c);
    else if (g->count_only)
        resp_integer(c->out, (int64_t)count);
    else
        finish(c, g, &list);
    zset_list_release(&list);
}

void cmd_zalgebra_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct algebra g;
    struct inputs in;
    ASSERT(c->argc >= 3);
    if (!parse_keys(&a, &g) || !open_inputs(c, &g, &in))
        return;
    if (parse_options(&a, &g))
        run(c, &g, &in);
    else
        close_inputs(&in);
}

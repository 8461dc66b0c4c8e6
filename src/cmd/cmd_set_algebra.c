/*
 * SINTER, SUNION, SDIFF, and what stores or counts their results.
 *
 * A key that is named twice is opened once. A result is listed before it is
 * told or stored, when its sources are closed: the key that it is stored at may
 * be one of them.
 *
 * How it fails: with an error reply, and nothing changed. A result of more than
 * CMD_REPLY_BYTES_MAX is not told; one of more than an entry may have
 * (CMD_ENTRY_BYTES_MAX) is not stored.
 */
#include "base/alloc.h"
#include "base/num.h"
#include "cmd/cmd_set.h"

#include <stdlib.h>

/* Each is open until the result is known. */
#define SETS_MAX 10000

/* --- the sets ----------------------------------------------------------- */

struct sources {
    struct object **sets; /* those that are not empty, the first one first */
    uint32_t count;
    bool no_first;    /* the first key has nothing */
    bool no_other;    /* some key has nothing */
    bool first_again; /* the first key is named again */
};

static bool sets_fit(const struct cmd_args *a, uint32_t count)
{
    if (count <= SETS_MAX)
        return true;
    resp_errorf(a->out, "ERR more than %d keys", SETS_MAX);
    return false;
}

struct named {
    struct bytes key;
    uint32_t at;
};

static int by_key(const void *a, const void *b)
{
    const struct named *x = a;
    const struct named *y = b;
    int order = bytes_cmp(x->key, y->key);
    ASSERT(x == y || x->at != y->at);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

/* Which of the keys were named before: the caller frees the array. */
static bool *find_repeated(const struct bytes *keys, uint32_t count)
{
    bool *repeated = mem_zalloc((count + 1) * sizeof(*repeated));
    ASSERT(count > 0);
    struct named *named = mem_alloc((count + 1) * sizeof(*named));
    for (uint32_t i = 0; i < count; i++)
        named[i] = (struct named){keys[i], i};
    qsort(named, count, sizeof(*named), by_key);
    for (uint32_t i = 1; i < count; i++)
        repeated[named[i].at] = bytes_eq(named[i - 1].key, named[i].key);
    mem_free(named);
    return repeated;
}

static void close_sources(struct sources *s)
{
    ASSERT(s->sets != NULL);
    for (uint32_t i = 0; i < s->count; i++)
        object_close(s->sets[i]);
    mem_free(s->sets);
    *s = (struct sources){0};
}

/* False: one is no set (WRONGTYPE was answered); then nothing is open. */
static bool open_sources(struct cmd_call *c, uint32_t from, uint32_t count,
                         struct sources *out)
{
    const struct bytes *keys = &c->argv[from];
    bool *repeated = find_repeated(keys, count);
    bool ok = true;
    ASSERT(from + count <= c->argc);
    *out = (struct sources){
        .sets = mem_zalloc((count + 1) * sizeof(struct object *))};
    for (uint32_t i = 0; ok && i < count; i++) {
        struct object *o;
        out->first_again |= repeated[i] && bytes_eq(keys[i], keys[0]);
        if (repeated[i])
            continue;
        ok = open_collection(c, keys[i], VALUE_SET, &o);
        if (ok && object_count(o) > 0) {
            out->sets[out->count++] = o;
        } else if (ok) {
            object_close(o);
            out->no_first |= i == 0;
            out->no_other = true;
        }
    }
    mem_free(repeated);
    if (!ok)
        close_sources(out);
    return ok;
}

/* --- the result --------------------------------------------------------- */

enum operation { INTERSECTION, UNION, DIFFERENCE };

static enum operation operation_of(const struct cmd *cmd)
{
    enum cmd_id id = cmd->id;
    if (id == CMD_ID_SUNION || id == CMD_ID_SUNIONSTORE)
        return UNION;
    if (id == CMD_ID_SDIFF || id == CMD_ID_SDIFFSTORE)
        return DIFFERENCE;
    ASSERT(id == CMD_ID_SINTER || id == CMD_ID_SINTERSTORE ||
           id == CMD_ID_SINTERCARD);
    return INTERSECTION;
}

/* Visits the result. */
static void operate(enum operation operation, const struct sources *s,
                    set_visit_fn *visit, void *user)
{
    ASSERT(s->count > 0 || s->no_other);
    if (s->count == 0)
        return;
    if (operation == UNION)
        set_unite(s->sets, s->count, visit, user);
    else if (operation == INTERSECTION && !s->no_other)
        set_intersect(s->sets, s->count, visit, user);
    else if (operation == DIFFERENCE && !s->no_first && !s->first_again)
        set_subtract(s->sets, s->count, visit, user);
}

/* Lists it, from the keys that begin at this argument. False: WRONGTYPE was
 * answered, and there is no list. */
static bool list_result(struct cmd_call *c, uint32_t from, size_t bytes_max,
                        struct member_list *out)
{
    struct sources s;
    ASSERT(from < c->argc);
    if (!open_sources(c, from, c->argc - from, &s))
        return false;
    member_list_init(out, bytes_max);
    operate(operation_of(c->cmd), &s, member_list_add, out);
    close_sources(&s);
    return true;
}

bool cmd_setop_check(struct cmd_args *a)
{
    uint32_t first = (a->cmd->flags & CMD_WRITE) != 0 ? 2 : 1;
    ASSERT(a->argc > first);
    return sets_fit(a, a->argc - first);
}

void cmd_setop_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct member_list list;
    ASSERT((c->cmd->flags & CMD_READ) != 0);
    if (!cmd_setop_check(&a) || !list_result(c, 1, CMD_REPLY_BYTES_MAX, &list))
        return;
    reply_member_list(c, &list, true);
    member_list_release(&list);
}

static void store_list(struct cmd_call *c, const struct member_list *list)
{
    struct object *o = object_new(c->ks, c->db, c->argv[1], VALUE_SET);
    struct bytes member;
    size_t at = 0;
    ASSERT(!list->over);
    while (member_list_next(list, &at, &member))
        set_add(o, member);
    ASSERT(object_count(o) == list->count || keyspace_error(c->ks) != 0);
    object_save(o);
    object_close(o);
}

void cmd_setop_store_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct member_list list;
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    if (!cmd_setop_check(&a) || !list_result(c, 2, CMD_ENTRY_BYTES_MAX, &list))
        return;
    if (list.over) {
        cmd_reply_entry_full(c->out);
    } else {
        store_list(c, &list);
        resp_integer(c->out, (int64_t)list.count);
    }
    member_list_release(&list);
}

/* --- SINTERCARD --------------------------------------------------------- */

static bool parse_count(struct resp_writer *w, struct bytes text, int64_t min,
                        const char *error, int64_t *out)
{
    ASSERT(min >= 0);
    if (num_parse_i64(text, out) && *out >= min)
        return true;
    resp_error(w, error);
    return false;
}

/* The number of keys, and the limit; 0: none. */
static bool parse_card(const struct cmd_args *a, int64_t *keys, int64_t *limit)
{
    ASSERT(a->argc >= 3);
    *limit = 0;
    if (!parse_count(a->out, a->argv[1], 1,
                     "ERR numkeys should be greater than 0", keys))
        return false;
    if (*keys > a->argc - 2) {
        resp_error(a->out, "ERR Number of keys can't be greater than number of "
                           "args");
        return false;
    }
    for (uint32_t i = 2 + (uint32_t)*keys; i < a->argc; i += 2) {
        if (!word_is(a->argv[i], "limit") || i + 1 == a->argc) {
            reply_syntax(a->out);
            return false;
        }
        if (!parse_count(a->out, a->argv[i + 1], 0,
                         "ERR LIMIT can't be negative", limit))
            return false;
    }
    return sets_fit(a, (uint32_t)*keys);
}

bool cmd_sintercard_check(struct cmd_args *a)
{
    int64_t keys = 0;
    int64_t limit = 0;
    bool ok = parse_card(a, &keys, &limit);
    ASSERT(!ok || keys > 0);
    return ok;
}

struct counter {
    int64_t count;
    int64_t limit; /* 0: none */
};

static bool count_member(void *user, struct bytes member)
{
    struct counter *counter = user;
    UNUSED(member);
    ASSERT(counter->limit == 0 || counter->count < counter->limit);
    counter->count++;
    return counter->count != counter->limit;
}

void cmd_sintercard_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct counter counter = {0};
    struct sources s;
    int64_t keys = 0;
    if (!parse_card(&a, &keys, &counter.limit) ||
        !open_sources(c, 2, (uint32_t)keys, &s))
        return;
    operate(INTERSECTION, &s, count_member, &counter);
    ASSERT(counter.limit == 0 || counter.count <= counter.limit);
    close_sources(&s);
    resp_integer(c->out, counter.count);
}

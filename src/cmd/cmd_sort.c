/*
 * SORT and SORT_RO: the elements of a list, a set or a sorted set in another
 * order, or in their own, told or stored as a list.
 *
 * How it works: what is sorted and what is told are copies in memory
 * (cmd_sort_order.c). So the key that was sorted may be the one to store to.
 * Every replica executes all of it, whoever gets the reply: what a SORT in the
 * log has looked at counts for the entry (CMD_ENTRY_BYTES_MAX).
 *
 * How it fails: with an error reply, and nothing changed. More than 64 MiB of
 * elements and values, or more than CMD_SORT_MAX of them, are refused.
 */
#include "cmd/cmd_sort.h"
#include "cmd/cmd_collection.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "data/value.h"
#include "type/list.h"
#include "type/packed.h"
#include "type/zset.h"

/* ---- arguments ---- */

struct sort_options {
    int64_t start;
    int64_t count; /* negative: all */
    uint32_t by;   /* arguments; 0: not given */
    uint32_t store;
    uint32_t gets; /* how many */
    bool alpha;
    bool descending;
};

/* How many arguments an option takes with its word; 0: there is none. */
static uint32_t option_size(const struct cmd_args *a, uint32_t at)
{
    struct bytes word = a->argv[at];
    uint32_t left = a->argc - at;
    ASSERT(left > 0);
    if (word_is(word, "asc") || word_is(word, "desc") || word_is(word, "alpha"))
        return 1;
    if (word_is(word, "limit") && left > 2)
        return 3;
    bool store = a->cmd->id == CMD_ID_SORT && word_is(word, "store");
    if ((store || word_is(word, "by") || word_is(word, "get")) && left > 1)
        return 2;
    return 0;
}

static bool take_option(const struct cmd_args *a, uint32_t at,
                        struct sort_options *o)
{
    struct bytes word = a->argv[at];
    if (word_is(word, "asc"))
        o->descending = false;
    else if (word_is(word, "desc"))
        o->descending = true;
    else if (word_is(word, "alpha"))
        o->alpha = true;
    else if (word_is(word, "store"))
        o->store = at + 1;
    else if (word_is(word, "by"))
        o->by = at + 1;
    else if (word_is(word, "get"))
        o->gets++;
    else
        return parse_integer(a->out, a->argv[at + 1], &o->start) &&
               parse_integer(a->out, a->argv[at + 2], &o->count);
    ASSERT(o->store < a->argc && o->by < a->argc);
    return true;
}

static bool parse_sort(const struct cmd_args *a, struct sort_options *o)
{
    uint32_t size = 0;
    ASSERT(a->argc >= 2);
    *o = (struct sort_options){.count = -1};
    for (uint32_t i = 2; i < a->argc; i += size) {
        size = option_size(a, i);
        if (size == 0) {
            reply_syntax(a->out);
            return false;
        }
        if (!take_option(a, i, o))
            return false;
    }
    return true;
}

bool cmd_sort_check(struct cmd_args *a)
{
    struct sort_options o;
    bool ok = parse_sort(a, &o);
    ASSERT(!ok || a->cmd->id == CMD_ID_SORT || o.store == 0);
    return ok;
}

/* ---- elements ---- */

/* Those that are told, by their number: from one up to before another. */
struct part {
    uint64_t from;
    uint64_t to;
};

static struct part part_of(const struct sort_options *o, uint64_t count)
{
    struct part p = {0, count};
    if (o->start > 0)
        p.from = MIN((uint64_t)o->start, count);
    if (o->count >= 0 && (uint64_t)o->count < count - p.from)
        p.to = p.from + (uint64_t)o->count;
    ASSERT(p.from <= p.to && p.to <= count);
    return p;
}

static bool load_list(struct sort *s, struct object *o, struct part p,
                      bool reverse)
{
    struct list_walk w;
    bool ok = true;
    uint64_t first = reverse ? list_length(o) - 1 - p.from : p.from;
    ASSERT(p.from < p.to);
    list_walk_init(&w, o, first, reverse);
    for (uint64_t i = p.from; ok && i < p.to && list_walk_next(&w); i++)
        ok = sort_add_cell(s, o, &w.cell);
    list_walk_release(&w);
    return ok;
}

/* What is not in an order that anybody knows begins at the first. */
static bool load_set(struct sort *s, struct object *o, struct part p)
{
    struct packed_walk w;
    struct bytes member;
    struct bytes value;
    bool ok = true;
    ASSERT(p.from < p.to);
    packed_walk_init(&w, o);
    for (uint64_t i = 0;
         ok && i < p.to && packed_walk_next(&w, &member, &value); i++)
        ok = i < p.from || sort_add(s, member);
    packed_walk_release(&w);
    return ok;
}

static bool load_zset(struct sort *s, struct object *o, struct part p,
                      bool reverse)
{
    struct zset z = {.object = o};
    struct zset_walk w;
    struct zset_entry e;
    bool ok = true;
    ASSERT(p.from < p.to);
    zset_walk_init(&w, &z);
    uint64_t at = reverse ? zset_count(&z) - 1 - p.from : p.from;
    bool more = zset_walk_to(&w, at, &e);
    for (uint64_t i = p.from; ok && more && i < p.to; i++) {
        ok = sort_add(s, e.member);
        more = reverse ? zset_walk_previous(&w, &e) : zset_walk_next(&w, &e);
    }
    zset_walk_release(&w);
    return ok;
}

/* Loads the elements that are needed: all, or if they stay as they are, those
 * of the part. Gives what is to be told of those that were loaded. */
static bool load(struct sort *s, const struct sort_options *o, bool sorted,
                 struct part *part)
{
    struct cmd_call *c = s->call;
    struct object *object;
    if (!open_collection(c, c->argv[1], s->type, &object))
        return false;
    uint64_t count = object_count(object);
    struct part all = {0, count};
    *part = part_of(o, count);
    struct part p = sorted ? all : *part;
    bool reverse = !sorted && s->descending;
    bool ok = sort_count_fits(s, p.to - p.from);
    ASSERT(p.to <= count);
    if (!ok || p.from == p.to)
        goto out;
    if (s->type == VALUE_LIST)
        ok = load_list(s, object, p, reverse);
    else if (s->type == VALUE_SET)
        ok = load_set(s, object, p);
    else
        ok = load_zset(s, object, p, reverse);
out:
    object_close(object);
    if (!sorted)
        *part = (struct part){0, part->to - part->from};
    /* Fewer: an error of the store. */
    part->to = MIN(part->to, sort_list_count(&s->elements));
    part->from = MIN(part->from, part->to);
    return ok;
}

/* ---- results ---- */

/* What GET names for one element, all patterns in turn. */
static bool get_all(struct sort *s, struct bytes element, struct sort_list *out)
{
    struct cmd_args a = args_of(s->call);
    for (uint32_t i = 2; i < a.argc; i += option_size(&a, i)) {
        ASSERT(option_size(&a, i) > 0);
        if (word_is(a.argv[i], "get") &&
            !sort_look_up(s, a.argv[i + 1], element, out))
            return false;
    }
    return true;
}

static bool collect(struct sort *s, const struct sort_options *o,
                    struct part part, struct sort_list *out)
{
    uint64_t all = (part.to - part.from) * MAX(o->gets, (uint32_t)1);
    if (!sort_count_fits(s, all))
        return false;
    for (uint64_t i = part.from; i < part.to; i++) {
        struct bytes element = sort_at(s, i);
        bool ok = o->gets > 0 ? get_all(s, element, out)
                              : sort_look_up(s, BYTES_LIT("#"), element, out);
        if (!ok)
            return false;
    }
    ASSERT(sort_list_count(out) == all);
    return true;
}

static void reply_results(struct cmd_call *c, const struct sort_list *l)
{
    uint64_t count = sort_list_count(l);
    ASSERT(l->bytes.len >= count);
    resp_array(c->out, (size_t)count);
    for (uint64_t i = 0; i < count; i++) {
        bool there = false;
        struct bytes text = sort_list_at(l, i, &there);
        if (there)
            resp_bulk(c->out, text);
        else
            resp_null(c->out);
    }
}

static void store_results(struct cmd_call *c, struct bytes key,
                          const struct sort_list *l)
{
    uint64_t count = sort_list_count(l);
    bool there = false;
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    if (count == 0) {
        (void)!keyspace_delete(c->ks, c->db, key);
    } else {
        struct object *o = object_new(c->ks, c->db, key, VALUE_LIST);
        for (uint64_t i = 0; i < count; i++)
            list_push(o, LIST_RIGHT, sort_list_at(l, i, &there));
        object_save(o);
        object_close(o);
    }
    resp_integer(c->out, (int64_t)count);
}

/* ---- the commands ---- */

/* VALUE_NONE: there is no such key. False: WRONGTYPE was answered. */
static bool find_type(struct cmd_call *c, uint8_t *type)
{
    struct value v;
    *type = VALUE_NONE;
    if (!keyspace_get(c->ks, c->db, c->argv[1], &v))
        return true;
    *type = v.type;
    if (v.type == VALUE_LIST || v.type == VALUE_SET || v.type == VALUE_ZSET)
        return true;
    ASSERT(v.type != VALUE_NONE);
    reply_wrong_type(c->out);
    return false;
}

static bool has_star(struct bytes pattern)
{
    struct bytes text = sort_text_of(pattern);
    ASSERT(text.len <= pattern.len);
    return text.len > 0 && memchr(text.data, '*', text.len) != NULL;
}

static bool sort(struct sort *s, const struct sort_options *o,
                 struct sort_list *out)
{
    struct part part = {0, 0};
    bool sorted = o->by == 0 || s->by_pattern;
    if (!sorted && s->type == VALUE_SET && o->store != 0)
        sorted = s->alpha = true; /* what is stored has an order */
    if (s->type == VALUE_NONE)
        return true;
    ASSERT(!s->by_pattern || sorted);
    return load(s, o, sorted, &part) && (!sorted || sort_order(s)) &&
           collect(s, o, part, out);
}

void cmd_sort_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct sort_options o;
    struct sort s = {.call = c};
    struct sort_list out = {BUF_INIT, BUF_INIT};
    ASSERT(c->argc >= 2);
    if (!parse_sort(&a, &o) || !find_type(c, &s.type))
        return;
    s.alpha = o.alpha;
    s.descending = o.descending;
    s.by_pattern = o.by != 0 && has_star(c->argv[o.by]);
    if (s.by_pattern)
        s.by = c->argv[o.by];
    if (sort(&s, &o, &out)) {
        if (o.store != 0)
            store_results(c, c->argv[o.store], &out);
        else
            reply_results(c, &out);
    }
    buf_release(&out.bytes);
    buf_release(&out.texts);
    sort_release(&s);
}

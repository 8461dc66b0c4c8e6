/*
 * LPOS: where elements are that equal a value.
 *
 * The indexes are gathered before the reply begins, as their number has to be
 * said first.
 *
 * How it fails: with an error reply.
 */
#include "cmd/cmd_list.h"

struct lpos {
    uint64_t rank; /* of the first match that is told, from 1 */
    bool left;     /* it is looked for from the right end to the left */
    bool many;     /* COUNT was given */
    uint64_t count;
    uint64_t max; /* elements that are compared */
};

static bool parse_rank(const struct cmd_args *a, struct bytes arg,
                       struct lpos *p)
{
    int64_t rank = 0;
    ASSERT(p->rank > 0);
    if (!list_parse_between(a->out, arg, -INT64_MAX, INT64_MAX, &rank))
        return false;
    if (rank == 0) {
        resp_error(a->out,
                   "ERR RANK can't be zero: use 1 to start from the first "
                   "match, 2 from the second ... or use negative to start "
                   "from the end of the list");
        return false;
    }
    p->left = rank < 0;
    p->rank = (uint64_t)(rank < 0 ? -rank : rank);
    return true;
}

static bool parse_option(const struct cmd_args *a, uint32_t i,
                         const char *error, uint64_t *out)
{
    int64_t number = 0;
    ASSERT(i < a->argc);
    if (!list_parse_from(a->out, a->argv[i], 0, error, &number))
        return false;
    *out = (uint64_t)number;
    return true;
}

static bool parse_lpos(const struct cmd_args *a, struct lpos *p)
{
    *p = (struct lpos){.rank = 1};
    ASSERT(a->argc >= 3);
    for (uint32_t i = 3; i < a->argc; i += 2) {
        bool ok = i + 1 < a->argc;
        if (ok && word_is(a->argv[i], "rank")) {
            ok = parse_rank(a, a->argv[i + 1], p);
        } else if (ok && word_is(a->argv[i], "count")) {
            ok = parse_option(a, i + 1, "ERR COUNT can't be negative",
                              &p->count);
            p->many = true;
        } else if (ok && word_is(a->argv[i], "maxlen")) {
            ok =
                parse_option(a, i + 1, "ERR MAXLEN can't be negative", &p->max);
        } else {
            reply_syntax(a->out);
            ok = false;
        }
        if (!ok)
            return false;
    }
    return true;
}

bool cmd_lpos_check(struct cmd_args *a)
{
    struct lpos p;
    ASSERT((a->cmd->flags & CMD_READ) != 0);
    return parse_lpos(a, &p);
}

/* Appends the indexes, 8 bytes each. */
static void find_all(struct object *o, const struct lpos *p, struct bytes value,
                     struct buf *found)
{
    struct list_walk w;
    uint64_t length = list_length(o);
    uint64_t max = p->max == 0 ? length : MIN(p->max, length);
    uint64_t wanted = p->many && p->count == 0 ? length : MAX(p->count, 1);
    uint64_t matches = 0;
    ASSERT(length > 0 && wanted > 0);
    list_walk_init(&w, o, p->left ? length - 1 : 0, p->left);
    for (uint64_t i = 0; i < max && list_walk_next(&w); i++) {
        if (!cell_equals(o, &w.cell, value) || ++matches < p->rank)
            continue;
        buf_u64(found, w.nth);
        if (matches - p->rank + 1 >= wanted)
            break;
    }
    list_walk_release(&w);
    ASSERT(found->len / 8 <= length);
}

static void reply_found(struct cmd_call *c, const struct lpos *p,
                        struct bytes found)
{
    uint64_t nth = 0;
    ASSERT(found.len % sizeof(nth) == 0);
    if (p->many)
        resp_array(c->out, found.len / 8);
    else if (found.len == 0)
        resp_null(c->out);
    for (size_t i = 0; i < found.len; i += 8) {
        memcpy(&nth, found.data + i, 8);
        resp_integer(c->out, (int64_t)nth);
    }
}

void cmd_lpos_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *o;
    struct lpos p;
    struct buf found = BUF_INIT;
    if (!parse_lpos(&a, &p) || !list_open(c, c->argv[1], &o))
        return;
    if (list_length(o) > 0)
        find_all(o, &p, c->argv[2], &found);
    reply_found(c, &p, buf_view(&found));
    buf_release(&found);
    object_close(o);
}

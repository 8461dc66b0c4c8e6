/*
 * Elements from one list to another, and from the first of several lists that
 * is there. Those that wait do the same if there is something, or else nothing
 * but say so (cmd_call.blocked).
 *
 * A list that an element goes to is opened before the element leaves its own,
 * so that nothing is changed if it is of another type. An element that goes to
 * another list is copied, its blob too: blobs belong to one object.
 *
 * How it fails: with an error reply, and nothing changed.
 */
#include "cmd/cmd_list.h"

#include "cmd/cmd_block.h"

/* --- LMOVE, RPOPLPUSH --------------------------------------------------- */

struct ends {
    enum list_end from, to;
};

static bool parse_ends(const struct cmd_args *a, struct ends *e)
{
    *e = (struct ends){LIST_RIGHT, LIST_LEFT};
    if (a->cmd->id == CMD_ID_RPOPLPUSH || a->cmd->id == CMD_ID_BRPOPLPUSH)
        return true;
    ASSERT(a->argc >= 5);
    return list_parse_end(a->out, a->argv[3], &e->from) &&
           list_parse_end(a->out, a->argv[4], &e->to);
}

bool cmd_lmove_check(struct cmd_args *a)
{
    struct ends e;
    ASSERT(a->cmd->id == CMD_ID_LMOVE);
    return parse_ends(a, &e);
}

bool cmd_blmove_check(struct cmd_args *a)
{
    struct ends e;
    ASSERT((a->cmd->flags & CMD_BLOCKS) != 0);
    return parse_ends(a, &e) && check_timeout(a);
}

/* From a list that has an element to one that may be empty; answers with it.
 * Both are saved. */
static void move(struct cmd_call *c, struct object *source,
                 struct object *target, struct ends e)
{
    struct list_walk w;
    struct buf value = BUF_INIT;
    uint64_t length = list_length(source);
    ASSERT(length > 0);
    uint64_t nth = e.from == LIST_RIGHT ? length - 1 : 0;
    list_walk_init(&w, source, nth, false);
    if (list_walk_next(&w))
        cell_read(source, &w.cell, &value);
    list_walk_release(&w);
    resp_bulk(c->out, buf_view(&value));
    list_cut(source, nth, nth + 1);
    list_push(target, e.to, buf_view(&value));
    buf_release(&value);
    object_save(source);
    object_save(target);
}

/* Within one list. */
static void rotate(struct cmd_call *c, struct object *o, struct ends e)
{
    ASSERT(list_length(o) > 0);
    list_reply_nth(c, o, e.from == LIST_RIGHT ? list_length(o) - 1 : 0);
    list_rotate(o, e.from, e.to);
    object_save(o);
}

void cmd_lmove_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *source;
    struct object *target;
    struct ends e;
    if (!parse_ends(&a, &e) || !check_timeout(&a) ||
        !list_open(c, c->argv[1], &source))
        return;
    if (list_length(source) == 0) {
        if ((c->cmd->flags & CMD_BLOCKS) != 0)
            c->blocked = true;
        else
            resp_null(c->out);
    } else if (bytes_eq(c->argv[1], c->argv[2])) {
        rotate(c, source, e);
    } else if (list_open(c, c->argv[2], &target)) {
        move(c, source, target, e);
        object_close(target);
    }
    object_close(source);
}

/* --- BLPOP, BRPOP ------------------------------------------------------- */

bool cmd_bpop_check(struct cmd_args *a)
{
    ASSERT((a->cmd->flags & CMD_BLOCKS) != 0);
    return check_timeout(a);
}

static void pop_with_key(struct cmd_call *c, struct bytes key, struct object *o)
{
    ASSERT(list_length(o) > 0);
    resp_array(c->out, 2);
    resp_bulk(c->out, key);
    list_pop_one(c, o, c->cmd->id == CMD_ID_BLPOP ? LIST_LEFT : LIST_RIGHT);
    object_save(o);
}

void cmd_bpop_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *o;
    if (!check_timeout(&a))
        return;
    for (uint32_t i = 1; i + 1 < c->argc; i++) {
        if (!list_open(c, c->argv[i], &o))
            return;
        bool found = list_length(o) > 0;
        if (found)
            pop_with_key(c, c->argv[i], o);
        object_close(o);
        if (found)
            return;
    }
    c->blocked = true;
}

/* --- LMPOP, BLMPOP ------------------------------------------------------ */

struct mpop {
    uint32_t first; /* of the keys, among the arguments */
    uint32_t keys;
    enum list_end end;
    uint64_t count;
};

/* Numkeys, keys, end, [COUNT n], from an argument on. */
static bool parse_mpop(const struct cmd_args *a, uint32_t at, struct mpop *m)
{
    int64_t number = 0;
    *m = (struct mpop){.first = at + 1, .count = 1};
    if (!list_parse_from(a->out, a->argv[at], 1,
                         "ERR numkeys should be greater than 0", &number))
        return false;
    if (number >= (int64_t)(a->argc - m->first)) {
        reply_syntax(a->out);
        return false;
    }
    m->keys = (uint32_t)number;
    at = m->first + m->keys;
    if (!list_parse_end(a->out, a->argv[at], &m->end))
        return false;
    if (++at == a->argc)
        return true;
    bool counts = at + 1 < a->argc && word_is(a->argv[at], "count");
    if (counts &&
        !list_parse_from(a->out, a->argv[at + 1], 1,
                         "ERR count should be greater than 0", &number))
        return false;
    if (!counts || at + 2 < a->argc) {
        reply_syntax(a->out);
        return false;
    }
    m->count = (uint64_t)number;
    ASSERT(m->count > 0 && m->keys > 0);
    return true;
}

/* BLMPOP has its time first, and looks at it last. */
static bool parse_any_mpop(const struct cmd_args *a, struct mpop *m)
{
    bool waits = a->cmd->id == CMD_ID_BLMPOP;
    ASSERT(waits || a->cmd->id == CMD_ID_LMPOP);
    return parse_mpop(a, waits ? 2 : 1, m) && check_timeout(a);
}

bool cmd_lmpop_check(struct cmd_args *a)
{
    struct mpop m;
    ASSERT(a->argc >= 4);
    return parse_any_mpop(a, &m);
}

static void pop_from(struct cmd_call *c, struct bytes key, struct object *o,
                     const struct mpop *m)
{
    uint64_t count = MIN(m->count, list_length(o));
    ASSERT(count > 0);
    if (!list_pop_fits(c, o, m->end, count))
        return;
    resp_array(c->out, 2);
    resp_bulk(c->out, key);
    list_pop(c, o, m->end, count);
    object_save(o);
}

void cmd_lmpop_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct mpop m;
    if (!parse_any_mpop(&a, &m))
        return;
    ASSERT(m.first + m.keys < c->argc);
    for (uint32_t i = m.first; i < m.first + m.keys; i++) {
        struct object *o;
        if (!list_open(c, c->argv[i], &o))
            return;
        bool found = list_length(o) > 0;
        if (found)
            pop_from(c, c->argv[i], o, &m);
        object_close(o);
        if (found)
            return;
    }
    if ((c->cmd->flags & CMD_BLOCKS) != 0)
        c->blocked = true;
    else
        resp_null_array(c->out);
}

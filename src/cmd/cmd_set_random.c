/*
 * SPOP and SRANDMEMBER. What is chosen follows from the seed of the call, so
 * all replicas remove the same members.
 *
 * Chosen members are found by number: there is a copy of them before any of
 * them is removed, from the last one on, so that the numbers of the others
 * stay what they are.
 *
 * How it fails: with an error reply, and nothing changed. More than CHOSEN_MAX
 * members, or CMD_REPLY_BYTES_MAX bytes of them, are refused.
 */
#include "base/alloc.h"
#include "base/num.h"
#include "cmd/cmd_set.h"
#include "type/packed.h"
#include "type/sample.h"

#include <inttypes.h>

/* Each is a search of its own: these take about a second. */
#define CHOSEN_MAX (1024 * 1024)

/* --- one ---------------------------------------------------------------- */

/* *nth: which of them. Nil if there is none. */
static bool reply_one(struct cmd_call *c, struct object *o, uint64_t *nth)
{
    uint64_t seed = c->seed;
    struct bytes member;
    bool found = object_count(o) > 0;
    if (found) {
        *nth = sample_below(&seed, object_count(o));
        found = set_nth(o, *nth, &member);
    }
    if (found)
        resp_bulk(c->out, member);
    else
        resp_null(c->out);
    return found;
}

static void pop_one(struct cmd_call *c)
{
    struct object *o;
    uint64_t nth = 0;
    if (!open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    bool found = reply_one(c, o, &nth);
    ASSERT(!found || nth < object_count(o));
    if (found)
        set_remove_nth(o, nth);
    set_close_changed(o, found);
}

static void tell_one(struct cmd_call *c)
{
    struct object *o;
    uint64_t nth = 0;
    ASSERT(c->argc == 2);
    if (!open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    bool found = reply_one(c, o, &nth);
    ASSERT(!found || nth < object_count(o));
    object_close(o);
}

/* --- several different ones --------------------------------------------- */

struct choice {
    uint64_t *nth; /* of each, ascending */
    uint64_t count;
};

static void choose(struct cmd_call *c, struct object *o, uint64_t count,
                   struct choice *out)
{
    uint64_t seed = c->seed;
    ASSERT(count <= object_count(o));
    out->count = count;
    out->nth = mem_alloc((size_t)(count + 1) * sizeof(*out->nth));
    sample_distinct(&seed, object_count(o), count, out->nth);
}

/* Those that are next to each other are walked over. */
static void list_chosen(struct object *o, const struct choice *choice,
                        struct member_list *list)
{
    struct btree_cursor cursor;
    bool there = false;
    ASSERT(choice->count <= object_count(o));
    btree_cursor_init(&cursor, &o->trees[0]);
    for (uint64_t i = 0; i < choice->count; i++) {
        bool next = there && choice->nth[i] == choice->nth[i - 1] + 1;
        there = next ? btree_next(&cursor)
                     : btree_seek_nth(&cursor, choice->nth[i]);
        if (!there)
            break;
        struct element e = btree_at(&cursor);
        if (!member_list_add(list, packed_member(o, &e)))
            break;
    }
    btree_cursor_release(&cursor);
}

static bool count_fits(struct cmd_call *c, uint64_t count)
{
    if (count <= CHOSEN_MAX)
        return true;
    resp_error(c->out, "ERR reply too large, use a smaller count");
    return false;
}

/* The same of what was listed. */
static bool list_fits(struct cmd_call *c, const struct member_list *list)
{
    ASSERT(list->bytes.len <= CMD_REPLY_BYTES_MAX);
    if (!list->over)
        return true;
    return count_fits(c, UINT64_MAX);
}

static void remove_chosen(struct object *o, const struct choice *choice)
{
    ASSERT(choice->count > 0);
    if (choice->count == object_count(o)) {
        object_clear(o);
        return;
    }
    for (uint64_t i = choice->count; i > 0; i--)
        set_remove_nth(o, choice->nth[i - 1]);
}

static void reply_chosen(struct cmd_call *c, struct object *o, uint64_t count,
                         bool pop)
{
    struct choice choice;
    struct member_list list;
    ASSERT(count <= CHOSEN_MAX);
    choose(c, o, count, &choice);
    member_list_init(&list, CMD_REPLY_BYTES_MAX);
    list_chosen(o, &choice, &list);
    bool changed = false;
    if (list_fits(c, &list)) {
        reply_member_list(c, &list, pop);
        changed = pop && count > 0;
    }
    if (changed)
        remove_chosen(o, &choice);
    set_close_changed(o, changed);
    mem_free(choice.nth);
    member_list_release(&list);
}

/* --- SPOP --------------------------------------------------------------- */

/* The count of SPOP, if there is one. */
static bool parse_pop_count(const struct cmd_args *a, int64_t *count)
{
    *count = 0;
    ASSERT(a->argc >= 2);
    if (a->argc > 3) {
        reply_syntax(a->out);
        return false;
    }
    if (a->argc < 3 || (num_parse_i64(a->argv[2], count) && *count >= 0))
        return true;
    resp_error(a->out, "ERR value is out of range, must be positive");
    return false;
}

bool cmd_spop_check(struct cmd_args *a)
{
    int64_t count = 0;
    ASSERT(a->argc >= 2);
    return parse_pop_count(a, &count);
}

void cmd_spop_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *o;
    int64_t count = 0;
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    if (!parse_pop_count(&a, &count))
        return;
    if (c->argc == 2) {
        pop_one(c);
        return;
    }
    if (!open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    uint64_t wanted = MIN((uint64_t)count, object_count(o));
    if (count_fits(c, wanted))
        reply_chosen(c, o, wanted, true);
    else
        object_close(o);
}

/* --- SRANDMEMBER -------------------------------------------------------- */

static bool parse_random_count(const struct cmd_args *a, int64_t *count)
{
    *count = 0;
    if (a->argc > 3) {
        reply_syntax(a->out);
        return false;
    }
    if (a->argc < 3)
        return true;
    if (!parse_integer(a->out, a->argv[2], count))
        return false;
    if (*count != INT64_MIN)
        return true;
    resp_errorf(a->out,
                "ERR value is out of range, value must between %" PRId64
                " and %" PRId64,
                -INT64_MAX, INT64_MAX);
    return false;
}

bool cmd_srandmember_check(struct cmd_args *a)
{
    int64_t count = 0;
    ASSERT(a->argc >= 2);
    return parse_random_count(a, &count);
}

/* So many, each of them any of all; there is one at least. */
static void reply_any(struct cmd_call *c, struct object *o, uint64_t count)
{
    uint64_t seed = c->seed;
    struct member_list list;
    struct bytes member;
    ASSERT(object_count(o) > 0);
    member_list_init(&list, CMD_REPLY_BYTES_MAX);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t nth = sample_below(&seed, object_count(o));
        if (!set_nth(o, nth, &member) || !member_list_add(&list, member))
            break;
    }
    if (list_fits(c, &list))
        reply_member_list(c, &list, false);
    member_list_release(&list);
    object_close(o);
}

void cmd_srandmember_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *o;
    int64_t count = 0;
    ASSERT((c->cmd->flags & CMD_READ) != 0);
    if (!parse_random_count(&a, &count))
        return;
    if (c->argc == 2) {
        tell_one(c);
        return;
    }
    if (!open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    uint64_t wanted = count < 0 ? (uint64_t)-count : (uint64_t)count;
    bool any = count < 0 && object_count(o) > 0;
    if (!any)
        wanted = MIN(wanted, object_count(o));
    if (!count_fits(c, wanted))
        object_close(o);
    else if (any)
        reply_any(c, o, wanted);
    else
        reply_chosen(c, o, wanted, false);
}

/*
 * Sets: members added, removed, looked for and told.
 *
 * How it fails: with an error reply, and nothing changed. SMEMBERS of more than
 * CMD_REPLY_BYTES_MAX is refused. Where Redis looks at options only if the key
 * exists, so does SSCAN.
 */
#include "cmd/cmd_set.h"
#include "type/packed.h"

#include <inttypes.h>

/* A call of SSCAN that has so much to tell ends there. */
#define SCAN_BYTES_ENOUGH (1024 * 1024)

bool cmd_sadd_check(struct cmd_args *a)
{
    ASSERT(a->argc >= 3);
    return members_fit(a, 2, 1);
}

void cmd_sadd_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *o;
    int64_t added = 0;
    if (!cmd_sadd_check(&a) || !open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    for (uint32_t i = 2; i < c->argc; i++)
        added += set_add(o, c->argv[i]);
    ASSERT(added <= c->argc - 2);
    if (added > 0)
        object_save(o);
    object_close(o);
    resp_integer(c->out, added);
}

void cmd_srem_run(struct cmd_call *c)
{
    struct object *o;
    int64_t removed = 0;
    if (!open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    for (uint32_t i = 2; i < c->argc && object_count(o) > 0; i++)
        removed += set_remove(o, c->argv[i]);
    ASSERT(removed <= c->argc - 2);
    set_close_changed(o, removed > 0);
    resp_integer(c->out, removed);
}

void cmd_sismember_run(struct cmd_call *c)
{
    struct object *o;
    if (!open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    bool found = set_has(o, c->argv[2]);
    ASSERT(!found || object_count(o) > 0);
    object_close(o);
    resp_integer(c->out, found);
}

void cmd_smismember_run(struct cmd_call *c)
{
    struct object *o;
    ASSERT(c->argc >= 3);
    if (!open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    resp_array(c->out, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++)
        resp_integer(c->out, set_has(o, c->argv[i]));
    object_close(o);
}

void cmd_scard_run(struct cmd_call *c)
{
    struct object *o;
    if (!open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    ASSERT(object_count(o) <= INT64_MAX);
    resp_integer(c->out, (int64_t)object_count(o));
    object_close(o);
}

void cmd_smembers_run(struct cmd_call *c)
{
    struct object *o;
    struct long_reply r;
    struct packed_walk w;
    struct bytes member;
    struct bytes value;
    ASSERT(c->argc == 2);
    if (!open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    long_reply_begin(&r, c);
    resp_set(c->out, (size_t)object_count(o));
    packed_walk_init(&w, o);
    while (packed_walk_next(&w, &member, &value) &&
           long_reply_add(&r, member.len, "SSCAN"))
        resp_bulk(c->out, member);
    packed_walk_release(&w);
    object_close(o);
}

static void reply_scan(struct cmd_call *c, struct object *o, uint64_t cursor,
                       const struct scan_options *options)
{
    struct packed_scan scan;
    struct member_list list;
    struct bytes member;
    struct bytes value;
    ASSERT(options->count > 0);
    member_list_init(&list, CMD_REPLY_BYTES_MAX);
    packed_scan_init(&scan, o, cursor, options->count);
    while (packed_scan_next(&scan, &member, &value)) {
        if (scan_wants(options, member) && !member_list_add(&list, member))
            break;
        if (list.bytes.len > SCAN_BYTES_ENOUGH)
            scan.count = 0; /* the next call goes on */
    }
    resp_array(c->out, 2);
    resp_bulkf(c->out, "%" PRIu64, scan.cursor);
    reply_member_list(c, &list, false);
    packed_scan_release(&scan);
    member_list_release(&list);
}

bool cmd_sscan_check(struct cmd_args *a)
{
    uint64_t cursor = 0;
    ASSERT(a->argc >= 3);
    return parse_scan_cursor(a, 2, &cursor);
}

void cmd_sscan_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct scan_options options;
    struct object *o;
    uint64_t cursor = 0;
    ASSERT(c->argc >= 3);
    if (!parse_scan_cursor(&a, 2, &cursor) ||
        !open_collection(c, c->argv[1], VALUE_SET, &o))
        return;
    if (object_count(o) == 0)
        reply_scan_none(c);
    else if (parse_scan_options(&a, 3, &options))
        reply_scan(c, o, cursor, &options);
    object_close(o);
}

/* --- SMOVE -------------------------------------------------------------- */

/* Both sets are of different keys. */
static void move(struct cmd_call *c, struct object *from, struct object *to)
{
    bool moved = set_remove(from, c->argv[3]);
    ASSERT(from != to);
    if (moved)
        set_close_changed(to, set_add(to, c->argv[3]));
    else
        object_close(to);
    set_close_changed(from, moved);
    resp_integer(c->out, moved);
}

static void move_to_itself(struct cmd_call *c, struct object *o)
{
    bool found = set_has(o, c->argv[3]);
    ASSERT(!found || object_count(o) > 0);
    object_close(o);
    resp_integer(c->out, found);
}

bool cmd_smove_check(struct cmd_args *a)
{
    ASSERT(a->argc == 4);
    return members_fit(a, 3, 1);
}

void cmd_smove_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct object *from;
    struct object *to;
    if (!cmd_smove_check(&a) ||
        !open_collection(c, c->argv[1], VALUE_SET, &from))
        return;
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    if (object_count(from) == 0) {
        object_close(from);
        resp_integer(c->out, 0);
    } else if (bytes_eq(c->argv[1], c->argv[2])) {
        move_to_itself(c, from);
    } else if (open_collection(c, c->argv[2], VALUE_SET, &to)) {
        move(c, from, to);
    } else {
        object_close(from);
    }
}

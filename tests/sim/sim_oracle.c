/*
 * The oracle: the checkers of tests/check over this run. The fold walks the
 * committed log entry by entry and predicts every reply; the trace of requests
 * says whether what is executed and answered may be. A read is judged by the
 * index it was served at, which must not lie below anything committed before
 * it began. With the order of indexes as the witness, that is linearizability;
 * sessions make it exactly-once.
 */
#include "sim.h"

#include "base/hash.h"

#include <stdio.h>

/* X16: how often a leader may go back on a link in a minute: whatever the
 * timeouts; and once more for each of that minute's election timeouts. */
#define AGAIN_SLACK 30

void oracle_judge(struct sim *s, uint32_t node, raft_index index)
{
    const char *const found[] = {s->oracle.violation, s->trace.violation,
                                 s->state.violation, s->bound.violation};

    for (size_t i = 0; i < ARRAY_LEN(found); i++)
        if (found[i])
            sim_fail(s, "%s: node %u, entry %llu", found[i], node,
                     (unsigned long long)index);
}

/* --- the trace of requests ------------------------------------------------ */

static struct client_id id_of(const struct sim_op *op)
{
    return (struct client_id){op->node, op->incarnation, op->seq};
}

void oracle_asked(struct sim *s, const struct sim_op *op)
{
    client_check_asked(&s->trace, id_of(op), op->argv, op->argc);
    oracle_judge(s, op->node, op->seq);
}

void oracle_refused(struct sim *s, const struct sim_op *op)
{
    client_check_refused(&s->trace, op->argv, op->argc);
}

/* What collections answer differs by protocol, and may have no order. */
static bool same_reply(const struct sim_op *op, struct bytes reply,
                       struct bytes expected)
{
    static const char letters[] = "hflszxq";

    if (!strchr(letters, op->argv[1].data[0]) &&
        !bytes_eq(op->argv[0], BYTES_LIT("xreadgroup")))
        return false;
    if (bytes_eq(expected, FOLD_EITHER))
        return bytes_eq(reply, BYTES_LIT(":0\r\n")) ||
               bytes_eq(reply, BYTES_LIT(":1\r\n"));
    return fold_same_words(op->argv[0], reply, expected);
}

void oracle_answered(struct sim *s, const struct sim_op *op, raft_index at,
                     struct bytes reply, uint8_t protocol)
{
    struct bytes expected = buf_view(&op->expected);

    if (protocol == 3 && bytes_eq(expected, BYTES_LIT("$-1\r\n")))
        expected = BYTES_LIT("_\r\n");
    if (same_reply(op, reply, expected))
        expected = reply;
    client_check_answered(&s->trace, id_of(op), at, reply, expected);
    if (s->trace.violation)
        sim_fail(s, "%s: node %u, entry %llu, %.*s %.*s: %.*s instead of %.*s",
                 s->trace.violation, op->node, (unsigned long long)at,
                 (int)op->argv[0].len, (const char *)op->argv[0].data,
                 (int)op->argv[1].len, (const char *)op->argv[1].data,
                 (int)MIN(reply.len, 60), (const char *)reply.data,
                 (int)MIN(expected.len, 60), (const char *)expected.data);
}

/* The fold executes a request; its reply goes to the operation. */
static struct buf *executed(void *ctx, const struct fold_request *r)
{
    struct sim *s = ctx;
    struct client_id id = {r->node, r->incarnation, r->seq};
    struct client_place place = {r->index, r->pos};

    if (r->internal || bytes_eq(r->argv[0], BYTES_LIT("vard.members")))
        return NULL;
    client_check_executed(&s->trace, id, r->argv, r->argc, place);
    oracle_judge(s, r->node, r->index);
    struct sim_op *op = op_find(s, r->node, r->incarnation, r->seq);
    ASSERT(op);
    if (op->invoke_commit >= r->index)
        sim_fail(s,
                 "L linearizability: request %llu of node %u stands before "
                 "what was committed when it began",
                 (unsigned long long)r->seq, r->node);
    op->executed = r->index;
    op->executed_pos = r->pos;
    return &op->expected;
}

struct entry ghost_to_entry(const struct ghost_entry *e, raft_index i)
{
    struct entry out = {.index = i,
                        .term = e->term,
                        .time_ms = e->time_ms,
                        .wall_offset_ms = e->wall_offset_ms,
                        .seed = e->seed,
                        .kind = e->kind,
                        .payload = buf_view(&e->payload)};

    return out;
}

void oracle_advance(struct sim *s, raft_index to)
{
    while (s->oracle.head < to) {
        raft_index i = s->oracle.head + 1;
        const struct ghost_entry *g = s->ghost.committed[i];
        ASSERT(g);
        struct entry e = ghost_to_entry(g, i);
        fold_entry(&s->oracle, &e);
        s->stats.once_same = s->oracle.once_same;
        oracle_judge(s, s->current ? s->current->id : 0, i);
    }
}

/* --- reads ---------------------------------------------------------------- */

void oracle_check_read(struct sim *s, const struct sim_op *op, raft_index at,
                       struct bytes reply)
{
    const struct fold_key *k = fold_key(&s->oracle, op->argv[1], false);
    const struct fold_version *v = fold_alive_at(&s->oracle, k, at);

    if (v && v->expire_ms > 0 &&
        v->expire_ms <= s->current->node->reads.time_ms)
        sim_fail(s, "X9 expiry: node %u answers what is in doubt, %.*s",
                 op->node, (int)op->argv[1].len,
                 (const char *)op->argv[1].data);
    bool fields =
        v && v->due_ms > 0 && v->due_ms <= s->current->node->reads.time_ms;
    if (fields)
        sim_fail(s, "X9 expiry: node %u answers fields that are in doubt, %.*s",
                 op->node, (int)op->argv[1].len,
                 (const char *)op->argv[1].data);
    if (!fold_read_matches(&s->oracle, at, op->argv[0], reply, v))
        sim_fail(s, "L linearizability: node %u at %llu: %.*s %.*s gives %.*s",
                 op->node, (unsigned long long)at, (int)op->argv[0].len,
                 (const char *)op->argv[0].data, (int)op->argv[1].len,
                 (const char *)op->argv[1].data, (int)MIN(reply.len, 60),
                 (const char *)reply.data);
}

/* --- a state and its fold ------------------------------------------------- */

void oracle_read_value(struct keyspace *ks, const struct value *v,
                       struct buf *out)
{
    struct value_range r = keyspace_range(ks, v, 0, v->length);
    struct bytes part;

    while (keyspace_next(ks, &r, &part))
        buf_bytes(out, part);
}

static bool same_bytes(struct keyspace *ks, const struct value *real,
                       const struct fold_version *v)
{
    struct buf all = BUF_INIT;

    oracle_read_value(ks, real, &all);
    bool same = all.len == v->len && hash64(buf_view(&all)) == v->hash;
    buf_release(&all);
    return same;
}

static bool same_value(struct sim *s, struct keyspace *ks, struct bytes name,
                       const struct value *real, const struct fold_version *v)
{
    if (real->expire_ms != v->expire_ms)
        return false;
    if (v->type != FOLD_STRING)
        return state_same(s, ks, name, v);
    return real->version == v->index && same_bytes(ks, real, v);
}

/* A key as the log makes it. */
struct made {
    struct bytes name;
    const struct fold_key *key;
    const struct fold_version *v; /* NULL: there is none */
};

static void compare_key(struct sim *s, const char *who, struct keyspace *ks,
                        const struct made *m)
{
    struct value real;
    const struct fold_version *v = m->v;
    bool there = keyspace_get(ks, 0, m->name, &real);

    if (there == (v != NULL) && (!v || same_value(s, ks, m->name, &real, v)))
        return;
    if (there && m->key->maybe && state_is_over(ks, m->name))
        return;
    sim_fail(s,
             "%s: key %.*s, there %d, expires %lld, version %llu; "
             "the log makes it %d, %lld, %llu",
             who, (int)m->name.len, (const char *)m->name.data, there,
             (long long)(there ? real.expire_ms : 0),
             (unsigned long long)(there ? real.version : 0), v != NULL,
             (long long)(v ? v->expire_ms : 0),
             (unsigned long long)(v ? v->index : 0));
}

void oracle_compare_with(struct sim *s, const char *who, struct keyspace *ks,
                         const struct fold *f)
{
    struct bytes name;
    void *key;
    size_t pos = 0;

    ASSERT(keyspace_applied(ks)->index == f->head);
    s->stats.compared++;
    keyspace_read_at(ks, f->head > 0 ? f->times[f->head] : 0);
    while (map_next(&f->keys, &pos, &name, &key))
        compare_key(s, who, ks,
                    &(struct made){name, key, fold_alive_at(f, key, f->head)});
    for (uint32_t i = 0; i < s->count; i++) {
        struct fold_session own = fold_session(f, i);
        struct session real;
        session_get(ks, i, &real);
        if (real.incarnation != own.incarnation ||
            real.last_seq != own.last_seq)
            sim_fail(s,
                     "%s: the session of node %u is at %llu of %llu, "
                     "the log makes it %llu of %llu",
                     who, i, (unsigned long long)real.last_seq,
                     (unsigned long long)real.incarnation,
                     (unsigned long long)own.last_seq,
                     (unsigned long long)own.incarnation);
    }
}

void oracle_compare(struct sim *s, uint32_t node)
{
    struct keyspace *ks = s->nodes[node].node->ks;
    char who[32];

    if (keyspace_applied(ks)->index != s->oracle.head)
        return;
    snprintf(who, sizeof(who), "I17 state: node %u", node);
    oracle_compare_with(s, who, ks, &s->oracle);
}

void oracle_init(struct sim *s)
{
    struct fold_events events = {s, executed};

    fold_init(&s->oracle, &events);
    client_check_init(&s->trace);
    state_check_init(&s->state, s->count);
    bound_check_init(&s->bound, 60000 / s->config.election_ms + AGAIN_SLACK);
}

void oracle_release(struct sim *s)
{
    fold_release(&s->oracle);
    client_check_release(&s->trace);
    state_check_release(&s->state);
    time_release(s);
}

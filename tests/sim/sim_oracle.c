/*
 * The model: a second, plain implementation of sessions, once-records and
 * commands, which walks the committed log entry by entry and predicts every
 * reply. A client's reply must be that of its request's place in the log; a
 * read's that of the index it was served at, which must not lie below anything
 * committed before the read began. With the order of indexes as the witness,
 * that is linearizability; sessions make it exactly-once.
 */
#include "sim.h"

#include "base/hash.h"

static void reply_once(struct sim *s, struct request *r,
                       const struct bytes *argv, const struct ghost_entry *e,
                       struct buf *reply)
{
    struct oracle *m = &s->oracle;
    struct oracle_once *o = map_get(&m->once, r->once_client);

    if (!o) {
        o = mem_zalloc(sizeof(*o));
        (void)map_put(&m->once, r->once_client, o);
    }
    bool fresh = o->expire_ms <= e->time_ms || r->once_id > o->id;
    if (!fresh && r->once_id < o->id) {
        buf_str(reply, "-ERR this request id is older than the newest one of "
                       "the client, its answer is not kept any more\r\n");
        return;
    }
    if (fresh) {
        buf_reset(&o->reply);
        oracle_command(s, argv, r->argc, e, &o->reply);
        o->id = r->once_id;
        o->expire_ms = e->time_ms + (int64_t)r->once_ttl_s * 1000;
    } else {
        s->stats.once_same++;
    }
    buf_bytes(reply, buf_view(&o->reply));
}

/* I18: nothing is executed that nobody asked for, in these very words. */
static struct sim_op *op_of(struct sim *s, const struct request_group *g,
                            uint64_t seq, const struct request *r,
                            const struct bytes *argv)
{
    struct sim_op *op = op_find(s, g->node, g->incarnation, seq);

    if (r->flags & REQUEST_FLAG_INTERNAL)
        return NULL;
    bool same = op && op->argc == r->argc;
    for (uint32_t i = 0; same && i < r->argc; i++)
        same = bytes_eq(op->argv[i], argv[i]);
    if (!same)
        sim_fail(s, "I18 trace: request %llu of node %u was never asked for",
                 (unsigned long long)seq, g->node);
    return op;
}

static void execute(struct sim *s, const struct request_group *g, uint64_t seq,
                    struct request *r, const struct ghost_entry *e)
{
    struct oracle *m = &s->oracle;
    struct session *session = &m->sessions[g->node];
    struct bytes argv[OP_ARGS_MAX];
    struct buf nowhere = BUF_INIT;

    ASSERT(r->argc <= OP_ARGS_MAX && g->node < s->count);
    for (uint32_t i = 0; i < r->argc; i++)
        argv[i] = request_arg(&r->args);
    if (g->incarnation > session->incarnation)
        *session = (struct session){g->incarnation, 0};
    if (g->incarnation < session->incarnation || seq != session->last_seq + 1) {
        m->skipped++;
        return;
    }
    session->last_seq = seq;
    m->executed++;
    struct sim_op *op = op_of(s, g, seq, r, argv);
    struct buf *reply = op ? &op->expected : &nowhere;
    if (op) {
        if (op->executed > 0 || op->state == OP_REFUSED)
            sim_fail(s, "X11 honest: request %llu of node %u is executed %s",
                     (unsigned long long)seq, g->node,
                     op->executed > 0 ? "twice" : "and was refused");
        if (op->invoke_commit >= m->head)
            sim_fail(s,
                     "L linearizability: request %llu of node %u stands "
                     "before what was committed when it began",
                     (unsigned long long)seq, g->node);
        op->executed = m->head;
    }
    if (r->flags & REQUEST_FLAG_ONCE)
        reply_once(s, r, argv, e, reply);
    else
        oracle_command(s, argv, r->argc, e, reply);
    buf_release(&nowhere);
}

static void walk(struct sim *s, const struct ghost_entry *e)
{
    struct bytes payload = buf_view(&e->payload);
    struct request_group g;
    struct request r;

    while (e->kind == ENTRY_REQUESTS && payload.len > 0) {
        int err = request_group_decode(&payload, &g);
        struct bytes requests = g.requests;
        ASSERT(err == 0);
        for (uint32_t i = 0; i < g.count; i++) {
            err = request_decode(&requests, &r);
            ASSERT(err == 0);
            execute(s, &g, g.first_seq + i, &r, e);
        }
    }
}

void oracle_advance(struct sim *s, raft_index to)
{
    struct oracle *m = &s->oracle;

    while (m->head < to) {
        const struct ghost_entry *e = s->ghost.committed[m->head + 1];
        ASSERT(e);
        m->head++;
        if (m->head >= m->times_cap) {
            m->times_cap = MAX(m->times_cap * 2, 1024);
            m->times = mem_realloc(m->times, m->times_cap * sizeof(int64_t));
        }
        m->times[m->head] = e->time_ms;
        if (m->head > 1 && e->time_ms < m->times[m->head - 1])
            sim_fail(s, "time: entry %llu is older than the one before",
                     (unsigned long long)m->head);
        walk(s, e);
    }
}

const struct oracle_version *oracle_version_at(const struct oracle_key *k,
                                               raft_index at)
{
    size_t low = 0;
    size_t high = k ? k->count : 0;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (k->versions[mid].index <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low == 0 ? NULL : &k->versions[low - 1];
}

/* Of a bulk reply: its bytes; false if it is none. */
static bool bulk(struct bytes reply, struct bytes *out)
{
    size_t i = 1;
    size_t len = 0;

    if (reply.len < 5 || reply.data[0] != '$' || reply.data[1] == '-')
        return false;
    for (; i < reply.len && reply.data[i] != '\r'; i++)
        len = len * 10 + (size_t)(reply.data[i] - '0');
    if (i + 2 + len + 2 != reply.len)
        return false;
    *out = bytes_of(reply.data + i + 2, len);
    return true;
}

static bool read_matches(struct bytes command, struct bytes reply,
                         const struct oracle_version *v)
{
    struct buf text = BUF_INIT;
    struct bytes value;

    if (bytes_eq(command, BYTES_LIT("get")) && v)
        return bulk(reply, &value) && value.len == v->len &&
               hash64(value) == v->hash;
    if (bytes_eq(command, BYTES_LIT("get")))
        buf_str(&text, "$-1\r\n");
    else if (bytes_eq(command, BYTES_LIT("strlen")))
        buf_printf(&text, ":%llu\r\n", v ? (unsigned long long)v->len : 0);
    else if (bytes_eq(command, BYTES_LIT("exists")))
        buf_printf(&text, ":%d\r\n", v ? 1 : 0);
    else
        buf_printf(&text, ":%lld\r\n",
                   v ? (v->expire_ms ? (long long)v->expire_ms : -1) : -2LL);
    bool same = bytes_eq(buf_view(&text), reply);
    buf_release(&text);
    return same;
}

void oracle_check_read(struct sim *s, const struct sim_op *op, raft_index at,
                       struct bytes reply)
{
    const struct oracle_key *k = oracle_key_get(s, op->argv[1], false);
    const struct oracle_version *v = oracle_version_at(k, at);
    int64_t log_ms = at > 0 ? s->oracle.times[at] : 0;
    int64_t read_ms = s->current->node->read_time_ms;

    if (v && (!v->present || (v->expire_ms > 0 && v->expire_ms <= log_ms)))
        v = NULL;
    if (v && v->expire_ms > 0 && v->expire_ms <= read_ms)
        sim_fail(s, "expiry: node %u answers what is in doubt, %.*s", op->node,
                 (int)op->argv[1].len, (const char *)op->argv[1].data);
    if (!read_matches(op->argv[0], reply, v))
        sim_fail(s, "L linearizability: node %u at %llu: %.*s %.*s gives %.*s",
                 op->node, (unsigned long long)at, (int)op->argv[0].len,
                 (const char *)op->argv[0].data, (int)op->argv[1].len,
                 (const char *)op->argv[1].data, (int)MIN(reply.len, 60),
                 (const char *)reply.data);
}

static void compare_key(struct sim *s, uint32_t node,
                        const struct oracle_key *k)
{
    struct keyspace *ks = s->nodes[node].node->ks;
    const struct oracle_version *v = oracle_version_at(k, s->oracle.head);
    int64_t now = s->oracle.times[s->oracle.head];
    struct value real;

    if (v && (!v->present || (v->expire_ms > 0 && v->expire_ms <= now)))
        v = NULL;
    bool there = keyspace_get(ks, 0, bytes_str(k->name), &real);
    if (there != (v != NULL) ||
        (v && (real.expire_ms != v->expire_ms || real.data.len != v->len ||
               hash64(real.data) != v->hash || real.version != v->index)))
        sim_fail(s,
                 "I17 state: node %u: key %s, there %d, expires %lld, "
                 "version %llu; the log makes it %d, %lld, %llu; now %lld",
                 node, k->name, there, (long long)(there ? real.expire_ms : 0),
                 (unsigned long long)(there ? real.version : 0), v != NULL,
                 (long long)(v ? v->expire_ms : 0),
                 (unsigned long long)(v ? v->index : 0), (long long)now);
}

void oracle_compare(struct sim *s, uint32_t node)
{
    struct keyspace *ks = s->nodes[node].node->ks;
    struct oracle_key *k;
    void *value;
    size_t pos = 0;

    if (keyspace_applied(ks)->index != s->oracle.head || s->oracle.head == 0)
        return;
    keyspace_read_at(ks, s->oracle.times[s->oracle.head]);
    while (map_next(&s->oracle.keys, &pos, NULL, &value)) {
        k = value;
        compare_key(s, node, k);
    }
    for (uint32_t i = 0; i < s->count; i++) {
        struct session real;
        session_get(ks, i, &real);
        if (real.incarnation != s->oracle.sessions[i].incarnation ||
            real.last_seq != s->oracle.sessions[i].last_seq)
            sim_fail(s, "I17 sessions: node %u: that of node %u differs", node,
                     i);
    }
}

void oracle_init(struct sim *s)
{
    map_init(&s->oracle.keys, 1);
    map_init(&s->oracle.once, 1);
}

void oracle_release(struct sim *s)
{
    void *value;
    size_t pos = 0;

    while (map_next(&s->oracle.keys, &pos, NULL, &value)) {
        struct oracle_key *k = value;
        buf_release(&k->value);
        mem_free(k->versions);
        mem_free(k);
    }
    pos = 0;
    while (map_next(&s->oracle.once, &pos, NULL, &value)) {
        struct oracle_once *o = value;
        buf_release(&o->reply);
        mem_free(o);
    }
    map_release(&s->oracle.keys);
    map_release(&s->oracle.once);
    mem_free(s->oracle.times);
}

/*
 * The members compare their states: a mark in the log says which one is meant,
 * each member hashes the state that it has after that entry, and reports the
 * hash with a request of its own. So all see the same reports, and what
 * was reported is part of the state (data/comparison.h): who starts again, or
 * comes to lead, knows as much as the others.
 *
 *   mark applied     the store is asked for a view of exactly this state. Only
 *                    until that can be frozen the next entry waits
 *   view flushed     a thread reads it, at a rate, and hashes it
 *   hash found       vard.hash: this is what node n has, in a database that
 *                    began with this start
 *   report applied   every member judges
 *
 * What the majority has is right. A member that has another hash than it ends,
 * as one whose files are damaged: its next start puts the database aside, and
 * the others refill it. Without a majority nobody knows who is right: this is
 * said, and nobody stops.
 *
 * How it fails: who cannot say what it had (it was started after the mark, its
 * disk is short, its files cannot be read) reports that. Who is down reports
 * nothing; the others do not wait for it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/reader.h"
#include "node/node_internal.h"
#include "snapshot/digest.h"
#include "store/store_view.h"

#define BEGAN_KEY BYTES_LIT("began")
/* A leader compares by itself for the first time after so long. */
#define FIRST_MS 60000

void node_compare_release(struct node *n)
{
    struct comparing *c = &n->comparing;

    digest_free(c->digest);
    store_view_close(c->view);
    if (n->store)
        store_view_drop(n->store);
    c->digest = NULL;
    c->view = NULL;
    c->index = 0;
}

/* However a database has begun, its first start finds no record. */
static int write_began(struct node *n)
{
    uint8_t value[8];

    ASSERT(n->options.incarnation > 0);
    store_u64le(value, n->options.incarnation);
    store_batch_reset(&n->batch);
    store_batch_put(&n->batch, STORE_META, BEGAN_KEY,
                    bytes_of(value, sizeof(value)));
    n->comparing.began = n->options.incarnation;
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    return err != 0 ? err : store_sync(n->store);
}

static int read_began(struct node *n, struct buf *error)
{
    struct buf value = BUF_INIT;
    int err = store_get(n->store, STORE_META, BEGAN_KEY, &value);

    ASSERT(n->comparing.began == 0);
    if (err == 0 && value.len == 8)
        n->comparing.began = load_u64le(value.data);
    buf_release(&value);
    if (err == ERR_NOT_FOUND)
        err = write_began(n);
    if (err == 0)
        return 0;
    buf_printf(error, "the record of the first start: %s",
               store_error(n->store));
    return err;
}

int node_compare_open(struct node *n, struct buf *error)
{
    struct comparing *c = &n->comparing;

    ASSERT(n->ks && c->index == 0);
    comparison_get(n->ks, &c->known);
    c->judge_due = true;
    c->due_at_ms = n->mono_ms + FIRST_MS;
    return read_began(n, error);
}

/* What this node has reported, it has no longer. */
void node_compare_restored(struct node *n)
{
    struct comparing *c = &n->comparing;

    node_compare_release(n);
    comparison_get(n->ks, &c->known);
    ASSERT(c->known.index <= keyspace_applied(n->ks)->index);
    c->replaced = c->known.index;
    c->judge_due = true;
}

/* --- a mark, a report ---------------------------------------------------- */

void node_compare_saw(struct node *n, const struct cmd *cmd)
{
    bool mark = cmd->id == CMD_ID_VARD_MARK;

    ASSERT(!n->dead && (cmd->flags & CMD_UPKEEP) != 0);
    n->comparing.mark_due |= mark;
    n->comparing.changed |= mark || cmd->id == CMD_ID_VARD_HASH;
}

static void begin(struct node *n)
{
    struct comparing *c = &n->comparing;

    node_compare_release(n);
    ASSERT(c->known.index == keyspace_applied(n->ks)->index);
    if (n->space.own_short) {
        log_notice(n->logger,
                   "the state after entry %" PRIu64 " is not "
                   "compared: the disk is short of space",
                   c->known.index);
        return; /* a view keeps what is deleted meanwhile */
    }
    c->index = c->known.index;
    store_view_ask(n->store);
}

void node_compare_applied(struct node *n)
{
    struct comparing *c = &n->comparing;

    if (!c->changed)
        return;
    ASSERT(!n->dead);
    comparison_get(n->ks, &c->known);
    c->judge_due = true;
    c->changed = false;
    if (c->mark_due)
        begin(n);
    c->mark_due = false;
}

/* --- this node's own hash ------------------------------------------------ */

/* NULL: what this node has, it cannot say. */
static void report(struct node *n, const struct digest_totals *t)
{
    struct comparing *c = &n->comparing;
    char texts[3][24];
    struct bytes argv[4] = {BYTES_LIT("vard.hash")};

    ASSERT(c->known.index > 0);
    snprintf(texts[0], sizeof(texts[0]), "%" PRIu64, c->known.index);
    snprintf(texts[1], sizeof(texts[1]), "%" PRIu64, c->began);
    snprintf(texts[2], sizeof(texts[2]), "none");
    if (t)
        snprintf(texts[2], sizeof(texts[2]), "%" PRIu64, t->hash);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        argv[i + 1] = bytes_str(texts[i]);
    c->reported = c->known.index;
    c->report_seq = n->requests.ring.next_seq;
    node_requests_internal(n, argv, ARRAY_LEN(argv));
}

static void open_view(struct node *n)
{
    struct comparing *c = &n->comparing;
    struct digest_options how = {.rate = n->options.compare_rate,
                                 .in_turn = n->options.compare_in_turn};
    int err = store_view_take(n->store, &c->view);

    ASSERT(err != 0 || c->view);
    if (err == 0)
        c->digest = digest_new(c->view, &how);
    else if (err != ERR_AGAIN)
        node_compare_release(n);
}

/* The view is of the right entry, or the store has not kept its word. */
static bool is_whole(struct node *n, int err, const struct digest_totals *t)
{
    const struct comparing *c = &n->comparing;

    ASSERT(c->digest);
    if (err != 0)
        log_warning(n->logger,
                    "the state after entry %" PRIu64 " cannot be compared: %s",
                    c->index, digest_error(c->digest));
    else if (t->applied.index != c->index)
        log_warning(n->logger,
                    "the state after entry %" PRIu64 " cannot be compared: "
                    "that after entry %" PRIu64 " was read",
                    c->index, t->applied.index);
    return err == 0 && t->applied.index == c->index;
}

static void read_state(struct node *n)
{
    struct comparing *c = &n->comparing;
    struct digest_totals t;

    if (c->index != 0 && !c->view)
        open_view(n);
    if (!c->digest)
        return;
    int err = digest_result(c->digest, &t);
    if (err == ERR_AGAIN)
        return;
    bool whole = is_whole(n, err, &t);
    ASSERT(c->index == c->known.index); /* another mark would have ended it */
    node_compare_release(n);
    report(n, whole ? &t : NULL);
}

/* Of this very database: what one before it had is no matter of it. */
static const struct comparison_report *own_report(const struct node *n)
{
    const struct comparing *c = &n->comparing;
    const struct comparison_report *r =
        comparison_find(&c->known, n->options.self);

    ASSERT(!r || c->known.index > 0);
    return r && r->began == c->began ? r : NULL;
}

/* The state after the mark is gone, and was not hashed. */
static void report_none(struct node *n)
{
    const struct comparing *c = &n->comparing;

    if (c->known.index == 0 || c->index != 0 || c->reported == c->known.index ||
        own_report(n))
        return;
    ASSERT(c->known.index <= keyspace_applied(n->ks)->index);
    report(n, NULL);
}

/* --- the verdict --------------------------------------------------------- */

struct verdict {
    bool found;    /* a majority has this hash */
    uint64_t hash; /* the first one that was reported, if none has */
    uint32_t have; /* members that have it: bits by position */
    uint32_t others;
    uint32_t count; /* of members */
};

/* Members that have reported this hash; NULL: any. */
static uint32_t members_with(const struct node *n, const struct raft_members *m,
                             const uint64_t *hash)
{
    const struct comparison *c = &n->comparing.known;
    uint32_t bits = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        const struct comparison_report *r = &c->reports[i];
        int pos = raft_members_position(m, r->node);
        ASSERT(pos < (int)m->count);
        if (pos >= 0 && r->found && (!hash || r->hash == *hash))
            bits |= UINT32_C(1) << pos;
    }
    return bits;
}

static void judge(const struct node *n, struct verdict *out)
{
    const struct comparison *c = &n->comparing.known;
    struct raft_members m;

    configuration_members(&n->membership.applied, &m);
    *out = (struct verdict){.count = m.count};
    uint32_t all = members_with(n, &m, NULL);
    for (uint32_t i = 0; i < c->count && !out->found; i++) {
        if (!c->reports[i].found)
            continue;
        uint32_t have = members_with(n, &m, &c->reports[i].hash);
        if (out->have != 0 && !raft_members_quorum(&m, have))
            continue;
        out->hash = c->reports[i].hash;
        out->have = have;
        out->found = raft_members_quorum(&m, have);
    }
    out->others = all & ~out->have;
    ASSERT(!out->found || out->have != 0);
}

/* The majority has another state than this node: what it tells is wrong. */
static void stop_if_wrong(struct node *n, const struct verdict *v)
{
    const struct comparing *c = &n->comparing;
    const struct comparison_report *own = own_report(n);
    char text[256];

    if (!v->found || !own || !own->found || own->hash == v->hash ||
        c->replaced == c->known.index)
        return;
    ASSERT(v->others != 0);
    snprintf(text, sizeof(text),
             "after entry %" PRIu64 " it has the hash %016" PRIx64
             ", and a majority has %016" PRIx64
             ": its data are wrong. Start it again: its database is put aside "
             "(db.damaged), and the others refill it",
             c->known.index, own->hash, v->hash);
    node_fail_damaged(n, "the state of this node is not that of the others",
                      text);
}

static void tell_different(struct node *n, const struct verdict *v)
{
    struct comparing *c = &n->comparing;
    struct buf list = BUF_INIT;

    if (v->others == 0 || c->told_different == c->known.index)
        return;
    c->told_different = c->known.index;
    for (uint32_t i = 0; i < c->known.count; i++)
        if (c->known.reports[i].found)
            buf_printf(&list, ", node %u: %016" PRIx64,
                       c->known.reports[i].node, c->known.reports[i].hash);
    ASSERT(list.len > 2);
    log_warning(n->logger,
                "the members have different states after entry %" PRIu64
                "%.*s. %s",
                c->known.index, (int)list.len, (const char *)list.data,
                v->found ? "Those that are not with the majority stop, and "
                           "are refilled when they start again"
                         : "No majority has the same: nobody stops. Take a "
                           "backup of each, and compare them");
    buf_release(&list);
}

static void tell_equal(struct node *n, const struct verdict *v)
{
    struct comparing *c = &n->comparing;
    uint32_t all = (UINT32_C(1) << v->count) - 1;

    if (v->have != all || c->told_equal == c->known.index)
        return;
    ASSERT(v->others == 0);
    c->told_equal = c->known.index;
    log_verbose(n->logger,
                "all members have the same state after entry %" PRIu64
                ", hash %016" PRIx64,
                c->known.index, v->hash);
}

static void look(struct node *n)
{
    struct verdict v;

    if (!n->comparing.judge_due || n->comparing.known.index == 0)
        return;
    n->comparing.judge_due = false;
    judge(n, &v);
    tell_different(n, &v);
    tell_equal(n, &v);
    stop_if_wrong(n, &v);
}

/* --- when ---------------------------------------------------------------- */

static bool is_asked(const struct node *n)
{
    const struct comparing *c = &n->comparing;

    ASSERT(c->mark_seq < n->requests.ring.next_seq);
    return c->mark_seq >= n->requests.ring.first_seq;
}

/* Does one that is up still have to say what it has? */
static bool is_waited_for(const struct node *n)
{
    if (n->comparing.known.index == 0)
        return false;
    if (!own_report(n))
        return true;
    for (uint32_t i = 0; i < n->peer_count; i++) {
        const struct node_peer *p = &n->peers[i];
        ASSERT(p->id != n->options.self);
        if (p->up && configuration_find(&n->membership.applied, p->id) &&
            !comparison_find(&n->comparing.known, p->id))
            return true;
    }
    return false;
}

static void submit_mark(struct node *n)
{
    struct bytes argv = BYTES_LIT("vard.mark");

    ASSERT(!n->dead && !is_asked(n));
    n->comparing.mark_seq = n->requests.ring.next_seq;
    node_requests_internal(n, &argv, 1);
}

/* As leader: once in so long, by the log's time, whoever leads. */
static void compare_by_itself(struct node *n)
{
    struct comparing *c = &n->comparing;
    int64_t every_ms = n->options.compare_every_ms;
    int64_t passed_ms = node_time_reckoned(n) - c->known.time_ms;

    ASSERT(every_ms >= 0 && c->known.time_ms >= 0);
    if (n->raft.role != RAFT_LEADER)
        c->due_at_ms = n->mono_ms + MIN(every_ms, FIRST_MS);
    if (every_ms == 0 || n->mono_ms < c->due_at_ms || passed_ms < every_ms ||
        n->space.own_short || !raft_can_propose(&n->raft) || is_asked(n))
        return;
    submit_mark(n);
}

void node_compare(struct node *n)
{
    ASSERT(!n->dead);
    if (n->space.own_short && n->comparing.index != 0) {
        log_notice(n->logger, "the comparison of states is given up: the disk "
                              "is short of space");
        node_compare_release(n);
    }
    read_state(n);
    report_none(n);
    look(n);
    if (!n->dead)
        compare_by_itself(n);
}

/* --- for the owner ------------------------------------------------------- */

int node_compare_ask(struct node *n)
{
    const struct comparing *c = &n->comparing;

    if (n->dead || node_leaderless_too_long(n))
        return ERR_NO_LEADER;
    if (n->raft.recovering)
        return ERR_REFILL;
    /* One that this node works on is joined. */
    if (!is_asked(n) && (c->index == 0 || !is_waited_for(n)))
        submit_mark(n);
    ASSERT(is_asked(n) || c->index != 0);
    return 0;
}

static enum compare_result result_of(const struct verdict *v,
                                     const struct comparison_report *r)
{
    ASSERT(v->count > 0);
    if (!r)
        return COMPARE_MISSING;
    if (!r->found)
        return COMPARE_UNKNOWN;
    if (!v->found)
        return v->others == 0 ? COMPARE_EQUAL : COMPARE_UNDECIDED;
    return r->hash == v->hash ? COMPARE_EQUAL : COMPARE_DIFFERENT;
}

static void member_status(const struct node *n, const struct verdict *v,
                          uint32_t i, struct compare_status *out)
{
    const struct member *m = &n->membership.applied.members[i];
    struct compare_member *to = &out->members[i];
    ASSERT(i < out->count);
    const struct comparison_report *r =
        comparison_find(&n->comparing.known, m->id);

    to->id = m->id;
    to->hash = r ? r->hash : 0;
    to->result = result_of(v, r);
    to->up = m->id == n->options.self;
    for (uint32_t p = 0; p < n->peer_count; p++)
        to->up = to->up || (n->peers[p].id == m->id && n->peers[p].up);
    out->different += to->result == COMPARE_DIFFERENT;
    out->undecided += to->result == COMPARE_UNDECIDED;
    ASSERT(out->different <= out->count);
}

void node_compare_status(const struct node *n, struct compare_status *out)
{
    struct verdict v;

    memset(out, 0, sizeof(*out));
    judge(n, &v);
    out->index = n->comparing.known.index;
    out->time_ms = n->comparing.known.time_ms;
    out->running = is_asked(n) || is_waited_for(n);
    out->count = n->membership.applied.count;
    for (uint32_t i = 0; i < out->count; i++)
        member_status(n, &v, i, out);
    ASSERT(out->count <= RAFT_NODES_MAX);
}

void node_set_compare(struct node *n, int64_t every_ms, uint64_t rate)
{
    ASSERT(every_ms >= 0);
    n->options.compare_every_ms = every_ms;
    n->options.compare_rate = rate;
}

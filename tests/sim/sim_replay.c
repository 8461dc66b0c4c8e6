/*
 * The committed log once more, at the end of a run, into replicas that took
 * no part in it.
 *
 * X10: one that differs in all that must not matter: the seed of the hash
 * tables, clocks, sizes, what fresh memory contains, who it is. Its state must
 * be that of the history at every index looked at.
 *
 * X9: one that is given a mangled log: entries left out, repeated, brought
 * back from long ago, exchanged with their neighbours. No honest leader makes
 * such a log, so nothing else in a run shows what sessions do about gaps and
 * repeats. The state must be what the fold makes of the same log.
 */
#include "sim.h"

#include "base/level.h"
#include "data/rows.h"

#include <malloc.h>

/* Entries between two looks at the whole state. */
#define LOOK_EVERY 256
#define STRANGER   (RAFT_NODES_MAX + 1)

struct replica {
    struct node *node;
    struct store *store;
};

void __real_rows_begin(struct rows *rs, uint64_t seed);
void __wrap_rows_begin(struct rows *rs, uint64_t seed);

/* The tables of a replica in here have another seed. */
void __wrap_rows_begin(struct rows *rs, uint64_t seed)
{
    const struct sim *s = sim_running();

    __real_rows_begin(rs, s && s->replaying ? seed * 31 + 7 : seed);
}

static struct resp_writer *no_reply(void *ctx, void *client)
{
    UNUSED(client);
    sim_fail(ctx, "X10 determinism: a replica in a replay answers somebody");
}

static void no_client(void *ctx, void *client, enum node_outcome outcome)
{
    UNUSED(client);
    UNUSED(outcome);
    sim_fail(ctx, "X10 determinism: a replica in a replay answers somebody");
}

static void on_fatal(void *ctx, int err, const char *text)
{
    UNUSED(err);
    sim_fail(ctx, "X10 determinism: a replica in a replay ends: %s", text);
}

static void on_nothing(void *ctx)
{
    UNUSED(ctx);
}

/* A node without core, disk and peers: it can only apply. */
static void replica_open(struct sim *s, struct replica *r)
{
    struct journal_options log_options = {.cache_bytes_max = 1000};
    struct node *n = mem_zalloc(sizeof(*n));
    struct buf error = BUF_INIT;

    *r = (struct replica){n, store_memory_new()};
    n->options.self = STRANGER;
    n->options.level_max = s->config.on[FAULT_LEVEL] ? LEVEL_NEXT : 0;
    n->options.incarnation = 1;
    n->options.once_ttl_s = 1;
    n->options.entry_bytes_max = 1;
    n->mono_ms = 5;
    n->wall_ms = -5;
    n->store = r->store;
    n->events = (struct node_events){.ctx = s,
                                     .reply_open = no_reply,
                                     .reply_done = no_client,
                                     .changed = on_nothing,
                                     .writable = on_nothing,
                                     .fatal = on_fatal};
    n->raft.config.self = STRANGER;
    int err = journal_open(&n->journal, n->store, &log_options, &error);
    ASSERT(err == 0);
    err = keyspace_open(&n->ks, n->store, &error);
    ASSERT(err == 0);
    buf_release(&error);
}

static void replica_close(struct replica *r)
{
    node_free(r->node);
    store_close(r->store);
}

/* One more entry into its log, committed. */
static void replica_append(struct replica *r, struct entry *e)
{
    struct node *n = r->node;

    entry_seal(e);
    store_batch_reset(&n->batch);
    journal_append(n->journal, &n->batch, e);
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    ASSERT(err == 0);
    n->raft.last = e->index;
    n->raft.commit = e->index;
}

static void replica_apply(struct replica *r)
{
    while (node_apply(r->node))
        continue;
    ASSERT(!r->node->dead);
}

/* --- X10 ------------------------------------------------------------------ */

static void look(struct sim *s, const struct replica *r)
{
    raft_index i = keyspace_applied(r->node->ks)->index;

    if (!state_check_equal(&s->state, i, state_hash_store(r->store)))
        sim_fail(s,
                 "X10 determinism: the log to %llu, applied again, makes "
                 "another state",
                 (unsigned long long)i);
}

static void again(struct sim *s)
{
    struct replica r;

    replica_open(s, &r);
    for (raft_index i = 1; i <= s->oracle.head; i++) {
        struct entry e = ghost_to_entry(s->ghost.committed[i], i);
        replica_append(&r, &e);
        if (i % LOOK_EVERY != 0 && i != s->oracle.head)
            continue;
        replica_apply(&r);
        look(s, &r);
    }
    s->stats.replayed += s->oracle.head;
    oracle_compare_with(s, "X10 determinism: a replay", r.node->ks, &s->oracle);
    replica_close(&r);
}

/* --- X9 ------------------------------------------------------------------- */

struct mangle {
    struct sim *s;
    struct replica replica;
    struct fold fold;
    uint64_t rng;
    int64_t time_ms;
    raft_term term;
};

/* No log lowers the level, whatever its order. */
static bool lowers(const struct mangle *m, const struct entry *e)
{
    struct configuration c;

    return e->kind == ENTRY_CONFIG &&
           configuration_decode(e->payload, &c) == 0 && c.level < m->fold.level;
}

/* The entry of the true log at i comes next. */
static void mangle_put(struct mangle *m, raft_index i)
{
    struct entry e = ghost_to_entry(m->s->ghost.committed[i], m->fold.head + 1);

    if (lowers(m, &e))
        return;
    /* Whatever its order, a log has times and terms that do not fall. */
    m->time_ms = e.time_ms = MAX(m->time_ms, e.time_ms);
    m->term = e.term = MAX(m->term, e.term);
    fold_entry(&m->fold, &e);
    replica_append(&m->replica, &e);
    replica_apply(&m->replica);
    m->s->stats.mangled++;
}

static void mangle_all(struct mangle *m)
{
    raft_index last = m->s->oracle.head;

    for (raft_index i = 1; i <= last; i++) {
        uint64_t how = rng_below(&m->rng, 32);
        if (how == 0)
            continue;
        if (how == 1)
            mangle_put(m, 1 + rng_below(&m->rng, i));
        if (how == 2 && i < last)
            mangle_put(m, i + 1);
        mangle_put(m, i);
        if (how == 3)
            mangle_put(m, i);
    }
}

static void mangled(struct sim *s)
{
    struct mangle m = {.s = s, .rng = s->seed};

    replica_open(s, &m.replica);
    fold_init(&m.fold, NULL);
    mangle_all(&m);
    if (m.fold.violation)
        sim_fail(s, "a mangled log: %s", m.fold.violation);
    oracle_compare_with(s, "X9 sessions: a mangled log", m.replica.node->ks,
                        &m.fold);
    s->stats.mangled_skipped += m.fold.skipped;
    fold_release(&m.fold);
    replica_close(&m.replica);
}

void replay_check(struct sim *s)
{
    bounds_converged(s);
    s->replaying = true;
    (void)mallopt(M_PERTURB, 0xa5);
    again(s);
    (void)mallopt(M_PERTURB, 0);
    mangled(s);
    s->replaying = false;
}

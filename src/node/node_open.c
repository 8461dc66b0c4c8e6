/*
 * The start of a node: log and state are opened and joined.
 *
 * The log is opened and verified, compared with the watermark, and joined with
 * the state. The state may be older than the end of the log: then the entries
 * between are applied again as they become known to be committed. A log that
 * was damaged may end before the state, or have another entry there: it
 * restarts where the state ends.
 *
 * How it fails: a gap between state and log, or a log that is not of this
 * state, cannot be bridged and is refused, with a text that says what to do.
 */
#include <inttypes.h>

#include "base/reader.h"
#include "node/node_boot.h"
#include "node/node_internal.h"

static void config_fill(const struct node_options *o, struct raft_config *c)
{
    memset(c, 0, sizeof(*c));
    c->cluster_id = o->cluster_id;
    c->self = o->self;
    c->incarnation = o->incarnation;
    c->election_timeout_ms = o->election_timeout_ms;
    c->heartbeat_ms = o->heartbeat_ms;
    c->peer_down_delay_ms = o->peer_down_delay_ms;
    c->disk_timeout_ms = o->disk_timeout_ms;
    c->append_entries_max =
        o->append_entries_max ? o->append_entries_max : 4096;
    c->window_max = o->window_max ? o->window_max : 64;
    c->seed = o->seed;
}

/* Does the log, where the state ends, hold the entry that the state has seen?
 * The chain hash is of all entries up to there. */
static int same_there(struct node *n, bool *same, struct buf *error)
{
    const struct applied *a = keyspace_applied(n->ks);
    uint64_t chain = 0;

    ASSERT(a->index + 1 >= journal_first(n->journal));
    *same = false;
    if (a->index > journal_last(n->journal))
        return 0;
    int err = journal_chain(n->journal, a->index, &chain);
    if (err != 0) {
        buf_printf(error, "reading the log at entry %" PRIu64 ": %s", a->index,
                   error_text(err));
        return err;
    }
    *same = chain == a->chain;
    return 0;
}

/* The log begins again where the state ends. The entries that are lost by that
 * were never committed. The term is raised with it; no other node knows of a
 * vote in a term that is not on disk. */
static int restart_log(struct node *n, struct buf *error)
{
    const struct applied *a = keyspace_applied(n->ks);
    struct raft_start start;

    log_notice(n->logger,
               "the state is ahead of the log (%" PRIu64 ", %" PRIu64
               "): the log restarts "
               "there",
               a->index, journal_last(n->journal));
    journal_start(n->journal, &start);
    store_batch_reset(&n->batch);
    journal_restart(n->journal, &n->batch, a->index, a->term, a->chain);
    if (a->term > start.term)
        journal_hard_state(n->journal, &n->batch, a->term, NODE_NONE);
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    if (err == 0)
        err = store_sync(n->store);
    if (err != 0)
        buf_printf(error, "restarting the log: %s", store_error(n->store));
    ASSERT(err != 0 || journal_last(n->journal) == a->index);
    return err;
}

/* Joins log and state; writes and syncs what that changes. */
static int join(struct node *n, struct buf *error)
{
    const struct applied *a = keyspace_applied(n->ks);
    raft_index first = journal_first(n->journal);
    bool same;

    if (a->index + 1 < first) {
        buf_printf(error,
                   "the state ends at entry %" PRIu64
                   ", but the log begins at %" PRIu64 ": "
                   "entries between them are missing. Restore the data "
                   "directory from a backup of this node",
                   a->index, first);
        return ERR_CORRUPT;
    }
    int err = same_there(n, &same, error);
    if (err != 0 || same)
        return err;
    if (a->index + 1 == first) {
        buf_printf(error,
                   "state and log disagree at entry %" PRIu64
                   ", where the log was "
                   "cut: they are not of the same node or time. Restore the "
                   "data directory from a backup of this node",
                   a->index);
        return ERR_CORRUPT;
    }
    return restart_log(n, error);
}

/* Ids ascending. */
static void sort_members(struct node_options *o)
{
    ASSERT(o->member_count > 0 && o->member_count <= RAFT_NODES_MAX);
    for (uint32_t i = 1; i < o->member_count; i++)
        for (uint32_t at = i; at > 0 && o->members[at - 1] > o->members[at];
             at--) {
            node_id id = o->members[at];
            o->members[at] = o->members[at - 1];
            o->members[at - 1] = id;
        }
}

static int write_founders(struct node *n, struct bytes key, struct bytes ids)
{
    ASSERT(ids.len == 4 * n->options.member_count);
    store_batch_reset(&n->batch);
    store_batch_put(&n->batch, STORE_META, key, ids);
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    return err != 0 ? err : store_sync(n->store);
}

/* The members are part of what a majority is. As long as no entry has said who
 * they are, the options have: those of the first start, which are kept with the
 * log. Later node lines say where to find members. */
static int load_founders(struct node *n, bool *others, struct buf *error)
{
    struct node_options *o = &n->options;
    struct bytes key = BYTES_LIT("members");
    struct buf stored = BUF_INIT;
    struct buf ours = BUF_INIT;

    sort_members(o);
    for (uint32_t i = 0; i < o->member_count; i++)
        buf_u32be(&ours, o->members[i]);
    int err = store_get(n->store, STORE_META, key, &stored);
    ASSERT(ours.len > 0);
    *others = err == 0 && !bytes_eq(buf_view(&stored), buf_view(&ours));
    if (err == ERR_NOT_FOUND)
        err = write_founders(n, key, buf_view(&ours));
    struct reader r = reader_of(buf_view(&stored));
    if (*others && stored.len / 4 <= RAFT_NODES_MAX && stored.len >= 4) {
        o->member_count = (uint32_t)(stored.len / 4);
        for (uint32_t i = 0; i < o->member_count; i++)
            o->members[i] = reader_u32be(&r);
    }
    if (err != 0)
        buf_printf(error, "the record of the members: %s",
                   store_error(n->store));
    buf_release(&stored);
    buf_release(&ours);
    return err;
}

static int refuse_others(const struct node *n, struct buf *error)
{
    ASSERT(n->membership.newest_at == 0);
    buf_printf(error,
               "the data directory belongs to a cluster of %u members, and "
               "the configuration names others: correct the node lines. "
               "Members come and go by commands (RAFT ADD)",
               n->options.member_count);
    return ERR_MISMATCH;
}

/* A majority without this node must be there to refill it. What the log that
 * it is being refilled with says of an earlier life is history. */
static int check_recovering(const struct raft_start *start,
                            const struct node_options *options,
                            struct buf *error)
{
    const struct raft_members *m = &start->members[start->members_count - 1];
    int pos = raft_members_position(m, options->self);

    ASSERT(start->recovering);
    if (pos < 0 || !raft_members_votes(m, (uint32_t)pos) ||
        m->life[pos] < RAFT_LIFE(options->incarnation) ||
        raft_members_quorum(m, ~(UINT32_C(1) << pos)))
        return 0;
    buf_str(error, "this node is to be refilled by the other members, "
                   "which takes three voters or more");
    return ERR_MISMATCH;
}

/* Has this node lost what it promised? */
static int read_recovering(struct node *n, bool *recovering, struct buf *error)
{
    struct buf value = BUF_INIT;
    int err = store_get(n->store, STORE_META, NODE_RECOVERING_KEY, &value);

    *recovering = err == 0;
    struct reader r = reader_of(buf_view(&value));
    raft_index serve_from = reader_u64be(&r);
    n->membership.serve_from = reader_done(&r) ? serve_from : 0;
    buf_release(&value);
    if (err != 0 && err != ERR_NOT_FOUND) {
        buf_printf(error, "the record of a recovery: %s",
                   store_error(n->store));
        return err;
    }
    if (*recovering)
        log_warning(n->logger,
                    "this node may have lost what it promised: it takes no "
                    "part in votes and commits until the others have refilled "
                    "it");
    return 0;
}

/* Those that may refuse, in this order. */
static int open_data(struct node *n, struct buf *error)
{
    struct journal_options journal_options = {
        .group = 0, .cache_bytes_max = n->options.log_cache_bytes};

    int err = journal_open(&n->journal, n->store, &journal_options, error);
    if (err == 0 && n->options.mark)
        err = journal_check(n->journal, n->options.mark, error);
    if (err == 0)
        err = keyspace_open(&n->ks, n->store, error);
    if (err == 0)
        err = join(n, error);
    if (err == 0)
        err = node_compare_open(n, error);
    if (err == 0)
        err = node_receipts_open(n, error);
    if (err != 0)
        return err;
    err = node_time_load(n);
    if (err != 0)
        buf_printf(error, "reading the end of the log: %s", error_text(err));
    return err;
}

/* What is durable at the start: all that was found. */
static void durability_begin(struct node *n, const struct raft_start *start)
{
    struct watermark *done = &n->durability.done;

    ASSERT(done->term == 0 && !n->durability.due);
    done->cluster_id = n->options.cluster_id;
    done->node = n->options.self;
    done->incarnation = n->options.incarnation;
    done->directory = n->options.directory;
    done->nonce = n->options.nonce;
    done->term = start->term;
    done->vote = start->vote;
}

int node_open(struct node *n, struct buf *error)
{
    struct raft_config config;
    struct raft_start start;
    bool others = false;

    int err = open_data(n, error);
    if (err != 0)
        return err;
    memset(&start, 0, sizeof(start));
    journal_start(n->journal, &start);
    start.applied = keyspace_applied(n->ks)->index;
    start.careful = true;
    err = read_recovering(n, &start.recovering, error);
    if (err != 0)
        return err;
    ASSERT(start.applied + 1 >= journal_first(n->journal));
    ASSERT(start.applied <= start.log_last);
    if (!n->options.founding)
        err = load_founders(n, &others, error);
    if (err == 0)
        err = node_members_open(n, &start, error);
    if (err == 0 && others && n->membership.newest_at == 0)
        err = refuse_others(n, error);
    if (err == 0 && start.recovering)
        err = check_recovering(&start, &n->options, error);
    if (err != 0)
        return err;
    node_refill_open(n);
    config_fill(&n->options, &config);
    raft_init(&n->raft, &config, &start, n->mono_ms);
    node_trace_start(n, &config, &start);
    n->traced_applied = start.applied;
    n->compaction.flush_asked = start.applied; /* that much is on disk */
    n->compaction.cut_ms = n->mono_ms;
    n->compaction.grown_ms = n->mono_ms;
    n->compaction.grown_end = journal_end(n->journal);
    durability_begin(n, &start);
    log_notice(n->logger,
               "node %u, incarnation %" PRIu64 ": term %" PRIu64
               ", log %" PRIu64 " to %" PRIu64 ", state "
               "applied to %" PRIu64,
               n->options.self, n->options.incarnation, start.term,
               start.log_first, start.log_last, start.applied);
    return 0;
}

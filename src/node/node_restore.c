/*
 * A state that was fetched takes the place of the present one.
 *
 * It happens between two entries, in one write with what the core says of it:
 * the log begins anew behind the state, unless it leads there; term and vote
 * stay, or the term of who offered the state is entered; a member that is being
 * refilled goes on to be one. node_switch.c has the steps on the disk. Whether
 * the disk has the write yet is asked by the core alone, as of each write.
 *
 * The keyspace is the same object over another state. What readers of the old
 * one have not been told yet is copied first (data/stream.h). Nothing of what
 * this node keeps of the state in memory is believed any more: the members,
 * the log's time, entries read for others.
 *
 * Requests of this node's clients that the state has executed were executed by
 * others, and their replies are nowhere: they are answered UNKNOWN. What comes
 * after them is sent again, as ever.
 *
 * How it fails: a store that refuses ends the node; the next start finds the
 * old state. A state in which another process has used this node's incarnation,
 * or a later one, ends it as an entry would (node_apply.c).
 */
#include <inttypes.h>

#include "node/node_internal.h"
#include "node/node_switch.h"

/* What was known of the former state, and of the log that led to it. */
static void forget(struct node *n)
{
    ASSERT(!n->dead);
    node_time_truncated(n);
    node_send_forget(n);
    n->compaction.flush_asked = keyspace_applied(n->ks)->index;
    node_members_restored(n);
    node_compare_restored(n);
}

/* State, log, term and vote, on the disk. */
static void use(struct node *n, const struct raft_write *w,
                const struct restored *s)
{
    const char *what = "";
    const struct node_switch steps = {.store = n->store,
                                      .log = n->journal,
                                      .disk = n->disk,
                                      .batch = &n->batch,
                                      .promised = &n->durability.done,
                                      .state = s->state,
                                      .index = w->restore_index,
                                      .index_term = w->restore_term,
                                      .chain = s->chain,
                                      .keeps_log = w->restore_keeps_log,
                                      .term = w->term,
                                      .vote = w->vote};

    ASSERT(w->hard_state && w->restore_index == s->index);
    if (!w->restore_keeps_log)
        log_notice(n->logger,
                   "the log, %" PRIu64 " to %" PRIu64
                   ", begins anew behind entry %" PRIu64,
                   journal_first(n->journal), journal_last(n->journal),
                   s->index);
    node_refill_unnote(n);
    keyspace_leave(n->ks);
    int err = node_switch(&steps, &what);
    const char *error = n->disk->error(n->disk);
    if (err != 0 && error)
        node_fail(n, what, error);
    else if (err != 0)
        node_fail_by(n, what, err);
}

void node_restore(struct node *n, const struct raft_write *w,
                  const struct restored *s)
{
    struct buf error = BUF_INIT;

    ASSERT(s && s->state != 0);
    ASSERT(s->index > keyspace_applied(n->ks)->index);
    ASSERT(w->truncate_from == 0 && w->append_first == 0 && !w->recovered);
    use(n, w, s);
    if (n->dead)
        return;
    int err = keyspace_reopen(n->ks, &error);
    if (err != 0) {
        buf_u8(&error, '\0');
        node_fail(n, "the state that was fetched", (const char *)error.data);
    }
    buf_release(&error);
    if (err != 0)
        return;
    ASSERT(keyspace_applied(n->ks)->index == s->index);
    ASSERT(keyspace_applied(n->ks)->chain == s->chain);
    forget(n);
}

void node_restore_tell(struct node *n)
{
    uint64_t incarnation = n->options.incarnation;
    struct session s;

    if (n->dead)
        return;
    session_get(n->ks, n->options.self, &s);
    bool other = s.incarnation == incarnation && s.nonce != 0 &&
                 s.nonce != n->options.nonce;
    if (s.incarnation > incarnation || other)
        node_members_copied(n, s.incarnation);
    else if (s.incarnation == incarnation)
        node_requests_skip(n, s.last_seq);
    ASSERT(n->dead || s.incarnation < incarnation ||
           n->requests.ring.first_seq > s.last_seq);
    if (n->reads.watched && !n->dead)
        n->events.ready(n->events.ctx, NULL);
}

/*
 * What the members have acknowledged to this node while it led. A directory
 * that is put back to what it was in the middle of a start, or a machine that
 * goes on from a snapshot, is above all starts of it that anybody knows; but
 * it lacks what it has acknowledged since, and who led then has a receipt.
 *
 * An alarm that is false would cost a member its memory. So a receipt is taken
 * of what can never be undone in a life: of entries that are committed, and of
 * answers that were given when all of it was durable there. It is of use in
 * that life and in this cluster only.
 *
 * Receipts are written when they have changed, every HOUSEKEEPING_MS at most,
 * beside the log, and become durable with the next sync.
 *
 * How it fails: a receipt that is late, lost, or of an entry that the log has
 * no more, raises no alarm. So receipts find copies, and prove nothing. A disk
 * that refuses the write ends the node, as any write does; the next start has
 * those from before. While the disk must not grow (node_set_disk_full()) none
 * is taken, and what is lacking then is taken when it has room. A power failure
 * leaves all of a record or the one before it; one that is damaged refuses the
 * start.
 */
#include "node/node_internal.h"

#define RECEIPTS_KEY BYTES_LIT("receipts")

int node_receipts_open(struct node *n, struct buf *error)
{
    struct receipts *all = &n->receipts.all;
    struct buf raw = BUF_INIT;
    int err = store_get(n->store, STORE_META, RECEIPTS_KEY, &raw);

    ASSERT(all->count == 0);
    if (err == 0)
        err = receipts_decode(buf_view(&raw), all);
    if (err == ERR_NOT_FOUND)
        err = 0;
    else if (err != 0)
        buf_printf(error, "the record of what others have acknowledged: %s",
                   err == ERR_CORRUPT ? "it is damaged"
                                      : store_error(n->store));
    buf_release(&raw);
    if (all->cluster_id != n->options.cluster_id)
        *all = (struct receipts){.cluster_id = n->options.cluster_id};
    return err;
}

/* The place for this member's; that of one that is no member any more goes. */
static struct receipt *place_of(struct node *n, node_id member)
{
    struct receipts *all = &n->receipts.all;

    for (uint32_t i = 0; i < all->count; i++)
        if (all->of[i].member == member)
            return &all->of[i];
    if (all->count < RECEIPTS_MAX)
        return &all->of[all->count++];
    uint32_t i = 0;
    while (raft_position(&n->raft, all->of[i].member) >= 0)
        i++;
    ASSERT(i < RECEIPTS_MAX); /* members are fewer */
    all->of[i].term = 0;
    return &all->of[i];
}

/* Of the member at this position, which has answered in this term. */
static void take(struct node *n, uint32_t pos)
{
    const struct raft_progress *p = &n->raft.progress[pos];
    node_id member = n->raft.members[RAFT_NEWEST].ids[pos];
    const struct receipt *known = receipts_find(&n->receipts.all, member);
    struct receipt r = {.member = member,
                        .life = (uint32_t)RAFT_LIFE(p->incarnation),
                        .term = n->raft.term,
                        .index = MIN(p->match, n->raft.commit)};

    ASSERT(p->incarnation > 0);
    if (known && known->life > r.life)
        return;
    if (known && known->life == r.life && known->index >= r.index) {
        r.index = known->index;
        r.chain = known->chain;
        if (known->term >= r.term)
            return;
    } else if (journal_chain(n->journal, r.index, &r.chain) != 0) {
        return;
    }
    *place_of(n, member) = r;
    n->receipts.unsaved = true;
}

static void save(struct node *n)
{
    struct buf raw = BUF_INIT;

    ASSERT(n->receipts.unsaved);
    receipts_encode(&n->receipts.all, &raw);
    store_batch_reset(&n->batch);
    store_batch_put(&n->batch, STORE_META, RECEIPTS_KEY, buf_view(&raw));
    int err = store_write(n->store, &n->batch, STORE_LOGGED);
    buf_release(&raw);
    if (err != 0)
        node_fail_by(n, "writing what others have acknowledged", err);
    n->receipts.unsaved = false;
}

void node_receipts_take(struct node *n)
{
    const struct raft_members *members = &n->raft.members[RAFT_NEWEST];

    if (n->dead || !raft_is_leader(&n->raft) || n->space.own_full)
        return;
    for (uint32_t i = 0; i < members->count; i++) {
        const struct raft_progress *p = &n->raft.progress[i];
        bool answered = MIN(p->match, n->raft.commit) > 0 && !p->recovering;
        if (members->ids[i] != n->options.self && answered)
            take(n, i);
    }
    if (n->receipts.unsaved)
        save(n);
}

bool node_remembers(const struct node *n, const struct receipt *r)
{
    uint64_t chain = 0;

    ASSERT(r->term > 0 && r->index > 0);
    if (r->life != RAFT_LIFE(n->options.incarnation) || n->raft.recovering)
        return true; /* of another memory; of none */
    if (n->raft.term < r->term || n->raft.last < r->index)
        return false;
    if (r->index + 1 < journal_first(n->journal) ||
        journal_chain(n->journal, r->index, &chain) != 0)
        return true; /* it is not known any more */
    return chain == r->chain;
}

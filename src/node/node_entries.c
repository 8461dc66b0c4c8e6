/*
 * Committed entries, for who keeps them elsewhere (vardctl archive). The log is
 * not kept for that: who comes too late begins again with a backup.
 *
 * How it fails: an entry that cannot be read ends the node, as for any other
 * reader.
 */
#include "codec/segment.h"
#include "node/node_internal.h"

/* They are kept in memory, or one after the other is read from the store. */
static int append_entries(struct node *n, raft_index from, size_t bytes_max,
                          struct buf *out)
{
    struct entry e;

    ASSERT(n->raft.commit <= n->raft.last);
    for (raft_index i = from; i <= n->raft.commit; i++) {
        int err = journal_read(n->journal, i, &e, &n->scratch);
        if (err != 0)
            return err;
        if (i > from && out->len + e.payload.len > bytes_max)
            return 0;
        entry_encode(&e, out);
    }
    return 0;
}

int node_entries(struct node *n, raft_index from, size_t bytes_max,
                 struct buf *out)
{
    uint64_t chain = 0;

    ASSERT(out->len == 0);
    if (n->dead)
        return ERR_CLOSED;
    if (from < journal_first(n->journal))
        return ERR_NOT_FOUND;
    if (from > n->raft.commit + 1)
        return ERR_BEHIND;
    int err = journal_chain(n->journal, from - 1, &chain);
    segment_begin(out, from, chain, n->options.cluster_id);
    if (err == 0)
        err = append_entries(n, from, bytes_max, out);
    if (err != 0)
        node_fail_by(n, "reading the log", err);
    return err == 0 ? 0 : ERR_CLOSED;
}

raft_index node_first_entry(const struct node *n)
{
    ASSERT(journal_first(n->journal) > 0);
    return journal_first(n->journal);
}

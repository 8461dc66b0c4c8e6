/*
 * Sends the core's messages. The entries of an append are attached to it, with
 * the bytes they have in the log. One that would grow beyond APPEND_BYTES_MAX
 * is sent as several, each with consecutive entries.
 *
 * How it fails: an append that the transport refuses (queue full, no link) is
 * returned as RAFT_EV_UNSENT for the core, which then probes that follower;
 * other messages are lost, as on any network.
 *
 * Reading all that a slow follower lacks would hold up the loop for so long
 * that the others elect another leader. So an append ends at TURN_BYTES_MAX. A
 * probe may be shorter: its answer tells how far it came. Of a stream, the
 * rest is reported as above.
 */
#include "codec/frame.h"
#include "codec/message.h"
#include "node/node_internal.h"

/* Entries that one follower gets in one turn of the loop, and one beyond. */
#define TURN_BYTES_MAX (8u * 1024u * 1024u)

void node_send_release(struct node *n)
{
    buf_release(&n->sending.message);
    buf_release(&n->sending.entries);
}

void node_send_forget(struct node *n)
{
    n->sending.cached_first = 0;
}

/* Reads first.. into n->sending.entries up to the byte bound, and before a
 * second entry that changes the members: who gets it must know by then that the
 * first one is committed. Returns the last index taken, first - 1 on
 * failure. */
static raft_index gather(struct node *n, raft_index first, raft_index last)
{
    struct entry e;
    raft_index i;
    bool changed = false;

    ASSERT(first <= last && last <= n->raft.last);
    buf_reset(&n->sending.entries);
    n->sending.cached_first = 0;
    for (i = first; i <= last; i++) {
        int err = journal_read(n->journal, i, &e, &n->scratch);
        if (err != 0) {
            node_fail_by(n, "reading the log", err);
            return first - 1;
        }
        size_t size = ENTRY_HEADER_SIZE + e.payload.len;
        bool changes = e.kind == ENTRY_CONFIG;
        if (i > first && n->sending.entries.len + size > APPEND_BYTES_MAX)
            break;
        if (changes && changed)
            break;
        changed |= changes;
        entry_encode(&e, &n->sending.entries);
    }
    n->sending.cached_first = first;
    n->sending.cached_last = i - 1;
    ASSERT(n->sending.cached_last >= first);
    return i - 1;
}

/* Cuts m's runs to its count. */
static void runs_cut(struct raft_message *m)
{
    while (m->run_count > 0 &&
           m->runs[m->run_count - 1].first > m->index + m->count)
        m->run_count--;
    for (uint32_t i = m->run_count; i < RAFT_MESSAGE_RUNS_MAX; i++)
        m->runs[i] = (struct raft_run){0, 0};
}

/* Removes what was sent from m: the rest of the same append. */
static void runs_advance(struct raft_message *m, raft_index sent_to)
{
    uint32_t skip = 0;

    ASSERT(m->run_count > 0);
    ASSERT(m->index < sent_to && sent_to < m->index + m->count);
    for (uint32_t i = 0; i < m->run_count; i++)
        if (m->runs[i].first <= sent_to)
            m->index_term = m->runs[i].term;
    while (skip + 1 < m->run_count && m->runs[skip + 1].first <= sent_to + 1)
        skip++;
    memmove(m->runs, m->runs + skip,
            (m->run_count - skip) * sizeof(m->runs[0]));
    m->run_count -= skip;
    m->runs[0].first = sent_to + 1;
    m->count -= (uint32_t)(sent_to - m->index);
    m->index = sent_to;
    runs_cut(m);
    ASSERT(m->run_count > 0 && m->count > 0);
}

static int send_one(struct node *n, const struct raft_message *m,
                    const struct beat *beat, struct bytes entries)
{
    buf_reset(&n->sending.message);
    message_encode(m, &n->sending.message);
    beat_encode(beat, &n->sending.message);
    struct bytes pieces[2] = {buf_view(&n->sending.message), entries};
    enum transport_priority priority =
        entries.len > 0 ? TRANSPORT_BULK : TRANSPORT_CONTROL;
    return n->transport.send(n->transport.ctx, m->to, FRAME_RAFT, priority,
                             pieces);
}

static bool is_probe(const struct node *n, node_id to)
{
    int pos = raft_position(&n->raft, to);

    ASSERT(pos >= 0); /* appends are for members */
    return n->raft.progress[pos].state == RAFT_PROBE;
}

/* False: not all of it sent; unsent: from which entry on. */
static bool send_append(struct node *n, const struct raft_message *message,
                        const struct beat *beat, raft_index *unsent)
{
    struct raft_message rest = *message;
    size_t sent = 0;

    while (rest.count > 0) {
        raft_index first = rest.index + 1;
        *unsent = first;
        if (sent >= TURN_BYTES_MAX)
            return is_probe(n, message->to);
        raft_index last = rest.index + rest.count;
        struct bytes entries = journal_cached_record(n->journal, first);
        raft_index upto = first;
        if (entries.len < APPEND_BYTES_MAX) {
            bool ready = n->sending.cached_first == first &&
                         n->sending.cached_last <= last;
            upto = ready ? n->sending.cached_last : gather(n, first, last);
            entries = buf_view(&n->sending.entries);
        }
        if (upto < first)
            return false;
        struct raft_message part = rest;
        part.count = (uint32_t)(upto - rest.index);
        runs_cut(&part);
        if (send_one(n, &part, beat, entries) != 0)
            return false;
        if (upto == last)
            return true;
        sent += entries.len;
        runs_advance(&rest, upto);
    }
    *unsent = rest.index + 1;
    return send_one(n, &rest, beat, BYTES_NONE) == 0;
}

uint32_t node_send_messages(struct node *n,
                            struct raft_event unsent[RAFT_NODES_MAX])
{
    uint32_t unsent_count = 0;
    raft_index from;

    for (uint32_t i = 0; i < n->out.message_count && !n->dead; i++) {
        struct raft_message *m = &n->out.messages[i];
        ASSERT(m->to != n->options.self);
        if (m->type == RAFT_MSG_READ_REPLY && m->granted)
            m->time_ms = node_stamp(n);
        struct beat beat = node_beat_of(n, m);
        if (m->type != RAFT_MSG_APPEND) {
            (void)send_one(n, m, &beat, BYTES_NONE);
            continue;
        }
        if (!send_append(n, m, &beat, &from) && unsent_count < RAFT_NODES_MAX) {
            struct raft_event *e = &unsent[unsent_count++];
            *e = node_event(n, RAFT_EV_UNSENT);
            e->peer = m->to;
            e->index = from;
        }
    }
    return unsent_count;
}

int node_transfer_send(struct node *n, node_id to, const struct transfer *t)
{
    /* The end comes after the rest of it. */
    bool rest = t->kind == TRANSFER_CHUNK || t->kind == TRANSFER_DONE;
    enum transport_priority priority =
        rest ? TRANSPORT_BACKGROUND : TRANSPORT_CONTROL;
    struct bytes data = t->kind == TRANSFER_CHUNK ? t->chunk.data : BYTES_NONE;

    ASSERT(to != n->options.self);
    ASSERT(sizeof(struct transfer) + data.len <= TRANSPORT_BACKGROUND_PAYLOAD);
    buf_reset(&n->sending.message);
    transfer_encode_head(t, &n->sending.message);
    const struct bytes pieces[2] = {buf_view(&n->sending.message), data};
    return n->transport.send(n->transport.ctx, to, FRAME_SNAPSHOT, priority,
                             pieces);
}

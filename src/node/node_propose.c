/*
 * A leader's part in requests: parcels that other nodes forward to it gather
 * in its inbox, and become entries together with its own.
 *
 * Nothing is added to what was inherited with the log before that is applied:
 * then the sessions tell what is in the log. Within a term the leader
 * remembers how far it has taken each node's requests. Otherwise large
 * requests would fill the log with copies of themselves just when it is slow.
 *
 * Nagle's rule (RFC 896), for entries: while one is on its way, what arrives
 * waits for its commit, but not for long, and not if it is much. For an entry
 * every member has a frame, a write, a sync and two or more turns of its loop,
 * however little is in it.
 *
 * How it fails: the inbox is bounded by RAFT_NODES_MAX times
 * pending_bytes_max, for all members together, and one forward beyond. More is
 * dropped; as soon as the inbox is empty its owner is told, by a forward
 * without any parcel, to send again.
 */
#include "codec/frame.h"
#include "node/node_internal.h"

#define INBOX_KEPT_BYTES  (1024u * 1024u)
#define JOINED_KEPT_BYTES (4u * 1024u * 1024u)

void node_propose_release(struct node *n)
{
    mem_free(n->proposal.payloads);
    buf_release(&n->proposal.joined);
    buf_release(&n->inbox.bytes);
}

void node_propose_forget(struct node *n)
{
    ASSERT(n->raft.role != RAFT_LEADER);
    buf_reset(&n->inbox.bytes); /* the owners send it to the new leader */
    for (uint32_t i = 0; i < n->peer_count; i++) {
        n->peers[i].taken_seq = 0;
        n->peers[i].refused = false;
    }
}

/* Parcels of this start of this peer, and nothing else. */
static int check_forward(const struct node_peer *peer, struct bytes payload)
{
    struct request_parcel g;

    while (payload.len > 0) {
        int err = request_parcel_decode(&payload, &g);
        if (err != 0)
            return err;
        if (g.node != peer->id || g.incarnation != peer->incarnation)
            return ERR_PROTOCOL;
    }
    return 0;
}

int node_propose_receive(struct node *n, struct node_peer *peer,
                         struct bytes payload)
{
    uint64_t bound = n->options.pending_bytes_max * RAFT_NODES_MAX;

    ASSERT(payload.len > 0);
    int err = check_forward(peer, payload);
    if (err != 0 || n->raft.role != RAFT_LEADER)
        return err;
    if (n->inbox.bytes.len > bound) {
        peer->refused = true;
        return 0;
    }
    buf_bytes(&n->inbox.bytes, payload);
    n->inbox.last_bytes = payload.len;
    peer->forwarded = true;
    return 0;
}

/*
 * A parcel of another node: is it the next one? Not if all of it was taken
 * before; not if something before it is missing, since it would be skipped
 * when applied: its sender sends again from there. The session is that of our
 * whole log but for what was taken in this term.
 */
static bool parcel_is_next(struct node *n, const struct request_parcel *g)
{
    struct node_peer *peer = node_peer_find(n, g->node);
    uint64_t last = g->first_seq + g->count - 1;
    struct session s;

    ASSERT(peer && g->count > 0);
    session_get(n->ks, g->node, &s);
    if (g->incarnation < s.incarnation || g->incarnation != peer->incarnation)
        return false;
    uint64_t taken = peer->taken_seq;
    if (g->incarnation == s.incarnation)
        taken = MAX(taken, s.last_seq);
    if (last <= taken || g->first_seq > taken + 1)
        return false;
    peer->taken_seq = last;
    return true;
}

static void payload_add(struct proposal *p, struct bytes b)
{
    ASSERT(b.len > 0);
    if (p->count == p->cap) {
        p->cap = MAX(p->cap * 2, 16);
        p->payloads = mem_realloc(p->payloads, p->cap * sizeof(p->payloads[0]));
    }
    p->payloads[p->count++] = b;
}

/* Parcels that stand side by side in the inbox need no copy: an entry is a
 * stretch of it. */
static void gather_inbox(struct node *n)
{
    struct bytes rest = buf_view(&n->inbox.bytes);
    const uint8_t *begin = rest.data;
    struct request_parcel g;

    while (rest.len > 0) {
        const uint8_t *from = rest.data;
        int err = request_parcel_decode(&rest, &g);
        ASSERT(err == 0); /* it was checked on arrival */
        bool next = parcel_is_next(n, &g);
        const uint8_t *end = next ? rest.data : from;
        size_t size = (size_t)(end - begin);
        if (size > 0 &&
            (!next || size >= n->options.entry_bytes_max || rest.len == 0)) {
            payload_add(&n->proposal, bytes_of(begin, size));
            begin = rest.data;
        } else if (!next) {
            begin = rest.data;
        }
    }
    ASSERT(begin == rest.data);
}

/* The small parcels from *first on, as one payload. */
static struct bytes join_small(struct node *n, struct parcel **first)
{
    struct buf *joined = &n->proposal.joined;
    size_t begin = joined->len;

    while (*first && joined->len - begin + (*first)->bytes.len <=
                         n->options.entry_bytes_max) {
        buf_bytes(joined, buf_view(&(*first)->bytes));
        *first = (*first)->next;
    }
    return bytes_of(joined->data + begin, joined->len - begin);
}

/* Own parcels stay where they are: an entry is one of them, or small ones put
 * together in `joined`. */
static void gather_own(struct node *n)
{
    struct parcel *p = n->requests.queue.unsent;
    struct buf *joined = &n->proposal.joined;
    size_t total = 0;

    buf_reset(joined);
    for (const struct parcel *i = p; i; i = i->next)
        if (i->bytes.len <= n->options.entry_bytes_max)
            total += i->bytes.len;
    if (p && p->next)
        (void)buf_reserve(joined, total); /* views into it stay */
    while (p) {
        bool alone = !p->next || p->bytes.len > n->options.entry_bytes_max;
        if (alone) {
            payload_add(&n->proposal, buf_view(&p->bytes));
            p = p->next;
        } else {
            payload_add(&n->proposal, join_small(n, &p));
        }
    }
    ASSERT(joined->len <= total);
    node_requests_sent(n);
}

bool node_propose_gather(struct node *n)
{
    ASSERT(raft_can_propose(&n->raft));
    if (!node_own_term_applied(n))
        return false;
    n->proposal.count = 0;
    gather_inbox(n);
    gather_own(n);
    if (n->proposal.count > 0)
        n->proposal.made_ms = n->mono_ms;
    for (uint32_t i = 0; i < n->proposal.count; i++)
        node_extend_timeouts(n, n->proposal.payloads[i].len);
    return true;
}

bool node_propose_next_owner(struct node *n, node_id *peer)
{
    ASSERT(n->proposal.count > 0);
    for (uint32_t i = 0; i < n->peer_count; i++) {
        if (!n->peers[i].forwarded)
            continue;
        n->peers[i].forwarded = false;
        *peer = n->peers[i].id;
        return true;
    }
    return false;
}

/* The inbox has room again. A peer that is not reached now is told by a later
 * flush; one that has lost its link sends again when it is back. */
static void tell_refused(struct node *n)
{
    const struct bytes nothing[2] = {BYTES_NONE, BYTES_NONE};

    ASSERT(n->inbox.bytes.len == 0);
    for (uint32_t i = 0; i < n->peer_count; i++) {
        struct node_peer *p = &n->peers[i];
        if (p->refused && p->up)
            p->refused =
                n->transport.send(n->transport.ctx, p->id, FRAME_FORWARD,
                                  TRANSPORT_CONTROL, nothing) != 0;
    }
}

void node_propose_done(struct node *n)
{
    ASSERT(n->proposal.count <= n->proposal.cap);
    n->proposal.count = 0; /* what it views may go */
    buf_reset(&n->inbox.bytes);
    buf_shrink(&n->inbox.bytes, INBOX_KEPT_BYTES);
    buf_shrink(&n->proposal.joined, JOINED_KEPT_BYTES);
    if (!n->dead)
        tell_refused(n);
}

bool node_propose_waits(const struct node *n)
{
    return n->raft.commit < journal_last(n->journal) &&
           !n->requests.queue.unsent &&
           n->mono_ms - n->proposal.made_ms < ENTRY_WAIT_MS &&
           n->requests.open.bytes.len + n->inbox.bytes.len < ENTRY_WAIT_BYTES;
}

int64_t node_propose_due_ms(const struct node *n)
{
    bool some = n->requests.queue.unsent || n->requests.open.count > 0 ||
                n->inbox.bytes.len > 0;

    ASSERT(n->proposal.made_ms <= n->mono_ms);
    if (!some || !raft_can_propose(&n->raft) || !node_own_term_applied(n))
        return node_requests_due_ms(n);
    return node_propose_waits(n) ? n->proposal.made_ms + ENTRY_WAIT_MS
                                 : n->mono_ms;
}

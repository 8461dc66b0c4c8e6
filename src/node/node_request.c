/*
 * Requests on their way: from submit to the log.
 *
 * Each gets the next sequence number of this node's session. Those of one
 * iteration (as leader: those that come until the next entry may go, see
 * entry_waits()) form a group, encoded once; the group is kept until all of it
 * has been applied here, and is sent (as leader: proposed) again, from the
 * oldest unapplied one on, whenever the leader changes, a link to it comes
 * back, it asks for that, or nothing was applied for RESEND_MS. The session
 * rule drops what was applied already, and refuses what would leave a gap, so
 * order and exactly-once hold whatever gets lost on the way.
 *
 * What was sent to an earlier leader may be in the log of the new one. So it
 * is not sent again before an entry of the new term is applied here: then all
 * that the new leader inherited is applied too, and only what is missing is
 * left. Within a term the leader remembers how far it has taken each node's
 * requests. Otherwise large requests would fill the log with copies of
 * themselves just when it is slow.
 *
 * How it fails: memory is bounded by pending_bytes_max here (the server then
 * stops reading from clients) and by nine times that in the inbox, for all
 * members together, and one forward beyond. More is dropped; as soon as the
 * inbox is empty its owner is told, by a forward without any group, to send
 * again. A request not applied in time is answered UNKNOWN and keeps its
 * place.
 */
#include "codec/frame.h"
#include "node/node_internal.h"

#define PENDING_CAP_FIRST  1024
#define PARCEL_SPARE_BYTES (256u * 1024u)

void node_requests_init(struct node *n)
{
    struct request_ring *p = &n->requests.ring;

    p->cap = PENDING_CAP_FIRST;
    p->items = mem_zalloc(p->cap * sizeof(p->items[0]));
    p->first_seq = 1;
    p->next_seq = 1;
    p->timed_out = 1;
}

static void parcel_free(struct parcel *g)
{
    buf_release(&g->bytes);
    mem_free(g);
}

void node_requests_release(struct node *n)
{
    while (n->requests.queue.head) {
        struct parcel *g = n->requests.queue.head;
        n->requests.queue.head = g->next;
        parcel_free(g);
    }
    if (n->requests.queue.spare)
        parcel_free(n->requests.queue.spare);
    mem_free(n->requests.ring.items);
    mem_free(n->proposal.payloads);
    buf_release(&n->requests.open.bytes);
    buf_release(&n->inbox.bytes);
    buf_release(&n->proposal.joined);
}

static struct pending *pending_at(struct node *n, uint64_t seq)
{
    struct request_ring *p = &n->requests.ring;

    ASSERT(seq >= p->first_seq && seq < p->next_seq);
    return &p->items[seq & (p->cap - 1)];
}

static void pending_push(struct node *n, void *client)
{
    struct request_ring *p = &n->requests.ring;

    if (p->next_seq - p->first_seq == p->cap) {
        size_t cap = p->cap * 2;
        struct pending *items = mem_zalloc(cap * sizeof(items[0]));
        for (uint64_t s = p->first_seq; s < p->next_seq; s++)
            items[s & (cap - 1)] = p->items[s & (p->cap - 1)];
        mem_free(p->items);
        p->items = items;
        p->cap = cap;
    }
    uint64_t seq = p->next_seq++;
    *pending_at(n, seq) = (struct pending){client, n->mono_ms};
}

bool node_can_submit(const struct node *n)
{
    return n->requests.queue.bytes + n->requests.open.bytes.len <
           n->options.pending_bytes_max;
}

static struct parcel *parcel_new(struct node *n)
{
    struct parcel *g = n->requests.queue.spare;

    n->requests.queue.spare = NULL;
    if (!g)
        g = mem_zalloc(sizeof(*g));
    buf_reset(&g->bytes);
    g->next = NULL;
    return g;
}

/* Closes the group being built and puts it at the end of the queue. */
static void parcel_close(struct node *n)
{
    struct parcel_queue *q = &n->requests.queue;

    if (n->requests.open.count == 0)
        return;
    request_group_end(&n->requests.open.bytes, 0, n->requests.open.count);
    struct parcel *g = parcel_new(n);
    struct buf spare = g->bytes;
    g->bytes = n->requests.open.bytes;
    n->requests.open.bytes = spare;
    g->first_seq = n->requests.open.first_seq;
    g->count = n->requests.open.count;
    n->requests.open.bytes_hint = g->bytes.len;
    n->requests.open.count = 0;
    if (q->tail)
        q->tail->next = g;
    else
        q->head = g;
    q->tail = g;
    if (!q->unsent)
        q->unsent = g;
    q->bytes += g->bytes.len;
}

static void submit(struct node *n, const struct request *head,
                   const struct bytes *argv, void *client)
{
    if (n->requests.open.count == 0) {
        if (n->requests.queue.head == NULL)
            n->requests.progress_ms = n->mono_ms;
        n->requests.open.first_seq = n->requests.ring.next_seq;
        buf_reset(&n->requests.open.bytes);
        /* Often as large as the last one: not grown step by step. */
        (void)buf_reserve(&n->requests.open.bytes,
                          MIN(n->requests.open.bytes_hint,
                              (size_t)n->options.entry_bytes_max));
        (void)request_group_begin(&n->requests.open.bytes, n->options.self,
                                  n->options.incarnation,
                                  n->requests.open.first_seq);
    }
    request_encode(&n->requests.open.bytes, head, argv);
    n->requests.open.count++;
    pending_push(n, client);
    if (n->requests.open.bytes.len >= n->options.entry_bytes_max)
        parcel_close(n);
}

int node_submit(struct node *n, const struct node_submit *s, void *client)
{
    size_t size = REQUEST_HEADER_SIZE + s->once_client.len;
    struct request head;

    ASSERT(s->argc > 0);
    if (n->dead || node_leaderless_too_long(n))
        return ERR_NO_LEADER;
    for (uint32_t i = 0; i < s->argc; i++)
        size += 4 + s->argv[i].len;
    if (size > n->options.request_bytes_max || s->argc > REQUEST_ARGC_MAX)
        return ERR_TOO_BIG;
    memset(&head, 0, sizeof(head));
    head.db = s->db;
    head.argc = s->argc;
    if (s->once_client.len > 0) {
        ASSERT(s->once_client.len <= REQUEST_ONCE_LEN_MAX);
        head.flags = REQUEST_FLAG_ONCE;
        head.once_client = s->once_client;
        head.once_id = s->once_id;
        head.once_ttl_s = n->options.once_ttl_s;
    }
    submit(n, &head, s->argv, client);
    if (!node_can_submit(n))
        n->requests.blocked = true;
    return 0;
}

void node_requests_internal(struct node *n, const struct bytes *argv,
                            uint32_t argc)
{
    struct request head;

    memset(&head, 0, sizeof(head));
    head.flags = REQUEST_FLAG_INTERNAL;
    head.argc = argc;
    submit(n, &head, argv, NULL);
}

/* All that is not applied is to be sent again. */
static void resend(struct node *n)
{
    n->requests.resend_waits |=
        n->requests.queue.unsent != n->requests.queue.head;
    n->requests.queue.unsent = n->requests.queue.head;
    n->requests.progress_ms = n->mono_ms;
}

void node_requests_rewind(struct node *n)
{
    resend(n);
    if (n->raft.role == RAFT_LEADER)
        return;
    buf_reset(&n->inbox.bytes); /* their owners send them to the new leader */
    for (uint32_t i = 0; i < n->peer_count; i++) {
        n->peers[i].taken_seq = 0;
        n->peers[i].refused = false;
    }
}

void *node_requests_take(struct node *n, uint64_t seq)
{
    struct request_ring *p = &n->requests.ring;
    void *client = NULL;

    ASSERT(seq == p->first_seq);
    if (seq < p->next_seq)
        client = pending_at(n, seq)->client;
    else
        p->next_seq++; /* a leader has made it up: its number is gone */
    p->first_seq++;
    p->timed_out = MAX(p->timed_out, p->first_seq);
    return client;
}

static bool parcel_applied(const struct node *n, const struct parcel *g)
{
    return g->first_seq + g->count <= n->requests.ring.first_seq;
}

void node_requests_applied(struct node *n)
{
    struct parcel_queue *q = &n->requests.queue;

    while (q->head && parcel_applied(n, q->head)) {
        struct parcel *g = q->head;
        q->head = g->next;
        if (!q->head)
            q->tail = NULL;
        if (q->unsent == g)
            q->unsent = g->next;
        ASSERT(q->bytes >= g->bytes.len);
        q->bytes -= g->bytes.len;
        n->requests.progress_ms = n->mono_ms;
        if (!q->spare && g->bytes.cap <= PARCEL_SPARE_BYTES)
            q->spare = g;
        else
            parcel_free(g);
    }
    if (n->requests.blocked && node_can_submit(n)) {
        n->requests.blocked = false;
        n->events.writable(n->events.ctx);
    }
}

void node_requests_timeout(struct node *n)
{
    struct request_ring *p = &n->requests.ring;
    int64_t limit = n->mono_ms - (int64_t)n->options.request_timeout_ms;

    if (n->mono_ms < n->timers.extended_until_ms)
        return; /* large entries are on their way */
    for (; p->timed_out < p->next_seq; p->timed_out++) {
        struct pending *item = pending_at(n, p->timed_out);
        if (item->since_ms > limit)
            break;
        if (!item->client)
            continue;
        void *client = item->client;
        item->client = NULL;
        resp_error(n->events.reply_open(n->events.ctx, client),
                   "UNKNOWN no majority answered in time, the command may "
                   "still be executed");
        n->events.reply_done(n->events.ctx, client, NODE_UNKNOWN);
    }
    /* A leader's own are in its log, and stay there as long as it leads. */
    if (n->requests.queue.head && n->raft.role != RAFT_LEADER &&
        n->mono_ms - n->requests.progress_ms >= RESEND_MS) {
        log_verbose(n->logger, "nothing applied for %d ms, sending again",
                    RESEND_MS);
        resend(n);
    }
}

int node_requests_forwarded(struct node *n, struct node_peer *peer,
                            struct bytes payload)
{
    struct request_group g;
    uint64_t bound = n->options.pending_bytes_max * RAFT_NODES_MAX;
    struct bytes rest = payload;

    if (payload.len == 0) {
        if (n->raft.role != RAFT_LEADER && peer->id == n->raft.leader)
            resend(n); /* it had no room, and has some now */
        return 0;
    }
    while (rest.len > 0) {
        int err = request_group_decode(&rest, &g);
        if (err != 0)
            return err;
        if (g.node != peer->id || g.incarnation != peer->incarnation)
            return ERR_PROTOCOL;
    }
    if (n->raft.role != RAFT_LEADER)
        return 0;
    if (n->inbox.bytes.len > bound) {
        peer->refused = true;
        return 0;
    }
    buf_bytes(&n->inbox.bytes, payload);
    peer->forwarded = true;
    return 0;
}

/*
 * A group of another node: is it the next one? Not if all of it was taken
 * before; not if something before it is missing, since it would be skipped
 * when applied: its sender sends again from there. The session is that of our
 * whole log but for what was taken in this term: see propose().
 */
static bool group_is_next(struct node *n, const struct request_group *g)
{
    struct node_peer *peer = node_peer_find(n, g->node);
    uint64_t last = g->first_seq + g->count - 1;
    struct session s;

    ASSERT(peer);
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

/*
 * Collects what is to be proposed: the groups of the inbox and our own unsent
 * ones. Groups that stand side by side in memory need no copy: an entry is
 * first a stretch of the inbox, or one group of ours; only small groups of
 * our own are put together, in n->proposal.joined.
 */
static void payload_add(struct node *n, struct bytes b)
{
    if (n->proposal.count == n->proposal.cap) {
        n->proposal.cap = MAX(n->proposal.cap * 2, 16);
        n->proposal.payloads =
            mem_realloc(n->proposal.payloads,
                        n->proposal.cap * sizeof(n->proposal.payloads[0]));
    }
    n->proposal.payloads[n->proposal.count++] = b;
}

static void gather_inbox(struct node *n)
{
    struct bytes rest = buf_view(&n->inbox.bytes);
    const uint8_t *begin = rest.data;
    struct request_group g;

    while (rest.len > 0) {
        const uint8_t *from = rest.data;
        int err = request_group_decode(&rest, &g);
        ASSERT(err == 0); /* it was checked on arrival */
        bool next = group_is_next(n, &g);
        const uint8_t *end = next ? rest.data : from;
        size_t size = (size_t)(end - begin);
        if (size > 0 &&
            (!next || size >= n->options.entry_bytes_max || rest.len == 0)) {
            payload_add(n, bytes_of(begin, size));
            begin = rest.data;
        } else if (!next) {
            begin = rest.data;
        }
    }
}

/* The small groups from *first on, as one payload. */
static struct bytes join_small(struct node *n, struct parcel **first)
{
    size_t begin = n->proposal.joined.len;

    while (*first && n->proposal.joined.len - begin + (*first)->bytes.len <=
                         n->options.entry_bytes_max) {
        buf_bytes(&n->proposal.joined, buf_view(&(*first)->bytes));
        *first = (*first)->next;
    }
    return bytes_of(n->proposal.joined.data + begin,
                    n->proposal.joined.len - begin);
}

static void gather_own(struct node *n)
{
    struct parcel *g = n->requests.queue.unsent;
    size_t total = 0;

    buf_reset(&n->proposal.joined);
    for (const struct parcel *i = g; i; i = i->next)
        if (i->bytes.len <= n->options.entry_bytes_max)
            total += i->bytes.len;
    if (g && g->next)
        (void)buf_reserve(&n->proposal.joined, total); /* views into it stay */
    while (g) {
        bool alone = !g->next || g->bytes.len > n->options.entry_bytes_max;
        if (alone) {
            payload_add(n, buf_view(&g->bytes));
            g = g->next;
        } else {
            payload_add(n, join_small(n, &g));
        }
    }
    n->requests.queue.unsent = NULL;
}

/* Those whose requests came from others want to know when they commit. */
static void want_commit(struct node *n)
{
    for (uint32_t i = 0; i < n->peer_count && !n->dead; i++) {
        if (!n->peers[i].forwarded)
            continue;
        n->peers[i].forwarded = false;
        struct raft_event e = node_event(n, RAFT_EV_WANT_COMMIT);
        e.peer = n->peers[i].id;
        e.index = journal_last(n->journal);
        node_step(n, &e, BYTES_NONE);
    }
}

/* The inbox has room again. Who is not reached now is told by a later flush;
 * who has lost its link sends again when it is back. */
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

/* What was inherited with the log is applied before anything is added to it:
 * then the sessions tell what is in the log. */
static void propose(struct node *n)
{
    if (keyspace_applied(n->ks)->term != n->raft.term)
        return;
    n->proposal.count = 0;
    gather_inbox(n);
    gather_own(n);
    if (n->proposal.count > 0) {
        struct raft_event e = node_event(n, RAFT_EV_PROPOSE);
        e.count = n->proposal.count;
        n->proposal.made_ms = n->mono_ms;
        for (uint32_t i = 0; i < n->proposal.count; i++)
            node_extend_timeouts(n, n->proposal.payloads[i].len);
        node_step(n, &e, BYTES_NONE);
        want_commit(n);
    }
    buf_reset(&n->inbox.bytes);
    buf_shrink(&n->inbox.bytes, 1024 * 1024);
    buf_shrink(&n->proposal.joined, 4 * 1024 * 1024);
    if (!n->dead)
        tell_refused(n);
}

static void forward(struct node *n)
{
    struct parcel_queue *q = &n->requests.queue;
    struct node_peer *leader = node_peer_find(n, n->raft.leader);

    if (!leader || !leader->up || n->requests.resend_waits)
        return;
    for (; q->unsent; q->unsent = q->unsent->next) {
        struct bytes pieces[2] = {buf_view(&q->unsent->bytes), BYTES_NONE};
        int err = n->transport.send(n->transport.ctx, leader->id, FRAME_FORWARD,
                                    TRANSPORT_BULK, pieces);
        if (err != 0)
            break; /* in order: the next flush goes on from here */
        node_extend_timeouts(n, q->unsent->bytes.len);
    }
}

/*
 * Nagle's rule (RFC 896), for entries: while one is on its way, what arrives
 * waits for its commit, but not for long, and not if it is much. For an entry
 * every member has a frame, a write, a sync and two or more turns of its loop,
 * however little is in it.
 */
static bool entry_waits(const struct node *n)
{
    return n->raft.commit < journal_last(n->journal) &&
           !n->requests.queue.unsent &&
           n->mono_ms - n->proposal.made_ms < ENTRY_WAIT_MS &&
           n->requests.open.bytes.len + n->inbox.bytes.len < ENTRY_WAIT_BYTES;
}

int64_t node_requests_due_ms(const struct node *n)
{
    bool can_propose = raft_can_propose(&n->raft);
    bool own_term = keyspace_applied(n->ks)->term == n->raft.term;
    bool some = n->requests.queue.unsent || n->requests.open.count > 0 ||
                n->inbox.bytes.len > 0;

    if (can_propose && own_term && some)
        return entry_waits(n) ? n->proposal.made_ms + ENTRY_WAIT_MS
                              : n->mono_ms;
    if (n->requests.open.count > 0 ||
        (!can_propose && own_term && n->requests.resend_waits))
        return n->mono_ms;
    return INT64_MAX;
}

void node_requests_route(struct node *n)
{
    bool can_propose = raft_can_propose(&n->raft);

    if (can_propose && entry_waits(n))
        return;
    parcel_close(n);
    if (keyspace_applied(n->ks)->term == n->raft.term)
        n->requests.resend_waits = false;
    if (can_propose)
        propose(n);
    else if (n->raft.role != RAFT_LEADER)
        forward(n);
}

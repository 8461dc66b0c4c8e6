/*
 * Requests of this node's clients: from submit until they are applied here.
 *
 * Each gets the next sequence number of this node's session. Those of one turn
 * of the loop (as leader: those that come until the next entry may go, see
 * node_propose.c) form a parcel, encoded once. The parcel is kept until all of
 * it has been applied here. It is sent (as leader: proposed) again, with all
 * that follow it, whenever the leader changes, a link to it comes back, it
 * asks for that, or nothing was applied for RESEND_MS. The session rule drops
 * what was applied already, and refuses what would leave a gap, so order and
 * exactly-once hold whatever gets lost on the way.
 *
 * What was sent to an earlier leader may be in the log of the new one. So it
 * is not sent again before an entry of the new term is applied here: then all
 * that the new leader inherited is applied too, and only what is missing is
 * left.
 *
 * How it fails: memory is bounded by pending_bytes_max (the server then stops
 * reading from clients). A request that is not applied in time is answered
 * UNKNOWN and keeps its place.
 */
#include <inttypes.h>
#include <stdio.h>

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
    struct parcel_queue *q = &n->requests.queue;

    while (q->head) {
        struct parcel *p = q->head;
        q->head = p->next;
        parcel_free(p);
    }
    if (q->spare)
        parcel_free(q->spare);
    mem_free(n->requests.ring.items);
    buf_release(&n->requests.open.bytes);
}

static struct pending *pending_at(struct request_ring *r, uint64_t seq)
{
    ASSERT(seq >= r->first_seq && seq < r->next_seq);
    return &r->items[seq & (r->cap - 1)];
}

static void ring_grow(struct request_ring *r)
{
    size_t cap = r->cap * 2;
    struct pending *items = mem_zalloc(cap * sizeof(items[0]));

    ASSERT((r->cap & (r->cap - 1)) == 0 && cap > r->cap);
    for (uint64_t s = r->first_seq; s < r->next_seq; s++)
        items[s & (cap - 1)] = *pending_at(r, s);
    mem_free(r->items);
    r->items = items;
    r->cap = cap;
}

static void pending_push(struct node *n, void *client)
{
    struct request_ring *r = &n->requests.ring;

    if (r->next_seq - r->first_seq == r->cap)
        ring_grow(r);
    uint64_t seq = r->next_seq++;
    ASSERT(r->next_seq - r->first_seq <= r->cap);
    *pending_at(r, seq) = (struct pending){client, n->mono_ms};
}

bool node_can_submit(const struct node *n)
{
    return n->requests.queue.bytes + n->requests.open.bytes.len <
           n->options.pending_bytes_max;
}

static struct parcel *parcel_new(struct parcel_queue *q)
{
    struct parcel *p = q->spare;

    q->spare = NULL;
    if (!p)
        p = mem_zalloc(sizeof(*p));
    buf_reset(&p->bytes);
    p->next = NULL;
    return p;
}

static void queue_push(struct parcel_queue *q, struct parcel *p)
{
    ASSERT(!q->tail || q->tail->first_seq + q->tail->count <= p->first_seq);
    if (q->tail)
        q->tail->next = p;
    else
        q->head = p;
    q->tail = p;
    if (!q->unsent)
        q->unsent = p;
    q->bytes += p->bytes.len;
}

static struct parcel *queue_pop(struct parcel_queue *q)
{
    struct parcel *p = q->head;

    ASSERT(p && q->bytes >= p->bytes.len);
    ASSERT(p->next || q->tail == p);
    q->head = p->next;
    if (!q->head)
        q->tail = NULL;
    if (q->unsent == p)
        q->unsent = p->next;
    q->bytes -= p->bytes.len;
    return p;
}

/* Closes the parcel being built and puts it at the end of the queue. */
static void parcel_close(struct requests *r)
{
    struct open_parcel *open = &r->open;

    if (open->count == 0)
        return;
    ASSERT(open->first_seq + open->count == r->ring.next_seq);
    request_parcel_end(&open->bytes, 0, open->count);
    struct parcel *p = parcel_new(&r->queue);
    struct buf spare = p->bytes;
    p->bytes = open->bytes;
    p->first_seq = open->first_seq;
    p->count = open->count;
    open->bytes = spare;
    buf_reset(&open->bytes);
    open->bytes_hint = p->bytes.len;
    open->count = 0;
    queue_push(&r->queue, p);
}

static void parcel_open(struct node *n)
{
    struct open_parcel *open = &n->requests.open;
    size_t max = (size_t)n->options.entry_bytes_max;

    ASSERT(open->count == 0);
    if (!n->requests.queue.head)
        n->requests.progress_ms = n->mono_ms;
    open->first_seq = n->requests.ring.next_seq;
    buf_reset(&open->bytes);
    /* Often as large as the last one: not grown step by step. */
    (void)buf_reserve(&open->bytes, MIN(open->bytes_hint, max));
    (void)request_parcel_begin(&open->bytes, n->options.self,
                               n->options.incarnation, open->first_seq);
}

static void submit(struct node *n, const struct request *head,
                   const struct bytes *argv, void *client)
{
    struct open_parcel *open = &n->requests.open;

    if (open->count == 0)
        parcel_open(n);
    request_encode(&open->bytes, head, argv);
    open->count++;
    pending_push(n, client);
    if (open->bytes.len >= n->options.entry_bytes_max)
        parcel_close(&n->requests);
}

/* Encoded, whatever that comes to. */
static size_t size_of(const struct node_submit *s)
{
    size_t size = REQUEST_HEADER_SIZE + s->once_client.len;

    for (uint32_t i = 0; i < s->argc; i++)
        size += 4 + s->argv[i].len;
    return size;
}

static struct request head_of(const struct node *n, const struct node_submit *s)
{
    struct request head;

    ASSERT(s->argc > 0 && s->db < REQUEST_DATABASES);
    memset(&head, 0, sizeof(head));
    head.db = s->db;
    head.argc = s->argc;
    if (s->once_client.len > 0) {
        head.flags = REQUEST_FLAG_ONCE;
        head.once_client = s->once_client;
        head.once_id = s->once_id;
        head.once_ttl_s = n->options.once_ttl_s;
    }
    return head;
}

static void submit_internal(struct node *n, const struct bytes *argv,
                            uint32_t argc, void *client)
{
    struct request head;

    ASSERT(argc > 0 && argc <= REQUEST_ARGC_MAX);
    memset(&head, 0, sizeof(head));
    head.flags = REQUEST_FLAG_INTERNAL;
    head.argc = argc;
    submit(n, &head, argv, client);
}

/* Its parts, as far as that may be; after the last one, the request. */
static int submit_large(struct node *n, const struct request *head,
                        const struct bytes *argv, void *client)
{
    struct bytes part[UPLOAD_PART_ARGC];
    int err = node_upload_begin(n, client, request_encoded_size(head, argv));

    if (err != 0)
        return err;
    ASSERT(n->upload.client == client);
    while (node_upload_next(n, head, argv, part))
        submit_internal(n, part, UPLOAD_PART_ARGC, NULL);
    if (!node_upload_end(n, part))
        return ERR_AGAIN;
    submit_internal(n, part, UPLOAD_WHOLE_ARGC, client);
    return 0;
}

static int try_submit(struct node *n, const struct node_submit *s, void *client)
{
    size_t size = size_of(s);

    ASSERT(s->once_client.len <= REQUEST_ONCE_LEN_MAX);
    if (n->dead || node_leaderless_too_long(n))
        return ERR_NO_LEADER;
    if (size > n->options.request_bytes_max || s->argc > REQUEST_ARGC_MAX)
        return ERR_TOO_BIG;
    struct request head = head_of(n, s);
    if (size > node_upload_above(n))
        return submit_large(n, &head, s->argv, client);
    submit(n, &head, s->argv, client);
    return 0;
}

int node_submit(struct node *n, const struct node_submit *s, void *client)
{
    int err = try_submit(n, s, client);

    if (err != 0 && err != ERR_AGAIN)
        node_abandon(n, client);
    if (!node_can_submit(n))
        n->requests.blocked = true;
    return err;
}

void node_requests_internal(struct node *n, const struct bytes *argv,
                            uint32_t argc)
{
    submit_internal(n, argv, argc, NULL);
}

void node_requests_begin(struct node *n)
{
    char text[NUM_TEXT_MAX];
    int len = snprintf(text, sizeof(text), "%" PRIu64, n->options.nonce);
    struct bytes argv[2] = {BYTES_LIT("vard.open"),
                            bytes_of(text, (size_t)len)};

    ASSERT(n->requests.ring.next_seq == 1);
    if (n->options.nonce != 0)
        submit_internal(n, argv, ARRAY_LEN(argv), NULL);
}

void node_requests_tidy(struct node *n)
{
    struct bytes drop = BYTES_LIT("vard.drop");

    if (!node_upload_is_left(n))
        return;
    ASSERT(!n->upload.client);
    n->upload.last_seq = n->requests.ring.next_seq;
    submit_internal(n, &drop, 1, NULL);
}

void node_requests_resend(struct node *n)
{
    struct parcel_queue *q = &n->requests.queue;

    n->requests.resend_waits |= q->unsent != q->head;
    ASSERT(!q->unsent || q->head);
    q->unsent = q->head;
    n->requests.progress_ms = n->mono_ms;
}

void *node_requests_take(struct node *n, uint64_t seq)
{
    struct request_ring *r = &n->requests.ring;
    void *client = NULL;

    ASSERT(seq == r->first_seq);
    if (seq < r->next_seq) {
        client = pending_at(r, seq)->client;
    } else { /* a leader has made it up: its number is gone */
        parcel_close(&n->requests);
        r->next_seq++;
    }
    r->first_seq++;
    r->timed_out = MAX(r->timed_out, r->first_seq);
    ASSERT(r->first_seq <= r->next_seq && r->timed_out <= r->next_seq);
    return client;
}

static bool parcel_applied(const struct node *n, const struct parcel *p)
{
    return p->first_seq + p->count <= n->requests.ring.first_seq;
}

void node_requests_applied(struct node *n)
{
    struct parcel_queue *q = &n->requests.queue;

    while (q->head && parcel_applied(n, q->head)) {
        struct parcel *p = queue_pop(q);
        n->requests.progress_ms = n->mono_ms;
        if (!q->spare && p->bytes.cap <= PARCEL_SPARE_BYTES)
            q->spare = p;
        else
            parcel_free(p);
    }
    if (n->requests.blocked && node_can_submit(n)) {
        n->requests.blocked = false;
        n->events.writable(n->events.ctx);
    }
}

/* A leader that is known may have committed it: then it is this node that does
 * not know. */
static const char *unknown_text(const struct node *n)
{
    switch (node_excuse(n, ERR_BEHIND)) {
    case ERR_NO_LEADER:
        return "UNKNOWN no majority answered in time, the command may still be "
               "executed";
    case ERR_REFILL:
        return "UNKNOWN this node has not been refilled yet and did not see "
               "the outcome, the command may still be executed";
    default:
        return "UNKNOWN the outcome did not reach this node in time, the "
               "command may still be executed";
    }
}

static void answer_unknown(struct node *n, void *client, const char *text)
{
    ASSERT(client && text);
    resp_error(n->events.reply_open(n->events.ctx, client), text);
    n->events.reply_done(n->events.ctx, client, NODE_UNKNOWN);
}

/* A request that has waited too long; it keeps its place. */
static void answer_late(struct node *n, struct pending *item)
{
    void *client = item->client;

    ASSERT(item->since_ms <= n->mono_ms);
    item->client = NULL;
    answer_unknown(n, client, unknown_text(n));
}

void node_requests_skip(struct node *n, uint64_t last_seq)
{
    struct request_ring *r = &n->requests.ring;

    while (r->first_seq < r->next_seq && r->first_seq <= last_seq) {
        void *client = node_requests_take(n, r->first_seq);
        if (client)
            answer_unknown(n, client,
                           "UNKNOWN the command was executed, but its reply is "
                           "not known here: this node was refilled meanwhile");
    }
    if (r->first_seq <= last_seq) { /* made up, as in node_requests_take() */
        parcel_close(&n->requests);
        r->first_seq = r->next_seq = r->timed_out = last_seq + 1;
    }
    ASSERT(r->first_seq > last_seq && r->first_seq <= r->next_seq);
    node_requests_applied(n);
}

void node_requests_timeout(struct node *n)
{
    struct request_ring *r = &n->requests.ring;
    int64_t limit = n->mono_ms - (int64_t)n->options.request_timeout_ms;

    if (n->mono_ms < n->timers.extended_until_ms)
        return; /* large entries are being processed */
    for (; r->timed_out < r->next_seq; r->timed_out++) {
        struct pending *item = pending_at(r, r->timed_out);
        if (item->since_ms > limit)
            break;
        if (item->client)
            answer_late(n, item);
    }
    /* A leader's own are in its log, and stay there as long as it leads. */
    if (n->requests.queue.head && n->raft.role != RAFT_LEADER &&
        n->mono_ms - n->requests.progress_ms >= RESEND_MS) {
        log_verbose(n->logger, "nothing applied for %d ms, sending again",
                    RESEND_MS);
        node_requests_resend(n);
    }
}

void node_requests_close(struct node *n)
{
    parcel_close(&n->requests);
    if (node_own_term_applied(n))
        n->requests.resend_waits = false;
    ASSERT(n->requests.open.count == 0);
}

void node_requests_sent(struct node *n)
{
    ASSERT(raft_can_propose(&n->raft) && n->requests.open.count == 0);
    n->requests.queue.unsent = NULL;
}

void node_requests_forward(struct node *n)
{
    struct parcel_queue *q = &n->requests.queue;
    struct node_peer *leader = node_peer_find(n, n->raft.leader);

    ASSERT(n->raft.role != RAFT_LEADER && n->requests.open.count == 0);
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

int64_t node_requests_due_ms(const struct node *n)
{
    bool resend = n->requests.resend_waits && node_own_term_applied(n) &&
                  !raft_can_propose(&n->raft);

    return resend || n->requests.open.count > 0 ? n->mono_ms : INT64_MAX;
}

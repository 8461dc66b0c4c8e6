/*
 * The state for members that need entries which the log no longer has
 * (RAFT_SNAPSHOT). As leader this node offers its flushed state to them, which
 * always joins the log: that is never cut above what is flushed. Who accepts
 * asks for the chunks from where it is, and is sent as much as it asks for;
 * the rest of the protocol is in codec/transfer.h. This node goes on with that
 * when it no longer leads.
 *
 * There is one view at a time, which all receivers read, each with a thread of
 * its own (snapshot/ahead.h): the loop only copies what was read. It is opened
 * for an offer and closed when nobody has asked for a minute, when the last
 * receiver leaves, or when the log has been cut above it: then it helps nobody
 * any more, and another one is offered.
 *
 * All receivers together get `snapshot_rate`, and half of that while this
 * node's disk is slow, so that clients do not notice. What is sent waits behind
 * everything else (TRANSPORT_BACKGROUND). A transfer that the log has outrun
 * would be outrun again: the next one has no bound.
 *
 * How it fails: a state that cannot be read does not end the node here, but
 * where the node itself reads it; the receivers are told that it is gone, and
 * another attempt is made later. What is lost with a link is asked for again.
 */
#include <inttypes.h>

#include "base/hash.h"
#include "base/reader.h"
#include "node/node_internal.h"
#include "snapshot/ahead.h"
#include "snapshot/share.h"

#define UNUSED_MS      60000
#define OFFER_AGAIN_MS 3000
#define OPEN_AGAIN_MS  5000
#define PROGRESS_MS    5000
#define SEND_AGAIN_MS  2
/* The bucket holds what may be sent in so long. */
#define BUCKET_MS 50
/* A sync that takes longer halves the rate. */
#define SLOW_SYNC_MS      10
#define SLOW_SYNC_PAST_MS 1000
/* More receivers at a time only make each of them later. */
#define RECEIVERS_MAX 2
#define MB            (1024 * 1024)

uint32_t node_source_receivers(const struct node *n)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n->peer_count; i++)
        count += n->peers[i].receiver.ahead != NULL;
    ASSERT(count == 0 || n->source.id != 0);
    return count;
}

/* ----- the view ----- */

static void stop(struct node_receiver *r)
{
    ahead_free(r->ahead);
    r->ahead = NULL;
}

static void answer(struct node *n, const struct node_peer *peer,
                   enum transfer_kind kind, uint64_t id)
{
    ASSERT(kind == TRANSFER_GONE || kind == TRANSFER_BUSY);
    /* If it does not leave, the receiver asks again. */
    (void)node_transfer_send(n, peer->id,
                             &(struct transfer){.kind = kind, .id = id});
}

static void close_view(struct node *n)
{
    struct node_source *s = &n->source;

    for (uint32_t i = 0; i < n->peer_count; i++)
        stop(&n->peers[i].receiver);
    ahead_free(s->first);
    store_view_close(s->view);
    s->first = NULL;
    s->view = NULL;
    s->id = 0;
    s->at = (struct applied){0};
}

void node_source_release(struct node *n)
{
    close_view(n);
    ASSERT(n->source.id == 0 && node_source_receivers(n) == 0);
}

/* Nobody can go on with it. */
static void give_up(struct node *n)
{
    ASSERT(n->source.id != 0);
    for (uint32_t i = 0; i < n->peer_count; i++)
        if (n->peers[i].receiver.ahead)
            answer(n, &n->peers[i], TRANSFER_GONE, n->source.id);
    close_view(n);
}

static void failed(struct node *n, const char *why)
{
    log_warning(n->logger, "the state cannot be sent to others: %s", why);
    n->source.again_ms = n->mono_ms + OPEN_AGAIN_MS;
    give_up(n);
}

/* Another one for each view of each node, whoever starts again. */
static uint64_t make_id(struct node *n)
{
    uint8_t parts[3 * sizeof(uint64_t)];

    store_u64le(parts, n->options.self);
    store_u64le(parts + 8, n->options.incarnation);
    store_u64le(parts + 16, ++n->source.count);
    return MAX(hash64(bytes_of(parts, sizeof(parts))), (uint64_t)1);
}

static void open_view(struct node *n)
{
    struct node_source *s = &n->source;
    struct store_extent state;

    ASSERT(s->id == 0 && !s->view && !s->first && s->at.index == 0);
    store_extent(n->store, &state);
    s->id = make_id(n);
    s->bytes = state.bytes;
    s->used_ms = n->mono_ms;
    s->view = share_view(store_view_open(n->store));
    s->first = ahead_new(s->view, NULL, n->options.threadless);
}

/* Does the log go on where the state ends? */
static bool joins_log(const struct node *n)
{
    ASSERT(n->source.at.index > 0);
    return n->source.at.index + 1 >= n->raft.first;
}

/* The log was cut above it. */
static void outrun(struct node *n)
{
    struct node_source *s = &n->source;

    ASSERT(!joins_log(n));
    log_notice(n->logger,
               "the state of entry %" PRIu64 " is of no use to others any "
               "more: the log begins at entry %" PRIu64,
               s->at.index, n->raft.first);
    if (node_source_receivers(n) > 0 && !s->hurries) {
        s->hurries = true;
        log_warning(n->logger,
                    "clients write log-size-max in less time than it takes to "
                    "send the state: the next one is sent as fast as possible, "
                    "whatever snapshot-rate says");
    }
    give_up(n);
}

/* Closes what is of no use any more. */
static void close_unused(struct node *n)
{
    const struct node_source *s = &n->source;
    bool leads = n->raft.role == RAFT_LEADER;

    ASSERT(s->id != 0 && s->used_ms <= n->mono_ms);
    if (leads && s->at.index > 0 && !joins_log(n)) {
        outrun(n);
    } else if (n->mono_ms - s->used_ms >= UNUSED_MS) {
        log_notice(n->logger,
                   "the state of entry %" PRIu64 " is put aside: nobody has "
                   "asked for it for a minute",
                   s->at.index);
        close_view(n);
    }
}

/* ----- offers ----- */

/* As leader: does this peer need a state? */
static bool needs_one(const struct node *n, const struct node_peer *peer)
{
    int pos = raft_position(&n->raft, peer->id);

    ASSERT(n->raft.role == RAFT_LEADER);
    if (pos < 0 || !peer->up)
        return false;
    const struct raft_progress *p = &n->raft.progress[pos];
    return p->state == RAFT_SNAPSHOT && p->link_up && !p->paused;
}

static void offer(struct node *n, struct node_peer *peer)
{
    const struct node_source *s = &n->source;
    struct node_receiver *r = &peer->receiver;
    const struct transfer t = {
        .kind = TRANSFER_OFFER,
        .id = s->id,
        .offer = {.index = s->at.index,
                  .term = s->at.term,
                  .chain = s->at.chain,
                  .bytes = s->bytes,
                  .source = n->options.self,
                  .level = n->membership.applied.level},
    };

    ASSERT(joins_log(n));
    if (r->ahead ||
        (r->offered_id == s->id && n->mono_ms - r->offered_ms < OFFER_AGAIN_MS))
        return;
    if (node_transfer_send(n, peer->id, &t) != 0)
        return;
    if (r->offered_id != s->id)
        log_notice(n->logger,
                   "node %u needs entries that are in no log any more: it is "
                   "offered the state of entry %" PRIu64,
                   peer->id, s->at.index);
    r->offered_id = s->id;
    r->offered_ms = n->mono_ms;
}

/* The entry that the view is of. */
static void learn_position(struct node *n)
{
    struct node_source *s = &n->source;

    if (s->at.index > 0 || !s->first)
        return;
    int err = ahead_position(s->first, &s->at);
    if (err != 0)
        s->at = (struct applied){0};
    if (err != 0 && err != ERR_AGAIN)
        failed(n, ahead_error(s->first));
}

static void offer_all(struct node *n)
{
    struct node_source *s = &n->source;

    for (uint32_t i = 0; i < n->peer_count; i++) {
        if (!needs_one(n, &n->peers[i]))
            continue;
        if (s->id == 0 && n->mono_ms >= s->again_ms)
            open_view(n);
        learn_position(n);
        if (s->at.index > 0 && joins_log(n))
            offer(n, &n->peers[i]);
    }
}

static int64_t mb_per_s(uint64_t bytes, int64_t ms)
{
    return (int64_t)(bytes * 1000 / (uint64_t)MAX(ms, 1) / MB);
}

static void tell_progress(struct node *n)
{
    for (uint32_t i = 0; i < n->peer_count; i++) {
        struct node_receiver *r = &n->peers[i].receiver;
        if (!r->ahead || n->mono_ms - r->told_ms < PROGRESS_MS)
            continue;
        r->told_ms = n->mono_ms;
        log_notice(
            n->logger,
            "the state of entry %" PRIu64 " for node %u: %" PRIu64
            " of about %" PRIu64 " MB sent, %" PRId64 " MB/s",
            n->source.at.index, n->peers[i].id, r->position / MB,
            n->source.bytes / MB,
            mb_per_s(r->position - r->begun_at, n->mono_ms - r->begun_ms));
    }
}

void node_source_tidy(struct node *n)
{
    ASSERT(!n->dead);
    if (n->source.id != 0)
        close_unused(n);
    if (n->raft.role == RAFT_LEADER)
        offer_all(n);
    tell_progress(n);
}

/* ----- receivers ----- */

static void begin(struct node *n, struct node_peer *peer,
                  const struct transfer_want *w)
{
    struct node_source *s = &n->source;
    struct node_receiver *r = &peer->receiver;
    const struct source_place from = {w->number - 1, w->hash, w->after};

    ASSERT(w->begin && s->view);
    stop(r);
    if (w->number == 1 && s->first) {
        r->ahead = s->first;
        s->first = NULL;
    } else {
        r->ahead = ahead_new(s->view, &from, n->options.threadless);
    }
    r->number = w->number;
    r->offset = 0;
    r->position = r->begun_at = w->from;
    r->until = w->until;
    r->begun_ms = r->told_ms = n->mono_ms;
    log_notice(n->logger,
               "sending the state of entry %" PRIu64 ", about %" PRIu64
               " MB, to node %u, from chunk %" PRIu64 " on",
               s->at.index, s->bytes / MB, peer->id, w->number);
}

static void take_want(struct node *n, struct node_peer *peer,
                      const struct transfer_want *w)
{
    struct node_receiver *r = &peer->receiver;

    n->source.used_ms = n->mono_ms;
    if (!w->begin) {
        r->until = MAX(r->until, w->until);
        return;
    }
    if (!r->ahead && node_source_receivers(n) >= RECEIVERS_MAX)
        answer(n, peer, TRANSFER_BUSY, n->source.id);
    else
        begin(n, peer, w);
}

void node_source_take(struct node *n, struct node_peer *peer,
                      const struct transfer *t)
{
    struct node_source *s = &n->source;

    ASSERT(t->kind == TRANSFER_WANT || t->kind == TRANSFER_LEAVE);
    bool known = t->id == s->id && s->at.index > 0;
    if (t->kind == TRANSFER_WANT && known) {
        take_want(n, peer, &t->want);
    } else if (t->kind == TRANSFER_WANT) {
        answer(n, peer, TRANSFER_GONE, t->id);
    } else if (known) {
        stop(&peer->receiver);
        if (node_source_receivers(n) == 0)
            close_view(n);
    }
}

void node_source_down(struct node *n, struct node_peer *peer)
{
    ASSERT(node_peer_find(n, peer->id) == peer);
    stop(&peer->receiver);
    peer->receiver.offered_id = 0;
}

/* ----- sending ----- */

/* The last sync took long, or the present one does. One that is long past says
 * nothing. */
static bool disk_is_slow(const struct node *n)
{
    const struct durability *d = &n->durability;

    ASSERT(d->asked_ms <= MAX(n->mono_ms, 1));
    if (d->asked_ms > 0 && n->mono_ms - d->asked_ms > SLOW_SYNC_MS)
        return true;
    return d->sync_ms > SLOW_SYNC_MS &&
           n->mono_ms - d->done_ms < SLOW_SYNC_PAST_MS;
}

static void fill_bucket(struct node *n)
{
    struct node_source *s = &n->source;
    int64_t rate =
        (int64_t)MIN(n->options.snapshot_rate, (uint64_t)INT32_MAX * 1024);
    int64_t passed_ms = MIN(n->mono_ms - s->filled_ms, (int64_t)BUCKET_MS);

    ASSERT(passed_ms >= 0);
    s->filled_ms = n->mono_ms;
    if (rate == 0 || s->hurries) {
        s->bucket = INT32_MAX;
        return;
    }
    if (disk_is_slow(n))
        rate /= 2;
    int64_t most = MAX(rate / 1000 * BUCKET_MS, (int64_t)TRANSFER_PIECE_MAX);
    s->bucket = MIN(s->bucket + rate * passed_ms / 1000, most);
}

/* One that was begun is sent to its end. */
static bool may_send(const struct node_receiver *r)
{
    return r->ahead && (r->offset > 0 || r->position < r->until);
}

/* 0: sent. Or as the transport says. */
static int send_piece(struct node *n, const struct node_peer *peer,
                      const struct chunk *c)
{
    const struct node_receiver *r = &peer->receiver;
    size_t len = MIN(c->rows.len - r->offset, (size_t)TRANSFER_PIECE_MAX);
    const struct transfer t = {
        .kind = TRANSFER_CHUNK,
        .id = n->source.id,
        .chunk = {.number = c->number,
                  .hash = c->hash,
                  .total = (uint32_t)c->rows.len,
                  .offset = r->offset,
                  .data = bytes_of(c->rows.data + r->offset, len)},
    };

    ASSERT(c->number == r->number && r->offset < c->rows.len);
    return node_transfer_send(n, peer->id, &t);
}

static void sent_piece(struct node *n, struct node_receiver *r,
                       const struct chunk *c)
{
    size_t len = MIN(c->rows.len - r->offset, (size_t)TRANSFER_PIECE_MAX);

    n->source.bucket -= (int64_t)len;
    n->source.sent_bytes += len;
    r->position += len;
    r->offset += (uint32_t)len;
    if (r->offset == c->rows.len) {
        r->number++;
        r->offset = 0;
    }
}

/* All was sent: what is left is to say so. */
static void send_done(struct node *n, struct node_peer *peer,
                      const struct chunk *last)
{
    struct node_receiver *r = &peer->receiver;
    const struct transfer t = {
        .kind = TRANSFER_DONE,
        .id = n->source.id,
        .done = {last->number, last->hash, r->position},
    };

    ASSERT(last->number + 1 == r->number && r->offset == 0);
    if (last->number == 0 || r->position < last->number)
        stop(r); /* nobody has told it so */
    else if (node_transfer_send(n, peer->id, &t) == 0) {
        n->source.hurries = false;
        int64_t ms = n->mono_ms - r->begun_ms;
        uint64_t bytes = r->position - r->begun_at;
        log_notice(n->logger,
                   "the state of entry %" PRIu64 " was sent to node %u: "
                   "%" PRIu64 " MB in %" PRId64 " ms, %" PRId64 " MB/s",
                   n->source.at.index, peer->id, bytes / MB, ms,
                   mb_per_s(bytes, ms));
        stop(r);
    }
}

/* One piece, or the end. False: not now. */
static bool send_some(struct node *n, struct node_peer *peer)
{
    struct node_receiver *r = &peer->receiver;
    struct chunk c = {0};

    ASSERT(may_send(r));
    int err = ahead_chunk(r->ahead, r->number, &c);
    if (err == 0) {
        ASSERT(c.rows.len > 0 && c.rows.len <= TRANSFER_CHUNK_MAX);
        err = send_piece(n, peer, &c);
        if (err == 0)
            sent_piece(n, r, &c);
        return err == 0;
    }
    if (err == ERR_NOT_FOUND)
        send_done(n, peer, &c);
    else if (err != ERR_AGAIN)
        failed(n, ahead_error(r->ahead));
    return false;
}

void node_source_send(struct node *n)
{
    bool more = n->source.id != 0;

    if (more)
        fill_bucket(n);
    while (more && n->source.bucket > 0) {
        more = false;
        for (uint32_t i = 0; i < n->peer_count; i++)
            if (may_send(&n->peers[i].receiver))
                more |= send_some(n, &n->peers[i]);
    }
}

int64_t node_source_due_ms(const struct node *n)
{
    for (uint32_t i = 0; i < n->peer_count; i++)
        if (may_send(&n->peers[i].receiver))
            return n->mono_ms + SEND_AGAIN_MS;
    return INT64_MAX;
}

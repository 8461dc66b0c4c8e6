/*
 * A whole state that is fetched from another member, because the entries that
 * this node needs are in no log any more.
 *
 *   NONE --offer--> FETCHING --done--> COMPLETE --RAFT_EV_RESTORE--> NONE
 *   NONE <--of no use--  FETCHING --silence, gone--> KEPT --offer--> FETCHING
 *
 * The leader offers one. What is offered has a position (index, term, chain);
 * the sequence of chunks of a position is the same from every member
 * (snapshot/chunk.h). So what has come stays of use as long as that position is
 * offered: after a cut, a restart of this node, by another source, of another
 * leader. The source is asked to go on after the last key. Another position
 * begins from nothing, and removes what there was; as long as chunks come, none
 * is taken.
 *
 * The chunks are inspected, and go to parts on the disk (store/store_fill.h);
 * after each part it is noted how far it came (node_refill_note.c). Nothing is
 * believed before the end: then the whole has to be what the source says it has
 * sent, a state in itself, that of the entry which was offered, and of a
 * cluster of these members.
 *
 * What is complete waits for the end of the turn, where the core is told, and
 * the state takes its place (node_restore.c).
 *
 * The core says in each reply that a state is being fetched, so the others keep
 * the log behind it.
 *
 * All of it is done by the loop, as much in one turn as the credit allows.
 *
 * How it fails: without a piece for a while the source is asked again; without
 * one for longer, or when it says that it has the state no more, another offer
 * is awaited. Chunks that are wrong, or that the disk does not take, end the
 * transfer; what was there is removed, and the next offer is taken after a
 * while. A state that the core does not want any more, because the log has
 * brought more, is removed. The node itself goes on as it is.
 */
#include <inttypes.h>

#include "node/node_internal.h"
#include "snapshot/inspect.h"
#include "store/store_fill.h"

#define PART_BYTES ((uint64_t)64 * 1024 * 1024)
/* On their way; a larger chunk comes whole. */
#define CREDIT_BYTES  ((uint64_t)4 * 1024 * 1024)
#define SILENT_MS     5000  /* then the source is asked again */
#define GIVE_UP_MS    30000 /* then another offer is awaited */
#define BUSY_MS       1000
#define SEND_AGAIN_MS 100
#define TELL_MS       60000 /* between lines about offers that are refused */
/* A chunk is larger than its bounds by a row at most; a value has a head. */
#define CHUNK_SLACK ((uint64_t)1024 * 1024)

static uint64_t part_bytes(const struct node *n)
{
    return n->options.refill_part_bytes != 0 ? n->options.refill_part_bytes
                                             : PART_BYTES;
}

static const struct inspect_totals *so_far(const struct refill *r)
{
    ASSERT(r->inspect);
    return inspect_so_far(r->inspect);
}

static bool same_position(const struct transfer_offer *a,
                          const struct transfer_offer *b)
{
    ASSERT(a->index > 0 && b->index > 0);
    return a->index == b->index && a->term == b->term && a->chain == b->chain;
}

/* --- offers ------------------------------------------------------------- */

static bool source_is_up(struct node *n)
{
    const struct node_peer *p = node_peer_find(n, n->refill.offer.source);

    ASSERT(n->refill.phase != REFILL_NONE);
    return p && p->up;
}

/* Why an offer is refused is not said each time that it comes again. */
static bool may_tell(struct node *n)
{
    struct refill *r = &n->refill;

    if (r->told_ms != 0 && n->mono_ms < r->told_ms + TELL_MS)
        return false;
    r->told_ms = n->mono_ms;
    ASSERT(r->phase != REFILL_COMPLETE);
    return true;
}

/* `have`: so much of it is here. */
static bool fits(struct node *n, const struct transfer_offer *o, uint64_t have)
{
    uint64_t room = n->space.own_room;

    if (room == 0 || o->bytes <= have || o->bytes - have <= room)
        return true;
    if (may_tell(n))
        log_warning(n->logger,
                    "the state of entry %" PRIu64 ", which node %u offers, "
                    "needs %.1f GB, and %.1f GB are free for it: nothing is "
                    "fetched until there is more",
                    o->index, o->source, (double)(o->bytes - have) / 1e9,
                    (double)room / 1e9);
    return false;
}

static bool level_fits(struct node *n, const struct transfer_offer *o)
{
    ASSERT(o->level > 0);
    if (node_level_known(n, o->level))
        return true;
    if (may_tell(n))
        log_warning(n->logger,
                    "the state of entry %" PRIu64 ", which node %u offers, is "
                    "of level %u, which this program does not know: start a "
                    "version that knows it",
                    o->index, o->source, o->level);
    return false;
}

/* Is there anything to be had by it, and is it the leader's word? */
static bool is_wanted(struct node *n, const struct node_peer *from,
                      const struct transfer_offer *o)
{
    const struct raft *r = &n->raft;

    ASSERT(o->index > 0 && o->term > 0);
    return r->role != RAFT_LEADER && r->leader == from->id &&
           o->term <= r->term && o->index > r->commit &&
           o->source != n->options.self && node_peer_find(n, o->source);
}

static void fetch(struct node *n, uint64_t id, const struct transfer_offer *o)
{
    struct refill *r = &n->refill;

    ASSERT(r->fill && r->inspect && r->phase != REFILL_COMPLETE);
    r->phase = REFILL_FETCHING;
    r->id = id;
    r->offer = *o;
    r->ask_at_ms = n->mono_ms;
    r->heard_ms = n->mono_ms;
}

static void begin(struct node *n, uint64_t id, const struct transfer_offer *o)
{
    struct refill *r = &n->refill;

    node_refill_drop(n);
    if (n->dead)
        return;
    int err = store_fill_begin(n->store, 0, BYTES_NONE, &r->fill);
    ASSERT(err == 0); /* there is nothing that it could lack */
    r->inspect = inspect_new();
    fetch(n, id, o);
    log_notice(n->logger,
               "this node is fetching the state of entry %" PRIu64
               " from node %u, about %" PRIu64 " MB",
               o->index, o->source, o->bytes >> 20);
}

/* The one that is being fetched, offered again. */
static void offered_again(struct node *n, uint64_t id,
                          const struct transfer_offer *o)
{
    struct refill *r = &n->refill;

    r->leader_term = n->raft.term;
    if (r->phase == REFILL_COMPLETE ||
        (r->phase == REFILL_FETCHING && r->id == id &&
         r->offer.source == o->source))
        return;
    ASSERT(same_position(&r->offer, o));
    if (r->phase == REFILL_FETCHING && source_is_up(n))
        return; /* it goes on as it is */
    if (!fits(n, o, so_far(r)->bytes))
        return;
    fetch(n, id, o);
    log_notice(n->logger,
               "this node goes on fetching the state of entry %" PRIu64
               " from node %u, behind %" PRIu64 " MB",
               o->index, o->source, so_far(r)->bytes >> 20);
}

static void take_offer(struct node *n, const struct node_peer *from,
                       uint64_t id, const struct transfer_offer *o)
{
    struct refill *r = &n->refill;

    if (!is_wanted(n, from, o) || !level_fits(n, o))
        return;
    if (r->phase != REFILL_NONE && same_position(&r->offer, o)) {
        offered_again(n, id, o);
        return;
    }
    bool busy = r->phase == REFILL_COMPLETE ||
                (r->phase == REFILL_FETCHING && source_is_up(n));
    if (busy || n->mono_ms < r->refuse_until_ms || !fits(n, o, 0))
        return;
    begin(n, id, o);
    r->leader_term = n->raft.term;
    ASSERT(n->dead || r->phase == REFILL_FETCHING);
}

/* --- chunks ------------------------------------------------------------- */

/* Says where this node is, and how much may come. */
static void ask(struct node *n, bool anew)
{
    struct refill *r = &n->refill;
    const struct inspect_totals *t = so_far(r);
    struct transfer want = {
        .kind = TRANSFER_WANT,
        .id = r->id,
        .want = {.number = t->chunks + 1,
                 .hash = t->hash,
                 .from = t->bytes,
                 .until = t->bytes + CREDIT_BYTES,
                 .begin = anew},
    };

    ASSERT(r->phase == REFILL_FETCHING);
    if (anew) {
        want.want.after = inspect_last(r->inspect);
        r->head.total = 0;
        r->asked = true;
    }
    r->until = want.want.until;
    bool sent = node_transfer_send(n, r->offer.source, &want) == 0;
    r->ask_at_ms = n->mono_ms + (sent ? SILENT_MS : SEND_AGAIN_MS);
}

/* Something is missing. After a question old pieces may come, for a while. */
static void note_gap(struct node *n)
{
    struct refill *r = &n->refill;

    ASSERT(r->phase == REFILL_FETCHING);
    if (!r->asked)
        r->ask_at_ms = n->mono_ms;
}

/* All so far is durable: that is noted. */
static void end_part(struct node *n)
{
    struct refill *r = &n->refill;
    uint32_t parts;

    ASSERT(so_far(r)->bytes > r->noted_bytes);
    if (store_fill_part(r->fill, &parts) != 0)
        node_refill_fail_fill(n, "it cannot be stored");
    else
        node_refill_note(n, parts);
}

static void take_chunk(struct node *n)
{
    struct refill *r = &n->refill;
    struct chunk c = {r->head.number, r->head.hash, buf_view(&r->rows)};
    struct buf why = BUF_INIT;

    int err = inspect_chunk(r->inspect, &c, &why);
    buf_u8(&why, '\0');
    if (err != 0)
        node_refill_fail(n, "it is not right", (const char *)why.data);
    else if (store_fill_add(r->fill, c.rows) != 0)
        node_refill_fail_fill(n, "it cannot be stored");
    buf_release(&why);
    if (r->phase != REFILL_FETCHING)
        return;
    buf_reset(&r->rows);
    buf_shrink(&r->rows, CHUNK_SLACK);
    r->head.total = 0;
    if (so_far(r)->bytes - r->noted_bytes >= part_bytes(n))
        end_part(n);
    if (r->phase == REFILL_FETCHING &&
        r->until - so_far(r)->bytes < CREDIT_BYTES / 2)
        ask(n, false);
}

/* Is it the next piece? Else it is an old one, or something is missing. */
static bool continues(struct refill *r, const struct transfer_chunk *c)
{
    ASSERT(r->phase == REFILL_FETCHING);
    if (c->offset == 0 && c->number == so_far(r)->chunks + 1) {
        buf_reset(&r->rows);
        r->head = *c;
        r->head.data = BYTES_NONE; /* it is the payload's */
        r->asked = false;
        return true;
    }
    return r->head.total != 0 && c->number == r->head.number &&
           c->hash == r->head.hash && c->total == r->head.total &&
           c->offset == r->rows.len;
}

static void take_piece(struct node *n, const struct transfer_chunk *c)
{
    struct refill *r = &n->refill;

    ASSERT(c->offset + c->data.len <= c->total && c->data.len > 0);
    if (c->total > n->options.request_bytes_max + CHUNK_SLACK) {
        node_refill_fail(n, "it is not right", "a chunk is too large");
        return;
    }
    if (!continues(r, c)) {
        if (c->number > so_far(r)->chunks)
            note_gap(n);
        return;
    }
    r->heard_ms = n->mono_ms;
    r->ask_at_ms = n->mono_ms + SILENT_MS;
    buf_bytes(&r->rows, c->data);
    if (r->rows.len == r->head.total)
        take_chunk(n);
}

/* The whole is what was offered? NULL: yes. */
static const char *judge(struct node *n, const struct inspect_totals *t)
{
    struct refill *r = &n->refill;
    const struct transfer_offer *o = &r->offer;

    ASSERT(r->phase == REFILL_FETCHING);
    if (t->applied.index != o->index || t->applied.term != o->term ||
        t->applied.chain != o->chain)
        return "it is that of another entry";
    struct bytes record = inspect_members(r->inspect, &r->members_at);
    if (r->members_at > o->index ||
        node_members_fetched(n, record, r->members_at, &r->members) != 0)
        return "it is that of a cluster of other members, or of a level that "
               "this program does not know";
    return NULL;
}

static void complete(struct node *n)
{
    struct refill *r = &n->refill;

    if (store_fill_end(r->fill, &r->state) != 0) {
        node_refill_fail_fill(n, "it cannot be put together");
        return;
    }
    ASSERT(r->state != 0);
    store_fill_free(r->fill);
    r->fill = NULL;
    r->phase = REFILL_COMPLETE;
    node_refill_leave(n);
}

static void take_done(struct node *n, const struct transfer_done *d)
{
    struct refill *r = &n->refill;
    const struct inspect_totals *t = so_far(r);
    struct inspect_totals totals;
    struct buf why = BUF_INIT;

    if (d->chunks > t->chunks) { /* some were lost on their way */
        note_gap(n);
        return;
    }
    if (d->chunks != t->chunks || d->hash != t->hash || d->bytes != t->bytes)
        buf_str(&why, "it does not end as its source says");
    else if (inspect_end(r->inspect, &totals, &why) == 0) {
        const char *what = judge(n, &totals);
        buf_str(&why, what ? what : "");
    }
    bool right = why.len == 0;
    buf_u8(&why, '\0');
    if (right)
        complete(n);
    else
        node_refill_fail(n, "it is not right", (const char *)why.data);
    buf_release(&why);
}

void node_refill_take(struct node *n, const struct node_peer *from,
                      const struct transfer *t)
{
    struct refill *r = &n->refill;

    ASSERT(from && !n->dead && t->id != 0);
    if (t->kind == TRANSFER_OFFER) {
        take_offer(n, from, t->id, &t->offer);
        return;
    }
    if (r->phase != REFILL_FETCHING || t->id != r->id ||
        from->id != r->offer.source)
        return; /* of one that is over */
    if (t->kind == TRANSFER_CHUNK) {
        take_piece(n, &t->chunk);
    } else if (t->kind == TRANSFER_DONE) {
        take_done(n, &t->done);
    } else if (t->kind == TRANSFER_GONE) {
        node_refill_keep(n, "it is not there any more");
    } else if (t->kind == TRANSFER_BUSY) {
        r->ask_at_ms = n->mono_ms + BUSY_MS;
        r->heard_ms = n->mono_ms;
    }
}

/* --- turns -------------------------------------------------------------- */

void node_refill_link_lost(struct node *n, node_id peer)
{
    struct refill *r = &n->refill;

    if (r->phase != REFILL_FETCHING || peer != r->offer.source)
        return;
    r->ask_at_ms = n->mono_ms;
    ASSERT(r->fill);
}

/* The log has brought as much, or this node leads: it needs none. */
static bool is_outdone(const struct node *n)
{
    const struct refill *r = &n->refill;

    return n->raft.role == RAFT_LEADER || n->raft.commit >= r->offer.index;
}

void node_refill_turn(struct node *n)
{
    struct refill *r = &n->refill;

    if (r->phase == REFILL_NONE || r->phase == REFILL_COMPLETE)
        return;
    ASSERT(r->fill && r->inspect);
    if (is_outdone(n)) {
        log_notice(n->logger,
                   "the state of entry %" PRIu64 " is not needed any more",
                   r->offer.index);
        node_refill_leave(n);
        node_refill_drop(n);
        return;
    }
    if (r->phase != REFILL_FETCHING)
        return;
    if (n->mono_ms - r->heard_ms >= GIVE_UP_MS)
        node_refill_keep(n, "nothing came of it for too long");
    else if (n->mono_ms >= r->ask_at_ms && source_is_up(n))
        ask(n, true);
}

int64_t node_refill_due_ms(const struct node *n)
{
    const struct refill *r = &n->refill;

    if (r->phase == REFILL_COMPLETE)
        return n->mono_ms;
    ASSERT(r->phase != REFILL_FETCHING || r->inspect);
    return INT64_MAX; /* the rest waits for the housekeeping */
}

static raft_index fetching(const struct refill *r)
{
    bool yes = r->phase == REFILL_FETCHING || r->phase == REFILL_COMPLETE;

    ASSERT(!yes || r->offer.index > 0);
    return yes ? r->offer.index : 0;
}

bool node_refill_next(struct node *n, struct raft_event *e,
                      struct restored *state)
{
    const struct refill *r = &n->refill;

    if (r->phase == REFILL_COMPLETE) {
        *e = node_event(n, RAFT_EV_RESTORE);
        e->index = r->offer.index;
        e->index_term = r->offer.term;
        e->term = r->leader_term;
        e->members = &r->members;
        e->members_at = r->members_at;
        *state = (struct restored){r->state, r->offer.chain, r->offer.index};
        return true;
    }
    if (n->raft.fetching == fetching(r))
        return false;
    *e = node_event(n, RAFT_EV_FETCH);
    e->index = fetching(r);
    return true;
}

void node_refill_done(struct node *n)
{
    struct refill *r = &n->refill;
    raft_index index = r->offer.index;

    ASSERT(r->phase == REFILL_COMPLETE);
    if (n->dead)
        return;
    if (keyspace_applied(n->ks)->index == index)
        log_notice(n->logger,
                   "this node has the state of entry %" PRIu64 " now", index);
    node_refill_drop(n);
}

bool node_refill_percent(const struct node *n, uint32_t *percent)
{
    const struct refill *r = &n->refill;

    *percent = 0;
    if (r->phase == REFILL_NONE)
        return false;
    if (r->offer.bytes > 0 && r->inspect)
        *percent = (uint32_t)MIN(99.0, 100.0 * (double)so_far(r)->bytes /
                                           (double)r->offer.bytes);
    return true;
}

/*
 * A whole state that is fetched from another member, because the entries that
 * this node needs are in no log any more.
 *
 *   NONE --offer--> FETCHING --done--> MAKING --> COMPLETE
 *   NONE <--RAFT_EV_RESTORE-- COMPLETE
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
 * The chunks are inspected, and go to parts on the disk, by a thread
 * (snapshot/intake.h): the loop hands them over and looks what came of them.
 * After each part it is noted how far it came (node_refill_note.c). A part ends
 * when it is large, and on a slow link after a while. Nothing is believed
 * before the end: then the whole has to be what the source says it has sent, a
 * state in itself, that of the entry which was offered, and of a cluster of
 * these members.
 *
 * What is complete waits for the end of the turn, where the core is told, and
 * the state takes its place (node_restore.c).
 *
 * The core says in each reply that a state is being fetched, so the others keep
 * the log behind it.
 *
 * The credit counts from what the thread has taken, so that no more than that
 * waits in memory, however slow the disk is.
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
#include "snapshot/intake.h"

#define PART_BYTES ((uint64_t)64 * 1024 * 1024)
/* After so long a part may be smaller, by so much. */
#define PART_MS   5000
#define PART_LESS 16
#define LOOK_MS   2
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

/* Bytes of rows that came. */
static uint64_t so_far(const struct refill *r)
{
    ASSERT(r->intake);
    return intake_given(r->intake).bytes;
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

    ASSERT(r->intake && r->phase <= REFILL_FETCHING);
    r->phase = REFILL_FETCHING;
    r->id = id;
    r->offer = *o;
    r->ask_at_ms = n->mono_ms;
    r->heard_ms = n->mono_ms;
}

static void begin(struct node *n, uint64_t id, const struct transfer_offer *o)
{
    struct refill *r = &n->refill;
    struct store_fill *fill;

    node_refill_drop(n);
    if (n->dead || !node_refill_left(n))
        return; /* it is offered again */
    int err = store_fill_begin(n->store, 0, BYTES_NONE, &fill);
    ASSERT(err == 0); /* there is nothing that it could lack */
    r->intake =
        intake_new(fill, inspect_new(), n->store, n->options.threadless);
    r->part_ms = n->mono_ms;
    r->leader_term = n->raft.term;
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
    if (r->phase > REFILL_FETCHING ||
        (r->phase == REFILL_FETCHING && r->id == id &&
         r->offer.source == o->source))
        return;
    ASSERT(same_position(&r->offer, o));
    if (r->phase == REFILL_FETCHING && source_is_up(n))
        return; /* it goes on as it is */
    if (!fits(n, o, so_far(r)))
        return;
    fetch(n, id, o);
    log_notice(n->logger,
               "this node goes on fetching the state of entry %" PRIu64
               " from node %u, behind %" PRIu64 " MB",
               o->index, o->source, so_far(r) >> 20);
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
    bool busy = r->phase > REFILL_FETCHING ||
                (r->phase == REFILL_FETCHING && source_is_up(n));
    if (busy || !node_refill_left(n) || n->mono_ms < r->refuse_until_ms ||
        !fits(n, o, 0))
        return;
    begin(n, id, o);
    ASSERT(n->dead || r->leaving || r->phase == REFILL_FETCHING);
}

/* --- chunks ------------------------------------------------------------- */

/* Says where this node is, and how much may come. Anew only while the intake is
 * idle: then it knows the last key of what came. */
static void ask(struct node *n, bool anew)
{
    struct refill *r = &n->refill;
    struct intake_place at = intake_given(r->intake);
    struct transfer want = {
        .kind = TRANSFER_WANT,
        .id = r->id,
        .want = {.number = at.chunks + 1,
                 .hash = at.hash,
                 .from = at.bytes,
                 .until = intake_taken(r->intake) + CREDIT_BYTES,
                 .begin = anew},
    };

    ASSERT(r->phase == REFILL_FETCHING);
    if (anew) {
        want.want.after = inspect_last(intake_inspect(r->intake));
        r->head.total = 0;
        r->asked = true;
    }
    r->until = want.want.until;
    bool sent = node_transfer_send(n, r->offer.source, &want) == 0;
    r->ask_at_ms = n->mono_ms + (sent ? SILENT_MS : SEND_AGAIN_MS);
}

/* Half of the credit was taken: there may come more. */
static void ask_for_more(struct node *n)
{
    const struct refill *r = &n->refill;
    uint64_t until = intake_taken(r->intake) + CREDIT_BYTES;

    ASSERT(r->phase == REFILL_FETCHING);
    if (!r->asked && until >= r->until + CREDIT_BYTES / 2)
        ask(n, false);
}

/* Something is missing. After a question old pieces may come, for a while. */
static void note_gap(struct node *n)
{
    struct refill *r = &n->refill;

    ASSERT(r->phase == REFILL_FETCHING);
    if (!r->asked)
        r->ask_at_ms = n->mono_ms;
}

static void end_part(struct node *n)
{
    struct refill *r = &n->refill;
    uint64_t bytes = so_far(r) - r->part_bytes;
    bool slow = n->mono_ms - r->part_ms >= PART_MS;

    ASSERT(so_far(r) >= r->part_bytes);
    if (bytes < (slow ? part_bytes(n) / PART_LESS : part_bytes(n)))
        return;
    intake_part(r->intake);
    r->part_bytes = so_far(r);
    r->part_ms = n->mono_ms;
}

static void take_chunk(struct node *n)
{
    struct refill *r = &n->refill;
    struct chunk c = {r->head.number, r->head.hash, buf_view(&r->rows)};

    ASSERT(c.rows.len == r->head.total);
    intake_chunk(r->intake, &c);
    buf_reset(&r->rows);
    buf_shrink(&r->rows, CHUNK_SLACK);
    r->head.total = 0;
    end_part(n);
}

/* Is it the next piece? Else it is an old one, or something is missing. */
static bool continues(struct refill *r, const struct transfer_chunk *c)
{
    ASSERT(r->phase == REFILL_FETCHING);
    if (c->offset == 0 && c->number == intake_given(r->intake).chunks + 1) {
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
        if (c->number > intake_given(r->intake).chunks)
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

    ASSERT(r->phase == REFILL_MAKING);
    if (t->applied.index != o->index || t->applied.term != o->term ||
        t->applied.chain != o->chain)
        return "it is that of another entry";
    struct bytes record =
        inspect_members(intake_inspect(r->intake), &r->members_at);
    if (r->members_at > o->index ||
        node_members_fetched(n, record, r->members_at, &r->members) != 0)
        return "it is that of a cluster of other members, or of a level that "
               "this program does not know";
    return NULL;
}

static void take_ends(struct node *n, const struct inspect_totals *t)
{
    const char *wrong = judge(n, t);

    if (wrong)
        node_refill_fail(n, "it is not right", wrong);
    else
        intake_make(n->refill.intake);
}

static void take_state(struct node *n, uint64_t state)
{
    struct refill *r = &n->refill;

    ASSERT(r->phase == REFILL_MAKING && state != 0);
    r->state = state;
    r->phase = REFILL_COMPLETE;
    intake_free(r->intake); /* it is idle */
    r->intake = NULL;
}

static void take_done(struct node *n, const struct transfer_done *d)
{
    struct refill *r = &n->refill;
    struct intake_place at = intake_given(r->intake);

    if (d->chunks > at.chunks) { /* some were lost on their way */
        note_gap(n);
        return;
    }
    if (d->chunks != at.chunks || d->hash != at.hash || d->bytes != at.bytes) {
        node_refill_fail(n, "it is not right",
                         "it does not end as its source says");
        return;
    }
    node_refill_leave(n);
    intake_end(r->intake);
    r->phase = REFILL_MAKING;
    r->head.total = 0;
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
    ASSERT(r->intake);
}

/* The log has brought as much, or this node leads: it needs none. */
static bool is_outdone(const struct node *n)
{
    const struct refill *r = &n->refill;

    return n->raft.role == RAFT_LEADER || n->raft.commit >= r->offer.index;
}

/* What the thread has done. */
static void look(struct node *n)
{
    struct intake_news news;

    intake_look(n->refill.intake, &news);
    switch (news.kind) {
    case INTAKE_NOTHING:
        break;
    case INTAKE_PART:
        node_refill_note(n, &news);
        break;
    case INTAKE_ENDS:
        take_ends(n, &news.totals);
        break;
    case INTAKE_STATE:
        take_state(n, news.state);
        break;
    case INTAKE_FAILED:
        node_refill_fail(n, news.what, news.why);
        break;
    }
    ASSERT(news.kind != INTAKE_FAILED || n->refill.phase == REFILL_NONE);
}

/* The source is not to blame for what this node's disk has not done yet. */
static void fetch_on(struct node *n)
{
    struct refill *r = &n->refill;

    ASSERT(r->phase == REFILL_FETCHING);
    if (!intake_is_idle(r->intake))
        r->heard_ms = n->mono_ms;
    if (n->mono_ms - r->heard_ms >= GIVE_UP_MS)
        node_refill_keep(n, "nothing came of it for too long");
    else if (n->mono_ms < r->ask_at_ms)
        ask_for_more(n);
    else if (intake_is_idle(r->intake) && source_is_up(n))
        ask(n, true);
}

void node_refill_turn(struct node *n)
{
    struct refill *r = &n->refill;

    if (!node_refill_left(n) || r->phase == REFILL_NONE)
        return;
    ASSERT(r->intake && r->phase != REFILL_COMPLETE);
    if (is_outdone(n)) {
        log_notice(n->logger,
                   "the state of entry %" PRIu64 " is not needed any more",
                   r->offer.index);
        node_refill_leave(n);
        node_refill_drop(n);
        return;
    }
    look(n);
    if (!n->dead && r->phase == REFILL_FETCHING)
        fetch_on(n);
}

int64_t node_refill_due_ms(const struct node *n)
{
    const struct refill *r = &n->refill;

    if (r->phase == REFILL_COMPLETE)
        return n->mono_ms;
    ASSERT(r->phase != REFILL_FETCHING || r->intake);
    if (r->leaving || (r->intake && !intake_is_idle(r->intake)))
        return n->mono_ms + LOOK_MS;
    return INT64_MAX; /* the rest waits for the housekeeping */
}

static raft_index fetching(const struct refill *r)
{
    bool yes = r->phase >= REFILL_FETCHING;

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
    if (r->offer.bytes > 0 && r->intake)
        *percent = (uint32_t)MIN(99.0, 100.0 * (double)so_far(r) /
                                           (double)r->offer.bytes);
    return true;
}

/*
 * One whole node of three, whose two peers write what they like: frames of
 * any bytes, and Raft messages, entries and parcels with right checksums whose
 * contents are near the truth or far from it. Nothing that a member of the
 * cluster sends may end the node, by an assertion or by node_fail(); what it
 * has committed stays; its time never falls. Clients of the node get one
 * answer for each request.
 *
 * input: events, see step().
 */
// link: world node journal store data cmd codec fuzz_common
#include "base/alloc.h"
#include "codec/beat.h"
#include "codec/entry.h"
#include "codec/frame.h"
#include "codec/message.h"
#include "codec/request.h"
#include "codec/transfer.h"
#include "fuzz/fuzz.h"
#include "fuzz/reply.h"
#include "node/node.h"
#include "store/store_memory.h"
#include "world/world_boot.h"

#define MEMBERS     3
#define EVENTS_MAX  200
#define PAYLOAD_MAX 512

struct victim {
    struct world_disk disk;
    struct store *store;
    struct node *node;
    uint64_t incarnation;
    int64_t now_ms;
    uint64_t incarnations[MEMBERS]; /* of the peers; 0: down */
    uint64_t transfer;              /* the id that it has spoken of last */
    raft_index applied;
    bool refuses; /* the transport */
    bool ended;   /* its cluster goes on without it */
    struct buf out;
    struct resp_writer writer;
    uint32_t unanswered;
};

static int net_send(void *ctx, node_id to, uint8_t type,
                    enum transport_priority priority,
                    const struct bytes pieces[2])
{
    struct victim *w = ctx;
    ASSERT(to != 0);
    ASSERT(type == FRAME_RAFT || type == FRAME_FORWARD ||
           type == FRAME_SNAPSHOT);
    struct transfer t;
    if (type == FRAME_SNAPSHOT && priority == TRANSPORT_CONTROL &&
        transfer_decode(pieces[0], &t) == 0)
        w->transfer = t.id;
    ASSERT(pieces[0].len + pieces[1].len > 0);
    if (to >= MEMBERS || w->incarnations[to] == 0)
        return ERR_CLOSED; /* an entry may name any member */
    return w->refuses ? ERR_LIMIT : 0;
}

static struct resp_writer *reply_open(void *ctx, void *client)
{
    struct victim *w = ctx;
    ASSERT(client == w);
    buf_reset(&w->out);
    w->writer = (struct resp_writer){.out = &w->out, .protocol = 3};
    return &w->writer;
}

static void reply_done(void *ctx, void *client, enum node_outcome outcome)
{
    struct victim *w = ctx;
    ASSERT(outcome <= NODE_UNKNOWN);
    ASSERT(client == w && w->unanswered > 0);
    ASSERT(reply_is_one(buf_view(&w->out), 3));
    w->unanswered--;
}

static void read_ready(void *ctx, void *client, int error)
{
    struct victim *w = ctx;
    struct bytes argv[2] = {BYTES_LIT("get"), BYTES_LIT("k")};
    struct resp_writer *out = reply_open(ctx, client);
    struct cmd_call call = {.out = out, .argv = argv, .argc = 2};
    ASSERT(w->unanswered > 0);
    if (error == 0)
        (void)!node_run_read(w->node, cmd_lookup(argv[0]), &call);
    w->unanswered--;
}

/* What a majority has committed may say that this node is none of theirs any
 * more, or a copy; nothing else that a peer sends may bring us here. */
static void fatal(void *ctx, int err, const char *text)
{
    static const char *const ends[] = {
        "this node was replaced: ", "the level is too high: ",
        "this node is not the only one "};
    struct victim *w = ctx;
    UNUSED(err);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        w->ended |= strncmp(text, ends[i], strlen(ends[i])) == 0;
    ASSERT(w->ended);
}

static struct node_options options_of(const struct victim *w)
{
    struct node_options o = world_options(0, MEMBERS);
    o.request_timeout_ms = 2000;
    o.request_bytes_max = 1u << 16;
    o.entry_bytes_max = 1u << 12;
    o.pending_bytes_max = 1u << 16;
    o.log_bytes_soft = 600;
    o.log_bytes_hard = 1200;
    o.log_cut_margin = 2;
    o.log_cache_bytes = 256;
    o.now_ms = w->now_ms;
    o.once_ttl_s = 10;
    return o;
}

static void start(struct victim *w)
{
    struct world_boot how = {
        .options = options_of(w),
        .env = {.store = w->store,
                .transport = {w, net_send, NULL},
                .events = {.ctx = w,
                           .reply_open = reply_open,
                           .reply_done = reply_done,
                           .read_ready = read_ready,
                           .fatal = fatal}},
        .disk = &w->disk,
    };
    struct buf error = BUF_INIT;
    world_disk_init(&w->disk);
    int err = world_boot(&w->node, &how, &error);
    w->ended = err == ERR_MISMATCH; /* the level in its log is too high */
    ASSERT(err == 0 || w->ended);
    if (w->ended)
        w->node = NULL;
    else
        node_set_time(w->node, w->now_ms, WORLD_WALL_MS + w->now_ms);
    w->incarnation = how.options.incarnation;
    for (node_id i = 1; i < MEMBERS; i++)
        w->incarnations[i] = 0;
    w->unanswered = 0;
    buf_release(&error);
}

static void stop(struct victim *w)
{
    if (w->node != NULL)
        node_free(w->node);
    w->node = NULL;
}

/* --- what peers write --------------------------------------------------- */

static struct bytes word_of(struct fuzz *f)
{
    static const char *const words[] = {
        "set",    "get",      "k",   "v",         "incr",     "vard.sweep",
        "1",      "expire",   "del", "vard.noop", "vard.put", "setrange",
        "append", "flushall", "9",   "vard.get",  "ping",     "mset",
    };
    uint8_t kind = fuzz_u8(f);
    if (kind < 200)
        return bytes_str(words[kind % ARRAY_LEN(words)]);
    return fuzz_take(f, kind % 16);
}

/* A parcel that decodes, whatever it means. */
static void make_parcel(struct fuzz *f, struct victim *w, struct buf *out)
{
    struct bytes argv[4];
    node_id from = fuzz_below(f, MEMBERS);
    uint64_t incarnation =
        fuzz_u8(f) < 224 ? w->incarnations[from] : fuzz_number(f);
    uint64_t first = fuzz_number(f);
    uint32_t count = 1 + fuzz_below(f, 3);
    if (from == 0)
        incarnation = w->incarnation;
    first = MIN(first, UINT64_MAX - count);
    size_t begin = request_parcel_begin(out, from, incarnation, first);
    for (uint32_t i = 0; i < count; i++) {
        struct request r = {.argc = 1 + fuzz_below(f, 4)};
        uint8_t kind = fuzz_u8(f);
        if (kind >= 192) {
            r.flags = REQUEST_FLAG_ONCE;
            r.once_client = BYTES_LIT("me");
            r.once_id = fuzz_number(f);
            r.once_ttl_s = UINT32_MAX - kind % 2 * (UINT32_MAX - 1);
        }
        if (kind % 8 == 0)
            r.flags |= REQUEST_FLAG_INTERNAL;
        for (uint32_t j = 0; j < r.argc; j++)
            argv[j] = word_of(f);
        request_encode(out, &r, argv);
    }
    request_parcel_end(out, begin, count);
}

/* Sometimes not that of this cluster. */
static void make_configuration(struct fuzz *f, struct entry *e, struct buf *out)
{
    struct configuration c;
    node_id ids[] = {0, 1, 2, 3};
    uint32_t count = fuzz_below(f, 4) > 0 ? 3 : 1 + fuzz_below(f, 4);
    configuration_of(&c, ids, count);
    for (uint32_t i = 0; i < count; i++) {
        c.members[i].life = fuzz_below(f, 4) == 0 ? fuzz_below(f, 3) : 0;
        c.members[i].directory.low = fuzz_below(f, 3);
    }
    if (fuzz_below(f, 16) == 0)
        c.level = (uint16_t)(1 + fuzz_below(f, 3));
    e->kind = ENTRY_CONFIG;
    configuration_encode(&c, out);
}

/* Entries with right checksums behind the message. */
static void make_entries(struct fuzz *f, struct victim *w,
                         const struct raft_message *m, struct buf *out)
{
    struct buf payload = BUF_INIT;
    for (uint32_t i = 0; i < m->count; i++) {
        struct entry e = {.index = m->index + 1 + i, .kind = ENTRY_REQUESTS};
        for (uint32_t k = 0; k < m->run_count; k++)
            if (m->runs[k].first <= e.index)
                e.term = m->runs[k].term;
        uint8_t kind = fuzz_u8(f);
        e.time_ms = (int64_t)(kind < 128 ? (uint64_t)(WORLD_WALL_MS + w->now_ms)
                                         : fuzz_number(f));
        e.wall_offset_ms = kind < 64 ? (int64_t)fuzz_number(f) : 0;
        buf_reset(&payload);
        if (kind % 4 == 0)
            e.kind = ENTRY_EMPTY;
        else if (kind % 16 == 1)
            buf_bytes(&payload, fuzz_text(f));
        else if (kind % 16 == 3)
            make_configuration(f, &e, &payload);
        else
            make_parcel(f, w, &payload);
        e.payload = buf_view(&payload);
        entry_seal(&e);
        entry_encode(&e, out);
    }
    buf_release(&payload);
}

/* A number at, before or behind one that the node knows. */
static uint64_t near(struct fuzz *f, uint64_t v)
{
    uint8_t kind = fuzz_u8(f);
    if (kind < 160)
        return v + kind % 4 - (kind % 4 == 3 ? MIN(v, 1) + 3 : 0);
    return kind < 192 ? v : fuzz_number(f);
}

static void make_message(struct fuzz *f, const struct node_status *s,
                         struct raft_message *m)
{
    m->type = 1 + fuzz_below(f, RAFT_MSG_TYPE_END - 1);
    m->term = near(f, s->term);
    m->index = near(f, fuzz_below(f, 2) ? s->last : s->commit);
    m->index_term = near(f, s->term);
    m->commit = m->refused = near(f, s->last);
    uint8_t flags = fuzz_u8(f);
    m->granted = (flags & 1) != 0;
    m->rejected = (flags & 2) != 0;
    m->transfer = (flags & 4) != 0;
    m->match = near(f, s->last);
    m->verified = near(f, s->last);
    m->round = fuzz_number(f);
    m->read_id = fuzz_number(f);
    m->time_ms = (int64_t)fuzz_number(f);
    if (m->type != RAFT_MSG_APPEND)
        return;
    m->count = m->index < UINT64_MAX - 8 ? fuzz_below(f, 4) : 0;
    m->run_count = m->count == 0 ? 0 : 1 + (m->count > 1 ? flags >> 7 : 0);
    for (uint32_t i = 0; i < m->run_count; i++) {
        m->runs[i].first = m->index + 1 + i;
        m->runs[i].term = near(f, m->term - (m->run_count - 1 - i));
    }
}

/* Clears what the core would drop the message for. */
static void only_own_fields(struct raft_message *m)
{
    enum raft_message_type t = m->type;
    bool votes = t == RAFT_MSG_PRE_VOTE || t == RAFT_MSG_VOTE;
    bool leads = t == RAFT_MSG_APPEND || t == RAFT_MSG_HEARTBEAT;
    bool acks = t == RAFT_MSG_APPEND_REPLY || t == RAFT_MSG_HEARTBEAT_REPLY;

    m->rejected = m->rejected && t == RAFT_MSG_APPEND_REPLY;
    m->granted =
        m->granted && (t == RAFT_MSG_PRE_VOTE_REPLY ||
                       t == RAFT_MSG_VOTE_REPLY || t == RAFT_MSG_READ_REPLY);
    m->transfer = m->transfer && t == RAFT_MSG_VOTE;
    bool reads = t == RAFT_MSG_READ_REPLY && m->granted;
    if (!votes && t != RAFT_MSG_APPEND && !m->rejected)
        m->index = m->index_term = 0;
    if (!leads && !reads)
        m->commit = 0;
    if (!reads)
        m->time_ms = 0;
    if (!m->rejected)
        m->refused = 0;
    if (!acks)
        m->match = m->verified = 0;
    if (!leads && !acks)
        m->round = 0;
    if (t != RAFT_MSG_READ && t != RAFT_MSG_READ_REPLY)
        m->read_id = 0;
}

static void send_message(struct fuzz *f, struct victim *w, node_id from)
{
    struct node_status s;
    struct buf out = BUF_INIT;
    node_status(w->node, &s);
    uint8_t truth = fuzz_u8(f);
    struct raft_message m = {
        .group = truth == 255,
        .cluster_id = s.cluster_id + (truth == 254),
        .from = from + (truth == 253),
        .to = truth == 252 ? 1 : 0,
        .from_incarnation = w->incarnations[from] - (truth == 251),
        .to_incarnation = truth == 250   ? 1
                          : truth == 249 ? 0
                                         : w->incarnation,
    };
    make_message(f, &s, &m);
    struct beat beat = {.held_by_all = MIN(m.match, RAFT_NUMBER_MAX),
                        .held_by_live = MIN(m.verified, RAFT_NUMBER_MAX),
                        .log_time_ms = m.time_ms & (ENTRY_TIME_MAX - 1),
                        .disk_short = m.granted,
                        .paused = m.transfer,
                        .short_members = m.match % (RAFT_NODES_MAX + 1)};
    if (truth % 16 != 15)
        only_own_fields(&m);
    message_encode(&m, &out);
    beat_encode(&beat, &out);
    make_entries(f, w, &m, &out);
    (void)!node_receive(w->node, from, FRAME_RAFT, buf_view(&out));
    buf_release(&out);
}

static void send_raw(struct fuzz *f, struct victim *w, node_id from)
{
    uint8_t type = (uint8_t)fuzz_below(f, FRAME_TYPE_END);
    struct bytes b = fuzz_take(f, (size_t)fuzz_u8(f) * 2);
    (void)!node_receive(w->node, from, type, b);
}

static void send_forward(struct fuzz *f, struct victim *w, node_id from)
{
    struct buf out = BUF_INIT;
    make_parcel(f, w, &out);
    (void)!node_receive(w->node, from, FRAME_FORWARD, buf_view(&out));
    buf_release(&out);
}

static void make_want(struct fuzz *f, struct transfer_want *w)
{
    bool first = fuzz_below(f, 2) == 0;
    w->number = first ? 1 : fuzz_number(f) % (RAFT_NUMBER_MAX - 1) + 2;
    w->hash = first ? 0 : fuzz_u64(f);
    w->from = first ? 0 : fuzz_number(f) % RAFT_NUMBER_MAX + 1;
    uint64_t until = fuzz_number(f) % RAFT_NUMBER_MAX;
    w->until = MAX(w->from, until);
    w->begin = fuzz_below(f, 4) != 0;
    w->after = BYTES_NONE;
    if (w->begin && !first)
        w->after = fuzz_below(f, 2) == 0 ? BYTES_LIT("k") : BYTES_LIT("~");
}

static void make_chunk(struct fuzz *f, struct transfer_chunk *c)
{
    c->number = fuzz_number(f) | 1;
    c->hash = fuzz_u64(f);
    c->offset = fuzz_u8(f);
    c->data = fuzz_take(f, 1 + (size_t)fuzz_u8(f));
    if (c->data.len == 0)
        c->data = BYTES_LIT("x");
    c->total = c->offset + (uint32_t)c->data.len +
               (fuzz_below(f, 2) == 0 ? 0 : fuzz_u8(f));
}

/* Of a state: about the one that the node speaks of, or another one. */
static void send_transfer(struct fuzz *f, struct victim *w, node_id from)
{
    struct buf out = BUF_INIT;
    struct transfer t = {
        .kind = (enum transfer_kind)(1 + fuzz_below(f, TRANSFER_KINDS - 1)),
        .id = fuzz_below(f, 8) == 0 || w->transfer == 0 ? 7 : w->transfer,
    };
    if (t.kind == TRANSFER_OFFER)
        t.offer = (struct transfer_offer){
            .index = fuzz_number(f) % RAFT_NUMBER_MAX + 1,
            .term = fuzz_number(f) % RAFT_NUMBER_MAX + 1,
            .chain = fuzz_u64(f),
            .bytes = fuzz_number(f),
            .source = fuzz_below(f, 4) == 0 ? 0 : from,
            .level = (uint16_t)(1 + fuzz_below(f, 2))};
    else if (t.kind == TRANSFER_WANT)
        make_want(f, &t.want);
    else if (t.kind == TRANSFER_CHUNK)
        make_chunk(f, &t.chunk);
    else if (t.kind == TRANSFER_DONE)
        t.done = (struct transfer_done){1 + fuzz_u8(f), fuzz_u64(f), 65536};
    transfer_encode(&t, &out);
    (void)!node_receive(w->node, from, FRAME_SNAPSHOT, buf_view(&out));
    buf_release(&out);
}

/* --- the node's own side ------------------------------------------------- */

static void submit(struct fuzz *f, struct victim *w)
{
    struct bytes argv[3] = {BYTES_LIT("set"), BYTES_LIT("k"), word_of(f)};
    struct node_submit s = {.argv = argv, .argc = 3};
    if (!node_can_submit(w->node) || w->unanswered >= 100)
        return;
    w->unanswered++;
    int err = fuzz_below(f, 3) == 0 ? node_read(w->node, w)
                                    : node_submit(w->node, &s, w);
    if (err != 0)
        w->unanswered--;
}

static void disk_complete(struct victim *w)
{
    if (world_disk_complete(&w->disk, w->store))
        node_disk_done(w->node);
}

static void flush(struct victim *w)
{
    struct node_status s;
    node_set_time(w->node, w->now_ms, WORLD_WALL_MS + w->now_ms);
    node_flush(w->node);
    node_status(w->node, &s);
    ASSERT(s.applied <= s.commit && s.commit <= s.last);
    ASSERT(s.applied >= w->applied);
    w->applied = s.applied;
}

static void restart(struct fuzz *f, struct victim *w)
{
    if (fuzz_below(f, 2) == 0)
        ASSERT(store_flush(w->store, STORE_STATE, true) == 0);
    stop(w);
    uint32_t unsynced = store_memory_unsynced(w->store);
    store_memory_crash(w->store, fuzz_below(f, MIN(unsynced, 200) + 1));
    w->applied = 0; /* the state may be older; the log has the rest */
    start(w);
}

static void link_event(struct fuzz *f, struct victim *w, node_id peer)
{
    if (w->incarnations[peer] != 0 && fuzz_below(f, 2) == 0) {
        w->incarnations[peer] = 0;
        node_peer_down(w->node, peer);
        return;
    }
    w->incarnations[peer] = 1 + fuzz_below(f, 3);
    node_peer_up(w->node, peer, w->incarnations[peer], "127.0.0.1:1");
}

static void step(struct fuzz *f, struct victim *w)
{
    uint32_t kind = fuzz_below(f, 32);
    node_id peer = 1 + (kind & 1);
    if (kind < 18 && w->incarnations[peer] == 0)
        link_event(f, w, peer);
    if (kind < 14) {
        send_message(f, w, peer);
    } else if (kind < 16) {
        send_raw(f, w, peer);
    } else if (kind == 16) {
        send_forward(f, w, peer);
    } else if (kind == 17) {
        send_transfer(f, w, 1 + fuzz_below(f, 2));
    } else if (kind < 22) {
        flush(w);
    } else if (kind < 24) {
        w->now_ms += fuzz_below(f, 200) * 5;
        flush(w);
    } else if (kind < 26) {
        disk_complete(w);
    } else if (kind < 28) {
        link_event(f, w, peer);
    } else if (kind == 28) {
        submit(f, w);
    } else if (kind == 29) {
        restart(f, w);
    } else if (kind == 30) {
        w->refuses = !w->refuses;
    } else {
        (void)!node_transfer(w->node, fuzz_below(f, MEMBERS));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    struct victim *w = mem_zalloc(sizeof(*w));
    w->store = store_memory_new();
    w->now_ms = 1000;
    start(w);
    for (int i = 0; i < EVENTS_MAX && fuzz_more(&f) && !w->ended; i++)
        step(&f, w);
    if (!w->ended) {
        flush(w);
        disk_complete(w);
        flush(w);
    }
    stop(w);
    store_close(w->store);
    buf_release(&w->out);
    mem_free(w);
    return 0;
}

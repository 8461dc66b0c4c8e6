/*
 * How it works: an entry is decoded with the codec's own functions; what they
 * give is executed in order. A session moves on by exactly one request at a
 * time; whatever else stands in the log is skipped. Answers to named (ONCE)
 * requests are kept until the log's time passes their expiry.
 */
#include "check/fold.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/num.h"
#include "codec/configuration.h"
#include "codec/request.h"

#include <string.h>

struct fold_once {
    uint64_t id;
    int64_t expire_ms;
    struct buf reply;
};

static void breach(struct fold *f, const char *text)
{
    if (!f->violation)
        f->violation = text;
}

/* --- sessions ------------------------------------------------------------- */

static struct fold_session *session_find(struct fold *f, node_id node)
{
    for (uint32_t i = 0; i < f->session_count; i++)
        if (f->sessions[i].node == node)
            return &f->sessions[i];
    if (f->session_count == FOLD_SESSIONS_MAX) {
        breach(f, "limit: FOLD_SESSIONS_MAX");
        return NULL;
    }
    struct fold_session *s = &f->sessions[f->session_count++];
    *s = (struct fold_session){.node = node};
    return s;
}

struct fold_session fold_session(const struct fold *f, node_id node)
{
    for (uint32_t i = 0; i < f->session_count; i++)
        if (f->sessions[i].node == node)
            return f->sessions[i];
    return (struct fold_session){.node = node};
}

static bool is_member(const struct fold *f, node_id node)
{
    return fold_session(f, node).member;
}

/* Is it the next one? */
static bool admit(struct fold *f, const struct fold_request *r)
{
    struct fold_session *s = session_find(f, r->node);

    if (!s || r->incarnation < s->incarnation)
        return false;
    uint64_t last = r->incarnation > s->incarnation ? 0 : s->last_seq;
    if (r->seq != last + 1)
        return false;
    s->incarnation = r->incarnation;
    s->last_seq = r->seq;
    return true;
}

/* --- requests ------------------------------------------------------------- */

static void run(struct fold *f, const struct fold_request *r, int64_t time_ms,
                struct buf *reply)
{
    if (!fold_command(f, r->argv, r->argc, time_ms, reply))
        breach(f, "limit: a command that the fold does not know");
}

static void run_once(struct fold *f, const struct fold_request *r,
                     const struct request *head, int64_t time_ms,
                     struct buf *reply)
{
    struct fold_once *o = map_get(&f->once, head->once_client);

    if (!o) {
        o = mem_zalloc(sizeof(*o));
        (void)map_put(&f->once, head->once_client, o);
    }
    bool fresh = o->expire_ms <= time_ms || head->once_id > o->id;
    if (!fresh && head->once_id < o->id) {
        buf_str(reply, "-ERR this request id is older than the newest one of "
                       "the client, its answer is not kept any more\r\n");
        return;
    }
    if (fresh) {
        buf_reset(&o->reply);
        run(f, r, time_ms, &o->reply);
        o->id = head->once_id;
        o->expire_ms = time_ms + (int64_t)head->once_ttl_s * 1000;
    } else {
        f->once_same++;
    }
    buf_bytes(reply, buf_view(&o->reply));
}

static bool arguments(struct fold *f, struct fold_request *r,
                      struct request *head, struct bytes argv[FOLD_ARGS_MAX])
{
    if (head->argc > FOLD_ARGS_MAX) {
        breach(f, "limit: FOLD_ARGS_MAX");
        return false;
    }
    for (uint32_t i = 0; i < head->argc; i++)
        argv[i] = request_arg(&head->args);
    r->argv = argv;
    r->argc = head->argc;
    r->internal = (head->flags & REQUEST_FLAG_INTERNAL) != 0;
    return true;
}

static bool is(const struct fold_request *r, const char *name)
{
    return r->internal && bytes_eq(r->argv[0], bytes_str(name));
}

static uint64_t number(struct bytes text)
{
    uint64_t v = 0;
    bool ok = num_parse_u64(text, &v);
    ASSERT(ok);
    return v;
}

/* Parts come in their order: an honest node sends no other. */
static void part(struct fold *f, struct fold_upload *u,
                 const struct fold_request *r)
{
    uint64_t offset = number(r->argv[3]);

    if (offset == 0) {
        buf_reset(&u->bytes);
        u->number = number(r->argv[1]);
        u->total = number(r->argv[2]);
        u->part = r->argv[4].len;
    }
    if (u->number != number(r->argv[1]) || u->total != number(r->argv[2]) ||
        u->bytes.len != offset || r->argv[4].len == 0 ||
        r->argv[4].len != MIN(u->part, u->total - offset))
        breach(f, "I6 shape: a part of a request that does not fit");
    buf_bytes(&u->bytes, r->argv[4]);
}

/* The request that its parts have brought. */
static void whole(struct fold *f, const struct fold_upload *u,
                  const struct fold_request *r, struct request *head)
{
    struct bytes bytes = buf_view(&u->bytes);

    if (u->number != number(r->argv[1]) || bytes.len != u->total ||
        request_decode(&bytes, head) != 0 || bytes.len > 0)
        breach(f, "I6 shape: a request in parts that is not whole");
    f->large++;
}

static void execute(struct fold *f, const struct fold_request *r,
                    const struct request *head, int64_t time_ms)
{
    struct buf nowhere = BUF_INIT;
    struct buf *reply = NULL;

    f->executed++;
    if (f->events.execute)
        reply = f->events.execute(f->events.ctx, r);
    reply = reply ? reply : &nowhere;
    if (head->flags & REQUEST_FLAG_ONCE)
        run_once(f, r, head, time_ms, reply);
    else
        run(f, r, time_ms, reply);
    buf_release(&nowhere);
}

static void request(struct fold *f, struct fold_request *r,
                    struct request *head, int64_t time_ms)
{
    struct bytes argv[FOLD_ARGS_MAX];

    if (!arguments(f, r, head, argv))
        return;
    bool stranger = f->members_known && !is_member(f, r->node);
    if (stranger || RAFT_LIFE(r->incarnation) < fold_session(f, r->node).life) {
        f->outside++;
        return;
    }
    if (!admit(f, r)) {
        f->skipped++;
        return;
    }
    struct fold_upload *u = &f->uploads[session_find(f, r->node) - f->sessions];
    bool last = is(r, "vard.whole");
    if (is(r, "vard.part"))
        part(f, u, r);
    else if (last)
        whole(f, u, r, head);
    if (last && (f->violation || !arguments(f, r, head, argv)))
        return;
    if (!is(r, "vard.part") && !is(r, "vard.drop"))
        execute(f, r, head, time_ms);
    if (last || is(r, "vard.drop"))
        *u = (struct fold_upload){.bytes = u->bytes};
    if (u->total == 0)
        buf_reset(&u->bytes);
}

static void parcel(struct fold *f, const struct request_parcel *g,
                   int64_t time_ms, uint32_t *pos)
{
    struct bytes requests = g->requests;
    struct request head;

    for (uint32_t i = 0; i < g->count && !f->violation; i++) {
        struct fold_request r = {.node = g->node,
                                 .incarnation = g->incarnation,
                                 .seq = g->first_seq + i,
                                 .index = f->head,
                                 .pos = (*pos)++};
        if (request_decode(&requests, &head) != 0) {
            breach(f, "I6 shape: a committed request does not decode");
            return;
        }
        request(f, &r, &head, time_ms);
    }
}

static void remember_time(struct fold *f, const struct entry *e)
{
    if (f->head >= f->times_cap) {
        f->times_cap = MAX(f->times_cap * 2, 1024);
        f->times = mem_realloc(f->times, f->times_cap * sizeof(int64_t));
        f->offsets = mem_realloc(f->offsets, f->times_cap * sizeof(int64_t));
    }
    f->times[f->head] = e->time_ms;
    f->offsets[f->head] = e->wall_offset_ms;
    if (f->head > 1 && e->time_ms < f->times[f->head - 1])
        breach(f, "X10 determinism: an entry's time is below the one before");
}

/* Under the id of one that is no member any more only a later life goes on. */
static void end_session(struct fold_session *s)
{
    uint64_t end = (uint64_t)s->life << 32 | UINT32_MAX;

    s->member = false;
    if (s->incarnation >= end)
        return;
    s->incarnation = end;
    s->last_seq = 0;
}

/* Who the members are from here on. */
static void members(struct fold *f, struct bytes payload)
{
    struct configuration c;

    if (configuration_decode(payload, &c) != 0) {
        breach(f, "I6 shape: a committed configuration does not decode");
        return;
    }
    for (uint32_t i = 0; i < f->session_count; i++)
        if (f->sessions[i].member &&
            !configuration_find(&c, f->sessions[i].node))
            end_session(&f->sessions[i]);
    for (uint32_t i = 0; i < c.count; i++) {
        struct fold_session *s = session_find(f, c.members[i].id);
        if (!s)
            return;
        s->life = c.members[i].life;
        s->member = true;
    }
    f->members_known = true;
    f->level = c.level;
}

void fold_entry(struct fold *f, const struct entry *e)
{
    struct bytes payload = e->payload;
    struct request_parcel g;
    uint32_t pos = 0;

    ASSERT(e->index == f->head + 1);
    f->head++;
    remember_time(f, e);
    fold_expire_fields(f, e->time_ms);
    if (e->kind == ENTRY_CONFIG)
        members(f, payload);
    while (e->kind == ENTRY_REQUESTS && payload.len > 0 && !f->violation) {
        if (request_parcel_decode(&payload, &g) != 0) {
            breach(f, "I6 shape: a committed parcel does not decode");
            return;
        }
        parcel(f, &g, e->time_ms, &pos);
    }
}

/* --- keys ----------------------------------------------------------------- */

struct fold_key *fold_key(struct fold *f, struct bytes name, bool make)
{
    struct fold_key *k = map_get(&f->keys, name);

    if (k || !make)
        return k;
    k = mem_zalloc(sizeof(*k));
    (void)map_put(&f->keys, name, k);
    return k;
}

const struct fold_version *fold_version_at(const struct fold_key *k,
                                           raft_index at)
{
    size_t low = 0;
    size_t high = k ? k->count : 0;

    while (low < high) {
        size_t mid = (low + high) / 2;
        if (k->versions[mid].index <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low == 0 ? NULL : &k->versions[low - 1];
}

const struct fold_version *
fold_alive_at(const struct fold *f, const struct fold_key *k, raft_index at)
{
    const struct fold_version *v = fold_version_at(k, at);
    int64_t now = at > 0 ? f->times[at] : 0;

    ASSERT(at <= f->head);
    if (!v || !v->present || (v->expire_ms > 0 && v->expire_ms <= now))
        return NULL;
    return v;
}

/* Of a bulk reply: its bytes; false if it is none. */
static bool bulk(struct bytes reply, struct bytes *out)
{
    size_t i = 1;
    size_t len = 0;

    if (reply.len < 5 || reply.data[0] != '$' || reply.data[1] == '-')
        return false;
    for (; i < reply.len && reply.data[i] != '\r'; i++)
        len = len * 10 + (size_t)(reply.data[i] - '0');
    if (i + 2 + len + 2 != reply.len)
        return false;
    *out = bytes_of(reply.data + i + 2, len);
    return true;
}

static bool coll_matches(struct bytes command, struct bytes reply,
                         const struct fold_version *v)
{
    static const char *const words[] = {"",         "hgetall", "lrange",
                                        "smembers", "zrange",  "xrange"};
    struct fold_words w = {.list = NULL};
    enum fold_type type = FOLD_HASH;

    while (type < FOLD_STREAM && !bytes_eq(command, bytes_str(words[type])))
        type++;
    bool same = fold_words_of(reply, &w);
    if (!v)
        same = same && w.count == 0;
    else
        same = same && v->type == type && v->hash == fold_words_hash(type, &w);
    fold_words_release(&w);
    return same;
}

static bool counts(struct bytes command)
{
    static const char *const words[] = {"strlen", "hlen",  "llen",
                                        "scard",  "zcard", "xlen"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (bytes_eq(command, bytes_str(words[i])))
            return true;
    return false;
}

bool fold_read_matches(const struct fold *f, raft_index at,
                       struct bytes command, struct bytes reply,
                       const struct fold_version *v)
{
    struct buf text = BUF_INIT;
    struct bytes value;

    if (bytes_eq(command, BYTES_LIT("get")) && v)
        return bulk(reply, &value) && value.len == v->len &&
               hash64(value) == v->hash;
    if (bytes_eq(command, BYTES_LIT("get")))
        buf_str(&text, "$-1\r\n");
    else if (counts(command))
        buf_printf(&text, ":%llu\r\n", v ? (unsigned long long)v->len : 0);
    else if (bytes_eq(command, BYTES_LIT("exists")))
        buf_printf(&text, ":%d\r\n", v ? 1 : 0);
    else if (!bytes_eq(command, BYTES_LIT("pexpiretime")))
        return coll_matches(command, reply, v);
    else
        buf_printf(
            &text, ":%lld\r\n",
            v ? (v->expire_ms ? (long long)(v->expire_ms + f->offsets[at]) : -1)
              : -2LL);
    bool same = bytes_eq(buf_view(&text), reply);
    buf_release(&text);
    return same;
}

void fold_init(struct fold *f, const struct fold_events *events)
{
    memset(f, 0, sizeof(*f));
    if (events)
        f->events = *events;
    map_init(&f->keys, 1);
    map_init(&f->once, 1);
}

void fold_release(struct fold *f)
{
    void *value;
    size_t pos = 0;

    while (map_next(&f->keys, &pos, NULL, &value)) {
        struct fold_key *k = value;
        buf_release(&k->value);
        fold_coll_free(k->coll);
        mem_free(k->versions);
        mem_free(k);
    }
    pos = 0;
    while (map_next(&f->once, &pos, NULL, &value)) {
        struct fold_once *o = value;
        buf_release(&o->reply);
        mem_free(o);
    }
    for (uint32_t i = 0; i < f->session_count; i++)
        buf_release(&f->uploads[i].bytes);
    map_release(&f->keys);
    map_release(&f->once);
    mem_free(f->times);
    mem_free(f->offsets);
    f->times = NULL;
    f->offsets = NULL;
}

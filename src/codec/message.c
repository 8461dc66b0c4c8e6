/*
 * One fixed layout for all types. A heartbeat costs 272 bytes that way, and
 * in exchange there is one way to write and one way to read.
 *
 * Decoding refuses what no honest core sends: the core may rely on counts
 * and runs that agree with each other. It decides itself whether a message
 * is true.
 *
 * How it fails: whatever is refused is ERR_CORRUPT, and the output is then not
 * to be used. Encoding cannot fail: an unknown type or too many runs is an
 * assertion.
 */
#include "codec/message.h"

#include "base/reader.h"
#include "codec/configuration.h"
#include "codec/request.h"

#include <string.h>

#define RUN_SIZE     16
#define NUMBERS      15
#define FIXED_SIZE   (1 + 1 + 2 + 4 + 4 + 4 + 4 + 4 + NUMBERS * 8)
#define MESSAGE_SIZE (FIXED_SIZE + RAFT_MESSAGE_RUNS_MAX * RUN_SIZE)

_Static_assert(RAFT_MESSAGE_RUNS_MAX == 8, "part of the format");
_Static_assert(MESSAGE_SIZE == 272, "size of a message");

enum {
    FLAG_GRANTED = 1,
    FLAG_REJECTED = 2,
    FLAG_TRANSFER = 4,
    FLAG_RECOVERING = 8,
    FLAG_END = 16,
};

static uint8_t flags_of(const struct raft_message *m)
{
    return (uint8_t)((m->granted ? FLAG_GRANTED : 0) |
                     (m->rejected ? FLAG_REJECTED : 0) |
                     (m->transfer ? FLAG_TRANSFER : 0) |
                     (m->recovering ? FLAG_RECOVERING : 0));
}

static void encode_numbers(const struct raft_message *m, uint8_t *p)
{
    const uint64_t numbers[] = {
        m->cluster_id,
        m->from_incarnation,
        m->to_incarnation,
        m->term,
        m->index,
        m->index_term,
        m->commit,
        m->refused,
        m->round,
        m->match,
        m->verified,
        m->read_id,
        (uint64_t)m->time_ms,
        m->barrier,
        m->snapshot,
    };
    _Static_assert(ARRAY_LEN(numbers) == NUMBERS, "all of them");
    for (size_t i = 0; i < NUMBERS; i++)
        store_u64le(p + 8 * i, numbers[i]);
}

void message_encode(const struct raft_message *m, struct buf *out)
{
    ASSERT(m->type >= RAFT_MSG_PRE_VOTE && m->type < RAFT_MSG_TYPE_END);
    ASSERT(m->run_count <= RAFT_MESSAGE_RUNS_MAX);
    uint8_t *p = buf_reserve(out, MESSAGE_SIZE);
    memset(p, 0, MESSAGE_SIZE);
    p[0] = (uint8_t)m->type;
    p[1] = flags_of(m);
    p[2] = (uint8_t)m->group;
    p[3] = (uint8_t)(m->group >> 8);
    store_u32le(p + 4, m->from);
    store_u32le(p + 8, m->to);
    store_u32le(p + 12, m->count);
    store_u32le(p + 16, m->run_count);
    encode_numbers(m, p + 24);
    for (uint32_t i = 0; i < m->run_count; i++) {
        store_u64le(p + FIXED_SIZE + i * RUN_SIZE, m->runs[i].first);
        store_u64le(p + FIXED_SIZE + i * RUN_SIZE + 8, m->runs[i].term);
    }
    out->len += MESSAGE_SIZE;
}

/*@ requires \valid(r) && readable(r->rest) && \valid(m);
  @ requires \separated(r, m);
  @ assigns *r, *m;
  @ ensures readable(r->rest);
  @ ensures \old(has(r, 120)) ==> moved{Pre, Post}(r, 120) &&
  @     m->run_count == \old(m->run_count) && m->count == \old(m->count);
  @ ensures !\old(has(r, 120)) ==> r->failed; */
static void decode_numbers(struct reader *r, struct raft_message *m)
{
    m->cluster_id = reader_u64(r);
    m->from_incarnation = reader_u64(r);
    m->to_incarnation = reader_u64(r);
    m->term = reader_u64(r);
    m->index = reader_u64(r);
    m->index_term = reader_u64(r);
    m->commit = reader_u64(r);
    m->refused = reader_u64(r);
    m->round = reader_u64(r);
    m->match = reader_u64(r);
    m->verified = reader_u64(r);
    m->read_id = reader_u64(r);
    m->time_ms = (int64_t)reader_u64(r);
    m->barrier = reader_u64(r);
    m->snapshot = reader_u64(r);
}

/* Runs that follow each other, begin with the first entry, end before the
 * last one, and have terms between index_term and the message's. */
/*@ requires \valid_read(m) && m->run_count <= RAFT_MESSAGE_RUNS_MAX;
  @ assigns \nothing;
  @ ensures \result ==> (m->count == 0 <==> m->run_count == 0);
  @ ensures \result && m->count > 0 ==> m->runs[0].first == m->index + 1 &&
  @     m->index + m->count <= UINT64_MAX &&
  @     m->runs[m->run_count - 1].first <= m->index + m->count &&
  @     m->runs[m->run_count - 1].term <= m->term &&
  @     (\forall integer j, k; 0 <= j < k < m->run_count ==>
  @         m->runs[j].first < m->runs[k].first &&
  @         m->runs[j].term < m->runs[k].term); */
static bool runs_valid(const struct raft_message *m)
{
    if (m->count == 0 || m->index > UINT64_MAX - m->count)
        return m->count == 0 && m->run_count == 0;
    if (m->run_count == 0 || m->runs[0].first != m->index + 1 ||
        m->runs[0].term < m->index_term || m->runs[0].term == 0)
        return false;
    /*@ loop invariant 1 <= i <= m->run_count;
      @ loop invariant \forall integer j, k; 0 <= j < k < i ==>
      @     m->runs[j].first < m->runs[k].first &&
      @     m->runs[j].term < m->runs[k].term;
      @ loop assigns i;
      @ loop variant m->run_count - i; */
    for (uint32_t i = 1; i < m->run_count; i++) {
        if (m->runs[i].first <= m->runs[i - 1].first ||
            m->runs[i].term <= m->runs[i - 1].term)
            return false;
    }
    const struct raft_run *last = &m->runs[m->run_count - 1];
    return last->first <= m->index + m->count && last->term <= m->term;
}

/* Those beyond run_count are zero: a message has one encoding. */
/*@ requires \valid(r) && readable(r->rest) && \valid(m);
  @ requires \separated(r, m);
  @ assigns *r, m->runs[0 .. RAFT_MESSAGE_RUNS_MAX - 1];
  @ ensures readable(r->rest); */
static bool decode_runs(struct reader *r, struct raft_message *m)
{
    uint64_t spare = 0;
    /*@ loop invariant 0 <= i <= RAFT_MESSAGE_RUNS_MAX && readable(r->rest);
      @ loop assigns i, spare, *r, m->runs[0 .. RAFT_MESSAGE_RUNS_MAX - 1];
      @ loop variant RAFT_MESSAGE_RUNS_MAX - i; */
    for (uint32_t i = 0; i < RAFT_MESSAGE_RUNS_MAX; i++) {
        m->runs[i].first = reader_u64(r);
        m->runs[i].term = reader_u64(r);
        if (i >= m->run_count)
            spare |= m->runs[i].first | m->runs[i].term;
    }
    return spare == 0;
}

int message_decode(struct bytes bytes, struct raft_message *out,
                   struct bytes *rest)
{
    ASSERT(out != NULL);
    ASSERT(rest != NULL);
    if (bytes.len < MESSAGE_SIZE)
        return ERR_CORRUPT;
    memset(out, 0, sizeof(*out));
    struct reader r = reader_of(bytes);
    uint8_t type = reader_u8(&r);
    uint8_t flags = reader_u8(&r);
    if (type < RAFT_MSG_PRE_VOTE || type >= RAFT_MSG_TYPE_END ||
        flags >= FLAG_END)
        return ERR_CORRUPT;
    out->type = (enum raft_message_type)type;
    out->granted = (flags & FLAG_GRANTED) != 0;
    out->rejected = (flags & FLAG_REJECTED) != 0;
    out->transfer = (flags & FLAG_TRANSFER) != 0;
    out->recovering = (flags & FLAG_RECOVERING) != 0;
    out->group = reader_u16(&r);
    out->from = reader_u32(&r);
    out->to = reader_u32(&r);
    out->count = reader_u32(&r);
    out->run_count = reader_u32(&r);
    uint32_t spare = reader_u32(&r);
    decode_numbers(&r, out);
    if (out->run_count > RAFT_MESSAGE_RUNS_MAX || spare != 0 ||
        !decode_runs(&r, out) || !runs_valid(out))
        return ERR_CORRUPT;
    if (out->from == NODE_NONE || out->to == NODE_NONE)
        return ERR_CORRUPT;
    if (out->type != RAFT_MSG_APPEND && out->count > 0)
        return ERR_CORRUPT;
    *rest = r.rest;
    return 0;
}

/* What is accepted here may be committed, and must then be applied. */
static bool payload_valid(const struct entry *e)
{
    struct configuration configuration;

    switch ((enum entry_kind)e->kind) {
    case ENTRY_EMPTY:
        return e->payload.len == 0;
    case ENTRY_REQUESTS:
        return request_parcels_check(e->payload) == 0;
    case ENTRY_CONFIG:
        return configuration_decode(e->payload, &configuration) == 0;
    case ENTRY_KIND_END:
        break;
    }
    return false;
}

/* A leader knows that one change is committed before it appends the next, and
 * whoever takes them would have to know that, too. */
static bool note_change(const struct entry *e, struct entry *change)
{
    bool first = change->index == 0;

    if (e->kind == ENTRY_CONFIG)
        *change = *e;
    return e->kind != ENTRY_CONFIG || first;
}

int message_check_entries(const struct raft_message *m, struct bytes entries,
                          struct entry *change)
{
    ASSERT(m->run_count <= RAFT_MESSAGE_RUNS_MAX);
    uint32_t run = 0;
    change->index = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        struct entry e;
        if (entry_decode(m->index + 1 + i, &entries, &e) != 0)
            return ERR_CORRUPT;
        while (run + 1 < m->run_count && m->runs[run + 1].first <= e.index)
            run++;
        if (run >= m->run_count || e.term != m->runs[run].term)
            return ERR_CORRUPT;
        if (!payload_valid(&e) || !note_change(&e, change))
            return ERR_CORRUPT;
    }
    return entries.len == 0 ? 0 : ERR_CORRUPT;
}

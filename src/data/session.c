/*
 * How it works: two kinds of small records beside the values. The requests of
 * an entry come in groups of the same node, so one session at a time is moved
 * on, and its record is written when the next one's turn comes.
 *
 * How it fails: a session record of the wrong size is ERR_CORRUPT, kept in
 * the keyspace; requests are then refused, and commit reports it.
 */
#include "data/session.h"

#include "base/reader.h"
#include "data/keyspace_internal.h"
#include "data/value.h"

#define SESSION_SIZE 16

_Static_assert(ONCE_HEADER_SIZE == 8 + 8, "on disk");

static struct bytes session_key(struct keyspace *ks, node_id node)
{
    buf_reset(&ks->key);
    buf_u8(&ks->key, 's');
    buf_u32be(&ks->key, node);
    return buf_view(&ks->key);
}

static void session_read(struct keyspace *ks, node_id node, struct session *out)
{
    *out = (struct session){0, 0};
    struct bytes value;
    if (!records_get(&ks->records, session_key(ks, node), &value))
        return;
    struct reader r = reader_of(value);
    struct session s = {reader_u64be(&r), 0};
    s.last_seq = reader_u64be(&r);
    if (reader_done(&r))
        *out = s;
    else
        records_fail(&ks->records, ERR_CORRUPT);
}

void session_get(struct keyspace *ks, node_id node, struct session *out)
{
    ASSERT(node != NODE_NONE && out != NULL);
    if (ks->records.in_entry && ks->session_node == node)
        *out = ks->session;
    else
        session_read(ks, node, out);
}

static void session_put(struct keyspace *ks, node_id node,
                        const struct session *s)
{
    uint8_t value[SESSION_SIZE];
    time_store(value, (int64_t)s->incarnation);
    time_store(value + 8, (int64_t)s->last_seq);
    records_put(&ks->records, session_key(ks, node),
                bytes_of(value, sizeof(value)));
}

void session_settle(struct keyspace *ks)
{
    ASSERT(ks->records.in_entry);
    if (ks->session_node != NODE_NONE)
        session_put(ks, ks->session_node, &ks->session);
    ks->session_node = NODE_NONE;
}

/* Moves a session on to a request, if it is the next one. */
/*@ requires \valid(s);
  @ assigns *s;
  @ ensures \result <==>
  @     0 < seq <= INT64_MAX && incarnation <= INT64_MAX &&
  @     ((incarnation == \old(s->incarnation) &&
  @       seq == \old(s->last_seq) + 1) ||
  @      (incarnation > \old(s->incarnation) && seq == 1));
  @ ensures \result ==> s->incarnation == incarnation && s->last_seq == seq;
  @ ensures !\result ==> *s == \old(*s); */
static bool session_next(struct session *s, uint64_t incarnation, uint64_t seq)
{
    /* Neither number can come near 2^63 honestly. */
    if (seq == 0 || seq > INT64_MAX || incarnation > INT64_MAX)
        return false;
    uint64_t last = incarnation > s->incarnation ? 0 : s->last_seq;
    if (incarnation < s->incarnation || seq - 1 != last)
        return false;
    *s = (struct session){incarnation, seq};
    return true;
}

bool session_admit(struct keyspace *ks, node_id node, uint64_t incarnation,
                   uint64_t seq)
{
    ASSERT(ks->records.in_entry);
    struct session s;
    session_get(ks, node, &s);
    if (keyspace_error(ks) != 0 || !session_next(&s, incarnation, seq))
        return false;
    if (ks->session_node != node)
        session_settle(ks);
    ks->session_node = node;
    ks->session = s;
    return true;
}

static struct bytes once_key(struct keyspace *ks, struct bytes client)
{
    buf_reset(&ks->key);
    buf_u8(&ks->key, 'o');
    buf_bytes(&ks->key, client);
    return buf_view(&ks->key);
}

enum once_verdict once_check(struct keyspace *ks, struct bytes client,
                             uint64_t request_id, struct bytes *reply)
{
    ASSERT(ks->records.in_entry && reply != NULL);
    struct bytes record;
    *reply = BYTES_NONE;
    if (!records_get(&ks->records, once_key(ks, client), &record))
        return ONCE_NEW;
    ASSERT(record.len >= ONCE_HEADER_SIZE); /* records.c has checked it */
    struct reader r = reader_of(record);
    uint64_t newest = reader_u64be(&r);
    int64_t expire_ms = (int64_t)reader_u64be(&r);
    if (expire_ms <= ks->entry.time_ms || request_id > newest)
        return ONCE_NEW;
    if (request_id < newest)
        return ONCE_STALE;
    *reply = r.rest;
    return ONCE_SAME;
}

void once_store(struct keyspace *ks, struct bytes client, uint64_t request_id,
                struct bytes reply, int64_t ttl_ms)
{
    ASSERT(ks->records.in_entry && ttl_ms > 0);
    ASSERT(reply.len <= ONCE_REPLY_MAX);
    int64_t expire_ms = 0;
    if (__builtin_add_overflow(ks->entry.time_ms, ttl_ms, &expire_ms))
        expire_ms = INT64_MAX;
    struct record *record = records_touch(&ks->records, once_key(ks, client));
    struct buf *value = &record->value;
    buf_reset(value);
    buf_u64be(value, request_id);
    buf_u64be(value, (uint64_t)expire_ms);
    buf_bytes(value, reply);
    ASSERT(value->len == ONCE_HEADER_SIZE + reply.len);
    record->present = true;
    record->dirty = true;
    ks->records.entry_bytes += value->len; /* the old one is counted */
}

/*
 * How it works: session_row.c keeps the session that is being moved on; here
 * is the rule by which it moves. A first answer is a row of its own.
 *
 * How it fails: after an error of the store, requests are refused, and commit
 * reports it.
 */
#include "data/session.h"

#include "base/reader.h"
#include "data/key.h"
#include "data/keyspace_internal.h"
#include "data/kinds.h"

void session_get(struct keyspace *ks, node_id node, struct session *out)
{
    session_row_get(&ks->session, &ks->rows, node, out);
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
    if (incarnation > s->incarnation)
        s->nonce = 0;
    s->incarnation = incarnation;
    s->last_seq = seq;
    return true;
}

bool session_admit(struct keyspace *ks, node_id node, uint64_t incarnation,
                   uint64_t seq)
{
    ASSERT(ks->rows.in_entry);
    ASSERT(node != NODE_NONE);
    struct session s;
    session_get(ks, node, &s);
    if (keyspace_error(ks) != 0 || !session_next(&s, incarnation, seq))
        return false;
    session_row_set(&ks->session, &ks->rows, node, &s);
    return true;
}

void session_note_start(struct keyspace *ks, node_id node, uint64_t nonce)
{
    ASSERT(ks->rows.in_entry && node != NODE_NONE);
    struct session s;
    session_get(ks, node, &s);
    if (keyspace_error(ks) != 0)
        return;
    s.nonce = nonce;
    session_row_set(&ks->session, &ks->rows, node, &s);
}

void session_end(struct keyspace *ks, node_id node, uint64_t incarnation)
{
    ASSERT(ks->rows.in_entry && node != NODE_NONE);
    ASSERT(incarnation > 0 && incarnation <= INT64_MAX);
    struct session s;
    session_get(ks, node, &s);
    if (keyspace_error(ks) != 0 || s.incarnation >= incarnation)
        return;
    s = (struct session){.incarnation = incarnation};
    session_row_set(&ks->session, &ks->rows, node, &s);
}

static struct bytes once_key(struct keyspace *ks, struct bytes client)
{
    key_once(&ks->key, client);
    return buf_view(&ks->key);
}

enum once_verdict once_check(struct keyspace *ks, struct bytes client,
                             uint64_t request_id, struct bytes *reply)
{
    ASSERT(ks->rows.in_entry && reply != NULL);
    struct bytes row;
    *reply = BYTES_NONE;
    if (!rows_get(&ks->rows, once_key(ks, client), &row))
        return ONCE_NEW;
    ASSERT(row.len >= ONCE_HEADER_SIZE); /* rows.c has checked it */
    struct reader r = reader_of(row);
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
    ASSERT(ks->rows.in_entry && ttl_ms > 0);
    ASSERT(reply.len <= ONCE_REPLY_MAX);
    int64_t expire_ms = 0;
    if (__builtin_add_overflow(ks->entry.time_ms, ttl_ms, &expire_ms))
        expire_ms = INT64_MAX;
    ASSERT(expire_ms >= ks->entry.time_ms);
    struct row *row = rows_touch(&ks->rows, once_key(ks, client));
    struct buf *value = &row->value;
    buf_reset(value);
    buf_u64be(value, request_id);
    buf_u64be(value, (uint64_t)expire_ms);
    buf_bytes(value, reply);
    ASSERT(value->len == ONCE_HEADER_SIZE + reply.len);
    row->present = true;
    row->dirty = true;
    ks->rows.entry_bytes += value->len; /* the old one is counted */
}

/*
 * How it works: while a session is being moved on, its row is out of date, and
 * *row is what counts; settling writes the row.
 *
 * How it fails: a row of the wrong size is ERR_CORRUPT, which rows.c has
 * found and kept; the session then is all zero.
 */
#include "data/session_row.h"

#include "base/reader.h"
#include "data/key.h"
#include "data/kinds.h"
#include "data/value.h"

void session_row_get(const struct session_row *row, struct rows *rs,
                     node_id node, struct session *out)
{
    ASSERT(node != NODE_NONE && out != NULL);
    uint8_t key[KEY_SESSION_SIZE];
    struct bytes value;
    *out = (struct session){0};
    if (rs->in_entry && row->node == node) {
        *out = row->session;
        return;
    }
    if (!rows_get(rs, key_session(key, node), &value))
        return;
    struct reader r = reader_of(value);
    out->incarnation = reader_u64be(&r);
    out->last_seq = reader_u64be(&r);
    out->nonce = reader_u64be(&r);
    ASSERT(reader_done(&r)); /* rows.c has checked it */
}

void session_row_set(struct session_row *row, struct rows *rs, node_id node,
                     const struct session *s)
{
    ASSERT(rs->in_entry && node != NODE_NONE);
    ASSERT(s->incarnation <= INT64_MAX && s->last_seq <= INT64_MAX);
    if (row->node != node)
        session_row_settle(row, rs);
    row->node = node;
    row->session = *s;
}

void session_row_settle(struct session_row *row, struct rows *rs)
{
    ASSERT(rs->in_entry);
    uint8_t key[KEY_SESSION_SIZE];
    uint8_t value[SESSION_SIZE];
    if (row->node == NODE_NONE)
        return;
    time_store(value, (int64_t)row->session.incarnation);
    time_store(value + 8, (int64_t)row->session.last_seq);
    for (int i = 0; i < 8; i++)
        value[16 + i] = (uint8_t)(row->session.nonce >> (56 - 8 * i));
    rows_put(rs, key_session(key, row->node), bytes_of(value, sizeof(value)));
    row->node = NODE_NONE;
}

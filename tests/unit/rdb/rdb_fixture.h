/*
 * Payloads out of hexadecimal digits, and what they consist of as text:
 *
 *   s:TEXT  e:ELEMENT  m:MEMBER  z:MEMBER=SCORE  f:FIELD=VALUE[@MS]
 *   x:ID,FIELD=VALUE,...  S:LAST,FIRST,DELETED,ADDED  g:NAME,ID,READ
 *   c:NAME,MS  p:ID,MS,DELIVERIES
 *
 * with blanks between them. Of a text of 40 bytes and more only the first three
 * and its length are written.
 */
#ifndef TESTS_UNIT_RDB_FIXTURE_H
#define TESTS_UNIT_RDB_FIXTURE_H

#include "base/buf.h"
#include "rdb/rdb_payload.h"

#include <inttypes.h>
#include <stdio.h>

#define UNLIMITED                                                              \
    (struct rdb_limits)                                                        \
    {                                                                          \
        1 << 20, 1 << 20, 1 << 24                                              \
    }

static inline void from_hex(const char *hex, struct buf *out)
{
    unsigned byte = 0;
    buf_reset(out);
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        buf_u8(out, (uint8_t)byte);
}

static inline void show_text(struct buf *out, struct bytes text)
{
    bool is_long = text.len >= 40;
    buf_bytes(out, is_long ? bytes_of(text.data, 3) : text);
    if (is_long)
        buf_printf(out, "*%zu", text.len);
}

static inline void show_id(struct buf *out, struct rdb_id id)
{
    buf_printf(out, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
}

static inline void show_entry(struct buf *out, const struct rdb_item *i)
{
    show_id(out, i->id);
    for (uint32_t n = 0; n < i->count; n++) {
        buf_char(out, n % 2 == 0 ? ',' : '=');
        show_text(out, i->fields[n]);
    }
}

static inline void show_stream(struct buf *out, const struct rdb_item *i)
{
    show_id(out, i->id);
    buf_char(out, ',');
    show_id(out, i->first);
    buf_char(out, ',');
    show_id(out, i->deleted);
    buf_printf(out, ",%" PRIu64, i->added);
}

static inline void show_group(struct buf *out, const struct rdb_item *i)
{
    show_text(out, i->name);
    buf_char(out, ',');
    if (i->what == RDB_CONSUMER) {
        buf_printf(out, "%" PRId64, i->time_ms);
        return;
    }
    show_id(out, i->id);
    buf_printf(out, ",%" PRId64, i->read);
}

static inline int show_item(void *arg, const struct rdb_item *i)
{
    static const char letters[] = "semzfxSgcp";
    struct buf *out = arg;
    if (out->len > 0)
        buf_char(out, ' ');
    buf_printf(out, "%c:", letters[i->what]);
    if (i->what == RDB_ENTRY) {
        show_entry(out, i);
    } else if (i->what == RDB_STREAM) {
        show_stream(out, i);
    } else if (i->what == RDB_GROUP || i->what == RDB_CONSUMER) {
        show_group(out, i);
    } else if (i->what == RDB_PENDING) {
        show_id(out, i->id);
        buf_printf(out, ",%" PRId64 ",%" PRIu64, i->time_ms, i->deliveries);
    } else {
        show_text(out, i->name);
    }
    if (i->what == RDB_SCORED)
        buf_printf(out, "=%.17g", i->score);
    if (i->what != RDB_FIELD)
        return 0;
    buf_char(out, '=');
    show_text(out, i->value);
    if (i->time_ms != 0)
        buf_printf(out, "@%" PRId64, i->time_ms);
    return 0;
}

/* A value of a type, out of digits, with a footer. */
static inline void payload_of(const char *hex, struct buf *out)
{
    from_hex(hex, out);
    rdb_payload_end(out, 9);
}

#endif

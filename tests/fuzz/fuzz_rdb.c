/*
 * Values as Redis writes them: whatever the bytes are, all of it at once and
 * bit by bit from a source give the same, the check accepts nothing that cannot
 * be read, and what was accepted is written and read again as the same.
 *
 * input: type(1) the value: a payload of DUMP without its footer.
 */
// link: rdb
#include "base/hash.h"
#include "fuzz/fuzz.h"
#include "rdb/rdb_payload.h"
#include "rdb/rdb_write.h"

#define STRING_MAX (64 * 1024)

/* What was told, as one hash; of an entry of a stream, what would be written.
 */
struct seen {
    uint64_t hash;
    uint64_t items;
    struct rdb_nodes nodes;
};

static void mix(struct seen *s, struct bytes b)
{
    s->hash = hash64_seed(b, s->hash + b.len);
}

static void mix_number(struct seen *s, const void *n, size_t size)
{
    mix(s, bytes_of(n, size));
}

static int see(void *arg, const struct rdb_item *i)
{
    struct seen *s = arg;
    ASSERT(i->what <= RDB_PENDING && i->count % 2 == 0);
    ASSERT(i->score == i->score && i->time_ms >= 0);
    s->items++;
    mix_number(s, &i->what, sizeof(i->what));
    mix(s, i->name);
    mix(s, i->value);
    mix_number(s, &i->score, sizeof(i->score));
    mix_number(s, &i->time_ms, sizeof(i->time_ms));
    mix_number(s, &i->id, sizeof(i->id));
    mix_number(s, &i->added, sizeof(i->added));
    mix_number(s, &i->deliveries, sizeof(i->deliveries));
    for (uint32_t n = 0; n < i->count; n++)
        mix(s, i->fields[n]);
    return 0;
}

static int write_entry(void *arg, const struct rdb_item *i)
{
    struct rdb_nodes *nodes = arg;
    if (i->what != RDB_ENTRY)
        return 1;
    rdb_nodes_add(nodes, i->id, i->fields, i->count);
    return 0;
}

static int see_entry(void *arg, const struct rdb_item *i)
{
    return i->what == RDB_ENTRY ? see(arg, i) : 1;
}

/* The entries alone, out of what was written of them. */
static void check_entries(struct bytes payload)
{
    struct rdb_nodes nodes = {.count = 0};
    struct buf again = BUF_INIT;
    struct seen a = {.hash = 0};
    struct seen b = {.hash = 0};
    int err = rdb_payload_read(payload, STRING_MAX, write_entry, &nodes);
    ASSERT(err == 1);
    buf_u8(&again, RDB_STREAM_2);
    rdb_nodes_end(&nodes, &again);
    rdb_put_length(&again, 0); /* anything: it is not looked at */
    buf_append(&again, "\0\0\0\0\0\0\0\0\0", 9);
    rdb_payload_end(&again, RDB_WRITES_STREAM);
    err = rdb_payload_read(payload, STRING_MAX, see_entry, &a);
    ASSERT(err == 1);
    err = rdb_payload_read(buf_view(&again), 1 << 24, see_entry, &b);
    ASSERT(err != 0 && a.hash == b.hash && a.items == b.items);
    buf_release(&again);
}

struct source {
    struct bytes rest;
    size_t step;
};

static int more(void *arg, struct buf *to)
{
    struct source *s = arg;
    size_t len = MIN(s->step, s->rest.len);
    if (len == 0)
        return ERR_CLOSED;
    buf_append(to, s->rest.data, len);
    s->rest = bytes_from(s->rest, len);
    s->step = s->step % 7 + 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rdb_limits limits = {STRING_MAX, 1024, 1 << 20};
    struct buf payload = BUF_INIT;
    struct seen whole = {.hash = 0};
    struct seen parts = {.hash = 0};
    struct rdb_in in;
    if (size < 2)
        return 0;
    buf_append(&payload, data, size);
    rdb_payload_end(&payload, 9);
    ASSERT(rdb_payload_whole(buf_view(&payload)));
    int checked = rdb_payload_check(buf_view(&payload), &limits);
    int err = rdb_payload_read(buf_view(&payload), STRING_MAX, see, &whole);
    ASSERT(checked != 0 || err == 0);
    struct source s = {bytes_of(data + 1, size - 1), 1};
    rdb_in_source(&in, more, &s, STRING_MAX);
    int by_source = rdb_value_read(&in, data[0], see, &parts);
    ASSERT(err != 0 || (by_source == 0 && parts.hash == whole.hash));
    ASSERT(by_source == 0 || err != 0);
    rdb_in_release(&in);
    if (checked == 0 && rdb_kind(data[0]) == RDB_KIND_STREAM)
        check_entries(buf_view(&payload));
    buf_release(&payload);
    return 0;
}

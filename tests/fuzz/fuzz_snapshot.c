/*
 * Chunks of a state from outside. What is accepted is a state: a store takes
 * its rows, the keyspace opens on them, and its own chunks are the same bytes.
 *
 * input: seal(1) split(1) rows; the rows are one chunk, or two (split > 0).
 * Sealed, the chunks get the hashes of what they have.
 */
// link: snapshot
#include "fuzz/fuzz.h"
#include "snapshot/inspect.h"
#include "snapshot/source.h"
#include "store/store_fill.h"
#include "store/store_memory.h"

static int judge(const struct chunk chunks[], size_t count,
                 struct inspect_totals *totals)
{
    struct inspect *i = inspect_new();
    struct buf text = BUF_INIT;
    int err = 0;
    for (size_t k = 0; err == 0 && k < count; k++)
        err = inspect_chunk(i, &chunks[k], &text);
    if (err == 0)
        err = inspect_end(i, totals, &text);
    ASSERT((err == 0) == (text.len == 0));
    inspect_free(i);
    buf_release(&text);
    return err;
}

static struct store *store_of(struct bytes rows)
{
    struct store *s = store_memory_new();
    struct store_batch b = STORE_BATCH_INIT;
    struct store_fill *f;
    uint64_t state = 0;
    int err = store_fill_begin(s, 0, BYTES_NONE, &f);
    if (err == 0)
        err = store_fill_add(f, rows);
    if (err == 0)
        err = store_fill_end(f, &state);
    store_fill_free(f);
    if (err == 0)
        err = store_state_use(s, &b, state);
    if (err == 0)
        err = store_sync(s);
    ASSERT(err == 0);
    store_batch_release(&b);
    return s;
}

static void expect_state(struct bytes rows, const struct inspect_totals *totals)
{
    struct buf text = BUF_INIT;
    struct buf again = BUF_INIT;
    struct keyspace *ks;
    struct source *source;
    struct chunk c = {.hash = 0};
    struct store *s = store_of(rows);
    int err = keyspace_open(&ks, s, &text);
    ASSERT(err == 0);
    ASSERT(keyspace_applied(ks)->index == totals->applied.index);
    keyspace_close(ks);
    struct store_view *v = store_view_open(s);
    err = source_open(&source, v, &text);
    ASSERT(err == 0);
    while (source_next(source, &c, &text) == 0)
        buf_bytes(&again, c.rows);
    ASSERT(bytes_eq(buf_view(&again), rows) && c.hash == totals->hash);
    source_close(source);
    store_view_close(v);
    store_close(s);
    buf_release(&again);
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    bool seal = fuzz_u8(&f) % 8 != 0;
    size_t split = fuzz_u8(&f) * 4;
    struct bytes rows = f.rest;
    struct chunk chunks[2];
    struct inspect_totals totals;
    size_t count = split > 0 && split < rows.len ? 2 : 1;
    uint64_t hash = 0;
    for (size_t i = 0; i < count; i++) {
        struct bytes part =
            i == 0 && count == 2 ? bytes_of(rows.data, split) : f.rest;
        f.rest = bytes_from(f.rest, part.len);
        if (seal && part.len > 0)
            hash = chunk_hash(part, hash);
        chunks[i] = (struct chunk){i + 1, hash, part};
    }
    if (judge(chunks, count, &totals) == 0)
        expect_state(rows, &totals);
    return 0;
}

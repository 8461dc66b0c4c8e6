/*
 * The log on disk, found after some damage. A log is built and written as a
 * node does; then bytes of its records, or whole records, are changed. If
 * anything changed, opening must refuse with a text, or what it accepts must
 * be a log that lacks the end only (which the watermark then shows); if not,
 * every entry reads back.
 *
 * input: shape(4), then damages(4 each).
 */
// link: journal
#include "codec/entry.h"
#include "codec/request.h"
#include "fuzz/fuzz.h"
#include "journal/journal.h"
#include "store/store_memory.h"

#define ENTRIES_MAX 12

struct shape {
    raft_index first; /* after a cut */
    raft_index last;
    raft_term terms[ENTRIES_MAX + 1];
    uint64_t chain; /* at the end */
};

static struct journal *open_log(struct store *s, int *err, struct buf *text)
{
    struct journal_options options = {.cache_bytes_max = 64};
    struct journal *log = NULL;
    *err = journal_open(&log, s, &options, text);
    return *err == 0 ? log : NULL;
}

static void append(struct journal *log, struct store_batch *b, raft_index i,
                   raft_term term)
{
    static const uint8_t zeros[100];
    struct entry e = {.index = i,
                      .term = term,
                      .time_ms = (int64_t)i,
                      .seed = i,
                      .kind = ENTRY_REQUESTS,
                      .payload = bytes_of(zeros, i * 7 % sizeof(zeros))};
    entry_seal(&e);
    journal_append(log, b, &e);
}

static void write_batch(struct store *s, struct store_batch *b)
{
    ASSERT(store_write(s, b, STORE_LOGGED) == 0);
    store_batch_reset(b);
}

/* A new log of up to ENTRIES_MAX entries, perhaps cut at its beginning. */
static void build(struct store *s, struct fuzz *f, struct shape *shape)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct buf text = BUF_INIT;
    int err = 0;
    struct journal *log = open_log(s, &err, &text);
    raft_term term = 1 + fuzz_below(f, 3);
    ASSERT(log != NULL);
    journal_hard_state(log, &b, 9, 2);
    shape->last = fuzz_below(f, ENTRIES_MAX + 1);
    for (raft_index i = 1; i <= shape->last; i++) {
        term += i % 3 == 0 ? 1 : 0;
        shape->terms[i] = term;
        append(log, &b, i, term);
    }
    write_batch(s, &b);
    shape->first = 1 + fuzz_below(f, (uint32_t)shape->last + 1);
    if (shape->first > 1)
        journal_cut(log, &b, shape->first);
    write_batch(s, &b);
    ASSERT(journal_chain(log, shape->last, &shape->chain) == 0);
    journal_close(log);
    store_batch_release(&b);
    buf_release(&text);
}

/* The n-th record of a family; false if there are fewer. */
static bool find(struct store *s, enum store_family family, uint32_t n,
                 struct buf record[2])
{
    struct store_iter *it = store_iter_new(s, family);
    store_iter_seek(it, BYTES_NONE);
    while (n > 0 && store_iter_valid(it)) {
        store_iter_next(it);
        n--;
    }
    bool found = store_iter_valid(it);
    if (found) {
        buf_bytes(&record[0], store_iter_key(it));
        buf_bytes(&record[1], store_iter_value(it));
    }
    store_iter_free(it);
    return found;
}

/* What one damage does to a record's value; false: nothing. */
static bool spoil(struct fuzz *f, struct buf *value)
{
    uint32_t at = fuzz_u8(f);
    uint8_t how = fuzz_u8(f);
    if (value->len == 0)
        return false;
    if (how < 200) { /* a byte */
        value->data[at % value->len] ^= how;
        return how != 0;
    }
    if (how < 228) { /* cut short */
        value->len = at % value->len;
        return true;
    }
    buf_u8(value, how); /* a byte too many */
    return true;
}

/* Damages one record. Returns whether the store is another one now. */
static bool damage(struct store *s, struct fuzz *f)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct buf record[2] = {BUF_INIT, BUF_INIT};
    uint8_t where = fuzz_u8(f);
    enum store_family family = where % 4 == 0 ? STORE_META : STORE_LOG;
    uint8_t what = fuzz_u8(f);
    bool changed = false;
    if (find(s, family, where / 4 % ENTRIES_MAX, record)) {
        changed = what < 48 || spoil(f, &record[1]);
        if (what < 48)
            store_batch_delete(&b, family, buf_view(&record[0]));
        else
            store_batch_put(&b, family, buf_view(&record[0]),
                            buf_view(&record[1]));
        write_batch(s, &b);
    }
    store_batch_release(&b);
    buf_release(&record[0]);
    buf_release(&record[1]);
    return changed;
}

/* Every entry that an accepted log claims to have is one that was written. */
static void check_entries(struct journal *log, const struct shape *shape)
{
    struct buf scratch = BUF_INIT;
    for (raft_index i = journal_first(log); i <= journal_last(log); i++) {
        struct entry e;
        ASSERT(journal_read(log, i, &e, &scratch) == 0);
        ASSERT(i <= shape->last && e.term == shape->terms[i]);
        ASSERT(e.time_ms == (int64_t)i && e.seed == i);
    }
    buf_release(&scratch);
}

/* The watermark knows how far the log must reach. */
static void check_mark(struct journal *log, const struct shape *shape,
                       bool changed)
{
    struct buf text = BUF_INIT;
    struct watermark mark = {.term = 9,
                             .vote = 2,
                             .index = shape->last,
                             .index_term = shape->terms[shape->last],
                             .chain = shape->chain};
    int err = journal_check(log, &mark, &text);
    ASSERT(err == 0 || (err == ERR_CORRUPT && text.len > 0));
    ASSERT(changed || err == 0);
    if (err == 0 && shape->last > 0)
        ASSERT(journal_last(log) == shape->last);
    buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    struct store *s = store_memory_new();
    struct shape shape = {.first = 0};
    struct buf text = BUF_INIT;
    bool changed = false;
    int err = 0;
    build(s, &f, &shape);
    for (int i = 0; i < 4 && fuzz_more(&f); i++)
        changed |= damage(s, &f);
    struct journal *log = open_log(s, &err, &text);
    if (log == NULL) {
        ASSERT(changed && err == ERR_CORRUPT && text.len > 0);
    } else {
        check_entries(log, &shape);
        check_mark(log, &shape, changed);
        journal_close(log);
    }
    store_close(s);
    buf_release(&text);
    return 0;
}

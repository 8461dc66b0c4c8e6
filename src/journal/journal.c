/*
 * In memory: hard state, the log's start, running sums per entry (16 bytes:
 * chain hash and where its record ends in the log, counted in bytes), the terms
 * as runs, and a cache of the newest entries. On disk: what journal.h says.
 *
 * Changes put operations into the caller's batch and take effect in memory at
 * once; they cannot fail, because all they need to know is in memory. An
 * entry that left the cache is read from the store, so a batch must have been
 * written before its entries are read.
 *
 * How it fails: a read that does not find the very entry that was checked when
 * the journal was opened, or written since, is ERR_CORRUPT.
 */
#include "base/alloc.h"
#include "base/reader.h"
#include "journal/journal_internal.h"

#include <stdio.h>
#include <string.h>

void journal_key(uint16_t group, raft_index index,
                 uint8_t out[JOURNAL_KEY_SIZE])
{
    out[0] = (uint8_t)(group >> 8);
    out[1] = (uint8_t)group;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(index >> (56 - 8 * i));
}

/* "g<group>/hard" */
struct bytes journal_meta_key(char out[JOURNAL_META_KEY_SIZE], uint16_t group,
                              const char *name)
{
    int len =
        snprintf(out, JOURNAL_META_KEY_SIZE, "g%u/%s", (unsigned)group, name);
    ASSERT(len > 0 && len < JOURNAL_META_KEY_SIZE);
    return bytes_of(out, (size_t)len);
}

static const struct bytes identity_key = {(const uint8_t *)"identity", 8};

int journal_identity(struct store *s, struct identity *out)
{
    ASSERT(s != NULL && out != NULL);
    struct buf raw = BUF_INIT;
    int err = store_get(s, STORE_META, identity_key, &raw);
    if (err == 0)
        err = identity_decode(buf_view(&raw), out);
    buf_release(&raw);
    return err;
}

void journal_put_identity(struct store_batch *b, const struct identity *i)
{
    ASSERT(b != NULL && i != NULL);
    struct buf raw = BUF_INIT;
    identity_encode(i, &raw);
    store_batch_put(b, STORE_META, identity_key, buf_view(&raw));
    buf_release(&raw);
}

raft_index journal_first(const struct journal *log)
{
    return log->start.first;
}

raft_index journal_last(const struct journal *log)
{
    ASSERT(log->start.first > 0);
    return log->start.first + log->sum_count - 1;
}

static const struct journal_sum *sum_at(const struct journal *log,
                                        raft_index index)
{
    ASSERT(index >= log->start.first && index <= journal_last(log));
    return &log->sums[log->sum_head + (index - log->start.first)];
}

/* `end` at an index from first-1 to last. */
static uint64_t end_at(const struct journal *log, raft_index index)
{
    return index + 1 == log->start.first ? log->origin
                                         : sum_at(log, index)->end;
}

uint64_t journal_end(const struct journal *log)
{
    return end_at(log, journal_last(log));
}

uint64_t journal_bytes(const struct journal *log)
{
    ASSERT(journal_end(log) >= log->origin);
    return journal_end(log) - log->origin;
}

int journal_chain(struct journal *log, raft_index index, uint64_t *chain)
{
    ASSERT(chain != NULL);
    if (index + 1 < log->start.first || index > journal_last(log))
        return ERR_NOT_FOUND;
    *chain = index + 1 == log->start.first ? log->start.prev_chain
                                           : sum_at(log, index)->chain;
    return 0;
}

uint64_t journal_chain_at(struct journal *log, raft_index index)
{
    uint64_t chain = 0;
    int err = journal_chain(log, index, &chain);
    ASSERT(err == 0);
    return chain;
}

/* Term at an index from first-1 to last. */
raft_term journal_term_at(const struct journal *log, raft_index index)
{
    ASSERT(index + 1 >= log->start.first && index <= journal_last(log));
    for (uint32_t i = log->run_count; i > 0; i--) {
        if (log->runs[i - 1].first <= index)
            return log->runs[i - 1].term;
    }
    return log->start.prev_term;
}

static void add_sum(struct journal *log, const struct journal_sum *sum)
{
    if (log->sum_head + log->sum_count == log->sum_cap) {
        log->sum_cap = MAX(log->sum_cap * 2, (size_t)1024);
        log->sums = mem_realloc(log->sums, log->sum_cap * sizeof(*log->sums));
    }
    log->sums[log->sum_head + log->sum_count++] = *sum;
}

static void drop_sums(struct journal *log, size_t n)
{
    ASSERT(n <= log->sum_count);
    log->sum_head += n;
    log->sum_count -= n;
    if (log->sum_head < log->sum_cap / 2)
        return;
    if (log->sum_count > 0)
        memmove(log->sums, log->sums + log->sum_head,
                log->sum_count * sizeof(*log->sums));
    log->sum_head = 0;
}

static void add_run(struct journal *log, raft_index first, raft_term term)
{
    if (log->run_count > 0 && log->runs[log->run_count - 1].term == term)
        return;
    if (log->run_count == log->run_cap) {
        log->run_cap = MAX(log->run_cap * 2, 16u);
        log->runs = mem_realloc(log->runs, log->run_cap * sizeof(*log->runs));
    }
    log->runs[log->run_count++] = (struct raft_run){first, term};
}

/* Runs of the entries below `from`. */
static void truncate_runs(struct journal *log, raft_index from)
{
    while (log->run_count > 0 && log->runs[log->run_count - 1].first >= from)
        log->run_count--;
}

/* Runs of the entries from `first` on. */
static void cut_runs(struct journal *log, raft_index first)
{
    uint32_t drop = 0;
    while (drop + 1 < log->run_count && log->runs[drop + 1].first <= first)
        drop++;
    if (log->run_count == 0)
        return;
    log->run_count -= drop;
    memmove(log->runs, log->runs + drop, log->run_count * sizeof(*log->runs));
    log->runs[0].first = MAX(log->runs[0].first, first);
}

/* There are few: members change seldom. */
static void add_change(struct journal *log, raft_index index)
{
    ASSERT(log->change_count == 0 ||
           log->changes[log->change_count - 1] < index);
    if (log->change_count == log->change_cap) {
        log->change_cap = MAX(log->change_cap * 2, 16u);
        log->changes =
            mem_realloc(log->changes, log->change_cap * sizeof(*log->changes));
    }
    log->changes[log->change_count++] = index;
}

/* Those of the entries first <= index < end stay. */
static void keep_changes(struct journal *log, raft_index first, raft_index end)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < log->change_count; i++) {
        raft_index index = log->changes[i];
        if (index >= first && index < end)
            log->changes[kept++] = index;
    }
    ASSERT(kept <= log->change_count);
    log->change_count = kept;
}

raft_index journal_change_before(const struct journal *log, raft_index upto)
{
    for (uint32_t i = log->change_count; i > 0; i--) {
        if (log->changes[i - 1] <= upto)
            return log->changes[i - 1];
    }
    return 0;
}

/* Sums, run and cache of an entry that follows the last one. `record` is
 * chain and record in one allocation, and is taken over. */
void journal_take(struct journal *log, const struct entry *e, uint8_t *record,
                  size_t size)
{
    raft_index last = journal_last(log);
    ASSERT(e->index == last + 1);
    struct journal_sum sum = {.chain = load_u64le(record),
                              .end = end_at(log, last) + size -
                                     JOURNAL_CHAIN_SIZE};
    struct entry kept = *e;
    kept.payload = bytes_of(record + JOURNAL_CHAIN_SIZE + ENTRY_HEADER_SIZE,
                            e->payload.len);
    add_run(log, e->index, e->term);
    add_sum(log, &sum);
    if (e->kind == ENTRY_CONFIG)
        add_change(log, e->index);
    journal_cache_add(&log->cache, record, size, &kept);
}

void journal_close(struct journal *log)
{
    ASSERT(log != NULL);
    journal_cache_release(&log->cache);
    mem_free(log->sums);
    mem_free(log->runs);
    mem_free(log->changes);
    mem_free(log);
}

void journal_start(const struct journal *log, struct raft_start *start)
{
    ASSERT(log != NULL);
    uint32_t skip =
        log->run_count > RAFT_RUNS_MAX ? log->run_count - RAFT_RUNS_MAX : 0;
    *start = (struct raft_start){
        .term = log->hard.term,
        .vote = log->hard.vote,
        .log_first = log->start.first,
        .log_prev_term = log->start.prev_term,
        .log_last = journal_last(log),
        .runs = skip > 0 ? &log->runs[skip] : log->runs,
        .run_count = log->run_count - skip,
    };
    if (skip > 0) {
        start->log_first = log->runs[skip].first;
        start->log_prev_term = log->runs[skip - 1].term;
    }
    ASSERT(start->run_count <= RAFT_RUNS_MAX);
}

void journal_append(struct journal *log, struct store_batch *b,
                    const struct entry *e)
{
    ASSERT(e->index == journal_last(log) + 1);
    ASSERT(e->term > 0 && e->term >= journal_term_at(log, e->index - 1));
    size_t size = JOURNAL_CHAIN_SIZE + ENTRY_HEADER_SIZE + e->payload.len;
    struct buf record = {mem_alloc(size), 0, size}; /* no byte too many */
    buf_u64(&record,
            entry_chain(journal_chain_at(log, e->index - 1), e->checksum));
    entry_encode(e, &record);

    uint8_t key[JOURNAL_KEY_SIZE];
    journal_key(log->group, e->index, key);
    /* The batch borrows the record: only what was written before may go. */
    if (b->count == 0)
        journal_cache_trim(&log->cache);
    store_batch_put_borrowed(b, STORE_LOG, bytes_of(key, JOURNAL_KEY_SIZE),
                             buf_view(&record));
    ASSERT(record.len == size && record.cap == size);
    journal_take(log, e, record.data, record.len);
}

/* Removes the entries first <= index < end from the store. */
static void delete_entries(const struct journal *log, struct store_batch *b,
                           raft_index first, raft_index end)
{
    ASSERT(first < end);
    uint8_t from[JOURNAL_KEY_SIZE];
    uint8_t to[JOURNAL_KEY_SIZE];
    journal_key(log->group, first, from);
    journal_key(log->group, end, to);
    store_batch_delete_range(b, STORE_LOG, bytes_of(from, JOURNAL_KEY_SIZE),
                             bytes_of(to, JOURNAL_KEY_SIZE));
}

/* Those before `first`: nothing reads them, whether they are there or not,
 * once the start is written. A range deletion would make RocksDB write what
 * is before and after it once more. */
static void discard_entries(const struct journal *log, struct store_batch *b,
                            raft_index first)
{
    uint8_t from[JOURNAL_KEY_SIZE];
    uint8_t to[JOURNAL_KEY_SIZE];
    journal_key(log->group, 0, from);
    journal_key(log->group, first, to);
    store_batch_discard(b, STORE_LOG, bytes_of(from, JOURNAL_KEY_SIZE),
                        bytes_of(to, JOURNAL_KEY_SIZE));
}

void journal_truncate(struct journal *log, struct store_batch *b,
                      raft_index from)
{
    raft_index last = journal_last(log);
    ASSERT(from >= log->start.first && from <= last + 1);
    if (from > last)
        return;
    delete_entries(log, b, from, last + 1);
    log->sum_count = (size_t)(from - log->start.first);
    truncate_runs(log, from);
    keep_changes(log, 0, from);
    journal_cache_truncate(&log->cache, from);
}

void journal_hard_state(struct journal *log, struct store_batch *b,
                        raft_term term, node_id vote)
{
    ASSERT(term >= log->hard.term);
    log->hard = (struct hard_state){.term = term, .vote = vote};
    struct buf raw = BUF_INIT;
    char key[JOURNAL_META_KEY_SIZE];
    hard_state_encode(&log->hard, &raw);
    store_batch_put(b, STORE_META, journal_meta_key(key, log->group, "hard"),
                    buf_view(&raw));
    buf_release(&raw);
}

static void put_start(struct journal *log, struct store_batch *b)
{
    ASSERT(log->start.first > 0);
    struct buf raw = BUF_INIT;
    char key[JOURNAL_META_KEY_SIZE];
    log_start_encode(&log->start, &raw);
    store_batch_put(b, STORE_META, journal_meta_key(key, log->group, "start"),
                    buf_view(&raw));
    buf_release(&raw);
}

void journal_cut(struct journal *log, struct store_batch *b, raft_index first)
{
    raft_index last = journal_last(log);
    ASSERT(first <= last + 1);
    if (first <= log->start.first)
        return;
    struct log_start start = {.first = first,
                              .prev_term = journal_term_at(log, first - 1),
                              .prev_chain = journal_chain_at(log, first - 1)};
    discard_entries(log, b, first);
    log->origin = end_at(log, first - 1);
    drop_sums(log, (size_t)(first - log->start.first));
    if (first > last)
        log->run_count = 0;
    else
        cut_runs(log, first);
    keep_changes(log, first, UINT64_MAX);
    journal_cache_cut(&log->cache, first);
    log->start = start;
    put_start(log, b);
}

void journal_restart(struct journal *log, struct store_batch *b,
                     raft_index index, raft_term term, uint64_t chain)
{
    raft_index last = journal_last(log);
    ASSERT(index > 0 && term > 0);
    if (last >= log->start.first)
        delete_entries(log, b, log->start.first, last + 1);
    journal_cache_truncate(&log->cache, 0);
    log->run_count = 0;
    log->change_count = 0;
    log->sum_count = 0;
    log->sum_head = 0;
    log->origin = 0;
    log->start = (struct log_start){
        .first = index + 1, .prev_term = term, .prev_chain = chain};
    put_start(log, b);
}

/* An entry that is not in memory. */
static int read_stored(struct journal *log, raft_index index, struct entry *out,
                       struct buf *scratch)
{
    uint8_t key[JOURNAL_KEY_SIZE];
    journal_key(log->group, index, key);
    buf_reset(scratch);
    int err = store_get(log->store, STORE_LOG, bytes_of(key, JOURNAL_KEY_SIZE),
                        scratch);
    if (err == ERR_NOT_FOUND)
        return ERR_CORRUPT; /* it was there */
    if (err != 0)
        return err;
    if (scratch->len < JOURNAL_CHAIN_SIZE)
        return ERR_CORRUPT;
    struct bytes rest = bytes_from(buf_view(scratch), JOURNAL_CHAIN_SIZE);
    err = entry_decode(index, &rest, out);
    if (err != 0 || rest.len != 0)
        return ERR_CORRUPT;
    /* The very entry that was checked when the log was opened, or written
     * since: not one that was valid at another time. */
    uint64_t chain = load_u64le(scratch->data);
    return chain == journal_chain_at(log, index) &&
                   chain == entry_chain(journal_chain_at(log, index - 1),
                                        out->checksum)
               ? 0
               : ERR_CORRUPT;
}

struct bytes journal_cached_record(const struct journal *log, raft_index index)
{
    const struct journal_cache_slot *slot =
        journal_cache_find(&log->cache, index);
    if (slot == NULL)
        return BYTES_NONE;
    return bytes_from(bytes_of(slot->record, slot->size), JOURNAL_CHAIN_SIZE);
}

int journal_read(struct journal *log, raft_index index, struct entry *out,
                 struct buf *scratch)
{
    ASSERT(out != NULL && scratch != NULL);
    if (index < log->start.first || index > journal_last(log))
        return ERR_NOT_FOUND;
    const struct journal_cache_slot *slot =
        journal_cache_find(&log->cache, index);
    if (slot == NULL)
        return read_stored(log, index, out, scratch);
    *out = slot->entry;
    return 0;
}

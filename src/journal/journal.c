/*
 * In memory: hard state, the log's start, one mark per entry (16 bytes: chain
 * hash and where its record ends in the log, counted in bytes), the terms as
 * runs, and a cache of the newest entries. On disk: what journal.h says.
 *
 * Changes put operations into the caller's batch and take effect in memory at
 * once; they cannot fail, because all they need to know is in memory. An
 * entry that left the cache is read from the store, so a batch must have been
 * written before its entries are read.
 *
 * Opening reads the log from its start record on (entries cut off lie before
 * it and are never looked at), and refuses what does not prove itself: a
 * hole, a wrong checksum, a broken chain, terms that fall, entries without
 * hard state. It never repairs. What it reads goes through the cache, which is
 * trimmed meanwhile: a long log does not stand in memory as a whole.
 */
#include "journal/journal.h"

#include "base/alloc.h"
#include "base/reader.h"
#include "journal/journal_cache.h"

#include <stdio.h>
#include <string.h>

#define KEY_SIZE      10
#define CHAIN_SIZE    8
#define META_KEY_SIZE 16

struct mark {
    uint64_t chain;
    uint64_t end; /* bytes of all records up to this one, from some origin */
};

struct journal {
    struct store *store;
    uint16_t group;
    struct hard_state hard;
    struct log_start start;

    struct mark *marks; /* of start.first.. */
    size_t mark_head;   /* where they begin in the array */
    size_t mark_count;
    size_t mark_cap;
    uint64_t origin; /* `end` of the entry before the first */

    struct raft_run *runs;
    uint32_t run_count;
    uint32_t run_cap;

    struct journal_cache cache;
};

static void log_key(uint16_t group, raft_index index, uint8_t out[KEY_SIZE])
{
    out[0] = (uint8_t)(group >> 8);
    out[1] = (uint8_t)group;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(index >> (56 - 8 * i));
}

/* "g<group>/hard" */
static struct bytes meta_key(char out[META_KEY_SIZE], uint16_t group,
                             const char *name)
{
    int len = snprintf(out, META_KEY_SIZE, "g%u/%s", (unsigned)group, name);
    ASSERT(len > 0 && len < META_KEY_SIZE);
    return bytes_of(out, (size_t)len);
}

static const struct bytes identity_key = {(const uint8_t *)"identity", 8};

int journal_identity(struct store *s, struct identity *out)
{
    ASSERT(s != NULL && out != NULL);
    struct buf raw = BUF_INIT;
    int rc = store_get(s, STORE_META, identity_key, &raw);
    if (rc == 0)
        rc = identity_decode(buf_view(&raw), out);
    buf_release(&raw);
    return rc;
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
    return log->start.first + log->mark_count - 1;
}

static const struct mark *mark_at(const struct journal *log, raft_index index)
{
    ASSERT(index >= log->start.first && index <= journal_last(log));
    return &log->marks[log->mark_head + (index - log->start.first)];
}

/* `end` at an index from first-1 to last. */
static uint64_t end_at(const struct journal *log, raft_index index)
{
    return index + 1 == log->start.first ? log->origin
                                         : mark_at(log, index)->end;
}

uint64_t journal_bytes(const struct journal *log)
{
    return end_at(log, journal_last(log)) - log->origin;
}

int journal_chain(struct journal *log, raft_index index, uint64_t *chain)
{
    ASSERT(chain != NULL);
    if (index + 1 < log->start.first || index > journal_last(log))
        return ERR_NOT_FOUND;
    *chain = index + 1 == log->start.first ? log->start.prev_chain
                                           : mark_at(log, index)->chain;
    return 0;
}

static uint64_t chain_at(struct journal *log, raft_index index)
{
    uint64_t chain = 0;
    int rc = journal_chain(log, index, &chain);
    ASSERT(rc == 0);
    return chain;
}

/* Term at an index from first-1 to last. */
static raft_term term_at(const struct journal *log, raft_index index)
{
    ASSERT(index + 1 >= log->start.first && index <= journal_last(log));
    for (uint32_t i = log->run_count; i > 0; i--) {
        if (log->runs[i - 1].first <= index)
            return log->runs[i - 1].term;
    }
    return log->start.prev_term;
}

static void add_mark(struct journal *log, const struct mark *m)
{
    if (log->mark_head + log->mark_count == log->mark_cap) {
        log->mark_cap = MAX(log->mark_cap * 2, (size_t)1024);
        log->marks =
            mem_realloc(log->marks, log->mark_cap * sizeof(*log->marks));
    }
    log->marks[log->mark_head + log->mark_count++] = *m;
}

static void drop_marks(struct journal *log, size_t n)
{
    ASSERT(n <= log->mark_count);
    log->mark_head += n;
    log->mark_count -= n;
    if (log->mark_head < log->mark_cap / 2)
        return;
    if (log->mark_count > 0)
        memmove(log->marks, log->marks + log->mark_head,
                log->mark_count * sizeof(*log->marks));
    log->mark_head = 0;
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

/* Mark, run and cache of an entry that follows the last one. `record` is
 * chain and record in one allocation, and is taken over. */
static void take_entry(struct journal *log, const struct entry *e,
                       uint8_t *record, size_t size)
{
    raft_index last = journal_last(log);
    ASSERT(e->index == last + 1);
    struct mark m = {.chain = load_u64le(record),
                     .end = end_at(log, last) + size - CHAIN_SIZE};
    struct entry kept = *e;
    kept.payload =
        bytes_of(record + CHAIN_SIZE + ENTRY_HEADER_SIZE, e->payload.len);
    add_run(log, e->index, e->term);
    add_mark(log, &m);
    journal_cache_add(&log->cache, record, size, &kept);
}

/* Opening: reading the records. */

static int damaged(const struct journal *log, struct buf *error,
                   raft_index index, const char *cause)
{
    buf_printf(error, "the raft log of group %u is damaged at entry %llu: %s. ",
               (unsigned)log->group, (unsigned long long)index, cause);
    buf_str(error, STORE_DAMAGE_ADVICE);
    return ERR_CORRUPT;
}

static int store_failed(struct journal *log, struct buf *error, int rc)
{
    buf_printf(error, "the raft log of group %u cannot be read: %s",
               (unsigned)log->group, store_error(log->store));
    return rc;
}

/* A record of family meta; ERR_NOT_FOUND is left to the caller. */
static int read_meta(struct journal *log, const char *name, struct buf *raw,
                     struct buf *error)
{
    char key[META_KEY_SIZE];
    buf_reset(raw);
    int rc =
        store_get(log->store, STORE_META, meta_key(key, log->group, name), raw);
    if (rc != 0 && rc != ERR_NOT_FOUND)
        return store_failed(log, error, rc);
    return rc;
}

static int bad_meta(const struct journal *log, const char *what,
                    struct buf *error)
{
    buf_printf(error, "%s of group %u is damaged. ", what,
               (unsigned)log->group);
    buf_str(error, STORE_DAMAGE_ADVICE);
    return ERR_CORRUPT;
}

static int open_hard_state(struct journal *log, bool *found, struct buf *error)
{
    struct buf raw = BUF_INIT;
    log->hard = (struct hard_state){.term = 0, .vote = NODE_NONE};
    int rc = read_meta(log, "hard", &raw, error);
    *found = rc == 0;
    if (rc == 0 && hard_state_decode(buf_view(&raw), &log->hard) != 0)
        rc = bad_meta(log, "the hard state (term and vote)", error);
    buf_release(&raw);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int open_start(struct journal *log, struct buf *error)
{
    struct buf raw = BUF_INIT;
    log->start = (struct log_start){.first = 1};
    int rc = read_meta(log, "start", &raw, error);
    if (rc == 0 && log_start_decode(buf_view(&raw), &log->start) != 0)
        rc = bad_meta(log, "the start of the raft log", error);
    buf_release(&raw);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Checks one entry as it stands on disk, and takes it. */
static int open_entry(struct journal *log, struct bytes value,
                      struct buf *error)
{
    raft_index index = journal_last(log) + 1;
    if (value.len < CHAIN_SIZE)
        return damaged(log, error, index, "its record is cut short");
    struct bytes rest = bytes_from(value, CHAIN_SIZE);
    struct entry e;
    if (entry_decode(index, &rest, &e) != 0)
        return damaged(log, error, index, "its checksum is wrong");
    if (rest.len != 0)
        return damaged(log, error, index, "its record is too long");
    uint64_t chain = load_u64le(value.data);
    if (chain != entry_chain(chain_at(log, index - 1), e.checksum))
        return damaged(log, error, index, "the chain of hashes is broken");
    if (e.term == 0 || e.term < term_at(log, index - 1))
        return damaged(log, error, index, "its term is below the one before");
    uint8_t *record = mem_alloc(value.len);
    memcpy(record, value.data, value.len);
    take_entry(log, &e, record, value.len);
    journal_cache_trim(&log->cache);
    return 0;
}

/* Is there really nothing after what the walk saw as the last entry? RocksDB
 * 7.8 can take a table that it cannot read on for one that has ended, where
 * ranges were deleted; a single read finds out. */
static int check_end(struct journal *log, struct buf *error)
{
    uint8_t key[KEY_SIZE];
    struct buf raw = BUF_INIT;
    raft_index next = journal_last(log) + 1;
    log_key(log->group, next, key);
    int rc = store_get(log->store, STORE_LOG, bytes_of(key, KEY_SIZE), &raw);
    buf_release(&raw);
    if (rc == 0)
        return damaged(log, error, next, "a walk over the log does not see it");
    return rc == ERR_NOT_FOUND ? 0 : store_failed(log, error, rc);
}

static int open_entries(struct journal *log, struct buf *error)
{
    uint8_t key[KEY_SIZE];
    log_key(log->group, log->start.first, key);
    struct store_iter *it = store_iter_new(log->store, STORE_LOG);
    int rc = 0;
    for (it->ops->seek(it, bytes_of(key, KEY_SIZE)); it->ops->valid(it);
         it->ops->next(it)) {
        struct bytes found = it->ops->key(it);
        log_key(log->group, journal_last(log) + 1, key);
        if (!bytes_eq(found, bytes_of(key, KEY_SIZE))) {
            if (found.len >= 2 && memcmp(found.data, key, 2) == 0)
                rc = damaged(log, error, journal_last(log) + 1,
                             "it is missing, but later ones are there");
            break;
        }
        rc = open_entry(log, it->ops->value(it), error);
        if (rc != 0)
            break;
    }
    int status = rc == 0 ? it->ops->status(it) : 0;
    if (status != 0)
        rc = store_failed(log, error, status);
    it->ops->free(it);
    return rc == 0 ? check_end(log, error) : rc;
}

/* The last entry that the store has; below the log's first if there is none. */
static int find_last(struct journal *log, raft_index *last, struct buf *error)
{
    uint8_t key[KEY_SIZE];
    log_key(log->group, UINT64_MAX, key);
    struct store_iter *it = store_iter_new(log->store, STORE_LOG);
    it->ops->seek(it, bytes_of(key, KEY_SIZE));
    if (it->ops->valid(it))
        it->ops->prev(it);
    else
        it->ops->seek_last(it);
    *last = log->start.first - 1;
    if (it->ops->valid(it)) {
        struct reader r = reader_of(it->ops->key(it));
        bool ours = reader_u16be(&r) == log->group;
        raft_index index = reader_u64be(&r);
        if (ours && reader_done(&r))
            *last = MAX(*last, index);
    }
    int rc = it->ops->status(it);
    it->ops->free(it);
    return rc != 0 ? store_failed(log, error, rc) : 0;
}

/* Moves the start up, so that `newest` entries are left to be read. The one
 * before them is read for its term and chain. */
static int skip_to_newest(struct journal *log, uint64_t newest,
                          struct buf *error)
{
    raft_index last = 0;
    int rc = find_last(log, &last, error);
    if (rc != 0 || last + 1 - log->start.first <= newest)
        return rc;
    raft_index before = last - newest;
    ASSERT(before >= log->start.first);
    uint8_t key[KEY_SIZE];
    log_key(log->group, before, key);
    struct buf raw = BUF_INIT;
    struct entry e;
    rc = store_get(log->store, STORE_LOG, bytes_of(key, KEY_SIZE), &raw);
    struct bytes record = buf_view(&raw);
    struct bytes rest = bytes_from(record, MIN(record.len, (size_t)CHAIN_SIZE));
    if (rc == ERR_NOT_FOUND)
        rc = damaged(log, error, before,
                     "it is missing, but later ones are there");
    else if (rc != 0)
        rc = store_failed(log, error, rc);
    else if (entry_decode(before, &rest, &e) != 0)
        rc = damaged(log, error, before, "its checksum is wrong");
    else
        log->start = (struct log_start){.first = before + 1,
                                        .prev_term = e.term,
                                        .prev_chain = load_u64le(record.data)};
    buf_release(&raw);
    return rc;
}

static int open_log(struct journal *log, uint64_t newest, struct buf *error)
{
    bool has_hard;
    int rc = open_hard_state(log, &has_hard, error);
    if (rc == 0)
        rc = open_start(log, error);
    if (rc == 0 && newest > 0)
        rc = skip_to_newest(log, newest, error);
    if (rc == 0)
        rc = open_entries(log, error);
    if (rc != 0 || log->mark_count == 0)
        return rc;
    raft_index last = journal_last(log);
    if (!has_hard)
        return damaged(log, error, last, "term and vote are missing");
    if (log->hard.term < term_at(log, last))
        return damaged(log, error, last, "the node's own term is below its");
    return 0;
}

int journal_open(struct journal **out, struct store *s,
                 const struct journal_options *options, struct buf *error)
{
    ASSERT(out != NULL && s != NULL && options != NULL);
    struct journal *log = mem_zalloc(sizeof(*log));
    log->store = s;
    log->group = options->group;
    journal_cache_init(&log->cache, options->cache_bytes_max);
    int rc = open_log(log, options->newest, error);
    if (rc != 0) {
        journal_close(log);
        return rc;
    }
    *out = log;
    return 0;
}

void journal_close(struct journal *log)
{
    ASSERT(log != NULL);
    journal_cache_release(&log->cache);
    mem_free(log->marks);
    mem_free(log->runs);
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

/* Compares the position; `error` gets the text. */
static int check_position(struct journal *log, const struct watermark *w,
                          struct buf *error)
{
    raft_index last = journal_last(log);
    if (w->index > last) {
        buf_printf(error,
                   "the raft log of group %u ends at entry %llu, but this node "
                   "has acknowledged entries up to %llu: files of the database "
                   "were deleted or cut. ",
                   (unsigned)log->group, (unsigned long long)last,
                   (unsigned long long)w->index);
        buf_str(error, STORE_DAMAGE_ADVICE);
        return ERR_CORRUPT;
    }
    if (w->index + 1 < log->start.first)
        return 0; /* cut off since, so it was committed */
    if (chain_at(log, w->index) == w->chain)
        return 0;
    return damaged(log, error, w->index,
                   "it is not the entry that this node has acknowledged");
}

int journal_check(struct journal *log, const struct watermark *w,
                  struct buf *error)
{
    ASSERT(log != NULL && w != NULL);
    const struct hard_state *h = &log->hard;
    bool vote_lost =
        h->term == w->term && w->vote != NODE_NONE && h->vote != w->vote;
    if (h->term < w->term || vote_lost) {
        buf_printf(error,
                   "the hard state of group %u (term %llu) is older than what "
                   "this node has promised (term %llu%s): files of the "
                   "database were deleted or cut. ",
                   (unsigned)log->group, (unsigned long long)h->term,
                   (unsigned long long)w->term,
                   vote_lost ? ", another vote" : "");
        buf_str(error, STORE_DAMAGE_ADVICE);
        return ERR_CORRUPT;
    }
    return check_position(log, w, error);
}

/* Changes. */

void journal_append(struct journal *log, struct store_batch *b,
                    const struct entry *e)
{
    ASSERT(e->index == journal_last(log) + 1);
    ASSERT(e->term > 0 && e->term >= term_at(log, e->index - 1));
    size_t size = CHAIN_SIZE + ENTRY_HEADER_SIZE + e->payload.len;
    struct buf record = {mem_alloc(size), 0, size}; /* no byte too many */
    buf_u64(&record, entry_chain(chain_at(log, e->index - 1), e->checksum));
    entry_encode(e, &record);

    uint8_t key[KEY_SIZE];
    log_key(log->group, e->index, key);
    /* The batch borrows the record: only what was written before may go. */
    if (b->count == 0)
        journal_cache_trim(&log->cache);
    store_batch_put_borrowed(b, STORE_LOG, bytes_of(key, KEY_SIZE),
                             buf_view(&record));
    ASSERT(record.len == size && record.cap == size);
    take_entry(log, e, record.data, record.len);
}

/* Removes the entries first <= index < end from the store. */
static void delete_entries(const struct journal *log, struct store_batch *b,
                           raft_index first, raft_index end)
{
    ASSERT(first < end);
    uint8_t from[KEY_SIZE];
    uint8_t to[KEY_SIZE];
    log_key(log->group, first, from);
    log_key(log->group, end, to);
    store_batch_delete_range(b, STORE_LOG, bytes_of(from, KEY_SIZE),
                             bytes_of(to, KEY_SIZE));
}

/* Those before `first`: nothing reads them, whether they are there or not,
 * once the start is written. A range deletion would make RocksDB write what
 * lies before and behind it once more. */
static void discard_entries(const struct journal *log, struct store_batch *b,
                            raft_index first)
{
    uint8_t from[KEY_SIZE];
    uint8_t to[KEY_SIZE];
    log_key(log->group, 0, from);
    log_key(log->group, first, to);
    store_batch_discard(b, STORE_LOG, bytes_of(from, KEY_SIZE),
                        bytes_of(to, KEY_SIZE));
}

void journal_truncate(struct journal *log, struct store_batch *b,
                      raft_index from)
{
    raft_index last = journal_last(log);
    ASSERT(from >= log->start.first && from <= last + 1);
    if (from > last)
        return;
    delete_entries(log, b, from, last + 1);
    log->mark_count = (size_t)(from - log->start.first);
    truncate_runs(log, from);
    journal_cache_truncate(&log->cache, from);
}

void journal_hard_state(struct journal *log, struct store_batch *b,
                        raft_term term, node_id vote)
{
    ASSERT(term >= log->hard.term);
    log->hard = (struct hard_state){.term = term, .vote = vote};
    struct buf raw = BUF_INIT;
    char key[META_KEY_SIZE];
    hard_state_encode(&log->hard, &raw);
    store_batch_put(b, STORE_META, meta_key(key, log->group, "hard"),
                    buf_view(&raw));
    buf_release(&raw);
}

static void put_start(struct journal *log, struct store_batch *b)
{
    ASSERT(log->start.first > 0);
    struct buf raw = BUF_INIT;
    char key[META_KEY_SIZE];
    log_start_encode(&log->start, &raw);
    store_batch_put(b, STORE_META, meta_key(key, log->group, "start"),
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
                              .prev_term = term_at(log, first - 1),
                              .prev_chain = chain_at(log, first - 1)};
    discard_entries(log, b, first);
    log->origin = end_at(log, first - 1);
    drop_marks(log, (size_t)(first - log->start.first));
    if (first > last)
        log->run_count = 0;
    else
        cut_runs(log, first);
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
    log->mark_count = 0;
    log->mark_head = 0;
    log->origin = 0;
    log->start = (struct log_start){
        .first = index + 1, .prev_term = term, .prev_chain = chain};
    put_start(log, b);
}

/* An entry that is not in memory. */
static int read_stored(struct journal *log, raft_index index, struct entry *out,
                       struct buf *scratch)
{
    uint8_t key[KEY_SIZE];
    log_key(log->group, index, key);
    buf_reset(scratch);
    int rc = store_get(log->store, STORE_LOG, bytes_of(key, KEY_SIZE), scratch);
    if (rc == ERR_NOT_FOUND)
        return ERR_CORRUPT; /* it was there */
    if (rc != 0)
        return rc;
    if (scratch->len < CHAIN_SIZE)
        return ERR_CORRUPT;
    struct bytes rest = bytes_from(buf_view(scratch), CHAIN_SIZE);
    rc = entry_decode(index, &rest, out);
    if (rc != 0 || rest.len != 0)
        return ERR_CORRUPT;
    /* The very entry that was checked when the log was opened, or written
     * since: not one that was valid at another time. */
    uint64_t chain = load_u64le(scratch->data);
    return chain == chain_at(log, index) &&
                   chain == entry_chain(chain_at(log, index - 1), out->checksum)
               ? 0
               : ERR_CORRUPT;
}

struct bytes journal_cached_record(const struct journal *log, raft_index index)
{
    const struct journal_cache_slot *slot =
        journal_cache_find(&log->cache, index);
    if (slot == NULL)
        return BYTES_NONE;
    return bytes_from(bytes_of(slot->record, slot->size), CHAIN_SIZE);
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

/*
 * Opening reads the log from its start record on (entries that were cut are
 * before it and are never looked at). What is read goes through the cache,
 * which is trimmed meanwhile: a long log is never in memory as a whole.
 *
 * How it fails: it refuses what does not prove itself: a hole, a wrong
 * checksum, a broken chain, terms that fall, entries without hard state. It
 * never repairs.
 */
#include "base/alloc.h"
#include "base/reader.h"
#include "journal/journal_internal.h"
#include "store/damage_advice.h"

#include <inttypes.h>
#include <string.h>

static int damaged(const struct journal *log, struct buf *error,
                   raft_index index, const char *cause)
{
    buf_printf(error,
               "the raft log of group %u is damaged at entry %" PRIu64 ": %s. ",
               (unsigned)log->group, index, cause);
    buf_str(error, STORE_DAMAGE_ADVICE);
    return ERR_CORRUPT;
}

static int store_failed(struct journal *log, struct buf *error, int err)
{
    buf_printf(error, "the raft log of group %u cannot be read: %s",
               (unsigned)log->group, store_error(log->store));
    return err;
}

/* A record of family meta; ERR_NOT_FOUND is left to the caller. */
static int read_meta(struct journal *log, const char *name, struct buf *raw,
                     struct buf *error)
{
    char key[JOURNAL_META_KEY_SIZE];
    buf_reset(raw);
    int err = store_get(log->store, STORE_META,
                        journal_meta_key(key, log->group, name), raw);
    if (err != 0 && err != ERR_NOT_FOUND)
        return store_failed(log, error, err);
    return err;
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
    int err = read_meta(log, "hard", &raw, error);
    *found = err == 0;
    if (err == 0 && hard_state_decode(buf_view(&raw), &log->hard) != 0)
        err = bad_meta(log, "the hard state (term and vote)", error);
    buf_release(&raw);
    return err == ERR_NOT_FOUND ? 0 : err;
}

static int open_start(struct journal *log, struct buf *error)
{
    struct buf raw = BUF_INIT;
    log->start = (struct log_start){.first = 1};
    int err = read_meta(log, "start", &raw, error);
    if (err == 0 && log_start_decode(buf_view(&raw), &log->start) != 0)
        err = bad_meta(log, "the start of the raft log", error);
    buf_release(&raw);
    return err == ERR_NOT_FOUND ? 0 : err;
}

/* Checks one entry as it is on disk, and takes it. */
static int open_entry(struct journal *log, struct bytes value,
                      struct buf *error)
{
    raft_index index = journal_last(log) + 1;
    if (value.len < JOURNAL_CHAIN_SIZE)
        return damaged(log, error, index, "its record is cut short");
    struct bytes rest = bytes_from(value, JOURNAL_CHAIN_SIZE);
    struct entry e;
    if (entry_decode(index, &rest, &e) != 0)
        return damaged(log, error, index, "its checksum is wrong");
    if (rest.len != 0)
        return damaged(log, error, index, "its record is too long");
    uint64_t chain = load_u64le(value.data);
    if (chain != entry_chain(journal_chain_at(log, index - 1), e.checksum))
        return damaged(log, error, index, "the chain of hashes is broken");
    if (e.term == 0 || e.term < journal_term_at(log, index - 1))
        return damaged(log, error, index, "its term is below the one before");
    uint8_t *record = mem_alloc(value.len);
    memcpy(record, value.data, value.len);
    journal_take(log, &e, record, value.len);
    journal_cache_trim(&log->cache);
    return 0;
}

/* Is there really nothing after what the walk saw as the last entry? RocksDB
 * 7.8 can take a table that it cannot read on for one that has ended, where
 * ranges were deleted; a single read finds out. */
static int check_end(struct journal *log, struct buf *error)
{
    uint8_t key[JOURNAL_KEY_SIZE];
    struct buf raw = BUF_INIT;
    raft_index next = journal_last(log) + 1;
    journal_key(log->group, next, key);
    int err =
        store_get(log->store, STORE_LOG, bytes_of(key, JOURNAL_KEY_SIZE), &raw);
    buf_release(&raw);
    if (err == 0)
        return damaged(log, error, next,
                       "an iterator over the log does not see it");
    return err == ERR_NOT_FOUND ? 0 : store_failed(log, error, err);
}

static int open_entries(struct journal *log, struct buf *error)
{
    uint8_t key[JOURNAL_KEY_SIZE];
    journal_key(log->group, log->start.first, key);
    struct store_iter *it = store_iter_new(log->store, STORE_LOG);
    int err = 0;
    for (store_iter_seek(it, bytes_of(key, JOURNAL_KEY_SIZE));
         store_iter_valid(it); store_iter_next(it)) {
        struct bytes found = store_iter_key(it);
        journal_key(log->group, journal_last(log) + 1, key);
        if (!bytes_eq(found, bytes_of(key, JOURNAL_KEY_SIZE))) {
            if (found.len >= 2 && memcmp(found.data, key, 2) == 0)
                err = damaged(log, error, journal_last(log) + 1,
                              "it is missing, but later ones are there");
            break;
        }
        err = open_entry(log, store_iter_value(it), error);
        if (err != 0)
            break;
    }
    int status = err == 0 ? store_iter_status(it) : 0;
    if (status != 0)
        err = store_failed(log, error, status);
    store_iter_free(it);
    return err == 0 ? check_end(log, error) : err;
}

/* The last entry that the store has; below the log's first if there is none. */
static int find_last(struct journal *log, raft_index *last, struct buf *error)
{
    uint8_t key[JOURNAL_KEY_SIZE];
    journal_key(log->group, UINT64_MAX, key);
    struct store_iter *it = store_iter_new(log->store, STORE_LOG);
    store_iter_seek(it, bytes_of(key, JOURNAL_KEY_SIZE));
    if (store_iter_valid(it))
        store_iter_prev(it);
    else
        store_iter_seek_last(it);
    *last = log->start.first - 1;
    if (store_iter_valid(it)) {
        struct reader r = reader_of(store_iter_key(it));
        bool ours = reader_u16be(&r) == log->group;
        raft_index index = reader_u64be(&r);
        if (ours && reader_done(&r))
            *last = MAX(*last, index);
    }
    int err = store_iter_status(it);
    store_iter_free(it);
    return err != 0 ? store_failed(log, error, err) : 0;
}

/* Moves the start up, so that `newest` entries are left to be read. The one
 * before them is read for its term and chain. */
static int skip_to_newest(struct journal *log, uint64_t newest,
                          struct buf *error)
{
    raft_index last = 0;
    int err = find_last(log, &last, error);
    if (err != 0 || last + 1 - log->start.first <= newest)
        return err;
    raft_index before = last - newest;
    ASSERT(before >= log->start.first);
    uint8_t key[JOURNAL_KEY_SIZE];
    journal_key(log->group, before, key);
    struct buf raw = BUF_INIT;
    struct entry e;
    err =
        store_get(log->store, STORE_LOG, bytes_of(key, JOURNAL_KEY_SIZE), &raw);
    struct bytes record = buf_view(&raw);
    struct bytes rest =
        bytes_from(record, MIN(record.len, (size_t)JOURNAL_CHAIN_SIZE));
    if (err == ERR_NOT_FOUND)
        err = damaged(log, error, before,
                      "it is missing, but later ones are there");
    else if (err != 0)
        err = store_failed(log, error, err);
    else if (entry_decode(before, &rest, &e) != 0)
        err = damaged(log, error, before, "its checksum is wrong");
    else
        log->start = (struct log_start){.first = before + 1,
                                        .prev_term = e.term,
                                        .prev_chain = load_u64le(record.data)};
    buf_release(&raw);
    return err;
}

static int open_log(struct journal *log, uint64_t newest, struct buf *error)
{
    bool has_hard;
    int err = open_hard_state(log, &has_hard, error);
    if (err == 0)
        err = open_start(log, error);
    if (err == 0 && newest > 0)
        err = skip_to_newest(log, newest, error);
    if (err == 0)
        err = open_entries(log, error);
    if (err != 0 || log->sum_count == 0)
        return err;
    raft_index last = journal_last(log);
    if (!has_hard)
        return damaged(log, error, last, "term and vote are missing");
    if (log->hard.term < journal_term_at(log, last))
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
    int err = open_log(log, options->newest, error);
    if (err != 0) {
        journal_close(log);
        return err;
    }
    *out = log;
    return 0;
}

/* Compares the position; `error` gets the text. */
static int check_position(struct journal *log, const struct watermark *w,
                          struct buf *error)
{
    raft_index last = journal_last(log);
    if (w->index > last) {
        buf_printf(
            error,
            "the raft log of group %u ends at entry %" PRIu64 ", but this node "
            "has acknowledged entries up to %" PRIu64 ": files of the database "
            "were deleted or cut. ",
            (unsigned)log->group, last, w->index);
        buf_str(error, STORE_DAMAGE_ADVICE);
        return ERR_CORRUPT;
    }
    if (w->index + 1 < log->start.first)
        return 0; /* cut off since, so it was committed */
    if (journal_chain_at(log, w->index) == w->chain)
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
                   "the hard state of group %u (term %" PRIu64
                   ") is older than what "
                   "this node has promised (term %" PRIu64 "%s): files of the "
                   "database were deleted or cut. ",
                   (unsigned)log->group, h->term, w->term,
                   vote_lost ? ", another vote" : "");
        buf_str(error, STORE_DAMAGE_ADVICE);
        return ERR_CORRUPT;
    }
    return check_position(log, w, error);
}

/*
 * One group's Raft log and hard state in a store, with the newest entries
 * kept in memory. There is one group today, 0: its number is in the keys only
 * so that there may be others.
 *
 * Family `log`: key group(2) index(8) big-endian, value chain(8) record
 * (codec/entry.h). Family `meta`: keys "g<group>/hard" and "g<group>/start"
 * (codec/record.h), and "identity".
 *
 * Every read verifies the checksum of the record and, while opening, that the
 * chain is unbroken from the log's start to its end; a hole, a wrong checksum
 * or a broken chain is ERR_CORRUPT with a text that names index and cause.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/entry.h"
#include "codec/record.h"
#include "raft/raft.h"
#include "store/store.h"

struct journal;

struct journal_options {
    uint16_t group;
    uint64_t cache_bytes_max; /* of entries kept in memory */
    /* 0: all entries are read. Otherwise only this number of the newest ones,
     * and the log begins with them: for a check, not for a node. */
    uint64_t newest;
};

/* The identity record; ERR_NOT_FOUND on a new store. */
MUST_USE int journal_identity(struct store *s, struct identity *out);
void journal_put_identity(struct store_batch *b, const struct identity *i);

/* Opens the log: reads and verifies it. The store stays the caller's
 * and must outlive it. On ERR_CORRUPT or ERR_IO `error` has the text. */
MUST_USE int journal_open(struct journal **out, struct store *s,
                          const struct journal_options *options,
                          struct buf *error);
void journal_close(struct journal *log);

/* Hard state, extent and runs, as raft_init wants them (`applied` is left 0:
 * the caller knows it). Points into the log; valid until it changes. If there
 * are more runs than RAFT_RUNS_MAX, start->log_first is raised so that the
 * newest fit. */
void journal_start(const struct journal *log, struct raft_start *start);

raft_index journal_first(const struct journal *log);
raft_index journal_last(const struct journal *log);
/* Bytes of the records from first to last. */
uint64_t journal_bytes(const struct journal *log);
/* The same, and those of the records that were cut: how it grows. */
uint64_t journal_end(const struct journal *log);
/* Chain hash at an index from first-1 to last. */
MUST_USE int journal_chain(struct journal *log, raft_index index,
                           uint64_t *chain);
/* The last entry up to this one that says who the members are; 0: none in the
 * log. */
raft_index journal_change_before(const struct journal *log, raft_index upto);
/* Compares the log with what the watermark promises. ERR_CORRUPT with a text
 * when the log ends before it, has another chain there, or term and vote are
 * behind. */
MUST_USE int journal_check(struct journal *log, const struct watermark *w,
                           struct buf *error);

/*
 * The next four put operations into a batch, which the caller then writes as
 * STORE_LOGGED, and change the log in memory at once.
 */
/* e->index must be last + 1; the entry is copied and must be sealed. The batch
 * borrows the copy: write it before the next one is begun. */
void journal_append(struct journal *log, struct store_batch *b,
                    const struct entry *e);
/* Removes the entries from `from` on. */
void journal_truncate(struct journal *log, struct store_batch *b,
                      raft_index from);
void journal_hard_state(struct journal *log, struct store_batch *b,
                        raft_term term, node_id vote);
/* Removes the entries below `first` (first <= last + 1). */
void journal_cut(struct journal *log, struct store_batch *b, raft_index first);
/* Restarts an outrun log: empty, beginning after (index, term, chain), which
 * the state contains. */
void journal_restart(struct journal *log, struct store_batch *b,
                     raft_index index, raft_term term, uint64_t chain);

/* Reads an entry; its payload borrows from the cache or from *scratch, until
 * the next change of the log or of scratch. ERR_NOT_FOUND: not in
 * first..last. ERR_IO, ERR_CORRUPT: final. */
MUST_USE int journal_read(struct journal *log, raft_index index,
                          struct entry *out, struct buf *scratch);

/* The record (codec/entry.h) of an entry that is kept in memory, borrowed
 * until the log changes; empty if it is not. */
struct bytes journal_cached_record(const struct journal *log, raft_index index);

#endif

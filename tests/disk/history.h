/*
 * What a scripted run has done and promised, from its notes; and the entries
 * it writes, each a function of index and term alone, so that whatever is
 * found on a disk can be compared with what must stand there.
 *
 * Notes, one a line:
 *   C index term chain  this entry is committed (before the state takes it)
 *   D index chain       the log is durable up to there (acknowledged)
 *   V term vote         term and vote are durable (told to others)
 *   T index chain       entries after it are about to be replaced
 */
#ifndef DISK_HISTORY_H
#define DISK_HISTORY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "codec/entry.h"
#include "store/store.h"

#define HISTORY_KEYS 200 /* keys of the state are numbered below */

struct committed {
    raft_term term;
    uint64_t chain;
};

struct history {
    struct committed *list; /* of entries 1.. */
    size_t count;
    size_t cap;
    raft_index durable;
    uint64_t durable_chain;
    raft_term term;
    node_id vote;
};

#define HISTORY_INIT ((struct history){.vote = NODE_NONE})

void history_release(struct history *h);
/* Takes lines in; a line that is not whole or not known is an assertion. */
void history_notes(struct history *h, struct bytes lines);
/* NULL: not committed. */
const struct committed *history_at(const struct history *h, raft_index index);

/* The entry of that index and term, sealed; its payload stands in *scratch. */
void history_entry(raft_index index, raft_term term, struct buf *scratch,
                   struct entry *out);
/* Puts into a batch what a committed entry does to the state, and that it was
 * applied. */
void history_change(struct store_batch *b, const struct entry *e,
                    uint64_t chain);
/* Who wrote each key last, after the first `applied` entries; 0: it is not
 * there. */
void history_fold(const struct history *h, raft_index applied,
                  raft_index last[HISTORY_KEYS]);

/* Appends the rows (store_rows.h) of the state after the first `applied`
 * entries, in order. */
void history_rows(const struct history *h, raft_index applied,
                  struct buf *rows);

struct history_applied {
    raft_index index;
    raft_term term;
    uint64_t chain;
};
/* ERR_NOT_FOUND becomes index 0. `flushed`: what survives without the
 * write-ahead log. */
MUST_USE int history_applied(struct store *s, bool flushed,
                             struct history_applied *out);
/* The number of a key of the state; -1: it is the record of what was
 * applied; -2: none of ours. */
int history_key(struct bytes key);

#endif

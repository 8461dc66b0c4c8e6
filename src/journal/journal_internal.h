/*
 * The journal in memory, and what opening it shares with changing it.
 */
#ifndef JOURNAL_JOURNAL_INTERNAL_H
#define JOURNAL_JOURNAL_INTERNAL_H

#include "journal/journal.h"
#include "journal/journal_cache.h"

#define JOURNAL_KEY_SIZE      10
#define JOURNAL_CHAIN_SIZE    8
#define JOURNAL_META_KEY_SIZE 16

/* Up to and with an entry. */
struct journal_sum {
    uint64_t chain;
    uint64_t end; /* bytes of all records up to this one, from some origin */
};

struct journal {
    struct store *store;
    uint16_t group;
    struct hard_state hard;
    struct log_start start;

    struct journal_sum *sums; /* of start.first.. */
    size_t sum_head;          /* where they begin in the array */
    size_t sum_count;
    size_t sum_cap;
    uint64_t origin; /* `end` of the entry before the first */

    struct raft_run *runs;
    uint32_t run_count;
    uint32_t run_cap;

    raft_index *changes; /* the entries of kind ENTRY_CONFIG, ascending */
    uint32_t change_count;
    uint32_t change_cap;

    struct journal_cache cache;
};

/* group(2) index(8), big-endian. */
void journal_key(uint16_t group, raft_index index,
                 uint8_t out[JOURNAL_KEY_SIZE]);
/* "g<group>/<name>" */
struct bytes journal_meta_key(char out[JOURNAL_META_KEY_SIZE], uint16_t group,
                              const char *name);

/* Chain hash and term at an index from first-1 to last. */
uint64_t journal_chain_at(struct journal *log, raft_index index);
raft_term journal_term_at(const struct journal *log, raft_index index);

/* Sums, run and cache of an entry that follows the last one. `record` is
 * chain and record in one allocation, and is taken over. */
void journal_take(struct journal *log, const struct entry *e, uint8_t *record,
                  size_t size);

#endif

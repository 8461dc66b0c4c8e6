/*
 * The log as the core sees it: runs of equal terms.
 *
 * runs[0] begins at `first`, each run ends where the next begins, the last one
 * at `last`. An empty log has no run. The entry before `first` is known by its
 * term only (prev_term); everything up to it is committed. There are never
 * many terms in a log, so a walk from the end finds any index quickly.
 *
 * When all runs are in use, the oldest one is forgotten, provided that it is
 * committed and durable: the node still has those entries, but this core will
 * no longer send them.
 *
 * How it fails: if the oldest run is not committed or not durable, the log
 * takes no further term (false): a follower accepts a shorter part, and nobody
 * campaigns with such a log. The term of an index outside the log is not known
 * (false).
 */
#include <string.h>

#include "raft/raft_internal.h"

/*@ requires \valid_read(r) && log_valid(r) && i < r->run_count;
  @ assigns \nothing;
  @ ensures holds(r, i, \result) && !holds(r, i, \result + 1); */
static raft_index run_end(const struct raft *r, uint32_t i)
{
    ASSERT(i < r->run_count);
    return i + 1 < r->run_count ? r->runs[i + 1].first - 1 : r->last;
}

/* The run that holds index, which is in first..last. */
/*@ requires \valid_read(r) && log_valid(r) && r->first <= index <= r->last;
  @ assigns \nothing;
  @ ensures holds(r, \result, index); */
static uint32_t run_of(const struct raft *r, raft_index index)
{
    ASSERT(index >= r->first && index <= r->last);
    ASSERT(r->run_count > 0);
    uint32_t i = r->run_count - 1;
    /*@ loop invariant i < r->run_count;
      @ loop invariant i + 1 < r->run_count ==> r->runs[i + 1].first > index;
      @ loop assigns i;
      @ loop variant i; */
    while (r->runs[i].first > index) {
        ASSERT(i > 0);
        i--;
    }
    return i;
}

bool raft_runs_term(const struct raft *r, raft_index index, raft_term *term)
{
    ASSERT(r->first > 0 && r->last + 1 >= r->first);
    if (index + 1 < r->first || index > r->last) {
        return false;
    }
    *term =
        index + 1 == r->first ? r->prev_term : r->runs[run_of(r, index)].term;
    return true;
}

raft_term raft_runs_last_term(const struct raft *r)
{
    return r->run_count > 0 ? r->runs[r->run_count - 1].term : r->prev_term;
}

/* Largest index <= limit whose term is <= term; false if that is not within
 * first-1..last. */
bool raft_runs_last_below(const struct raft *r, raft_index limit,
                          raft_term term, raft_index *index)
{
    ASSERT(r->first > 0);
    limit = MIN(limit, r->last);
    /*@ loop invariant 0 <= i <= r->run_count;
      @ loop invariant \forall integer k; i <= k < r->run_count ==>
      @     r->runs[k].first > limit || r->runs[k].term > term;
      @ loop assigns i, *index;
      @ loop variant i; */
    for (uint32_t i = r->run_count; i > 0; i--) {
        const struct raft_run *run = &r->runs[i - 1];
        if (run->first <= limit && run->term <= term) {
            *index = MIN(limit, run_end(r, i - 1));
            return true;
        }
    }
    *index = r->first - 1;
    return limit + 1 >= r->first && r->prev_term <= term;
}

/* Run of an append message that holds index. */
/*@ requires \valid_read(m) && message_valid(m);
  @ requires m->index < index <= m->index + m->count;
  @ assigns \nothing;
  @ ensures carries(m, \result, index); */
static uint32_t message_run_of(const struct raft_message *m, raft_index index)
{
    ASSERT(index > m->index && index - m->index <= m->count);
    uint32_t i = m->run_count - 1;
    /*@ loop invariant i < m->run_count;
      @ loop invariant i + 1 < m->run_count ==> m->runs[i + 1].first > index;
      @ loop assigns i;
      @ loop variant i; */
    while (m->runs[i].first > index) {
        ASSERT(i > 0);
        i--;
    }
    return i;
}

/* Term of an append's entry. */
raft_term raft_message_term(const struct raft_message *m, raft_index index)
{
    return m->runs[message_run_of(m, index)].term;
}

/* First entry of an append that this log lacks or has with another term; one
 * past the message's entries if there is none. */
raft_index raft_runs_conflict(const struct raft *r,
                              const struct raft_message *m)
{
    raft_index end = m->index + m->count;
    raft_index i = MAX(m->index + 1, r->first);

    ASSERT(m->index <= r->last);
    /*@ loop invariant m->index + 1 <= i && r->first <= i;
      @ loop invariant i <= RAFT_NUMBER_MAX + 1;
      @ loop invariant \forall integer k; m->index < k < i && k <= end ==>
      @     k <= r->last && agree(r, m, k);
      @ loop assigns i;
      @ loop variant RAFT_NUMBER_MAX + 1 - i; */
    while (i <= end && i <= r->last) {
        uint32_t own = run_of(r, i);
        uint32_t run = message_run_of(m, i);
        if (r->runs[own].term != m->runs[run].term) {
            return i;
        }
        raft_index run_last =
            run + 1 < m->run_count ? m->runs[run + 1].first - 1 : end;
        raft_index equal = MIN(run_end(r, own), run_last);
        /*@ assert \forall integer k; i <= k <= equal ==>
          @     holds(r, own, k) && carries(m, run, k); */
        /*@ assert \forall integer k, a;
          @     i <= k <= equal && holds(r, a, k) ==> a == own; */
        /*@ assert \forall integer k, b;
          @     i <= k <= equal && carries(m, b, k) ==> b == run; */
        /*@ assert \forall integer k; i <= k <= equal ==> agree(r, m, k); */
        i = equal + 1;
    }
    return MIN(MAX(i, m->index + 1), end + 1);
}

/* Fills in what an append says of the entries after m->index, up to limit, or
 * fewer if they have too many terms. Returns the last one. */
raft_index raft_runs_slice(const struct raft *r, raft_index limit,
                           struct raft_message *m)
{
    raft_index from = m->index + 1;

    ASSERT(from >= r->first && limit <= r->last);
    ASSERT(m->run_count == 0 && m->count == 0);
    if (from > limit) {
        return m->index;
    }
    uint32_t i = run_of(r, from);
    for (; i < r->run_count && r->runs[i].first <= limit; i++) {
        if (m->run_count == RAFT_MESSAGE_RUNS_MAX) {
            limit = r->runs[i].first - 1;
            break;
        }
        m->runs[m->run_count].first = MAX(r->runs[i].first, from);
        m->runs[m->run_count].term = r->runs[i].term;
        m->run_count++;
    }
    m->count = (uint32_t)(limit - m->index);
    ASSERT(m->count > 0 && m->run_count > 0);
    return limit;
}

/*@ requires \valid_read(r) && log_valid(r) && r->run_count > 0;
  @ assigns \nothing;
  @ ensures \result ==> r->run_count > 1 &&
  @         r->runs[1].first - 1 <= r->commit &&
  @         r->runs[1].first - 1 <= r->durable; */
static bool oldest_run_is_spare(const struct raft *r)
{
    raft_index end = run_end(r, 0);
    return r->run_count > 1 && end <= r->commit && end <= r->durable;
}

/* Whether an entry of a new term can be appended. */
bool raft_runs_has_room(const struct raft *r)
{
    return r->run_count < RAFT_RUNS_MAX || oldest_run_is_spare(r);
}

/* The log now begins at `first`: what is before it is known by term only. */
void raft_runs_forget(struct raft *r, raft_index first)
{
    ASSERT(first > r->first && first <= r->last + 1);
    ASSERT(first <= r->commit + 1 && first <= r->durable + 1);
    raft_term prev_term = 0;
    bool known = raft_runs_term(r, first - 1, &prev_term);
    ASSERT(known);

    uint32_t gone = 0;
    /*@ loop invariant gone <= r->run_count;
      @ loop invariant \forall integer i; 0 <= i < gone ==>
      @     r->runs[i].first < first &&
      @     (i + 1 < r->run_count ==> r->runs[i + 1].first <= first);
      @ loop invariant gone > 0 && gone == r->run_count ==> r->last < first;
      @ loop assigns gone;
      @ loop variant r->run_count - gone; */
    while (gone < r->run_count && run_end(r, gone) < first) {
        gone++;
    }
    uint32_t kept = r->run_count - gone;
    memmove(r->runs, r->runs + gone, kept * sizeof(r->runs[0]));
    memset(r->runs + kept, 0, gone * sizeof(r->runs[0]));
    r->run_count = kept;
    if (kept > 0) {
        r->runs[0].first = first;
    }
    r->first = first;
    r->prev_term = prev_term;
}

/* Appends `count` entries of one term; false if there is no room. */
bool raft_runs_append(struct raft *r, uint64_t count, raft_term term)
{
    ASSERT(count > 0);
    ASSERT(term > 0 && term >= raft_runs_last_term(r));
    if (r->run_count == 0 || r->runs[r->run_count - 1].term != term) {
        if (!raft_runs_has_room(r)) {
            return false;
        }
        if (r->run_count == RAFT_RUNS_MAX) {
            raft_runs_forget(r, r->runs[1].first);
        }
        r->runs[r->run_count].first = r->last + 1;
        r->runs[r->run_count].term = term;
        r->run_count++;
    }
    r->last += count;
    return true;
}

/* Drops the entries from `from` on. They were not committed. */
void raft_runs_truncate(struct raft *r, raft_index from)
{
    ASSERT(from > r->commit && from >= r->first);
    ASSERT(from <= r->last && from > r->verified);
    /*@ loop invariant r->run_count <= \at(r->run_count, Pre);
      @ loop invariant \forall integer i; 0 <= i < r->run_count ==>
      @     r->runs[i].first == \at(r->runs[i].first, Pre) &&
      @     r->runs[i].term == \at(r->runs[i].term, Pre);
      @ loop invariant \forall integer i;
      @     r->run_count <= i < \at(r->run_count, Pre) ==>
      @     \at(r->runs[i].first, Pre) >= from;
      @ loop assigns r->run_count, r->runs[0 .. RAFT_RUNS_MAX - 1];
      @ loop variant r->run_count; */
    while (r->run_count > 0 && r->runs[r->run_count - 1].first >= from) {
        r->run_count--;
        memset(&r->runs[r->run_count], 0, sizeof(r->runs[0]));
    }
    r->last = from - 1;
    r->durable = MIN(r->durable, r->last);
}

/* The log is empty, and begins behind this entry, which is committed. */
void raft_runs_restart(struct raft *r, raft_index index, raft_term term)
{
    ASSERT(index > r->commit && term > 0);
    memset(r->runs, 0, r->run_count * sizeof(r->runs[0]));
    r->run_count = 0;
    r->first = index + 1;
    r->prev_term = term;
    r->last = index;
    r->durable = index;
}

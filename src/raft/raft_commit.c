/*
 * Quorums: what a majority has.
 *
 * One function, raft_quorum_value(), answers for indexes (how far a majority
 * has the log durably), for rounds (which read round a majority has seen) and
 * for times (since when a majority was heard of): the largest value that at
 * least a majority of the values reach. Learners' values are not looked at;
 * while members are joint, each of the two sets has its majority, and the
 * smaller value counts.
 *
 * A leader counts its own copy only as far as it is durable, and commits by
 * counting only entries of its own term (Raft, section 5.4.2 and figure 8);
 * earlier ones are committed with them. Whose copies count is what the newest
 * members say at that moment, for entries before and after that change alike.
 *
 * Nothing here fails: what no majority has is not committed yet. A quorum of no
 * values, or a commit index that would fall, is an assertion.
 */
#include "raft/raft_internal.h"

/* The largest v such that a majority of the values are >= v. */
uint64_t raft_quorum_value(const uint64_t *values, uint32_t count)
{
    uint64_t sorted[RAFT_NODES_MAX];

    ASSERT(count > 0 && count <= RAFT_NODES_MAX);
    /*@ loop invariant 0 <= i <= count;
      @ loop invariant \forall integer k;
      @     0 <= k < i ==> one_of(sorted[k], values, count);
      @ loop invariant \forall integer j, k;
      @     0 <= j < k < i ==> sorted[j] >= sorted[k];
      @ loop assigns i, sorted[0 .. RAFT_NODES_MAX - 1];
      @ loop variant count - i; */
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        /*@ loop invariant 0 <= at <= i;
          @ loop invariant \forall integer k; 0 <= k <= i && k != at ==>
          @     one_of(sorted[k], values, count);
          @ loop invariant \forall integer j, k;
          @     0 <= j < k <= i && j != at && k != at ==>
          @     sorted[j] >= sorted[k];
          @ loop invariant \forall integer k;
          @     at < k <= i ==> sorted[k] < values[i];
          @ loop assigns at, sorted[0 .. RAFT_NODES_MAX - 1];
          @ loop variant at; */
        for (; at > 0 && sorted[at - 1] < values[i]; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = values[i];
    }
    return sorted[count / 2]; /* descending: the quorum-th one */
}

/* The same of the members in one set; at `values` is one for each member. */
static uint64_t set_value(const struct raft_members *m, uint32_t set,
                          const uint64_t *values)
{
    uint64_t some[RAFT_NODES_MAX];
    uint32_t count = 0;

    if (set == (UINT32_C(1) << m->count) - 1) {
        return raft_quorum_value(values, m->count);
    }
    for (uint32_t i = 0; i < m->count; i++) {
        if ((set >> i & 1) != 0) {
            some[count++] = values[i];
        }
    }
    return raft_quorum_value(some, count);
}

/* The largest v such that of each set a majority of the values are >= v. */
uint64_t raft_members_value(const struct raft_members *m,
                            const uint64_t *values)
{
    uint64_t value = set_value(m, m->voters, values);

    if (m->outgoing != 0) {
        value = MIN(value, set_value(m, m->outgoing, values));
    }
    return value;
}

/* Leader: knows what was committed before its term (Raft, section 8). */
bool raft_commits_own_term(const struct raft *r)
{
    ASSERT(r->role == RAFT_LEADER && r->term_start > 0);
    return r->commit >= r->term_start;
}

/* Leader: the commit index rose. Reads that came before the first commit of
 * this term get their index now (raft_read.c). */
/*@ requires \valid(r) && r->role == RAFT_LEADER && r->term_start > 0;
  @ requires r->read_count <= RAFT_READS_MAX;
  @ assigns r->reads[0 .. RAFT_READS_MAX - 1].index; */
static void reads_committed(struct raft *r)
{
    ASSERT(r->role == RAFT_LEADER);
    if (!raft_commits_own_term(r)) {
        return;
    }
    /*@ loop invariant 0 <= i <= r->read_count;
      @ loop assigns i, r->reads[0 .. RAFT_READS_MAX - 1].index;
      @ loop variant r->read_count - i; */
    for (uint32_t i = 0; i < r->read_count; i++) {
        if (r->reads[i].index == 0) {
            r->reads[i].index = r->commit;
        }
    }
}

/*@ requires \valid(r) && r->commit < index <= r->last;
  @ requires r->role == RAFT_LEADER ==>
  @     r->term_start > 0 && r->read_count <= RAFT_READS_MAX;
  @ assigns r->commit, r->reads[0 .. RAFT_READS_MAX - 1].index,
  @         r->members[RAFT_BASE], r->members_at[RAFT_BASE];
  @ ensures r->commit == index;
  @ ensures \old(r->run_count) <= RAFT_RUNS_MAX ==> (\forall integer t;
  @     term_at{Pre}(r, index, t) ==> term_at(r, index, t)); */
static void commit_to(struct raft *r, raft_index index)
{
    ASSERT(index > r->commit && index <= r->last);
    r->commit = index;
    if (r->role == RAFT_LEADER) {
        reads_committed(r);
    }
    raft_members_committed(r);
    /*@ assert \forall integer i; 0 <= i < RAFT_RUNS_MAX ==>
      @     r->runs[i] == \at(r->runs[i], Pre); */
    /*@ assert \at(r->run_count, Pre) <= RAFT_RUNS_MAX ==>
      @     (\forall integer i; holds{Pre}(r, i, index) ==>
      @         holds(r, i, index)); */
}

/* Leader: commits what a majority has durably. Its own copy counts only if it
 * is a member, and for nothing if it does not vote. */
void raft_commit_by_quorum(struct raft *r)
{
    const struct raft_members *members = raft_newest(r);
    raft_index matches[RAFT_NODES_MAX];
    int self = raft_self(r);

    ASSERT(r->role == RAFT_LEADER);
    /*@ loop invariant 0 <= i <= members->count;
      @ loop invariant \forall integer k; 0 <= k < i ==> matches[k] <= r->last;
      @ loop assigns i, matches[0 .. RAFT_NODES_MAX - 1];
      @ loop variant members->count - i; */
    for (uint32_t i = 0; i < members->count; i++) {
        matches[i] = (int)i == self ? r->durable : r->progress[i].match;
    }
    /*@ assert log_valid(r); */
    raft_index index = raft_members_value(members, matches);
    raft_term term = 0;
    /*@ assert index <= r->last; */
    if (index > r->commit && raft_runs_term(r, index, &term) &&
        term == r->term) {
        /*@ assert term_at(r, index, r->term); */
        commit_to(r, index);
    }
}

/* Follower: commits what the leader said, as far as the logs are known to be
 * equal, which is not the same as how long this log is. */
void raft_commit_by_leader(struct raft *r)
{
    ASSERT(r->role != RAFT_LEADER);
    raft_index index = MIN(r->leader_commit, r->verified);
    if (index > r->commit) {
        commit_to(r, index);
    }
}

/* Follower: what a state has is committed. */
void raft_commit_restored(struct raft *r, raft_index index)
{
    ASSERT(r->role != RAFT_LEADER);
    commit_to(r, index);
}

/* Leader: when it will have heard of no majority for an election timeout. */
int64_t raft_quorum_until_ms(const struct raft *r)
{
    const struct raft_members *members = raft_newest(r);
    uint64_t ages[RAFT_NODES_MAX];
    int self = raft_self(r);
    uint64_t now = (uint64_t)r->now_ms;

    ASSERT(r->role == RAFT_LEADER);
    if (raft_alone(r)) {
        return RAFT_NEVER_MS;
    }
    for (uint32_t i = 0; i < members->count; i++) {
        ages[i] = (int)i == self ? now : (uint64_t)r->progress[i].heard_ms;
    }
    return (int64_t)raft_members_value(members, ages) +
           r->config.election_timeout_ms;
}

/*
 * What the files of the core share. Nobody else includes this header but the
 * units in tests/unit/raft.
 *
 * Conventions: `pos` is a position in members[RAFT_NEWEST]; functions that may
 * write or send take `out`; functions named raft_on_* handle one message that
 * was found valid and whose term was dealt with, `pos` is then its sender's.
 *
 * The files come in their order, lowest first: each calls those above it here,
 * never those below. raft_check.c and raft.c are on top of all.
 */
#ifndef RAFT_INTERNAL_H
#define RAFT_INTERNAL_H

#include "raft/raft.h"

#define RAFT_NEVER_MS   INT64_MAX /* a timer that is not set */
#define RAFT_NO_CONTACT INT64_MIN /* leader_heard_ms: nothing heard */
/* Election timeouts that a reluctant member leaves to others. */
#define RAFT_DECLINES_MAX 3
/* A rank above this makes a member no more patient. */
#define RAFT_PATIENCE_MAX 4

_Static_assert(RAFT_NODES_MAX >= 1 && RAFT_NODES_MAX <= 31, "vote bits");
_Static_assert(RAFT_RUNS_MAX >= 2, "forgetting a run must leave one");
_Static_assert(RAFT_MESSAGE_RUNS_MAX >= 1, "an append needs a run");
_Static_assert(RAFT_READS_MAX >= 1, "a read needs a place");

/*@ predicate message_valid(struct raft_message *m) =
  @     m->run_count <= RAFT_MESSAGE_RUNS_MAX &&
  @     m->index + m->count <= RAFT_NUMBER_MAX &&
  @     (m->count == 0 <==> m->run_count == 0) &&
  @     (m->count > 0 ==> m->runs[0].first == m->index + 1) &&
  @     (\forall integer i; 0 <= i < m->run_count ==>
  @         m->index < m->runs[i].first <= m->index + m->count) &&
  @     (\forall integer i, j; 0 <= i < j < m->run_count ==>
  @         m->runs[i].first < m->runs[j].first);
  @ predicate carries(struct raft_message *m, integer i, integer index) =
  @     0 <= i < m->run_count &&
  @     m->runs[i].first <= index <= m->index + m->count &&
  @     (i + 1 < m->run_count ==> index < m->runs[i + 1].first);
  @ lemma carries_one{L}: \forall struct raft_message *m, integer i, j, index;
  @     message_valid(m) && carries(m, i, index) && carries(m, j, index) ==>
  @         i == j;
  @ predicate agree(struct raft *r, struct raft_message *m, integer index) =
  @     \forall integer i, j; holds(r, i, index) && carries(m, j, index) ==>
  @         r->runs[i].term == m->runs[j].term;
 */

/* raft_members.c: who counts. */
/*@ requires \valid_read(r);
  @ assigns \nothing;
  @ ensures \result == &r->members[RAFT_NEWEST]; */
static inline const struct raft_members *raft_newest(const struct raft *r)
{
    return &r->members[RAFT_NEWEST];
}
/* Own position; -1: no member. */
/*@ requires \valid_read(r) && r->members[RAFT_NEWEST].count <= RAFT_NODES_MAX;
  @ assigns \nothing;
  @ ensures -1 <= \result < r->members[RAFT_NEWEST].count;
  @ ensures \result >= 0 ==>
  @         r->members[RAFT_NEWEST].ids[\result] == r->config.self; */
int raft_self(const struct raft *r);
bool raft_self_votes(const struct raft *r);
/* Or it did before the newest change, which is not known to be committed: it
 * may be the only one with that entry whose vote the others need, so it has to
 * lead until they have it (Ongaro's thesis, 4.2.2). Its own vote then counts
 * for nothing. */
bool raft_self_needed(const struct raft *r);
bool raft_alone(const struct raft *r);
/* Own bit, or 0. */
uint32_t raft_self_bit(const struct raft *r);
void raft_members_begin(struct raft *r, const struct raft_start *s);
void raft_members_append(struct raft *r, raft_index at,
                         const struct raft_members *members,
                         struct raft_out *out);
void raft_members_truncate(struct raft *r, raft_index from,
                           struct raft_out *out);
void raft_members_restore(struct raft *r, raft_index at,
                          const struct raft_members *members,
                          struct raft_out *out);
/*@ requires \valid(r);
  @ assigns r->members[RAFT_BASE], r->members_at[RAFT_BASE];
  @ ensures r->members_at[RAFT_NEWEST] <= r->commit ==>
  @         r->members_at[RAFT_BASE] == r->members_at[RAFT_NEWEST]; */
void raft_members_committed(struct raft *r);

/* raft_runs.c: runs of terms. */
/*@ requires \valid_read(r) && log_valid(r);
  @ assigns \nothing;
  @ ensures term_at(r, r->last, \result); */
raft_term raft_runs_last_term(const struct raft *r);
/*@ requires \valid_read(r) && \valid(index) && log_valid(r);
  @ requires \separated(r, index);
  @ requires limit <= RAFT_NUMBER_MAX;
  @ assigns *index;
  @ ensures \result ==> *index <= limit && *index <= r->last;
  @ ensures \result ==> term_at_most(r, *index, term);
  @ ensures \forall integer i, k; k <= limit && holds(r, i, k) &&
  @         (\result ==> k > *index) ==> r->runs[i].term > term;
  @ ensures !\result ==> limit + 1 < r->first || r->prev_term > term; */
bool raft_runs_last_below(const struct raft *r, raft_index limit,
                          raft_term term, raft_index *index);
/*@ requires \valid_read(r) && log_valid(r);
  @ requires \valid_read(m) && message_valid(m) && m->index <= r->last;
  @ assigns \nothing;
  @ ensures m->index < \result <= m->index + m->count + 1;
  @ ensures \forall integer k; m->index < k < \result ==>
  @         k <= r->last && agree(r, m, k);
  @ ensures \result <= m->index + m->count && \result <= r->last ==>
  @         !agree(r, m, \result); */
raft_index raft_runs_conflict(const struct raft *r,
                              const struct raft_message *m);
/*@ requires \valid_read(m) && message_valid(m);
  @ requires m->index < index <= m->index + m->count;
  @ assigns \nothing;
  @ ensures \exists integer i; carries(m, i, index) &&
  @         \result == m->runs[i].term; */
raft_term raft_message_term(const struct raft_message *m, raft_index index);
raft_index raft_runs_slice(const struct raft *r, raft_index limit,
                           struct raft_message *m);
/*@ requires \valid_read(r) && log_valid(r);
  @ assigns \nothing;
  @ ensures \result && r->run_count == RAFT_RUNS_MAX ==>
  @         r->runs[1].first - 1 <= r->commit &&
  @         r->runs[1].first - 1 <= r->durable; */
bool raft_runs_has_room(const struct raft *r);
/*@ requires \valid(r) && log_valid(r) && 0 < count;
  @ requires r->commit <= r->last && r->durable <= r->last;
  @ requires r->last + count <= RAFT_NUMBER_MAX && term >= r->prev_term;
  @ requires \forall integer i; 0 <= i < r->run_count ==>
  @     r->runs[i].term <= term;
  @ requires term > 0;
  @ assigns r->runs[0 .. RAFT_RUNS_MAX - 1], r->run_count, r->first,
  @         r->prev_term, r->last;
  @ ensures log_valid(r);
  @ ensures \result ==> r->last == \old(r->last) + count &&
  @         r->runs[r->run_count - 1].term == term &&
  @         r->runs[r->run_count - 1].first <= \old(r->last) + 1;
  @ ensures !\result ==> r->last == \old(r->last) &&
  @         r->run_count == \old(r->run_count); */
bool raft_runs_append(struct raft *r, uint64_t count, raft_term term);
/*@ requires \valid(r) && log_valid(r) && r->first <= from <= r->last;
  @ requires r->commit < from && r->verified < from;
  @ assigns r->runs[0 .. RAFT_RUNS_MAX - 1], r->run_count, r->last,
  @         r->durable;
  @ ensures log_valid(r) && r->last == from - 1 && r->durable <= r->last;
  @ ensures \forall integer k; r->first <= k < from ==>
  @     (\forall integer i; holds{Pre}(r, i, k) ==> holds(r, i, k) &&
  @         r->runs[i].term == \old(r->runs[i].term)); */
void raft_runs_truncate(struct raft *r, raft_index from);
/*@ requires \valid(r) && log_valid(r) && r->first < first <= r->last + 1;
  @ requires first <= r->commit + 1 && first <= r->durable + 1;
  @ requires r->commit <= r->last && r->durable <= r->last;
  @ assigns r->runs[0 .. RAFT_RUNS_MAX - 1], r->run_count, r->first,
  @         r->prev_term;
  @ ensures log_valid(r) && r->first == first;
  @ ensures term_at{Pre}(r, first - 1, r->prev_term);
  @ ensures r->run_count <= \old(r->run_count);
  @ ensures first == \old(r->runs[1].first) && \old(r->run_count) > 1 ==>
  @     r->run_count == \old(r->run_count) - 1 && (\forall integer i;
  @         0 <= i < r->run_count ==> r->runs[i] == \old(r->runs[i + 1])); */
void raft_runs_forget(struct raft *r, raft_index first);
void raft_runs_restart(struct raft *r, raft_index index, raft_term term);

/* raft_write.c: what is to be on disk, and what is there. */
struct raft_write *raft_open_write(struct raft *r, struct raft_out *out);
void raft_save_hard_state(struct raft *r, struct raft_out *out, raft_term term,
                          node_id vote);
bool raft_hard_state_durable(const struct raft *r);
bool raft_disk_hangs(const struct raft *r);

/* raft_send.c: messages, and whom they go to. */
struct raft_message *raft_send(struct raft *r, struct raft_out *out, node_id to,
                               enum raft_message_type type);

/* raft_commit.c: quorums. */
/*@ predicate one_of(integer v, uint64_t *values, integer count) =
  @     \exists integer i; 0 <= i < count && v == values[i];
 */
/*@ requires 0 < count <= RAFT_NODES_MAX;
  @ requires \valid_read(values + (0 .. count - 1));
  @ assigns \nothing;
  @ ensures one_of(\result, values, count); */
uint64_t raft_quorum_value(const uint64_t *values, uint32_t count);
/*@ requires \valid_read(m) && 0 < m->count <= RAFT_NODES_MAX;
  @ requires \valid_read(values + (0 .. m->count - 1));
  @ assigns \nothing;
  @ ensures one_of(\result, values, m->count); */
uint64_t raft_members_value(const struct raft_members *m,
                            const uint64_t *values);
/*@ requires \valid(r) && log_valid(r) && members_valid(r);
  @ requires r->role == RAFT_LEADER && r->term_start > 0;
  @ requires r->read_count <= RAFT_READS_MAX && r->durable <= r->last;
  @ requires \forall integer i;
  @     0 <= i < r->members[RAFT_NEWEST].count ==>
  @         r->progress[i].match <= r->last;
  @ assigns r->commit, r->reads[0 .. RAFT_READS_MAX - 1].index,
  @         r->members[RAFT_BASE], r->members_at[RAFT_BASE];
  @ ensures r->commit == \old(r->commit) ||
  @     (\old(r->commit) < r->commit <= r->last &&
  @      term_at(r, r->commit, r->term)); */
void raft_commit_by_quorum(struct raft *r);
/*@ requires \valid(r) && r->role != RAFT_LEADER && r->verified <= r->last;
  @ assigns r->commit, r->reads[0 .. RAFT_READS_MAX - 1].index,
  @         r->members[RAFT_BASE], r->members_at[RAFT_BASE];
  @ ensures r->commit == \max(\old(r->commit),
  @                           \min(r->leader_commit, r->verified)); */
void raft_commit_by_leader(struct raft *r);
void raft_commit_restored(struct raft *r, raft_index index);
/*@ requires \valid_read(r) && r->role == RAFT_LEADER && r->term_start > 0;
  @ assigns \nothing;
  @ ensures \result <==> r->commit >= r->term_start; */
bool raft_commits_own_term(const struct raft *r);
int64_t raft_quorum_until_ms(const struct raft *r);

/* raft_read.c: ReadIndex. */
void raft_read_event(struct raft *r, uint64_t read_id, struct raft_out *out);
void raft_on_read(struct raft *r, const struct raft_message *m,
                  struct raft_out *out);
void raft_on_read_reply(struct raft *r, const struct raft_message *m,
                        struct raft_out *out);
void raft_reads_flush(struct raft *r, struct raft_out *out);
void raft_reads_ask(struct raft *r, struct raft_out *out);
void raft_reads_expire(struct raft *r, struct raft_out *out);
void raft_reads_fail(struct raft *r, struct raft_out *out);
void raft_reads_asked_fail(struct raft *r, struct raft_out *out);

/* raft_transfer.c: handing leadership over. */
void raft_transfer_event(struct raft *r, node_id peer, struct raft_out *out);
void raft_transfer_end(struct raft *r, struct raft_out *out);
void raft_transfer_flush(struct raft *r, struct raft_out *out);

/* raft_recover.c */
void raft_recovering_heard(struct raft *r, uint32_t pos, struct raft_out *out);
void raft_note_barrier(struct raft *r, const struct raft_message *m,
                       struct raft_out *out);
void raft_recover_try(struct raft *r, struct raft_out *out);

/* raft_progress.c: the leader's side. */
void raft_leader_clear(struct raft *r);
void raft_progress_reset(struct raft *r, uint32_t pos);
void raft_progress_begin(struct raft *r, uint32_t pos);
void raft_progress_join(struct raft *r);
void raft_progress_reconnect(struct raft *r, uint32_t pos);
void raft_progress_unsent(struct raft *r, uint32_t pos, raft_index index);
void raft_progress_pause(struct raft *r, uint32_t pos, bool paused);
void raft_on_append_reply(struct raft *r, uint32_t pos,
                          const struct raft_message *m, struct raft_out *out);
void raft_on_heartbeat_reply(struct raft *r, uint32_t pos,
                             const struct raft_message *m,
                             struct raft_out *out);
void raft_replicate(struct raft *r, struct raft_out *out);
bool raft_more_to_send(const struct raft *r);

/* raft_role.c: roles, and the leader that is followed. */
void raft_draw_timer(struct raft *r);
void raft_draw_fast_timer(struct raft *r, uint64_t span_ms);
void raft_forget_contact(struct raft *r);
void raft_leader_gone(struct raft *r, struct raft_out *out);
void raft_leader_back(struct raft *r);
void raft_follower_clear(struct raft *r);
void raft_replies_clear(struct raft *r);
void raft_follow(struct raft *r, struct raft_out *out, raft_term term,
                 node_id leader);
bool raft_is_careful(const struct raft *r);
void raft_careful_end(struct raft *r);
bool raft_may_campaign(const struct raft *r);
void raft_pre_campaign(struct raft *r, struct raft_out *out);
void raft_campaign(struct raft *r, struct raft_out *out, bool transfer);
void raft_lead(struct raft *r, struct raft_out *out);

/* raft_append.c: the follower's side of replication. */
void raft_on_append(struct raft *r, const struct raft_event *event,
                    struct raft_out *out);
void raft_on_heartbeat(struct raft *r, const struct raft_message *m,
                       struct raft_out *out);
void raft_follower_durable(struct raft *r, raft_index durable_before);
void raft_follower_flush(struct raft *r, struct raft_out *out);

/* raft_restore.c */
void raft_fetch(struct raft *r, raft_index index);
void raft_restore(struct raft *r, const struct raft_event *event,
                  struct raft_out *out);

/* raft_election.c: votes. */
/*@ assigns \nothing;
  @ ensures \result <==>
  @     term > own_term || (term == own_term && index >= own_index); */
bool raft_up_to_date(raft_term term, raft_index index, raft_term own_term,
                     raft_index own_index);
bool raft_sticks_to_leader(const struct raft *r);
void raft_ask_again_soon(struct raft *r);
void raft_election_timeout(struct raft *r, struct raft_out *out);
void raft_hard_state_done(struct raft *r, struct raft_out *out);
void raft_on_pre_vote(struct raft *r, const struct raft_message *m,
                      struct raft_out *out);
void raft_on_vote(struct raft *r, const struct raft_message *m,
                  struct raft_out *out);
void raft_on_vote_reply(struct raft *r, uint32_t pos,
                        const struct raft_message *m, struct raft_out *out);
void raft_on_timeout_now(struct raft *r, const struct raft_message *m,
                         struct raft_out *out);

/* raft_message.c: what is received. */
bool raft_fields_valid(const struct raft_message *m);
bool raft_message_valid(const struct raft *r, const struct raft_message *m);
bool raft_note_incarnation(struct raft *r, uint32_t pos, uint64_t incarnation,
                           struct raft_out *out);
void raft_receive(struct raft *r, const struct raft_event *event,
                  struct raft_out *out);

#endif

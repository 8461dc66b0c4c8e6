/*
 * What the files of the core share. Nobody else includes this header but the
 * units in tests/unit/raft.
 *
 * Conventions: `pos` is a position in config.voters; functions that may write
 * or send take `out`; functions named raft_on_* handle one message that was
 * found valid and whose term was dealt with.
 */
#ifndef RAFT_INTERNAL_H
#define RAFT_INTERNAL_H

#include "raft/raft.h"

#define RAFT_NEVER_MS   INT64_MAX /* a timer that is not set */
#define RAFT_NO_CONTACT INT64_MIN /* leader_heard_ms: nothing heard */

_Static_assert(RAFT_NODES_MAX >= 1 && RAFT_NODES_MAX <= 32, "vote bits");
_Static_assert(RAFT_RUNS_MAX >= 2, "forgetting a run must leave one");
_Static_assert(RAFT_MESSAGE_RUNS_MAX >= 1, "an append needs a run");
_Static_assert(RAFT_READS_MAX >= 1, "a read needs a place");

/* raft.c: writes. */
struct raft_write *raft_open_write(struct raft *r, struct raft_out *out);
void raft_save_hard_state(struct raft *r, struct raft_out *out, raft_term term,
                          node_id vote);
bool raft_hard_state_durable(const struct raft *r);
bool raft_disk_hangs(const struct raft *r);

/* raft_message.c: receiving and sending. */
bool raft_message_valid(const struct raft *r, const struct raft_message *m);
void raft_receive(struct raft *r, const struct raft_message *m,
                  struct raft_out *out);
struct raft_message *raft_send(struct raft *r, struct raft_out *out,
                               uint32_t pos, enum raft_message_type type);
uint32_t raft_self(const struct raft *r);

/* raft_log.c: runs of terms. */
raft_term raft_log_last_term(const struct raft *r);
bool raft_log_last_below(const struct raft *r, raft_index limit, raft_term term,
                         raft_index *index);
raft_index raft_log_conflict(const struct raft *r,
                             const struct raft_message *m);
raft_term raft_message_term(const struct raft_message *m, raft_index index);
raft_index raft_log_slice(const struct raft *r, raft_index limit,
                          struct raft_message *m);
bool raft_log_has_room(const struct raft *r);
bool raft_runs_append(struct raft *r, uint64_t count, raft_term term);
void raft_runs_truncate(struct raft *r, raft_index from);
void raft_log_forget(struct raft *r, raft_index first);

/* raft_election.c: roles and votes. */
bool raft_up_to_date(raft_term term, raft_index index, raft_term own_term,
                     raft_index own_index);
bool raft_sticks_to_leader(const struct raft *r);
void raft_follow(struct raft *r, struct raft_out *out, raft_term term,
                 node_id leader);
void raft_draw_timer(struct raft *r);
void raft_forget_contact(struct raft *r);
void raft_leader_gone(struct raft *r, struct raft_out *out);
void raft_leader_back(struct raft *r);
void raft_campaign(struct raft *r, struct raft_out *out, bool transfer);
bool raft_may_campaign(const struct raft *r);
void raft_election_timeout(struct raft *r, struct raft_out *out);
void raft_hard_state_done(struct raft *r, struct raft_out *out);
void raft_on_pre_vote(struct raft *r, const struct raft_message *m,
                      struct raft_out *out);
void raft_on_vote(struct raft *r, const struct raft_message *m,
                  struct raft_out *out);
void raft_on_vote_reply(struct raft *r, const struct raft_message *m,
                        struct raft_out *out);

/* raft_append.c: the follower's side of replication. */
void raft_on_append(struct raft *r, const struct raft_message *m,
                    struct raft_out *out);
void raft_on_heartbeat(struct raft *r, const struct raft_message *m,
                       struct raft_out *out);
void raft_follower_clear(struct raft *r);
void raft_replies_clear(struct raft *r);
void raft_follower_durable(struct raft *r, raft_index durable_before);
void raft_follower_flush(struct raft *r, struct raft_out *out);

/* raft_progress.c: the leader's side. */
void raft_lead(struct raft *r, struct raft_out *out);
void raft_leader_clear(struct raft *r);
void raft_progress_reset(struct raft *r, uint32_t pos);
void raft_progress_reconnect(struct raft *r, uint32_t pos);
void raft_progress_unsent(struct raft *r, uint32_t pos);
void raft_on_append_reply(struct raft *r, const struct raft_message *m);
void raft_on_heartbeat_reply(struct raft *r, const struct raft_message *m);
void raft_replicate(struct raft *r, struct raft_out *out);
bool raft_more_to_send(const struct raft *r);

/* raft_commit.c: quorums. */
uint32_t raft_quorum(const struct raft *r);
uint64_t raft_quorum_value(const uint64_t *values, uint32_t count);
void raft_commit_by_quorum(struct raft *r);
void raft_commit_by_leader(struct raft *r);
bool raft_commits_own_term(const struct raft *r);
int64_t raft_quorum_until_ms(const struct raft *r);

/* raft_read.c: ReadIndex. */
void raft_read_event(struct raft *r, uint64_t read_id, struct raft_out *out);
void raft_on_read(struct raft *r, const struct raft_message *m,
                  struct raft_out *out);
void raft_on_read_reply(struct raft *r, const struct raft_message *m,
                        struct raft_out *out);
void raft_reads_committed(struct raft *r);
void raft_reads_flush(struct raft *r, struct raft_out *out);
void raft_reads_ask(struct raft *r, struct raft_out *out);
void raft_reads_expire(struct raft *r, struct raft_out *out);
void raft_reads_fail(struct raft *r, struct raft_out *out);
void raft_reads_asked_fail(struct raft *r, struct raft_out *out);

/* raft_transfer.c: handing leadership over. */
void raft_transfer_event(struct raft *r, node_id peer, struct raft_out *out);
void raft_transfer_end(struct raft *r, struct raft_out *out);
void raft_transfer_flush(struct raft *r, struct raft_out *out);
void raft_on_timeout_now(struct raft *r, const struct raft_message *m,
                         struct raft_out *out);

#endif

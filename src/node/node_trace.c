/*
 * Nothing here fails: who takes the lines may lose them, and says so.
 */
#include "node/node_trace.h"

#include <inttypes.h>

#include "base/hash.h"
#include "codec/message.h"
#include "node/node_internal.h"

uint64_t node_trace_digest(const struct raft *r, const struct raft_out *out)
{
    const uint64_t facts[] = {
        (uint64_t)r->role,
        r->leader,
        r->term,
        r->vote,
        r->rng,
        r->write_seq,
        r->durable_seq,
        r->first,
        r->last,
        r->durable,
        r->verified,
        r->commit,
        r->run_count,
        r->votes_granted,
        r->round,
        (uint64_t)r->election_at_ms,
        out->write.seq,
        out->write.truncate_from,
        out->write.append_first,
        out->write.append_last,
        out->message_count,
        out->read_count,
    };

    return hash64(bytes_of(facts, sizeof(facts)));
}

/* at:voters:outgoing:id=life,id=life,... */
static void write_members(struct buf *b, const struct raft_members *m,
                          raft_index at)
{
    ASSERT(raft_members_valid(m));
    buf_printf(b, "%" PRIu64 ":%u:%u:", at, m->voters, m->outgoing);
    for (uint32_t i = 0; i < m->count; i++)
        buf_printf(b, "%s%u=%u", i > 0 ? "," : "", m->ids[i], m->life[i]);
}

static void write_config(struct buf *b, const struct raft_config *c,
                         const struct raft_start *start)
{
    buf_printf(b, "start %u %" PRIu64 " %" PRIu64 " %u ", c->self,
               c->incarnation, c->cluster_id, c->group);
    for (uint32_t i = 0; i < start->members_count; i++) {
        buf_str(b, i > 0 ? "/" : "");
        write_members(b, &start->members[i], start->members_at[i]);
    }
    buf_printf(b, " %u %u %u %u %u %u %" PRIu64, c->election_timeout_ms,
               c->heartbeat_ms, c->peer_down_delay_ms, c->disk_timeout_ms,
               c->append_entries_max, c->window_max, c->seed);
}

void node_trace_start(struct node *n, const struct raft_config *config,
                      const struct raft_start *start)
{
    struct buf line = BUF_INIT;

    ASSERT(n->traced_applied == 0); /* nothing was told before */
    if (!n->options.trace)
        return;
    ASSERT(start->members_count > 0);
    write_config(&line, config, start);
    buf_printf(&line,
               " %" PRId64 " %" PRIu64 " %u %" PRIu64 " %" PRIu64 " %" PRIu64
               " %" PRIu64 " ",
               n->mono_ms, start->term, start->vote, start->log_first,
               start->log_prev_term, start->log_last, start->applied);
    for (uint32_t i = 0; i < start->run_count; i++)
        buf_printf(&line, "%s%" PRIu64 ":%" PRIu64, i > 0 ? "," : "",
                   start->runs[i].first, start->runs[i].term);
    buf_printf(&line, "%s %d %d\n", start->run_count > 0 ? "" : "-",
               start->recovering, start->careful);
    n->options.trace(n->options.trace_ctx, buf_view(&line));
    buf_release(&line);
}

static void write_message(struct buf *b, const struct raft_message *m)
{
    struct buf bytes = BUF_INIT;

    message_encode(m, &bytes);
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(b, "%02x", bytes.data[i]);
    buf_release(&bytes);
}

static void write_chains(struct node *n, struct buf *b)
{
    const struct raft_write *w = &n->out.write;
    uint64_t chain = 0;

    for (raft_index i = w->append_first; i <= w->append_last; i++) {
        int err = journal_chain(n->journal, i, &chain);
        ASSERT(err == 0); /* it was appended just now */
        buf_printf(b, "%s%" PRIu64, i > w->append_first ? "," : "", chain);
    }
}

void node_trace_step(struct node *n, const struct raft_event *e)
{
    struct buf line = BUF_INIT;

    ASSERT(e->type != RAFT_EV_MESSAGE || e->message);
    if (!n->options.trace)
        return;
    buf_printf(&line,
               "step %" PRIu64 " %u %" PRId64 " %u %" PRIu64 " %" PRIu64
               " %" PRIu64 " %" PRIu64 " %u ",
               node_trace_digest(&n->raft, &n->out), e->type, e->now_ms,
               e->peer, e->index, e->seq, e->read_id, e->incarnation, e->count);
    if (e->type == RAFT_EV_MESSAGE)
        write_message(&line, e->message);
    else
        buf_str(&line, "-");
    buf_str(&line, " ");
    if (n->out.write.append_first > 0)
        write_chains(n, &line);
    else
        buf_str(&line, "-");
    buf_str(&line, " ");
    if (e->members)
        write_members(&line, e->members, e->members_at);
    else
        buf_str(&line, "-");
    if (e->type == RAFT_EV_RESTORE)
        buf_printf(&line, " %" PRIu64 ":%" PRIu64, e->index_term, e->term);
    else
        buf_str(&line, " -");
    buf_str(&line, "\n");
    n->options.trace(n->options.trace_ctx, buf_view(&line));
    buf_release(&line);
}

void node_trace_applied(struct node *n)
{
    struct buf line = BUF_INIT;
    raft_index index = keyspace_applied(n->ks)->index;

    ASSERT(index >= n->traced_applied);
    if (!n->options.trace || index == n->traced_applied)
        return;
    n->traced_applied = index;
    buf_printf(&line, "applied %" PRIu64 "\n", index);
    n->options.trace(n->options.trace_ctx, buf_view(&line));
    buf_release(&line);
}

/*
 * What a node keeps and sends, against its options: X14 and X16 of
 * check/check_bound.h.
 */
#include "sim.h"

#include <stdio.h>

/* The largest request a client makes, and some of its reads that have to go
 * through the log. */
static uint64_t request_slack(const struct sim *s)
{
    return s->config.on[FAULT_GIANT] ? 1024 * 1024 : 24 * 1024;
}

/* A log is cut to half of the soft bound or to some entries, whichever is
 * less, when a flush of the state has ended; meanwhile it grows. */
static uint64_t log_max(const struct sim *s)
{
    return 4 * (s->config.log_soft + request_slack(s));
}

/* Requests that came to the log twice, of a run: an owner sends again only
 * what is missing in the log. */
#define REPEATS_SLACK 8

void bounds_turn(struct sim *s, const struct sim_node *n)
{
    struct bound_check *b = &s->bound;
    const struct node *real = n->node;
    const struct raft *r = &real->raft;
    uint64_t pending = s->config.pending_bytes_max;
    uint64_t group = s->config.entry_bytes_max + request_slack(s);

    bound_check_at_most(b, BOUND_PENDING,
                        real->requests.queue.bytes +
                            real->requests.open.bytes.len,
                        pending + request_slack(s));
    bound_check_at_most(b, BOUND_INBOX, real->inbox.bytes.len,
                        pending * RAFT_NODES_MAX + group);
    bound_check_at_most(b, BOUND_READS, real->reads.waiting.count,
                        s->client_count);
    for (uint32_t i = 0; i < s->count; i++)
        bound_check_at_most(b, BOUND_WINDOW, r->progress[i].in_flight,
                            r->config.window_max);
    if (b->violation)
        oracle_judge(s, n->id, r->last);
}

bool bounds_log_is_cut(const struct sim *s, uint32_t node)
{
    return journal_bytes(s->nodes[node].node->journal) <= log_max(s);
}

/* All are equal and all is flushed: no reason is left to keep a long log. */
void bounds_converged(struct sim *s)
{
    const struct fold *f = &s->oracle;

    for (uint32_t i = 0; i < s->count; i++)
        if (s->members >> i & 1)
            bound_check_at_most(&s->bound, BOUND_LOG,
                                journal_bytes(s->nodes[i].node->journal),
                                log_max(s));
    bound_check_at_most(&s->bound, BOUND_REPEATS, f->skipped,
                        REPEATS_SLACK + f->executed / 100);
    s->stats.sent_again = s->bound.again;
    oracle_judge(s, 0, f->head);
}

void bounds_sent(struct sim *s, const struct sim_pair *p, uint32_t side,
                 const struct raft_message *m)
{
    if (m->count == 0)
        return;
    struct flow_message flow = {.from = p->nodes[side],
                                .to = p->nodes[1 - side],
                                .connection = p->sides[side].epoch,
                                .term = m->term,
                                .last = m->index + m->count,
                                .now_ms = s->now_us / SIM_MS};
    flow_check_sent(&s->bound, &flow);
    if (s->bound.violation)
        oracle_judge(s, flow.from, flow.last);
}

void bounds_print(const struct sim_stats *t)
{
    printf(
        "states compared with the fold: %llu; entries applied again: %llu, "
        "of mangled logs: %llu (%llu requests skipped); leaders went back "
        "on a link: "
        "%llu\nof collections: requests %llu, compared %llu, of them with "
        "rows of their own %llu; states with tickets %llu of %llu\n",
        (unsigned long long)t->compared, (unsigned long long)t->replayed,
        (unsigned long long)t->mangled, (unsigned long long)t->mangled_skipped,
        (unsigned long long)t->sent_again, (unsigned long long)t->collect_ops,
        (unsigned long long)t->collections, (unsigned long long)t->trees,
        (unsigned long long)t->tickets, (unsigned long long)t->rows_checked);
}

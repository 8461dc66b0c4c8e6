/*
 * The log's time against the simulated one, which no clock of a node shows.
 *
 * How it works: each entry is looked at when its leader makes it.
 *
 *   A lease lasts at least its time, by every honest clock: the log's time
 *   never passes faster than the simulated one, times what the fastest clock
 *   of the run may be off. Kept for each entry is how far the log's time was
 *   ahead at the least since it began; a change of leader may add what is lost
 *   by whole milliseconds. It begins again where a leader goes by its wall
 * clock (below), also for those who have that leader's time, but not its
 * entries. Within a term it goes on exactly as the leader's monotonic clock
 * does. Only a leader whom nobody has told the log's time takes it from its
 * wall clock: what that shows more than the last entry says has passed. An
 * absolute time is right within the leader's own error: time and offset
 *   together are what its wall clock shows, or, if the offset is that of the
 *   entry before, about that.
 *
 * With the fold, which says what each reply has to be by the times in the log,
 * that is what clients see.
 */
#include "sim.h"

#include <stdio.h>

#define OFFSET_KEPT_MS 20
#define SETTLED_US     (25 * SIM_S) /* a message takes up to 20 s */
#define SETTLED_MS     100

/* Faster than the simulated clock, in millionths. */
static int64_t fastest_ppm(const struct sim *s)
{
    return s->config.on[FAULT_DRIFT] ? 200000 : 0;
}

void time_heard(struct sim_node *n, const struct beat *b)
{
    if (b->log_time_ms == 0)
        return;
    n->hearsay = n->hearsay || !n->time_told;
    n->time_told = true;
}

void time_taken(struct sim_node *n, const struct raft_message *m)
{
    if ((m->type == RAFT_MSG_HEARTBEAT || m->type == RAFT_MSG_APPEND) &&
        n->node->raft.leader == m->from && n->node->raft.term == m->term)
        n->hearsay = false;
}

/* In this run a leader's clock may be slow, or stand still: then those who have
 * not heard of that leader are ahead of it, and may tell others. */
static bool clocks_lag(const struct sim *s)
{
    const bool *on = s->config.on;

    return on[FAULT_DRIFT] || on[FAULT_FREEZE] || on[FAULT_SUSPEND];
}

static int64_t wall_ms(const struct sim *s, const struct sim_node *n)
{
    int64_t passed = s->now_us - n->clock.since_us;

    return (n->clock.mono_us + passed + passed * n->clock.ppm / 1000000 +
            n->clock.wall_us) /
           SIM_MS;
}

/* In a leader's term. */
static void check_pace(struct sim *s, struct sim_node *n,
                       const struct ghost_entry *e)
{
    int64_t lead_ms = e->time_ms - sim_mono_ms(s, n);

    if (n->time_term == e->term && lead_ms != n->time_lead_ms)
        sim_fail(s,
                 "T1 pace: node %u, term %llu: the log's time has moved by "
                 "%lld ms against its monotonic clock",
                 n->id, (unsigned long long)e->term,
                 (long long)(lead_ms - n->time_lead_ms));
    n->time_term = e->term;
    n->time_lead_ms = lead_ms;
}

static void note_anew(struct sim *s, const struct ghost_entry *e)
{
    if (s->wall_count == s->wall_cap) {
        s->wall_cap = MAX(s->wall_cap * 2, 16);
        s->walls = mem_realloc(s->walls, s->wall_cap * sizeof(s->walls[0]));
    }
    s->walls[s->wall_count++] =
        (struct sim_wall){s->now_us, e->ahead_us, false};
}

static void check_by_wall(struct sim *s, struct sim_node *n,
                          const struct ghost_entry *before,
                          const struct ghost_entry *e)
{
    int64_t passed_ms =
        wall_ms(s, n) - (before->time_ms + before->wall_offset_ms);
    int64_t should_ms = before->time_ms + MAX(passed_ms, 0);

    if (e->time_ms != should_ms)
        sim_fail(s,
                 "T2 start: node %u, term %llu: the log's time is %lld, after "
                 "%lld; its wall clock makes it %lld",
                 n->id, (unsigned long long)e->term, (long long)e->time_ms,
                 (long long)before->time_ms, (long long)should_ms);
}

/* All members run, and go by the same time; and no message is under way that
 * knows another. */
static void settle(struct sim *s, const struct sim_node *leader)
{
    int64_t time_ms = node_time_reckoned(leader->node);

    if (s->wall_count == 0 || s->walls[s->wall_count - 1].settled ||
        s->now_us - s->walls[s->wall_count - 1].at_us < SETTLED_US)
        return;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct node *n = s->nodes[i].node;
        if (!n || !n->clock.known || n->raft.term != leader->node->raft.term)
            return;
        int64_t off_ms = node_time_reckoned(n) - time_ms;
        if (off_ms > SETTLED_MS || off_ms < -SETTLED_MS)
            return;
    }
    s->stats.times_settled++;
    for (size_t i = 0; i < s->wall_count; i++)
        s->walls[i].settled = true;
}

/* What an entry behind this one may be ahead. */
static int64_t most_ahead_us(const struct sim *s,
                             const struct ghost_entry *before)
{
    int64_t most_us = before->ahead_us;

    for (size_t i = 0; i < s->wall_count; i++)
        if (!s->walls[i].settled || s->walls[i].at_us >= before->made_us)
            most_us = MAX(most_us, s->walls[i].ahead_us);
    return most_us;
}

/* How far those are ahead who may have told a leader of hearsay: a message
 * takes its time with each new leader, and they may not have heard of the last
 * ones. One that has told it may have crashed since. */
static int64_t tellers_ahead_us(const struct sim *s)
{
    int64_t most_us = INT64_MIN;

    for (uint32_t i = 0; i < s->count; i++) {
        const struct ghost_log *l = &s->ghost.nodes[i].live;
        if (l->last >= l->first)
            most_us = MAX(most_us, l->at[l->last]->ahead_us);
    }
    return most_us;
}

static void check_lease(struct sim *s, struct sim_node *n,
                        const struct ghost_entry *before, struct ghost_entry *e)
{
    int64_t lost_us = e->term != before->term ? 2 * SIM_MS : 0;
    int64_t most_us = most_ahead_us(s, before);

    if (n->hearsay)
        most_us = MAX(most_us, tellers_ahead_us(s));
    most_us += lost_us;
    s->stats.times_told += e->term != before->term;
    if (e->ahead_us > most_us + SIM_MS)
        sim_fail(s,
                 "T3 leases: node %u, term %llu: the log's time has passed "
                 "%lld us faster than a clock may",
                 n->id, (unsigned long long)e->term,
                 (long long)(e->ahead_us - most_us));
    e->ahead_us = MIN(e->ahead_us, most_us);
}

static void check_offset(struct sim *s, struct sim_node *n,
                         const struct ghost_entry *before,
                         const struct ghost_entry *e)
{
    int64_t off_ms = e->time_ms + e->wall_offset_ms - wall_ms(s, n);
    bool kept = before && e->wall_offset_ms == before->wall_offset_ms;

    s->stats.offsets += !kept;
    if (off_ms == 0 ||
        (kept && off_ms < OFFSET_KEPT_MS && off_ms > -OFFSET_KEPT_MS))
        return;
    sim_fail(s,
             "T4 absolute times: node %u, term %llu: they are %lld ms off its "
             "wall clock",
             n->id, (unsigned long long)e->term, (long long)off_ms);
}

void time_made(struct sim *s, struct sim_node *n,
               const struct ghost_entry *before, struct ghost_entry *e)
{
    s->stats.times++;
    e->made_us = s->now_us;
    e->ahead_us =
        e->time_ms * SIM_MS - s->now_us - s->now_us * fastest_ppm(s) / 1000000;
    check_pace(s, n, e);
    check_offset(s, n, before, e);
    bool odd = n->hearsay && clocks_lag(s);
    if (before && n->time_told && !odd)
        check_lease(s, n, before, e);
    else if (before && !n->time_told)
        check_by_wall(s, n, before, e);
    s->stats.times_by_wall += !n->time_told;
    if (!n->time_told || odd)
        note_anew(s, e);
    n->time_told = true;
    n->hearsay = false;
    settle(s, n);
}

void time_release(struct sim *s)
{
    mem_free(s->walls);
    s->walls = NULL;
}

void time_print(const struct sim_stats *t)
{
    printf("the log's time: %llu entries; terms whose leader was told it %llu, "
           "went by its wall clock %llu,\n        settled %llu; changes of the "
           "offset %llu\n",
           (unsigned long long)t->times, (unsigned long long)t->times_told,
           (unsigned long long)t->times_by_wall,
           (unsigned long long)t->times_settled,
           (unsigned long long)t->offsets);
}

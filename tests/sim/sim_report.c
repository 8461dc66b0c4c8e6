/* Sums over seeds, and the report. */
#include "sim.h"

#include <stdio.h>

void stats_add(struct sim_stats *to, const struct sim_stats *from)
{
    const uint64_t *f = (const uint64_t *)(const void *)from;
    uint64_t *t = (uint64_t *)(void *)to;
    int64_t worst = MAX(to->live_worst_permille, from->live_worst_permille);

    /* All of it is counters of 8 bytes. */
    _Static_assert(sizeof(struct sim_stats) % sizeof(uint64_t) == 0, "size");
    for (size_t i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
        t[i] += f[i];
    to->live_worst_permille = worst;
}

static void print_faults(const struct sim_stats *t)
{
    printf("faults:");
    for (int i = 0; i < FAULT_COUNT; i++)
        printf(" %s %llu", sim_fault_names[i],
               (unsigned long long)t->faults[i]);
    printf("\n        crashes %llu, batches lost %llu, cuts %llu, ERR_LIMIT "
           "%llu, log ends replaced %llu, logs cut %llu, restarted behind the "
           "state %llu\n",
           (unsigned long long)t->crashes, (unsigned long long)t->lost_batches,
           (unsigned long long)t->cuts, (unsigned long long)t->limits,
           (unsigned long long)t->truncations, (unsigned long long)t->log_cuts,
           (unsigned long long)t->log_restarts);
}

static void print_coverage(const struct sim_stats *t)
{
    unsigned hit = 0;

    printf("messages received, by role:\n");
    for (uint32_t m = 1; m < RAFT_MSG_TYPE_END; m++) {
        printf("  %-16s", raft_message_name((enum raft_message_type)m));
        for (uint32_t r = 0; r < ROLE_COUNT; r++) {
            hit += t->covered[r][m] > 0;
            printf(" %s %llu", raft_role_name((enum raft_role)r),
                   (unsigned long long)t->covered[r][m]);
        }
        printf("\n");
    }
    printf("  %u of %u pairs\n", hit, ROLE_COUNT * (RAFT_MSG_TYPE_END - 1));
}

void stats_print(const struct sim_stats *t)
{
    printf("events %llu, turns %llu, messages %llu (%llu MB)\n",
           (unsigned long long)t->events, (unsigned long long)t->turns,
           (unsigned long long)t->messages,
           (unsigned long long)(t->bytes >> 20));
    printf("requests %llu, reads %llu (%llu through the log), unknown %llu, "
           "refused %llu, ONCE repeated %llu\n",
           (unsigned long long)t->ops, (unsigned long long)t->reads,
           (unsigned long long)t->doubt, (unsigned long long)t->unknown,
           (unsigned long long)t->refused, (unsigned long long)t->once_same);
    printf("entries committed %llu, leaders elected %llu, outrun %llu\n",
           (unsigned long long)t->commits, (unsigned long long)t->elections,
           (unsigned long long)t->outrun);
    printf("linearizability from outside: %llu operations on %llu keys, %llu "
           "undecided\nsteps of cores shown to the monitor: %llu\n",
           (unsigned long long)t->lin_ops, (unsigned long long)t->lin_keys,
           (unsigned long long)t->lin_undecided,
           (unsigned long long)t->core_steps);
    print_faults(t);
    print_coverage(t);
    printf("liveness: %llu of %llu healed majorities served within 3 election "
           "timeouts, the slowest took %.1f\n",
           (unsigned long long)t->live_in_3, (unsigned long long)t->live_runs,
           (double)t->live_worst_permille / 1000);
}

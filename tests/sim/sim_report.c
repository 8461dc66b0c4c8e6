/* Sums over seeds, and the report. */
#include "sim.h"

#include <stdio.h>

void stats_add(struct sim_stats *to, const struct sim_stats *from)
{
    const uint64_t *f = (const uint64_t *)(const void *)from;
    uint64_t *t = (uint64_t *)(void *)to;
    const struct sim_stats *worse =
        from->live_worst_permille > to->live_worst_permille ? from : to;
    int64_t worst = worse->live_worst_permille;
    uint64_t worst_seed = worse->live_worst_seed;

    /* All of it is counters of 8 bytes. */
    _Static_assert(sizeof(struct sim_stats) % sizeof(uint64_t) == 0, "size");
    for (size_t i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
        t[i] += f[i];
    to->live_worst_permille = worst;
    to->live_worst_seed = worst_seed;
}

/* In hundredths of an election timeout: what this part of the runs, in
 * permille, did not exceed. */
static unsigned live_quantile(const struct sim_stats *t, uint64_t permille)
{
    uint64_t sum = 0;
    unsigned i = 0;

    while (i < LIVE_TENTHS - 1 &&
           (sum += t->live_tenths[i]) * 1000 < t->live_runs * permille)
        i++;
    return (i + 1) * 10;
}

static void print_liveness(const struct sim_stats *t)
{
    static const unsigned quantiles[] = {500, 900, 990, 999};

    printf("liveness: %llu of %llu healed majorities served within 3 election "
           "timeouts, the slowest (seed %llu) took %.2f;\n         in %llu a "
           "leader that could not write had to give up first\n         in less "
           "than:",
           (unsigned long long)t->live_in_3, (unsigned long long)t->live_runs,
           (unsigned long long)t->live_worst_seed,
           (double)t->live_worst_permille / 1000,
           (unsigned long long)t->live_stuck);
    for (size_t i = 0; i < ARRAY_LEN(quantiles); i++)
        printf(" %.1f %% %.1f", quantiles[i] / 10.0,
               live_quantile(t, quantiles[i]) / 100.0);
    printf("\n         in halves of a timeout:");
    for (unsigned i = 0; i < LIVE_TENTHS; i += 5) {
        uint64_t sum = 0;
        for (unsigned k = i; k < i + 5; k++)
            sum += t->live_tenths[k];
        printf(" %llu", (unsigned long long)sum);
    }
    printf("\n");
}

static void print_faults(const struct sim_stats *t)
{
    printf("faults:");
    for (int i = 0; i < FAULT_COUNT; i++)
        printf(" %s %llu", sim_fault_names[i],
               (unsigned long long)t->faults[i]);
    printf("\n        disks that lost promises %llu, crashes %llu, batches "
           "lost %llu, cuts %llu, ERR_LIMIT "
           "%llu, log ends replaced %llu, logs cut %llu, restarted behind the "
           "state %llu\n",
           (unsigned long long)t->disks_lost, (unsigned long long)t->crashes,
           (unsigned long long)t->lost_batches, (unsigned long long)t->cuts,
           (unsigned long long)t->limits, (unsigned long long)t->truncations,
           (unsigned long long)t->log_cuts,
           (unsigned long long)t->log_restarts);
}

void stats_print(const struct sim_stats *t)
{
    printf("events %llu, turns %llu, messages %llu (%llu MB)\n",
           (unsigned long long)t->events, (unsigned long long)t->turns,
           (unsigned long long)t->messages,
           (unsigned long long)(t->bytes >> 20));
    printf("requests %llu, reads %llu (%llu through the log), unknown %llu, "
           "refused %llu, ONCE repeated %llu, in parts %llu\n",
           (unsigned long long)t->ops, (unsigned long long)t->reads,
           (unsigned long long)t->doubt, (unsigned long long)t->unknown,
           (unsigned long long)t->refused, (unsigned long long)t->once_same,
           (unsigned long long)t->uploads);
    printf("entries committed %llu, leaders elected %llu, members outrun %llu, "
           "states fetched %llu\n",
           (unsigned long long)t->commits, (unsigned long long)t->elections,
           (unsigned long long)t->outrun, (unsigned long long)t->fetched);
    printf("members: %llu changes asked for, %llu wanted, %llu made, %llu "
           "learned that they are none, requests of strangers %llu\n",
           (unsigned long long)t->changes, (unsigned long long)t->changes_done,
           (unsigned long long)t->steps, (unsigned long long)t->removed,
           (unsigned long long)t->strangers);
    printf("receipts shown to those who have them: %llu; older copies found "
           "by a start %llu, a receipt %llu, a later life %llu, the log %llu; "
           "completed unnoticed %llu\n",
           (unsigned long long)t->receipts,
           (unsigned long long)t->copies[COPY_START],
           (unsigned long long)t->copies[COPY_RECEIPT],
           (unsigned long long)t->copies[COPY_REPLACED],
           (unsigned long long)t->copies[COPY_LOG],
           (unsigned long long)t->copies_completed);
    printf("linearizability from outside: %llu operations in %llu histories, "
           "%llu proved by the order of the log;\n         %llu searched "
           "without it, %llu keys, %llu undecided\nsteps of cores shown to "
           "the monitor: %llu\n",
           (unsigned long long)t->lin_ops, (unsigned long long)t->lin_histories,
           (unsigned long long)t->lin_proved,
           (unsigned long long)t->lin_searched, (unsigned long long)t->lin_keys,
           (unsigned long long)t->lin_undecided,
           (unsigned long long)t->core_steps);
    printf("second processes found by a start %llu, a receipt %llu, a later "
           "life %llu; asked for a life in vain %llu\n",
           (unsigned long long)t->clones[COPY_START],
           (unsigned long long)t->clones[COPY_RECEIPT],
           (unsigned long long)t->clones[COPY_REPLACED],
           (unsigned long long)t->clones_refused);
    level_print(t);
    bounds_print(t);
    time_print(t);
    print_faults(t);
    cover_print(t);
    print_liveness(t);
}

/*
 * The program: runs seeds, reports, and on a breach shrinks it to fewer kinds
 * of faults, fewer clients and a shorter run, and says what to type.
 */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64

struct plan {
    uint64_t from, to;
    uint64_t step;
    uint32_t jobs;
    int64_t seconds; /* 0: no limit */
    bool once;       /* --seed: say more */
    bool twice;      /* each seed again: the same hash? */
    bool hashes;     /* print each seed's */
    bool no_shrink;
    bool keep_going; /* after a breach: the next seed */
    struct sim_options options;
};

struct total {
    struct sim_stats stats;
    uint64_t run, counted, failed;
    uint64_t hash;
    int64_t cpu_us;
};

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;
    int rc = clock_gettime(id, &ts);

    ASSERT(rc == 0);
    return (int64_t)ts.tv_sec * SIM_S + ts.tv_nsec / 1000;
}

static void usage(void)
{
    fprintf(
        stderr,
        "simulate [--seeds FROM..TO] [--seed N] [--seconds WALL] [--jobs N] "
        "[--nodes 1|3|5]\n    [--trace] [--no-fault KIND]... [--fault "
        "KIND]... [--for SIMULATED_MS] "
        "[--clients N]\n    [--core] [--twice] [--hashes] [--no-shrink] "
        "[--keep-going]\nkinds:");
    for (int i = 0; i < FAULT_COUNT; i++)
        fprintf(stderr, " %s", sim_fault_names[i]);
    fprintf(stderr, "\n");
    exit(2);
}

static uint64_t parse_number(const char *text)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);

    if (end == text || (*end != '\0' && *end != '.'))
        usage();
    return n;
}

static void name_fault(bool faults[FAULT_COUNT], const char *name)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        if (strcmp(name, sim_fault_names[i]) == 0) {
            faults[i] = true;
            return;
        }
    if (strcmp(name, "all") != 0)
        usage();
    memset(faults, true, FAULT_COUNT * sizeof(faults[0]));
}

/* An option with a value; false if it is none. */
static bool parse_value(struct plan *p, const char *name, const char *value)
{
    if (strcmp(name, "--seeds") == 0) {
        const char *dots = strstr(value, "..");
        p->from = parse_number(value);
        p->to = dots ? parse_number(dots + 2) : p->from;
    } else if (strcmp(name, "--seed") == 0) {
        p->from = p->to = parse_number(value);
        p->once = true;
    } else if (strcmp(name, "--seconds") == 0) {
        p->seconds = (int64_t)parse_number(value);
    } else if (strcmp(name, "--jobs") == 0) {
        p->jobs = (uint32_t)parse_number(value);
        if (p->jobs < 1 || p->jobs > JOBS_MAX)
            usage();
    } else if (strcmp(name, "--nodes") == 0) {
        p->options.nodes = (uint32_t)parse_number(value);
        if (p->options.nodes != 1 && p->options.nodes != 3 &&
            p->options.nodes != 5)
            usage();
    } else if (strcmp(name, "--no-fault") == 0) {
        name_fault(p->options.off, value);
    } else if (strcmp(name, "--fault") == 0) {
        name_fault(p->options.must, value);
    } else if (strcmp(name, "--for") == 0) {
        p->options.safety_us = (int64_t)parse_number(value) * SIM_MS;
    } else if (strcmp(name, "--clients") == 0) {
        p->options.clients = (uint32_t)parse_number(value);
    } else {
        return false;
    }
    return true;
}

static void parse(struct plan *p, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && parse_value(p, argv[i], argv[i + 1]))
            i++;
        else if (strcmp(argv[i], "--trace") == 0)
            p->options.trace = true;
        else if (strcmp(argv[i], "--core") == 0)
            p->options.core = true;
        else if (strcmp(argv[i], "--twice") == 0)
            p->twice = true;
        else if (strcmp(argv[i], "--hashes") == 0)
            p->hashes = true;
        else if (strcmp(argv[i], "--keep-going") == 0)
            p->keep_going = p->no_shrink = true;
        else if (strcmp(argv[i], "--no-shrink") == 0)
            p->no_shrink = true;
        else
            usage();
    }
}

/* --- shrinking ------------------------------------------------------------ */

static struct sim *sim_new(uint64_t seed, const struct sim_options *options)
{
    struct sim *s = mem_zalloc(sizeof(*s));

    s->seed = seed;
    s->options = *options;
    return s;
}

/* In a process of its own: does it still fail? */
static bool fails(uint64_t seed, const struct sim_options *options)
{
    int status = 0;

    fflush(stdout);
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        struct sim *s = sim_new(seed, options);
        s->options.trace = false;
        alarm(120);
        _exit(sim_run(s) ? 0 : 1);
    }
    pid_t got = waitpid(child, &status, 0);
    ASSERT(got == child);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void try_option(uint64_t seed, struct sim_options *o,
                       struct sim_options next)
{
    if (fails(seed, &next))
        *o = next;
}

static struct sim_options shrink(uint64_t seed, struct sim_options o,
                                 int64_t failed_us)
{
    struct sim_options next;

    for (int i = 0; i < FAULT_COUNT; i++) {
        if (o.off[i])
            continue;
        next = o;
        next.off[i] = true;
        try_option(seed, &o, next);
    }
    for (uint32_t clients = 1; clients < 8 && o.clients == 0; clients *= 2) {
        next = o;
        next.clients = clients;
        try_option(seed, &o, next);
    }
    for (int64_t part = 8; part >= 1; part /= 2) {
        next = o;
        next.safety_us = failed_us / part / SIM_MS * SIM_MS + SIM_MS;
        if (fails(seed, &next)) {
            o = next;
            break;
        }
    }
    return o;
}

static void print_command(uint64_t seed, const struct sim_options *o)
{
    printf("build/tests/simulate --seed %" PRIu64, seed);
    if (o->nodes > 0)
        printf(" --nodes %u", o->nodes);
    if (o->core)
        printf(" --core");
    if (o->clients > 0)
        printf(" --clients %u", o->clients);
    if (o->safety_us > 0)
        printf(" --for %lld", (long long)(o->safety_us / SIM_MS));
    for (int i = 0; i < FAULT_COUNT; i++)
        if (o->off[i])
            printf(" --no-fault %s", sim_fault_names[i]);
    for (int i = 0; i < FAULT_COUNT; i++)
        if (o->must[i])
            printf(" --fault %s", sim_fault_names[i]);
    printf("\n");
}

static void report_failure(const struct plan *p, const struct sim *s)
{
    printf("\nseed %" PRIu64 " FAILED after %.3f simulated seconds\n  %s\n",
           s->seed, (double)s->now_us / SIM_S, s->failure);
    printf("replay: ");
    print_command(s->seed, &p->options);
    if (p->no_shrink || p->options.trace)
        return;
    struct sim_options o = shrink(s->seed, p->options, s->now_us);
    printf("shrunk: ");
    print_command(s->seed, &o);
    printf("add --trace to see the events\n");
}

/* --- running -------------------------------------------------------------- */

static bool run_seed(const struct plan *p, struct total *t, uint64_t seed)
{
    struct sim *s = sim_new(seed, &p->options);
    char why[80] = "";

    if (!sim_run(s)) {
        report_failure(p, s);
        return false; /* what it owned stays, see sim_run.c */
    }
    t->run++;
    if (sim_counts(s, why, sizeof(why)))
        t->counted++;
    else if (p->once || p->hashes)
        printf("seed %" PRIu64 " did not count: %s\n", seed, why);
    stats_add(&t->stats, &s->stats);
    t->hash = s->hash;
    if (p->hashes || p->once)
        printf("seed %" PRIu64 " hash %016" PRIx64 " served %lld\n", seed,
               s->hash, (long long)s->stats.live_worst_permille);
    sim_release(s);
    mem_free(s);
    return true;
}

static bool run_all(const struct plan *p, struct total *t)
{
    int64_t begin = clock_us(CLOCK_MONOTONIC);

    for (uint64_t seed = p->from; seed <= p->to; seed += p->step) {
        if (p->seconds > 0 &&
            clock_us(CLOCK_MONOTONIC) - begin > p->seconds * SIM_S)
            break;
        if (!run_seed(p, t, seed)) {
            t->failed++;
            if (!p->keep_going)
                return false;
            continue;
        }
        uint64_t first = t->hash;
        if (!p->twice)
            continue;
        if (!run_seed(p, t, seed))
            return false;
        if (t->hash != first) {
            printf("seed %" PRIu64 " is not the same twice\n", seed);
            return false;
        }
    }
    return t->failed == 0;
}

/* --- several processes ---------------------------------------------------- */

struct job {
    pid_t pid;
    int pipe;
};

/* Every jobs-th seed; the sums go through a pipe. */
static struct job job_start(const struct plan *p, uint32_t i)
{
    int ends[2];
    int err = pipe(ends);

    ASSERT(err == 0);
    fflush(stdout);
    struct job job = {fork(), ends[0]};
    ASSERT(job.pid >= 0);
    if (job.pid > 0) {
        close(ends[1]);
        return job;
    }
    struct plan own = *p;
    struct total *t = mem_zalloc(sizeof(*t));
    setvbuf(stdout, NULL, _IOLBF, 0);
    own.from += i;
    own.step = p->jobs;
    bool ok = run_all(&own, t);
    t->cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    FILE *to = fdopen(ends[1], "w");
    ok = to && fwrite(t, sizeof(*t), 1, to) == 1 && fclose(to) == 0 && ok;
    fflush(stdout);
    _exit(ok ? 0 : 1);
}

static bool job_end(const struct job *job, struct total *sum)
{
    struct total *t = mem_zalloc(sizeof(*t));
    FILE *from = fdopen(job->pipe, "r");
    int status = 0;

    ASSERT(from);
    bool ok = fread(t, sizeof(*t), 1, from) == 1;
    pid_t got = waitpid(job->pid, &status, 0);
    ASSERT(got == job->pid);
    fclose(from);
    if (!ok)
        printf("a process ended without its sums, status %d\n", status);
    stats_add(&sum->stats, &t->stats);
    sum->run += t->run;
    sum->counted += t->counted;
    sum->failed += t->failed + !ok;
    sum->cpu_us += t->cpu_us;
    mem_free(t);
    return ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool run_jobs(const struct plan *p, struct total *t)
{
    struct job jobs[JOBS_MAX];
    bool ok = true;

    for (uint32_t i = 0; i < p->jobs; i++)
        jobs[i] = job_start(p, i);
    for (uint32_t i = 0; i < p->jobs; i++)
        ok = job_end(&jobs[i], t) && ok;
    return ok;
}

static void print_sums(const struct total *t, int64_t wall_us)
{
    double simulated = (double)t->stats.simulated_us / SIM_S;
    double cpu = (double)t->cpu_us / SIM_S;

    stats_print(&t->stats);
    printf("seeds %" PRIu64 ", counted %" PRIu64 ", failed %" PRIu64
           "; simulated %.0f s (%.2f days) in %.1f s, %.1f s of one core: "
           "%.0f times as fast\n",
           t->run, t->counted, t->failed, simulated, simulated / 86400,
           (double)wall_us / SIM_S, cpu, cpu > 0 ? simulated / cpu : 0.0);
}

int main(int argc, char **argv)
{
    struct plan p = {.from = 1, .to = 100, .step = 1, .jobs = 1};
    struct total *t = mem_zalloc(sizeof(*t));
    int64_t begin = clock_us(CLOCK_MONOTONIC);

    parse(&p, argc, argv);
    if (p.seconds > 0 && p.to == 100 && p.from == 1)
        p.to = UINT64_MAX - JOBS_MAX;
    bool ok = p.jobs > 1 ? run_jobs(&p, t) : run_all(&p, t);
    if (p.jobs == 1)
        t->cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    print_sums(t, clock_us(CLOCK_MONOTONIC) - begin);
    mem_free(t);
    return ok ? 0 : 1;
}

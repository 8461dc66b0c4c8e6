/*
 * From options to results: makes the workers, lets them connect, starts the
 * load of all at one moment, shows the progress and adds up. The main thread
 * does nothing but wait, a second at a time, for signals and for the end.
 *
 * SIGINT and SIGTERM end the run early: what was measured is printed.
 *
 * How it fails: no node that can be reached, no leader, a series file that
 * cannot be written: reported, with exit status 1 before any load.
 */
#include "bench/worker.h"

#include "base/alloc.h"
#include "os/clock.h"
#include "os/process.h"
#include "os/signal.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#define POLL_US     5000
#define FILES_EXTRA 64

struct run {
    const struct bench_protocol *protocol;
    struct bench_options options;
    struct keys keys;
    struct address *addresses;
    struct bench_clock clock;
    struct worker *workers[BENCH_THREADS_MAX];
    pthread_t threads[BENCH_THREADS_MAX];
    size_t worker_count;
    sigset_t signals;
    bool interrupted;
    FILE *series;
    /* of the last second: */
    struct histogram *now, *before, *since;
    int64_t progress_us;
    /* at the beginning of the measured time: */
    struct bench_usage servers;
    int64_t client_cpu_us;
    bool measuring;
};

static bool resolve(struct run *r)
{
    const struct cluster *c = &r->options.cluster;
    r->addresses = mem_zalloc(c->node_count * sizeof(*r->addresses));
    for (size_t i = 0; i < c->node_count; i++) {
        const struct cluster_node *n = &c->nodes[i];
        int err = address_host(bytes_str(n->host), n->port, &r->addresses[i]);
        if (err != 0) {
            fprintf(stderr, "%s: %s: %s\n", r->protocol->program, n->host,
                    error_text(err));
            return false;
        }
    }
    return true;
}

static int64_t own_cpu_us(void)
{
    struct process_usage u = process_usage();
    return u.user_us + u.system_us;
}

/* Waits for at most so long, or for a signal. */
static void wait_us(struct run *r, int64_t us)
{
    if (us <= 0)
        return;
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    if (sigtimedwait(&r->signals, NULL, &t) > 0)
        r->interrupted = true;
}

static bool all(struct run *r, bool (*is)(struct worker *w))
{
    for (size_t i = 0; i < r->worker_count; i++) {
        if (!is(r->workers[i]))
            return false;
    }
    return true;
}

static bool is_ready(struct worker *w)
{
    return atomic_load(&w->ready);
}

static bool is_finished(struct worker *w)
{
    return atomic_load(&w->finished_us) != 0;
}

static void wake_all(struct run *r)
{
    for (size_t i = 0; i < r->worker_count; i++)
        worker_signal(r->workers[i]);
}

static void begin_workers(struct run *r)
{
    struct worker_share share = {.options = &r->options,
                                 .protocol = r->protocol,
                                 .keys = &r->keys,
                                 .addresses = r->addresses,
                                 .clock = &r->clock,
                                 .count = (size_t)r->options.threads};
    for (; share.index < share.count; share.index++) {
        r->workers[share.index] = worker_new(&share);
        int err = pthread_create(&r->threads[share.index], NULL, worker_run,
                                 r->workers[share.index]);
        ASSERT(err == 0);
        r->worker_count++;
    }
}

/* False if no node takes us. */
static bool wait_connected(struct run *r)
{
    while (!all(r, is_ready) && !r->interrupted)
        wait_us(r, POLL_US);
    uint64_t up = 0;
    for (size_t i = 0; i < r->worker_count; i++)
        up += atomic_load(&r->workers[i]->links_up);
    return up > 0;
}

static void begin_measuring(struct run *r)
{
    r->measuring = true;
    r->client_cpu_us = own_cpu_us();
    bench_usage_read(&r->servers, r->options.pids, r->options.pid_count);
}

static void go(struct run *r)
{
    const struct bench_options *o = &r->options;
    int64_t go_us = clock_mono_us();
    r->clock.measure_us = go_us + o->warmup_ms * 1000;
    atomic_store(&r->clock.end_us,
                 o->count > 0 ? INT64_MAX
                              : r->clock.measure_us + o->duration_ms * 1000);
    if (o->warmup_ms == 0)
        begin_measuring(r);
    r->progress_us = go_us;
    atomic_store(&r->clock.go_us, go_us);
    wake_all(r);
}

static uint64_t errors_so_far(const struct run *r)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->worker_count; i++)
        sum += errors_total(&r->workers[i]->errors);
    return sum;
}

static uint64_t done_so_far(const struct run *r)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < r->worker_count; i++)
        sum += atomic_load(&r->workers[i]->done_all);
    return sum;
}

static void copy_latency(const struct run *r, struct histogram *to)
{
    histogram_reset(to);
    for (size_t i = 0; i < r->worker_count; i++)
        histogram_add(to, &r->workers[i]->latency);
}

/* The line of a second: all requests, and the latency of measured ones. */
static void progress(struct run *r, int64_t now_us, uint64_t *done_before)
{
    const struct bench_options *o = &r->options;
    double seconds = (double)(now_us - r->progress_us) / 1e6;
    double at_s = (double)(now_us - r->clock.measure_us) / 1e6;
    uint64_t done = done_so_far(r);
    double rate = (double)(done - *done_before) / seconds;
    copy_latency(r, r->now);
    histogram_since(r->since, r->now, r->before);
    uint64_t p50 = histogram_percentile(r->since, 50);
    uint64_t p99 = histogram_percentile(r->since, 99);
    uint64_t max = histogram_percentile(r->since, 100);
    uint64_t errors = errors_so_far(r);
    if (!o->quiet)
        fprintf(stderr,
                "%6.1f s  %9.0f/s  p50 %" PRIu64 "  p99 %" PRIu64
                "  max %" PRIu64 " us  "
                "errors %" PRIu64 "%s\n",
                at_s, rate, p50, p99, max, errors,
                at_s < 0 ? "  (warm-up)" : "");
    if (r->series != NULL)
        fprintf(r->series,
                "%.3f,%.1f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
                at_s, rate, p50, p99, max, errors);
    struct histogram *swap = r->before;
    r->before = r->now;
    r->now = swap;
    r->progress_us = now_us;
    *done_before = done;
}

/* How long to sleep: to the next line, the measured time, or a poll for the
 * end when that is near or not known. */
static int64_t pause_us(const struct run *r, int64_t now_us)
{
    int64_t next_us = r->progress_us + 1000000 - now_us;
    int64_t end_us = atomic_load(&r->clock.end_us);
    if (!r->measuring)
        next_us = MIN(next_us, r->clock.measure_us - now_us);
    if (end_us == INT64_MAX || end_us - now_us < POLL_US)
        return MIN(next_us, POLL_US);
    return MIN(next_us, end_us - now_us);
}

static void interrupt(struct run *r, int64_t now_us)
{
    atomic_store(&r->clock.end_us, now_us);
    wake_all(r);
}

/* Returns when all workers have ended; the processor time of the servers is
 * taken at the end of the measured time. */
static void watch(struct run *r, struct bench_result *result)
{
    bool ended = false, told = false;
    uint64_t done_before = 0;
    const struct bench_options *o = &r->options;
    while (!ended || !all(r, is_finished)) {
        int64_t now_us = clock_mono_us();
        if (!r->measuring && now_us >= r->clock.measure_us)
            begin_measuring(r);
        if (!ended &&
            (now_us >= atomic_load(&r->clock.end_us) || all(r, is_finished))) {
            ended = true;
            bench_usage_read(&result->servers, o->pids, o->pid_count);
            result->client_cpu_us = own_cpu_us() - r->client_cpu_us;
            continue;
        }
        if (now_us - r->progress_us >= 1000000)
            progress(r, now_us, &done_before);
        if (r->interrupted && !told) {
            told = true;
            interrupt(r, now_us);
            continue;
        }
        wait_us(r, MAX(pause_us(r, now_us), 1000));
    }
    if (r->series != NULL)
        progress(r, clock_mono_us(), &done_before);
}

static void add_up(struct run *r, struct bench_result *result)
{
    int64_t last_us = 0;
    for (size_t i = 0; i < r->worker_count; i++) {
        struct worker *w = r->workers[i];
        histogram_add(&result->latency, &w->latency);
        errors_add(&result->errors, &w->errors);
        result->ops += w->ops;
        result->misses += w->misses;
        result->done_all += w->done_all;
        result->reconnects += w->reconnects;
        last_us = MAX(last_us, w->finished_us);
    }
    int64_t end_us = MIN(last_us, atomic_load(&r->clock.end_us));
    result->elapsed_s = (double)(end_us - r->clock.measure_us) / 1e6;
    result->elapsed_s = MAX(result->elapsed_s, 0);
    result->servers.cpu_us -= r->servers.cpu_us;
    if (result->servers.missing != r->servers.missing)
        result->servers.cpu_us = 0; /* it went with the one that ended */
    if (!r->measuring)
        result->servers.cpu_us = result->client_cpu_us = 0;
}

static void end_workers(struct run *r)
{
    /* Those that were never told to go end by this. */
    if (atomic_load(&r->clock.go_us) == 0) {
        atomic_store(&r->clock.end_us, 0);
        atomic_store(&r->clock.go_us, 1);
        wake_all(r);
    }
    for (size_t i = 0; i < r->worker_count; i++)
        pthread_join(r->threads[i], NULL);
}

static bool open_series(struct run *r)
{
    const char *path = r->options.series;
    if (path == NULL)
        return true;
    r->series = fopen(path, "we");
    if (r->series == NULL) {
        fprintf(stderr, "%s: cannot write %s\n", r->protocol->program, path);
        return false;
    }
    fputs("second,per_s,p50_us,p99_us,max_us,errors\n", r->series);
    return true;
}

static void say_not_connected(const struct run *r,
                              const struct bench_result *result)
{
    const struct errors *e = &result->errors;
    fprintf(stderr, "%s: no connection to any node\n", r->protocol->program);
    for (size_t i = 0; i < e->used; i++)
        fprintf(stderr, "  %s: %s\n", e->kinds[i].kind, e->kinds[i].text);
}

static int run_load(struct run *r)
{
    struct bench_result *result = mem_zalloc(sizeof(*result));
    histogram_reset(&result->latency);
    begin_workers(r);
    int status = BENCH_ERRORS;
    if (wait_connected(r) && !r->interrupted) {
        go(r);
        watch(r, result);
        end_workers(r);
        add_up(r, result);
        bench_result_print(stdout, &r->options, result);
        status = errors_total(&result->errors) == 0 ? BENCH_GOOD : BENCH_ERRORS;
    } else {
        end_workers(r);
        add_up(r, result);
        say_not_connected(r, result);
    }
    for (size_t i = 0; i < r->worker_count; i++)
        worker_free(r->workers[i]);
    mem_free(result);
    return status;
}

static struct histogram *new_histogram(void)
{
    struct histogram *h = mem_zalloc(sizeof(*h));
    histogram_reset(h);
    return h;
}

static void prepare(struct run *r)
{
    const struct bench_options *o = &r->options;
    signal_ignore();
    sigemptyset(&r->signals);
    sigaddset(&r->signals, SIGINT);
    sigaddset(&r->signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &r->signals, NULL);
    process_raise_files((uint64_t)o->connections + FILES_EXTRA);
    keys_init(&r->keys, (uint64_t)o->keys, o->zipf != 0,
              (size_t)o->value_bytes);
    r->now = new_histogram();
    r->before = new_histogram();
    r->since = new_histogram();
}

static void release(struct run *r)
{
    if (r->series != NULL)
        fclose(r->series);
    mem_free(r->now);
    mem_free(r->before);
    mem_free(r->since);
    keys_release(&r->keys);
    mem_free(r->addresses);
    cluster_release(&r->options.cluster);
}

int bench_main(const struct bench_protocol *p, int argc, char **argv)
{
    struct run *r = mem_zalloc(sizeof(*r));
    r->protocol = p;
    int status = bench_options_parse(&r->options, p, argc, argv);
    if (status != 0) {
        mem_free(r);
        return status == BENCH_USAGE ? BENCH_USAGE : BENCH_GOOD;
    }
    const struct bench_options *o = &r->options;
    enum bench_target target = o->leader_only      ? TARGET_LEADER
                               : o->followers_only ? TARGET_FOLLOWERS
                                                   : TARGET_ALL;
    prepare(r);
    status = BENCH_ERRORS;
    if (bench_select_nodes(&r->options.cluster, target, p->program) &&
        resolve(r) && open_series(r))
        status = run_load(r);
    release(r);
    mem_free(r);
    return status;
}

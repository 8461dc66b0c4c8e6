/*
 * The writers: one thread and one connection each; each sends a write, waits
 * for its reply, notes the outcome, goes on. What is shared (the notes, the
 * clock of the gaps, the counts) is behind one lock.
 *
 * The gap is the longest time in which no writer at all had a success. It is
 * what users of the surviving nodes see of a failover.
 */
#include "loadgen.h"

#include "base/alloc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ERRORS_SHOWN    10
#define RECONNECT_MS    20
#define LATENCY_BUCKETS 32 /* powers of two of microseconds */

struct load {
    const struct loadgen_options *options;
    atomic_bool stop;
    atomic_int running;
    pthread_mutex_t lock;
    /* Under the lock: */
    FILE *notes;
    int64_t acked, unknown, refused, reconnects;
    int64_t start_us, last_us; /* last: of the last success */
    int64_t gap_us, gap_at_us;
    int64_t latency_max_us;
    int64_t latency[LATENCY_BUCKETS];
    int errors_shown;
};

struct writer {
    struct load *load;
    int number;
    int node;
    redisContext *connection;
    int64_t tag;
    int64_t counter; /* last reply of INCR */
    char *padding;
    pthread_t thread;
};

/* Wants the lock. */
static void note_success(struct load *l, int64_t begin_us)
{
    int64_t now = loadgen_now_us();
    if (l->last_us != 0 && now - l->last_us > l->gap_us) {
        l->gap_us = now - l->last_us;
        l->gap_at_us = l->last_us - l->start_us;
    }
    l->last_us = now;
    int64_t took = now - begin_us;
    l->latency_max_us = MAX(l->latency_max_us, took);
    int bucket = 0;
    while (bucket < LATENCY_BUCKETS - 1 && (took >> bucket) > 0)
        bucket++;
    l->latency[bucket]++;
}

static void note(struct writer *w, enum loadgen_outcome outcome,
                 int64_t begin_us, const char *text)
{
    struct load *l = w->load;
    pthread_mutex_lock(&l->lock);
    fprintf(l->notes, "%c %d %lld\n", (char)outcome, w->number,
            (long long)w->tag);
    if (outcome == OUTCOME_ACKED) {
        l->acked++;
        note_success(l, begin_us);
    } else {
        l->unknown += outcome == OUTCOME_UNKNOWN;
        l->refused += outcome == OUTCOME_REFUSED;
        if (l->errors_shown < ERRORS_SHOWN && !l->options->quiet) {
            l->errors_shown++;
            printf("error: writer %d at %s:%d, tag %lld: %s\n", w->number,
                   l->options->nodes[w->node].host,
                   l->options->nodes[w->node].port, (long long)w->tag, text);
        }
    }
    pthread_mutex_unlock(&l->lock);
}

static void disconnect(struct writer *w)
{
    if (w->connection != NULL)
        redisFree(w->connection);
    w->connection = NULL;
    if (w->load->options->failover)
        w->node = (w->node + 1) % w->load->options->node_count;
}

/* Tries until it is connected or the load ends. */
static bool connect_writer(struct writer *w)
{
    char error[LOADGEN_TEXT_MAX];
    while (w->connection == NULL && !atomic_load(&w->load->stop)) {
        w->connection = loadgen_connect(w->load->options, w->node, error);
        if (w->connection != NULL)
            break;
        disconnect(w);
        struct timespec pause = {0, RECONNECT_MS * 1000000L};
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&w->load->lock);
        w->load->reconnects++;
        pthread_mutex_unlock(&w->load->lock);
    }
    return w->connection != NULL;
}

static redisReply *send_write(struct writer *w)
{
    const struct loadgen_options *o = w->load->options;
    char key[LOADGEN_TEXT_MAX];
    loadgen_key(o, w->number, w->tag, key);
    switch (o->op) {
    case LOADGEN_APPEND:
        return redisCommand(w->connection, "APPEND %s ;%lld", key,
                            (long long)w->tag);
    case LOADGEN_INCR:
        return redisCommand(w->connection, "INCR %s", key);
    case LOADGEN_SET:
        return redisCommand(w->connection, "SET %s %lld;%b", key,
                            (long long)w->tag, w->padding,
                            (size_t)o->value_size);
    }
    return NULL;
}

/* A reply that is not an error still has to make sense. */
static bool plausible(struct writer *w, const redisReply *reply)
{
    switch (w->load->options->op) {
    case LOADGEN_APPEND:
        return reply->type == REDIS_REPLY_INTEGER && reply->integer > 0;
    case LOADGEN_INCR:
        if (reply->type != REDIS_REPLY_INTEGER || reply->integer <= w->counter)
            return false;
        w->counter = reply->integer;
        return true;
    case LOADGEN_SET:
        return reply->type == REDIS_REPLY_STATUS &&
               strcmp(reply->str, "OK") == 0;
    }
    return false;
}

static void one_write(struct writer *w)
{
    int64_t begin_us = loadgen_now_us();
    w->tag++;
    redisReply *reply = send_write(w);
    if (reply == NULL) {
        note(w, OUTCOME_UNKNOWN, begin_us, w->connection->errstr);
        disconnect(w);
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        bool unknown = strncmp(reply->str, "UNKNOWN", 7) == 0;
        note(w, unknown ? OUTCOME_UNKNOWN : OUTCOME_REFUSED, begin_us,
             reply->str);
        if (w->load->options->failover)
            disconnect(w);
    } else if (!plausible(w, reply)) {
        note(w, OUTCOME_REFUSED, begin_us, "a reply that cannot be");
    } else {
        note(w, OUTCOME_ACKED, begin_us, "");
    }
    freeReplyObject(reply);
}

static void *run_writer(void *arg)
{
    struct writer *w = arg;
    int64_t max = w->load->options->writes_max;
    while (!atomic_load(&w->load->stop) && (max == 0 || w->tag < max)) {
        if (connect_writer(w))
            one_write(w);
    }
    if (w->connection != NULL)
        redisFree(w->connection);
    atomic_fetch_sub(&w->load->running, 1);
    return NULL;
}

/* Until the time is up, all writers are done, or a signal comes. */
static void wait_for_end(struct load *l, const sigset_t *signals)
{
    int64_t end_us = l->start_us + l->options->duration_ms * 1000;
    struct timespec slice = {0, 20000000};
    while (loadgen_now_us() < end_us && atomic_load(&l->running) > 0) {
        if (sigtimedwait(signals, NULL, &slice) > 0)
            break;
    }
    atomic_store(&l->stop, true);
}

static double percentile_ms(const struct load *l, double share)
{
    double wanted = (double)l->acked * share;
    double seen = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++) {
        seen += (double)l->latency[i];
        if (seen >= wanted)
            return (double)((int64_t)1 << i) / 1000;
    }
    return (double)l->latency_max_us / 1000;
}

static void report(const struct load *l)
{
    double seconds = (double)(loadgen_now_us() - l->start_us) / 1e6;
    printf("acked %lld\nunknown %lld\nrefused %lld\nreconnects %lld\n",
           (long long)l->acked, (long long)l->unknown, (long long)l->refused,
           (long long)l->reconnects);
    printf("seconds %.2f\nper-second %.0f\n", seconds,
           (double)l->acked / seconds);
    printf("p50-ms-below %.3f\np99-ms-below %.3f\nmax-ms %.1f\n",
           percentile_ms(l, 0.5), percentile_ms(l, 0.99),
           (double)l->latency_max_us / 1000);
    printf("gap-ms %.1f\ngap-at-ms %.0f\n", (double)l->gap_us / 1000,
           (double)l->gap_at_us / 1000);
}

static void start_writers(struct load *l, struct writer *writers)
{
    const struct loadgen_options *o = l->options;
    atomic_store(&l->running, o->writers);
    l->start_us = loadgen_now_us();
    for (int i = 0; i < o->writers; i++) {
        struct writer *w = &writers[i];
        w->load = l;
        w->number = i;
        w->node = i % o->node_count;
        w->padding = mem_zalloc((size_t)o->value_size + 1);
        memset(w->padding, 'x', (size_t)o->value_size);
        int failed = pthread_create(&w->thread, NULL, run_writer, w);
        ASSERT(failed == 0);
    }
}

int loadgen_write(const struct loadgen_options *o)
{
    struct load l = {.options = o, .lock = PTHREAD_MUTEX_INITIALIZER};
    l.notes = fopen(o->acks_path, "a");
    if (l.notes == NULL) {
        perror(o->acks_path);
        return 1;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    struct writer *writers = mem_zalloc((size_t)o->writers * sizeof(*writers));
    start_writers(&l, writers);
    wait_for_end(&l, &signals);
    for (int i = 0; i < o->writers; i++) {
        pthread_join(writers[i].thread, NULL);
        mem_free(writers[i].padding);
    }
    mem_free(writers);
    report(&l);
    bool noted = fclose(l.notes) == 0;
    return noted && l.refused == 0 && l.unknown == 0 ? 0 : 1;
}

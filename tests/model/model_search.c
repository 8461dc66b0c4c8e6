/*
 * Breadth-first search, level by level; in each level the threads take chunks
 * of states, and a new state goes to the next level. What a thread shares is
 * the table, the parts and the queue; what it remembers is its own.
 *
 * A violation ends the search at once, in the level in which it was found:
 * another thread may have had one in the same level, none in an earlier one.
 */
#include "model_search.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Of all threads; the machine may have other things to do. */
static double processor_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct model_worker *worker_new(struct model_search *s, uint64_t memory)
{
    struct model_worker *w = mem_zalloc(sizeof(*w));

    w->search = s;
    model_memo_init(&w->memo, &s->store, memory);
    model_chunk_init(&w->in, &s->queue);
    model_chunk_init(&w->out, &s->queue);
    if (s->config->live) {
        model_edges_init(&w->edges);
    }
    if (s->limits->compare) {
        w->reference = mem_zalloc(sizeof(*w->reference));
        w->reference->config = s->config;
        w->from = mem_zalloc(sizeof(*w->from));
    }
    return w;
}

static void worker_free(struct model_worker *w)
{
    model_memo_release(&w->memo);
    model_chunk_release(&w->in);
    model_chunk_release(&w->out);
    model_edges_release(&w->edges);
    mem_free(w->reference);
    mem_free(w->from);
    mem_free(w);
}

/* Of the memory an eighth goes to what is remembered of steps, at most 256 MB
 * for each thread; the rest to the table. */
static struct model_search *search_new(const struct model_config *config,
                                       const struct model_limits *limits)
{
    struct model_search *s = mem_zalloc(sizeof(*s));
    uint64_t memory = limits->memory_mb << 20;
    uint64_t memo = MIN(memory / 8 / limits->threads, UINT64_C(256) << 20);

    s->config = config;
    s->limits = limits;
    s->began = seconds();
    s->said = s->began;
    pthread_mutex_init(&s->lock, NULL);
    model_store_init(&s->store, config);
    model_table_init(&s->table, memory - memo * limits->threads, config->live);
    model_queue_init(&s->queue, config->in_flight);
    model_outlines_init(&s->outlines);
    for (uint32_t i = 0; i < limits->threads; i++) {
        s->workers[i] = worker_new(s, memo);
    }
    return s;
}

static void search_free(struct model_search *s)
{
    for (uint32_t i = 0; i < s->limits->threads; i++) {
        worker_free(s->workers[i]);
    }
    model_store_release(&s->store);
    model_table_release(&s->table);
    model_queue_release(&s->queue);
    model_outlines_release(&s->outlines);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

static void say(const struct model_search *s, const char *end)
{
    double n = (double)s->states;
    double t = seconds() - s->began;
    const struct model_store *p = &s->store;

    printf("%s: %s: %ju states, %ju transitions, %ju cut, depth %u, %.1f s, "
           "%.0f states/s, %.1f processor seconds, P(collision) %.1e; parts: "
           "%u nodes, %u messages, %u histories\n",
           s->config->name, end, (uintmax_t)s->states,
           (uintmax_t)s->transitions, (uintmax_t)s->cuts, s->depth, t, n / t,
           processor_seconds(), n * n / ldexp(1, 65), p->nodes.count - 1,
           p->messages.count - 1, p->ghosts.count - 1);
    fflush(stdout);
}

/* Adds up what the thread did, and looks whether it has to stop. */
static void account(struct model_worker *w)
{
    struct model_search *s = w->search;
    double now = seconds();

    s->states += w->states;
    s->transitions += w->transitions;
    s->cuts += w->cuts;
    w->states = 0;
    w->transitions = 0;
    w->cuts = 0;
    if (w == s->workers[0] && now - s->said > 20) {
        s->said = now;
        say(s, "so far");
    }
    const char *limit = NULL;
    if (s->states >= s->limits->states_max) {
        limit = "bounded by --states-max";
    } else if (s->states >= model_table_room(&s->table)) {
        limit = "bounded by --memory-mb";
    } else if (now - s->began > s->limits->seconds) {
        limit = "bounded by --seconds";
    }
    if (limit != NULL) {
        pthread_mutex_lock(&s->lock);
        s->limit = limit;
        pthread_mutex_unlock(&s->lock);
        s->stop = true;
    }
}

static void *work(void *arg)
{
    struct model_worker *w = arg;
    struct model_search *s = w->search;
    struct model_tuple t;

    while (!s->stop && model_queue_take(&s->queue, &w->in)) {
        for (uint32_t i = 0; i < w->in.count && !s->violated; i++) {
            model_chunk_get(&s->queue, &w->in, i, &t);
            model_expand(w, &t, w->in.number + i);
        }
        account(w);
    }
    model_queue_flush(&s->queue, &w->out);
    return NULL;
}

static void do_level(struct model_search *s)
{
    pthread_t threads[MODEL_THREADS];

    for (uint32_t i = 1; i < s->limits->threads; i++) {
        int error = pthread_create(&threads[i], NULL, work, s->workers[i]);
        ASSERT(error == 0);
    }
    (void)work(s->workers[0]);
    for (uint32_t i = 1; i < s->limits->threads; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void report(struct model_search *s)
{
    FILE *file = stdout;

    printf("VIOLATION: %s\n", s->violation);
    if (s->limits->script_path != NULL) {
        file = fopen(s->limits->script_path, "w");
        if (file == NULL) {
            perror(s->limits->script_path);
            return;
        }
    }
    model_replay(s, file);
    if (file != stdout) {
        fclose(file);
    }
}

/* 0, or the fingerprint of a state from which there is no way to a goal. */
static uint64_t check_live(struct model_search *s)
{
    struct model_edges *edges[MODEL_THREADS];

    for (uint32_t i = 0; i < s->limits->threads; i++) {
        edges[i] = &s->workers[i]->edges;
    }
    uint32_t slot = model_live_check(edges, s->limits->threads, &s->table);
    double t = seconds() - s->began;
    if (slot == UINT32_MAX) {
        printf("%s: every state can still reach the goal, %.1f s in all\n",
               s->config->name, t);
        return 0;
    }
    return s->table.entries[slot] >> 16;
}

static void run(struct model_search *s)
{
    struct model_worker *w = s->workers[0];
    struct model_tuple first;
    uint32_t slot = 0;

    model_first(s, &first);
    (void)model_table_add(&s->table, model_tuple_print(&s->store, &first), 0,
                          s->store.budget.above[0], &slot);
    w->states++;
    model_outlines_add(&s->outlines, &s->store, &first);
    model_queue_push(&s->queue, &w->out, &first, (struct model_origin){0});
    model_queue_flush(&s->queue, &w->out);
    while (model_queue_next_level(&s->queue) && !s->stop) {
        do_level(s);
        s->depth++;
    }
}

/* *stuck: 0, or a state to stop at; becomes the first one found to be stuck. */
static int search(const struct model_config *config,
                  const struct model_limits *limits, uint64_t *stuck)
{
    struct model_search *s = search_new(config, limits);
    int result = 0;

    s->wanted = *stuck;
    *stuck = 0;
    run(s);
    if (s->violated) {
        say(s, s->wanted != 0 ? "found again" : "violated");
        report(s);
        result = 1;
    } else {
        say(s, s->limit != NULL ? s->limit : "exhausted");
    }
    if (limits->outlines) {
        printf("%s: %ju outlines, sum %016jx\n", config->name,
               (uintmax_t)s->outlines.count, (uintmax_t)s->outlines.sum);
    }
    if (result == 0 && s->limit == NULL && config->live) {
        *stuck = check_live(s);
    }
    search_free(s);
    return result;
}

int model_search(const struct model_config *config,
                 const struct model_limits *limits)
{
    uint64_t stuck = 0;
    int result = search(config, limits, &stuck);

    if (stuck != 0) {
        /* Only its fingerprint is known: search again, up to there. */
        result = search(config, limits, &stuck);
    }
    return result;
}

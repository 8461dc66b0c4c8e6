/*
 * Breadth-first search.
 *
 * A state waits in the queue as packed bytes; the table keeps only its
 * fingerprint and its parent. When a violation is found, the way to it is
 * known as a list of fingerprints, and is walked again from the first state
 * on: of all events, the one that leads to the next fingerprint. Breadth first
 * means that no shorter way exists (within the bounds).
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "model_table.h"

struct search {
    struct model m;
    struct model_state state; /* being expanded */
    struct model_state next;
    struct model_table table;
    struct model_queue queue;
    struct model_live live;
    const struct model_limits *limits;
    uint64_t transitions;
    uint64_t cuts; /* transitions over a bound */
    uint64_t level_left;
    uint64_t queue_max;
    uint32_t depth;
    double began;
    double said;
};

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct search *search_new(const struct model_config *config,
                                 const struct model_limits *limits)
{
    struct search *s = mem_zalloc(sizeof(*s));
    uint64_t memory = limits->memory_mb << 20;

    s->m.config = config;
    s->limits = limits;
    s->began = seconds();
    s->said = s->began;
    model_table_init(&s->table, memory / 2, config->live);
    if (config->live) {
        model_live_init(&s->live, memory / 4);
    }
    return s;
}

static void search_free(struct search *s)
{
    model_table_release(&s->table);
    model_queue_release(&s->queue);
    if (s->m.config->live) {
        model_live_release(&s->live);
    }
    mem_free(s);
}

/* Puts s->next into table and queue; returns its slot. */
static uint32_t reached(struct search *s, uint32_t parent)
{
    struct model_code code;
    uint32_t slot = 0;

    model_encode(&s->next, &code);
    uint64_t print = model_fingerprint(&code);
    if (model_table_add(&s->table, print, parent, &slot)) {
        if (s->table.used < 20000 || s->table.used % 1024 == 0) {
            ASSERT(model_code_whole(&s->next));
        }
        if (s->table.marks != NULL) {
            s->table.marks[slot] = model_live_mark(s->m.config, &s->next);
        }
        model_queue_push(&s->queue, &code, slot);
    }
    return slot;
}

/* All that one event can lead to. False: a violation. */
static bool try_event(struct search *s, uint32_t slot, struct model_event e,
                      uint32_t *edges)
{
    uint64_t choice = 0;

    model_copy(&s->m.state, &s->state);
    model_apply(&s->m, e);
    s->transitions++;
    if (s->m.violation != NULL) {
        return false;
    }
    if (s->m.cut) {
        s->cuts++;
        return true;
    }
    while (model_wire(&s->m, &choice, &s->next)) {
        uint32_t to = reached(s, slot);
        s->transitions += s->next.wire_count == s->m.config->in_flight;
        if (s->m.config->live) {
            model_live_edge(&s->live, to);
            ++*edges;
        }
    }
    s->cuts += s->m.cut;
    return true;
}

static bool expand(struct search *s, uint32_t slot)
{
    struct model_event events[MODEL_EVENTS_MAX];
    uint32_t count = model_events(&s->m, &s->state, events);
    uint32_t edges = 0;

    if (s->m.config->live) {
        model_live_begin(&s->live, slot);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!try_event(s, slot, events[i], &edges)) {
            return false;
        }
    }
    if (s->m.config->live) {
        model_live_end(&s->live, edges);
    }
    return true;
}

/* The event (and choice of losses) of the replayed state that leads to
 * `print`; 0: that violates. */
static bool find_event(struct search *s, uint64_t print, struct model_event *e,
                       uint64_t *choice)
{
    struct model_event events[MODEL_EVENTS_MAX];
    uint32_t count = model_events(&s->m, &s->state, events);

    for (uint32_t i = 0; i < count; i++) {
        struct model_code code;
        *e = events[i];
        *choice = 0;
        model_copy(&s->m.state, &s->state);
        model_apply(&s->m, *e);
        if (s->m.violation != NULL || s->m.cut) {
            if (s->m.violation != NULL && print == 0) {
                return true;
            }
            continue;
        }
        while (print != 0 && model_wire(&s->m, choice, &s->next)) {
            model_encode(&s->next, &code);
            if (model_fingerprint(&code) == print) {
                return true;
            }
        }
    }
    return false;
}

/* One event of the way, with script. False: the replay got lost. */
static bool replay_step(struct search *s, uint64_t print, FILE *file)
{
    struct model *m = &s->m;
    struct model_event e;
    uint64_t choice = 0;
    uint32_t ids = m->ids;
    uint32_t wire_ids[MODEL_WIRE_MAX];

    memcpy(wire_ids, m->wire_ids, sizeof(wire_ids));
    m->script = NULL;
    /* A trial delivery renumbers: put the numbers back for every trial. */
    bool found = find_event(s, print, &e, &choice);
    memcpy(m->wire_ids, wire_ids, sizeof(wire_ids));
    m->ids = ids;
    if (!found) {
        fprintf(file, "# the replay got lost: the core is not symmetric\n");
        return false;
    }
    m->script = file;
    model_copy(&m->state, &s->state);
    model_apply(m, e);
    m->script = NULL;
    if (print == 0) {
        fprintf(file, "# VIOLATION: %s\n", m->violation);
        return true;
    }
    for (uint64_t at = 0; model_wire(m, &at, &s->next) && at != choice;) {
    }
    memcpy(m->wire_ids, m->kept_ids, sizeof(m->wire_ids));
    model_copy(&s->state, &s->next);
    return true;
}

/* Prints the way to the state in `slot`, and the violation behind it. */
static void replay(struct search *s, uint32_t slot, bool violation, FILE *file)
{
    uint32_t length = 0;

    for (uint32_t i = slot; i != s->table.parents[i]; i = s->table.parents[i]) {
        length++;
    }
    uint64_t *prints = mem_zalloc((length + 1) * sizeof(*prints));
    for (uint32_t i = length; i > 0; i--) {
        prints[i - 1] = s->table.prints[slot];
        slot = s->table.parents[slot];
    }
    fprintf(file, "# %u events\n", length + violation);
    model_start(&s->m);
    s->m.ids = 0;
    s->m.script = file;
    model_prelude(&s->m);
    model_copy(&s->state, &s->m.state);
    bool on_the_way = true;
    for (uint32_t i = 0; i < length && on_the_way; i++) {
        on_the_way = replay_step(s, prints[i], file);
    }
    if (on_the_way && violation) {
        (void)replay_step(s, 0, file);
    }
    mem_free(prints);
}

static void report(struct search *s, uint32_t slot, const char *what,
                   bool violation)
{
    FILE *file = stdout;

    printf("VIOLATION: %s\n", what);
    if (s->limits->script_path != NULL) {
        file = fopen(s->limits->script_path, "w");
        if (file == NULL) {
            perror(s->limits->script_path);
            return;
        }
    }
    replay(s, slot, violation, file);
    if (file != stdout) {
        fclose(file);
    }
}

static void say(struct search *s, const char *end)
{
    double n = (double)s->table.used;
    double t = seconds() - s->began;

    printf("%s: %s: %ju states, %ju transitions, %ju cut, depth %u, %.1f s, "
           "%.0f states/s, queue %ju MB, P(collision) %.1e\n",
           s->m.config->name, end, (uintmax_t)s->table.used,
           (uintmax_t)s->transitions, (uintmax_t)s->cuts, s->depth, t, n / t,
           (uintmax_t)(s->queue_max >> 20), n * n / ldexp(1, 65));
    fflush(stdout);
}

/* Why to stop before all is seen, or NULL. */
static const char *limit_reached(struct search *s)
{
    uint64_t memory = s->limits->memory_mb << 20;
    uint64_t queue_max = memory / (s->m.config->live ? 4 : 2);

    s->queue_max = MAX(s->queue_max, s->queue.bytes);
    if (s->table.used >= s->limits->states_max) {
        return "bounded by --states-max";
    }
    if (model_table_full(&s->table) || s->queue.bytes > queue_max ||
        s->live.overflow) {
        return "bounded by --memory-mb";
    }
    double now = seconds();
    if (now - s->said > 20) {
        s->said = now;
        say(s, "so far");
    }
    return now - s->began > s->limits->seconds ? "bounded by --seconds" : NULL;
}

static int run(struct search *s)
{
    struct model_code code;
    uint32_t slot = 0;

    model_start(&s->m);
    model_prelude(&s->m);
    model_copy(&s->next, &s->m.state);
    slot = reached(s, 0);
    s->table.parents[slot] = slot;
    s->level_left = 1;
    for (uint64_t n = 0; model_queue_pop(&s->queue, &code, &slot); n++) {
        const char *limit = n % 256 == 0 ? limit_reached(s) : NULL;
        if (limit != NULL) {
            say(s, limit);
            return 0;
        }
        if (s->level_left == 0) {
            s->depth++;
            s->level_left = s->queue.count + 1;
        }
        s->level_left--;
        model_decode(&code, &s->state);
        if (!expand(s, slot)) {
            say(s, "violated");
            report(s, slot, s->m.violation, true);
            return 1;
        }
    }
    say(s, "exhausted");
    if (s->m.config->live) {
        slot = model_live_check(&s->live, &s->table);
        if (slot != UINT32_MAX) {
            report(s, slot, "X15 liveness: no way from here to a goal", false);
            return 1;
        }
        printf("%s: every state can still reach the goal\n", s->m.config->name);
    }
    return 0;
}

int model_search(const struct model_config *config,
                 const struct model_limits *limits)
{
    struct search *s = search_new(config, limits);
    int result = run(s);

    search_free(s);
    return result;
}

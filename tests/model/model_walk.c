/*
 * Random walks, for bounds that no search exhausts.
 *
 * Every walk has a number of its own drawn from the seed; a walk that ends in
 * a violation is walked again with the same number, and says what it does.
 * After some steps, or when nothing can happen, the next walk begins.
 */
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "model.h"

#define WALK_STEPS 400

struct walk {
    struct model m;
    struct model_state state;
    uint64_t steps;
    uint64_t commits; /* walks that committed an entry */
    uint64_t full;    /* walks with a leader of the last term */
};

/* So many of the messages, at random. */
static uint64_t choose(const struct model *m, uint64_t *rng)
{
    uint64_t choice = (UINT64_C(1) << m->all_count) - 1;
    uint32_t count = m->all_count;

    while (count > m->config->in_flight) {
        uint64_t bit = UINT64_C(1) << rng_below(rng, m->all_count);
        count -= (choice & bit) != 0;
        choice &= ~bit;
    }
    return choice;
}

/* Faults and timeouts are drawn eight times less often than progress. */
static bool is_rare(const struct model_event *e, uint64_t *rng)
{
    bool common = e->type == MODEL_DELIVER || e->type == MODEL_SYNC ||
                  e->type == MODEL_PROPOSE || e->type == MODEL_HEARTBEAT ||
                  e->type == MODEL_READ;

    return !common && rng_below(rng, 8) != 0;
}

/* One random event. False: a violation, or nothing can happen. */
static bool random_event(struct walk *w, uint64_t *rng)
{
    struct model_event events[MODEL_EVENTS_MAX];
    uint32_t count = model_events(&w->m, &w->state, events);

    if (count == 0) {
        return false;
    }
    const struct model_event *e = &events[rng_below(rng, count)];
    if (is_rare(e, rng)) {
        return true;
    }
    model_copy(&w->m.state, &w->state);
    model_apply(&w->m, *e);
    w->steps++;
    if (w->m.violation != NULL) {
        return false;
    }
    if (w->m.cut) {
        return false; /* over a bound: the walk ends */
    }
    model_keep(&w->m, choose(&w->m, rng), &w->state);
    memcpy(w->m.wire_ids, w->m.kept_ids, sizeof(w->m.wire_ids));
    return true;
}

/* A whole walk; true: it ended in a violation. */
static bool walk(struct walk *w, uint64_t number, FILE *script)
{
    uint64_t rng = number;

    w->m.script = NULL;
    w->m.violation = NULL;
    w->m.ids = 0;
    model_start(&w->m);
    w->m.script = script;
    model_prelude(&w->m);
    model_copy(&w->state, &w->m.state);
    for (uint32_t i = 0; i < WALK_STEPS && random_event(w, &rng); i++) {
    }
    w->m.script = NULL;
    w->commits += w->state.check.commit > 0;
    w->full += w->state.check.logs[w->m.config->terms].known;
    return w->m.violation != NULL;
}

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void report(struct walk *w, uint64_t number,
                   const struct model_limits *limits)
{
    FILE *file = stdout;

    printf("VIOLATION: %s\n", w->m.violation);
    if (limits->script_path != NULL) {
        file = fopen(limits->script_path, "w");
    }
    if (file == NULL) {
        perror(limits->script_path);
        return;
    }
    (void)walk(w, number, file);
    fprintf(file, "# VIOLATION: %s\n", w->m.violation);
    if (file != stdout) {
        fclose(file);
    }
}

int model_walk(const struct model_config *config, uint64_t seed, uint64_t steps,
               const struct model_limits *limits)
{
    struct walk *w = mem_zalloc(sizeof(*w));
    uint64_t rng = seed;
    uint64_t walks = 0;
    double began = seconds();
    int result = 0;

    w->m.config = config;
    while (w->steps < steps && seconds() - began < limits->seconds) {
        uint64_t number = rng_next(&rng);
        walks++;
        if (walk(w, number, NULL)) {
            report(w, number, limits);
            result = 1;
            break;
        }
    }
    double t = seconds() - began;
    printf("%s: seed %ju: %ju walks, %ju steps, %ju with commits, %ju reached "
           "the last term, %.1f s, %.0f steps/s\n",
           config->name, (uintmax_t)seed, (uintmax_t)walks, (uintmax_t)w->steps,
           (uintmax_t)w->commits, (uintmax_t)w->full, t, (double)w->steps / t);
    mem_free(w);
    return result;
}

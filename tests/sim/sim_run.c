/*
 * One run: everything is set up from the seed, then events happen in order
 * until the phases are through or something breaks.
 *
 * A breach, and also a failed assertion of the code under test, jumps back
 * here, so that one process can run many seeds. What the broken run owned is
 * then left alone: the process ends soon.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>

/* The run that an assertion of the code under test belongs to: assertions
 * carry no context. */
static struct sim *running;

NORETURN void __wrap_assert_failed(const char *expr, const char *file, int line,
                                   const char *func);
NORETURN void __real_assert_failed(const char *expr, const char *file, int line,
                                   const char *func);

NORETURN void __wrap_assert_failed(const char *expr, const char *file, int line,
                                   const char *func)
{
    if (!running)
        __real_assert_failed(expr, file, line, func);
    sim_fail(running, "assertion: %s, %s:%d, %s", expr, file, line, func);
}

struct sim *sim_running(void)
{
    return running;
}

static void print_time(const struct sim *s, FILE *to)
{
    fprintf(to, "%6lld.%06lld ", (long long)(s->now_us / SIM_S),
            (long long)(s->now_us % SIM_S));
}

NORETURN void sim_fail(struct sim *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(s->failure, sizeof(s->failure), format, args);
    va_end(args);
    if (s->options.trace) {
        print_time(s, stdout);
        printf("FAILED: %s\n", s->failure);
    }
    longjmp(s->end, 1);
}

void sim_trace(struct sim *s, const char *format, ...)
{
    va_list args;

    if (!s->options.trace)
        return;
    print_time(s, stdout);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void begin(struct sim *s)
{
    uint64_t rng = s->seed;

    s->rng_net = rng_next(&rng);
    s->rng_disk = rng_next(&rng);
    s->rng_fault = rng_next(&rng);
    s->rng_node = rng_next(&rng);
    s->rng_client = rng_next(&rng);
    sim_config_draw(s);
    s->count = s->config.nodes + s->config.spares;
    s->members = (1u << s->count) - 1;
    ghost_init(s);
    ghost_members_init(s);
    core_init(s);
    oracle_init(s);
    process_init(s);
    net_init(s);
    clients_init(s);
    churn_init(s);
    level_init(s);
    for (uint32_t i = 0; i < s->count; i++)
        sim_push(s, (int64_t)rng_below(&s->rng_node, 200 * SIM_MS), EV_START, i,
                 0);
    sim_faults_begin(s);
    sim_push(s, s->config.safety_us, EV_PHASE, 0, 0);
}

static void happen(struct sim *s, const struct sim_event *e)
{
    switch (e->kind) {
    case EV_TURN:
    case EV_START:
    case EV_THAW:
    case EV_MISSED:
    case EV_UNBLINK:
        process_event(s, e);
        break;
    case EV_DELIVER:
    case EV_LINK_TRY:
    case EV_LINK_UP:
    case EV_LINK_DOWN:
    case EV_CUT_END:
    case EV_CUT_SEEN:
        net_event(s, e);
        break;
    case EV_SYNCED:
    case EV_FLUSHED:
        disk_event(s, e);
        break;
    case EV_CLIENT:
        client_event(s, e);
        break;
    case EV_OLDER:
        level_older(s, e->a);
        break;
    case EV_TEND:
        churn_tend(s);
        break;
    case EV_FAULT:
        sim_fault_event(s, e);
        break;
    case EV_PHASE:
        phase_event(s);
        break;
    case EV_KIND_COUNT:
        ASSERT(e->kind < EV_KIND_COUNT);
    }
}

bool sim_run(struct sim *s)
{
    struct sim_event e;

    running = s;
    if (setjmp(s->end) != 0) {
        running = NULL;
        s->stats.simulated_us = s->now_us;
        return false;
    }
    begin(s);
    while (!s->done && sim_pop(s, &e)) {
        ASSERT(e.at_us >= s->now_us);
        s->now_us = e.at_us;
        s->stats.events++;
        sim_mix(s, (uint64_t)e.at_us * 64 + (uint64_t)e.kind);
        happen(s, &e);
    }
    ASSERT(s->done);
    running = NULL;
    s->stats.simulated_us = s->now_us;
    return true;
}

void sim_release(struct sim *s)
{
    clients_release(s);
    copy_release(s);
    process_release(s);
    net_release(s);
    oracle_release(s);
    ghost_release(s);
    ghost_members_release(s);
    core_release(s);
    mem_free(s->heap.items);
}

bool sim_counts(const struct sim *s, char *why, size_t size)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        if (s->config.on[i] && s->stats.faults[i] == 0) {
            snprintf(why, size, "%s never happened", sim_fault_names[i]);
            return false;
        }
    if (s->stats.commits < 20 || s->ghost.elections == 0 ||
        s->oracle.executed < 20) {
        snprintf(why, size, "no work was done");
        return false;
    }
    return true;
}

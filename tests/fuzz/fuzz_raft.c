/*
 * Bytes as a schedule for three cores: the explorer's model (tests/model)
 * with its disks, messages and faults, and all invariants of tests/check
 * after every step. A byte picks one of the events that may happen, another
 * which messages are lost; so every input is a run, and what libFuzzer keeps
 * are runs that reach new edges of the core.
 *
 * input: bounds(1), then event(1) and losses(1) for each step.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "model.h"

#define STEPS_MAX 300

/* The bounds of the explorer with everything on. */
static struct model_config bounds_of(uint8_t b)
{
    struct model_config c = {
        .name = "fuzz",
        .about = "a schedule made of bytes",
        .terms = CHECK_TERMS_MAX - 1,
        .requests = CHECK_LOG_MAX - 3,
        .crashes = MODEL_ANY,
        .duplicates = MODEL_ANY,
        .in_flight = 6,
        .losses = MODEL_ANY,
        .heartbeats = MODEL_ANY,
        .writes = b % 3,
        .reads = CHECK_READS_MAX - 1,
        .transfers = MODEL_ANY,
        .breaks = MODEL_ANY,
        .cuts = MODEL_ANY,
        .restores = MODEL_ANY,
        .plain = true,
        .all = (b & 4) != 0,
        .brief = (b & 8) != 0,
        .applied = (b & 16) != 0,
    };
    return c;
}

/* Which of the messages are kept, no more than may be in flight. */
static uint64_t choose(const struct model *m, uint8_t b)
{
    uint64_t choice = (UINT64_C(1) << m->all_count) - 1;
    uint32_t count = m->all_count;
    uint32_t at = b;
    while (count > m->config->in_flight) {
        uint64_t bit = UINT64_C(1) << (at++ % m->all_count);
        count -= (choice & bit) != 0;
        choice &= ~bit;
    }
    if (b >= 224 && m->all_count > 0) /* one more is lost */
        choice &= ~(UINT64_C(1) << (b % m->all_count));
    return choice;
}

static void run(struct model *m, struct model_state *state, struct fuzz *f)
{
    struct model_event events[MODEL_EVENTS_MAX];
    for (int i = 0; i < STEPS_MAX && fuzz_more(f); i++) {
        uint32_t count = model_events(m, state, events);
        if (count == 0)
            return;
        struct model_event e = events[fuzz_below(f, count)];
        model_copy(&m->state, state);
        model_apply(m, e);
        if (m->violation != NULL || m->cut)
            return;
        model_keep(m, choose(m, fuzz_u8(f)), state);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    struct model_config config = bounds_of(fuzz_u8(&f));
    struct model *m = calloc(1, sizeof(*m));
    struct model_state *state = calloc(1, sizeof(*state));
    ASSERT(m != NULL && state != NULL);
    m->config = &config;
    model_start(m);
    model_copy(state, &m->state);
    run(m, state, &f);
    if (m->violation != NULL) {
        fprintf(stderr, "violation: %s\n", m->violation);
        abort();
    }
    free(m);
    free(state);
    return 0;
}

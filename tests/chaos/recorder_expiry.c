/*
 * Keys that expire. Each client writes a key of its own with a time to live,
 * then reads it on any node until it is gone, and a little longer. Let the SET
 * have been invoked at I and returned at R, with P to live. It was executed
 * in between, and so it expires between I + P and R + P:
 *
 *   early  gone in a reply that came before I + P
 *   late   there in a read that began after R + P
 *   risen  there in a read that began after another one had seen it gone
 *
 * All three must hold whatever the nodes' wall clocks show. The first holds
 * within slack_ms. A leader may take the log's time up late, by what the last
 * messages of the one before were held up, so the second has LATE_MS more. A
 * SET of unknown outcome may be executed later and proves nothing; its key is
 * left alone.
 */
#include "recorder.h"

#include <inttypes.h>
#include <string.h>

#define LIFE_MIN_MS  50
#define LIFE_MORE_MS 500
#define LOOK_US      15000
#define LOOKS_AFTER  5    /* after it was seen gone */
#define LATE_MS      5000 /* longer than any fault holds messages up */
#define LOOK_END_US  (20 * INT64_C(1000000))

struct mortal {
    char key[RECORDER_TEXT_MAX];
    char value[RECORDER_TEXT_MAX];
    int64_t earliest_us; /* I + P - slack */
    int64_t latest_us;   /* R + P + slack + LATE_MS */
    int gone;            /* times seen gone */
};

static bool bear(struct client *c, struct mortal *m)
{
    const struct recorder_options *o = &c->recorder->options;
    char life[RECORDER_TEXT_MAX];
    struct answer a;
    int64_t life_ms = LIFE_MIN_MS + (int64_t)client_random(c, LIFE_MORE_MS);
    *m = (struct mortal){.gone = 0};
    c->serial++;
    snprintf(m->key, sizeof(m->key), "%s:x%" PRIu32 ":%" PRId64, o->prefix,
             c->number, c->serial);
    snprintf(m->value, sizeof(m->value), "v%" PRId64, c->serial);
    snprintf(life, sizeof(life), "%" PRId64, life_ms);
    const char *argv[5] = {"set", m->key, m->value, "px", life};
    m->earliest_us = recorder_now_us() + (life_ms - o->slack_ms) * 1000;
    if (!client_ask(c, 5, argv, &a))
        return false;
    if (a.outcome != HISTORY_OK) {
        recorder_count(c->recorder,
                       a.outcome == HISTORY_FAIL ? COUNT_FAIL : COUNT_UNKNOWN,
                       NULL);
        return false;
    }
    recorder_success(c->recorder);
    m->latest_us = recorder_now_us() + (life_ms + o->slack_ms + LATE_MS) * 1000;
    return true;
}

static void judge(struct client *c, struct mortal *m, int64_t begin_us,
                  const struct answer *a)
{
    struct recorder *r = c->recorder;
    if (a->reply == REPLY_NIL) {
        if (m->gone++ == 0)
            recorder_count(r, COUNT_EXPIRED, NULL);
        if (recorder_now_us() < m->earliest_us)
            recorder_count(r, COUNT_EARLY, "a key was gone before its time");
        return;
    }
    if (a->reply != REPLY_TEXT || strcmp(a->text, m->value) != 0) {
        recorder_count(r, COUNT_ODD, "a key of one value had another");
        return;
    }
    if (m->gone > 0)
        recorder_count(r, COUNT_RISEN, "a key came back after it had expired");
    else if (begin_us > m->latest_us)
        recorder_count(r, COUNT_LATE, "a key was read after its time");
}

static void look(struct client *c, struct mortal *m)
{
    const char *argv[2] = {"get", m->key};
    struct answer a;
    int nodes = c->recorder->options.node_count;
    client_move(c, (int)client_random(c, (uint64_t)nodes));
    int64_t begin_us = recorder_now_us();
    if (!client_ask(c, 2, argv, &a))
        return;
    if (a.outcome != HISTORY_OK)
        return;
    recorder_success(c->recorder);
    judge(c, m, begin_us, &a);
}

void *expiry_run(void *client)
{
    struct client *c = client;
    struct recorder *r = c->recorder;
    while (!atomic_load(&r->stop)) {
        struct mortal m;
        client_move(c, c->home);
        if (bear(c, &m)) {
            int64_t end_us = recorder_now_us() + LOOK_END_US;
            while (m.gone < LOOKS_AFTER && recorder_now_us() < end_us &&
                   !atomic_load(&r->stop)) {
                client_pause(c, LOOK_US);
                look(c, &m);
            }
        }
        client_pause(c, LOOK_US);
    }
    return NULL;
}

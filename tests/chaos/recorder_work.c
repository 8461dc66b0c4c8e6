/*
 * The work of a client: registers, counters, counters under ONCE; and
 * collections (recorder_collect.c).
 *
 * A ONCE request whose outcome is not known is sent again, under its own
 * number, to one node after the other; for the history it is one operation,
 * from its first invocation to its known result. If a retry were executed
 * again, the counter would show a number that nobody was given. Some are sent
 * again though they were answered: the result must be the same.
 *
 * A definite error ends a ONCE request only if it was the first thing heard:
 * after an attempt of unknown outcome it says nothing about that attempt.
 */
#include "recorder.h"

#include "base/alloc.h"

#include <inttypes.h>
#include <string.h>

#define KEY_MAX       RECORDER_TEXT_MAX
#define ONCE_GIVE_UP  (60 * INT64_C(1000000)) /* us */
#define READ_GIVE_UP  (20 * INT64_C(1000000))
#define READ_PAUSE_US 10000

/* Letters of keys. */
#define REGISTER 'r'
#define COUNTER  'c'
#define UNIQUE   'o' /* under ONCE */

static void make_key(const struct recorder *r, char letter,
                     const int64_t place[2], char out[KEY_MAX])
{
    snprintf(out, KEY_MAX, "%s:%c%" PRId64 ":%" PRId64, r->options.prefix,
             letter, place[0], place[1]);
}

static int64_t epoch_now(const struct recorder *r)
{
    return (recorder_now_us() - r->start_us) / 1000 / r->options.epoch_ms;
}

void work_draw_key(struct client *c, char letter, char out[KEY_MAX])
{
    int64_t place[2] = {
        epoch_now(c->recorder),
        (int64_t)client_random(c, (uint64_t)c->recorder->options.keys)};
    make_key(c->recorder, letter, place, out);
}

/* The texts of an operation are kept only until it is noted. */
struct history_op work_begin(struct client *c, enum history_kind kind,
                             const char *key)
{
    history_release(&c->texts);
    history_init(&c->texts);
    return (struct history_op){.kind = (uint8_t)kind,
                               .invoke = recorder_now_us(),
                               .key =
                                   history_intern(&c->texts, bytes_str(key))};
}

static void ask_and_note(struct client *c, struct history_op *op, int argc,
                         const char **argv)
{
    struct answer a;
    if (!client_ask(c, argc, argv, &a))
        return;
    recorder_note(c, op, &a);
    if (a.outcome == HISTORY_OK && a.reply == REPLY_TEXT)
        memcpy(c->seen, a.text, sizeof(c->seen));
}

/* --- registers ----------------------------------------------------------- */

static enum history_kind draw_kind(struct client *c)
{
    static const uint8_t kinds[] = {
        HISTORY_GET, HISTORY_GET,   HISTORY_GET,    HISTORY_GET,   HISTORY_SET,
        HISTORY_SET, HISTORY_CAS,   HISTORY_CAS,    HISTORY_CAS,   HISTORY_CAD,
        HISTORY_DEL, HISTORY_SETNX, HISTORY_GETSET, HISTORY_GETDEL};
    return (enum history_kind)kinds[client_random(c, ARRAY_LEN(kinds))];
}

static void register_op(struct client *c)
{
    char key[KEY_MAX];
    char value[KEY_MAX];
    const char *argv[4];
    int argc = 0;
    enum history_kind kind = draw_kind(c);
    unsigned args = history_kind_args(kind);
    bool compares = kind == HISTORY_CAS || kind == HISTORY_CAD;
    work_draw_key(c, REGISTER, key);
    struct history_op op = work_begin(c, kind, key);
    argv[argc++] = history_kind_word(kind);
    argv[argc++] = key;
    if (compares) {
        op.expected = history_intern(&c->texts, bytes_str(c->seen));
        argv[argc++] = c->seen;
    }
    if (args > (compares ? 1u : 0u)) {
        snprintf(value, sizeof(value), "%" PRIu32 "-%" PRId64, c->number,
                 ++c->serial);
        op.value = history_intern(&c->texts, bytes_str(value));
        argv[argc++] = value;
    }
    ask_and_note(c, &op, argc, argv);
}

/* --- counters ------------------------------------------------------------ */

static void read_key(struct client *c, const char *key)
{
    const char *argv[2] = {"get", key};
    struct history_op op = work_begin(c, HISTORY_GET, key);
    ask_and_note(c, &op, 2, argv);
}

static void counter_op(struct client *c)
{
    char key[KEY_MAX];
    work_draw_key(c, COUNTER, key);
    if (client_random(c, 3) == 0) {
        read_key(c, key);
        return;
    }
    const char *argv[3] = {"incrby", key, "1"};
    struct history_op op = work_begin(c, HISTORY_INCRBY, key);
    op.increment = 1;
    ask_and_note(c, &op, 3, argv);
}

/* --- ONCE ---------------------------------------------------------------- */

static bool ask_once(struct client *c, const char *key, struct answer *a)
{
    char name[KEY_MAX];
    char id[KEY_MAX];
    snprintf(name, sizeof(name), "%s-%" PRIu32, c->recorder->options.prefix,
             c->number);
    snprintf(id, sizeof(id), "%" PRIu64, c->once_id);
    const char *argv[6] = {"once", name, id, "incrby", key, "1"};
    return client_ask(c, ARRAY_LEN(argv), argv, a);
}

static void move_on(struct client *c)
{
    client_move(c, (c->node + 1) % c->recorder->options.node_count);
    recorder_count(c->recorder, COUNT_RETRIES, NULL);
    if (c->recorder->options.fresh_ids)
        c->once_id++;
}

/* Until the outcome is known. False: nothing was ever asked. */
static bool ask_until_known(struct client *c, const char *key, struct answer *a)
{
    int64_t end_us = recorder_now_us() + ONCE_GIVE_UP;
    bool asked = ask_once(c, key, a);
    if (!asked || a->outcome == HISTORY_FAIL)
        return asked;
    while (a->outcome != HISTORY_OK && recorder_now_us() < end_us) {
        struct answer again = {.outcome = HISTORY_UNKNOWN};
        move_on(c);
        if (ask_once(c, key, &again) && again.outcome == HISTORY_OK)
            *a = again;
        else
            client_pause(c, READ_PAUSE_US);
    }
    return true;
}

static void ask_again(struct client *c, const char *key,
                      const struct answer *first)
{
    struct answer again;
    int nodes = c->recorder->options.node_count;
    client_move(c, (int)client_random(c, (uint64_t)nodes));
    if (!ask_once(c, key, &again) || again.outcome != HISTORY_OK)
        return;
    recorder_count(c->recorder, COUNT_AGAIN, NULL);
    if (again.reply != first->reply || again.number != first->number)
        recorder_count(c->recorder, COUNT_WRONG,
                       "a repeated ONCE request got another result");
}

static void once_op(struct client *c)
{
    char key[KEY_MAX];
    struct answer a;
    work_draw_key(c, UNIQUE, key);
    if (client_random(c, 3) == 0) {
        read_key(c, key);
        return;
    }
    struct history_op op = work_begin(c, HISTORY_INCRBY, key);
    op.increment = 1;
    c->once_id++;
    if (ask_until_known(c, key, &a)) {
        recorder_note(c, &op, &a);
        if (a.outcome == HISTORY_OK && client_random(c, 4) == 0)
            ask_again(c, key, &a);
    }
    client_move(c, c->home);
}

void *work_run(void *client)
{
    struct client *c = client;
    memcpy(c->seen, "none", sizeof("none"));
    while (!atomic_load(&c->recorder->stop)) {
        /* The mistake, if it is asked for, is to be met often. */
        bool once = c->recorder->options.fresh_ids ||
                    (c->roams && client_random(c, 2) == 0);
        if (once)
            once_op(c);
        else if (client_random(c, 3) == 0)
            collect_op(c);
        else if (client_random(c, 4) == 0)
            counter_op(c);
        else
            register_op(c);
        client_pause(c, c->recorder->options.pause_us);
    }
    return NULL;
}

/* --- the end ------------------------------------------------------------- */

static bool read_until_known(struct client *c, const char *key)
{
    const char *argv[2] = {"get", key};
    int64_t end_us = recorder_now_us() + READ_GIVE_UP;
    while (recorder_now_us() < end_us) {
        struct answer a;
        struct history_op op = work_begin(c, HISTORY_GET, key);
        if (client_ask(c, 2, argv, &a) && a.outcome == HISTORY_OK) {
            recorder_note(c, &op, &a);
            return true;
        }
        client_pause(c, READ_PAUSE_US);
    }
    return false;
}

static bool read_collection(struct client *c, char letter, const char *key)
{
    int64_t end_us = recorder_now_us() + READ_GIVE_UP;
    while (!collect_read(c, letter, key)) {
        if (recorder_now_us() >= end_us)
            return false;
        client_pause(c, READ_PAUSE_US);
    }
    return true;
}

bool work_read_all(struct recorder *r)
{
    bool good = true;
    int64_t epochs = epoch_now(r) + 1;
    for (int node = 0; node < r->options.node_count && good; node++) {
        struct client c;
        client_init(&c, r, node);
        for (int64_t i = 0; i < epochs * r->options.keys && good; i++) {
            int64_t place[2] = {i / r->options.keys, i % r->options.keys};
            char key[KEY_MAX];
            for (const char *l = "rco" COLLECT_LETTERS; *l != 0 && good; l++) {
                make_key(r, *l, place, key);
                good = strchr(COLLECT_LETTERS, *l) != NULL
                           ? read_collection(&c, *l, key)
                           : read_until_known(&c, key);
            }
        }
        client_release(&c);
    }
    return good;
}

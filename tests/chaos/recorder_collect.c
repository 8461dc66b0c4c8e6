/*
 * Clients of collections. An element of a hash, a set or a sorted set is a key
 * by itself for the checker (check/history.h): what is asked of it says nothing
 * of the others. Others of the same collection, which nobody asks for, make a
 * tree of it. Lists are queues, whose clients wait for elements, too, and all
 * of a stream is the order in which it got its entries.
 *
 * The ids of a stream's entries are its own: they have to rise.
 */
#include "recorder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX  RECORDER_TEXT_MAX
#define ELEMENTS 3

/* What is asked of an element, and for what it stands in the history. Behind
 * the key and the element come a value, if the kind has one. */
struct verb {
    char letter; /* of the key */
    const char *word;
    enum history_kind kind;
};

static const struct verb verbs[] = {
    {'h', "hset", HISTORY_PUT},         {'h', "hsetnx", HISTORY_SETNX},
    {'h', "hget", HISTORY_GET},         {'h', "hget", HISTORY_GET},
    {'h', "hdel", HISTORY_DEL},         {'h', "hexists", HISTORY_EXISTS},
    {'s', "sadd", HISTORY_SETNX},       {'s', "srem", HISTORY_DEL},
    {'s', "sismember", HISTORY_EXISTS}, {'z', "zadd", HISTORY_PUT},
    {'z', "zscore", HISTORY_GET},       {'z', "zrem", HISTORY_DEL},
    {'n', "hincrby", HISTORY_INCRBY},   {'n', "hget", HISTORY_GET},
};

static const struct verb queue_verbs[] = {
    {'l', "rpush", HISTORY_RPUSH},   {'l', "rpush", HISTORY_RPUSH},
    {'l', "lpush", HISTORY_LPUSH},   {'l', "lpop", HISTORY_LPOP},
    {'l', "rpop", HISTORY_RPOP},     {'l', "blpop", HISTORY_LPOP},
    {'l', "llen", HISTORY_LLEN},     {'l', "lrange", HISTORY_LRANGE},
    {'x', "xadd", HISTORY_XADD},     {'x', "xlen", HISTORY_LLEN},
    {'x', "xrange", HISTORY_LRANGE},
};

/* Asks; what the answer means is in `a`. */
static bool ask(struct client *c, const char *const words[], int argc,
                struct answer *a)
{
    const char *argv[8];
    ASSERT(argc <= (int)ARRAY_LEN(argv));
    for (int i = 0; i < argc; i++)
        argv[i] = words[i];
    return client_ask(c, argc, argv, a);
}

/* --- elements ------------------------------------------------------------ */

static void draw_value(struct client *c, const struct verb *v,
                       char out[KEY_MAX])
{
    c->serial++;
    if (v->letter == 's')
        snprintf(out, KEY_MAX, "1");
    else if (v->letter == 'z')
        snprintf(out, KEY_MAX, "%" PRId64, c->number * 1000000 + c->serial);
    else
        snprintf(out, KEY_MAX, "%" PRIu32 "-%" PRId64, c->number, c->serial);
}

/* key element [value], as the command wants them. */
static bool ask_element(struct client *c, const struct verb *v,
                        const char *const words[3], struct answer *a)
{
    const char *key = words[0];
    const char *element = words[1];
    const char *value = words[2];
    if (v->kind == HISTORY_INCRBY)
        return ask(c, (const char *[]){v->word, key, element, "1"}, 4, a);
    if (v->letter == 'z' && v->kind == HISTORY_PUT)
        return ask(c, (const char *[]){v->word, key, value, element}, 4, a);
    bool both = v->letter == 'h' && history_kind_args(v->kind) > 0;
    return ask(c, (const char *[]){v->word, key, element, value}, both ? 4 : 3,
               a);
}

static void do_element(struct client *c, const struct verb *v, const char *key,
                       const char *element)
{
    char name[2 * KEY_MAX];
    char value[KEY_MAX] = "1";
    struct answer a;
    snprintf(name, sizeof(name), "%s/%s", key, element);
    struct history_op op = work_begin(c, v->kind, name);
    if (v->kind == HISTORY_INCRBY)
        op.increment = 1;
    else if (history_kind_args(v->kind) > 0)
        draw_value(c, v, value);
    if (v->kind != HISTORY_INCRBY && history_kind_args(v->kind) > 0)
        op.value = history_intern(&c->texts, bytes_str(value));
    if (ask_element(c, v, (const char *[]){key, element, value}, &a))
        recorder_note(c, &op, &a);
}

static void element_op(struct client *c)
{
    const struct verb *v = &verbs[client_random(c, ARRAY_LEN(verbs))];
    char key[KEY_MAX];
    char element[16];
    work_draw_key(c, v->letter, key);
    snprintf(element, sizeof(element), "e%d",
             (int)client_random(c, v->letter == 'n' ? 1 : ELEMENTS));
    do_element(c, v, key, element);
}

/* More of the same collection: what becomes of it is not noted. */
static void fill(struct client *c)
{
    static const char *const words[] = {"hset", "sadd", "zadd"};
    int type = (int)client_random(c, ARRAY_LEN(words));
    char key[KEY_MAX];
    char text[6][KEY_MAX];
    const char *argv[8] = {words[type], key};
    struct answer a;
    work_draw_key(c, "hsz"[type], key);
    for (int i = 0; i < 6; i++) {
        snprintf(text[i], KEY_MAX, "%s%" PRId64 "%s",
                 type == 2 && i % 2 == 0 ? "" : "filled.with.something.",
                 c->serial++, "");
        argv[2 + i] = text[i];
    }
    if (client_ask(c, ARRAY_LEN(argv), argv, &a) && a.outcome == HISTORY_OK)
        recorder_success(c->recorder);
}

/* --- queues and streams -------------------------------------------------- */

static bool ask_queue(struct client *c, const struct verb *v, const char *key,
                      const char *value, struct answer *a)
{
    if (v->letter == 'x' && v->kind == HISTORY_XADD)
        return ask(c, (const char *[]){v->word, key, "*", "tag", value}, 5, a);
    if (v->letter == 'x' && v->kind == HISTORY_LRANGE)
        return ask(c, (const char *[]){v->word, key, "-", "+"}, 4, a);
    if (v->kind == HISTORY_LRANGE)
        return ask(c, (const char *[]){v->word, key, "0", "-1"}, 4, a);
    if (v->word[0] == 'b') /* waits for a moment */
        return ask(c, (const char *[]){v->word, key, "0.05"}, 3, a);
    return ask(c, (const char *[]){v->word, key, value},
               history_kind_pushes(v->kind) ? 3 : 2, a);
}

/* What the history has in its place. */
static void translate(const struct client *c, const struct verb *v,
                      struct answer *a)
{
    if (a->outcome != HISTORY_OK)
        return;
    if (v->kind == HISTORY_XADD && a->reply == REPLY_TEXT)
        a->reply = REPLY_OK;             /* an id */
    if (v->word[0] == 'b' && a->lines) { /* key and element */
        const char *text = (const char *)c->lines.data;
        const char *element = strchr(text, '\n');
        ASSERT(element != NULL);
        snprintf(a->text, sizeof(a->text), "%.*s",
                 (int)strcspn(element + 1, "\n"), element + 1);
        a->lines = false;
    }
}

static bool do_queue(struct client *c, const struct verb *v, const char *key,
                     bool again)
{
    char value[KEY_MAX] = "";
    struct answer a;
    struct history_op op = work_begin(c, v->kind, key);
    if (history_kind_pushes(v->kind)) {
        draw_value(c, v, value);
        op.value = history_intern(&c->texts, bytes_str(value));
    }
    c->ids = v->letter == 'x';
    bool asked = ask_queue(c, v, key, value, &a);
    c->ids = false;
    bool good = asked && (!again || a.outcome == HISTORY_OK);
    if (good) {
        translate(c, v, &a);
        recorder_note(c, &op, &a);
    }
    return good;
}

void collect_op(struct client *c)
{
    char key[KEY_MAX];
    uint64_t kind = client_random(c, 10);
    if (kind == 0) {
        fill(c);
    } else if (kind < 6) {
        element_op(c);
    } else {
        const struct verb *v =
            &queue_verbs[client_random(c, ARRAY_LEN(queue_verbs))];
        work_draw_key(c, v->letter, key);
        (void)do_queue(c, v, key, false);
    }
}

/* --- the end ------------------------------------------------------------- */

bool collect_read(struct client *c, const char letter, const char *key)
{
    static const struct verb all[] = {{'l', "lrange", HISTORY_LRANGE},
                                      {'x', "xrange", HISTORY_LRANGE}};
    static const struct verb one[] = {{'h', "hget", HISTORY_GET},
                                      {'n', "hget", HISTORY_GET},
                                      {'z', "zscore", HISTORY_GET},
                                      {'s', "sismember", HISTORY_EXISTS}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].letter == letter)
            return do_queue(c, &all[i], key, true);
    for (size_t i = 0; i < ARRAY_LEN(one); i++)
        if (one[i].letter == letter)
            for (int e = 0; e < ELEMENTS; e++) {
                char element[16];
                snprintf(element, sizeof(element), "e%d", e);
                do_element(c, &one[i], key, element);
            }
    return true;
}

/*
 * How it works: one small record per request. The last place anybody was told
 * of stands for all earlier replies: a request that begins afterwards must be
 * executed behind it.
 */
#include "check/check_client.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <string.h>

static void breach(struct client_check *c, const char *text)
{
    if (!c->violation)
        c->violation = text;
}

static bool before(struct client_place a, struct client_place b)
{
    return a.index < b.index || (a.index == b.index && a.pos < b.pos);
}

static uint64_t words_of(const struct bytes *argv, uint32_t argc)
{
    uint64_t hash = argc;

    for (uint32_t i = 0; i < argc; i++)
        hash = hash64_seed(argv[i], hash + argv[i].len);
    return hash == 0 ? 1 : hash;
}

static struct client_session *session_of(struct client_check *c,
                                         struct client_id id, bool make)
{
    struct {
        uint64_t node;
        uint64_t incarnation;
    } name = {id.node, id.incarnation};
    struct bytes key = bytes_of(&name, sizeof(name));
    struct client_session *s = map_get(&c->sessions, key);

    if (s || !make)
        return s;
    s = mem_zalloc(sizeof(*s));
    (void)map_put(&c->sessions, key, s);
    return s;
}

/* NULL: nobody asked. */
static struct client_ask *ask_of(struct client_check *c, struct client_id id)
{
    struct client_session *s = session_of(c, id, false);

    if (!s || id.seq >= s->cap || s->asks[id.seq].words == 0)
        return NULL;
    return &s->asks[id.seq];
}

void client_check_asked(struct client_check *c, struct client_id id,
                        const struct bytes *argv, uint32_t argc)
{
    struct client_session *s = session_of(c, id, true);
    uint64_t words = words_of(argv, argc);

    if (id.seq >= s->cap) {
        size_t cap = MAX(s->cap * 2, id.seq + 16);
        s->asks = mem_realloc(s->asks, cap * sizeof(s->asks[0]));
        memset(s->asks + s->cap, 0, (cap - s->cap) * sizeof(s->asks[0]));
        s->cap = cap;
    }
    if (s->asks[id.seq].words != 0)
        breach(c, "I18 trace: one number is given to two requests");
    s->asks[id.seq] = (struct client_ask){.words = words, .after = c->answered};
    (void)map_remove(&c->refused, bytes_of(&words, sizeof(words)));
    c->asked++;
}

void client_check_refused(struct client_check *c, const struct bytes *argv,
                          uint32_t argc)
{
    uint64_t words = words_of(argv, argc);

    (void)map_put(&c->refused, bytes_of(&words, sizeof(words)), c);
}

void client_check_executed(struct client_check *c, struct client_id id,
                           const struct bytes *argv, uint32_t argc,
                           struct client_place place)
{
    uint64_t words = words_of(argv, argc);
    struct client_ask *a = ask_of(c, id);

    ASSERT(place.index > 0);
    if (!a || a->words != words) {
        bool refused = map_get(&c->refused, bytes_of(&words, sizeof(words)));
        breach(c, refused ? "X11 honest errors: executed after a definite "
                            "refusal"
                          : "I18 trace: executed, and never asked for");
        return;
    }
    if (a->place.index > 0)
        breach(c, "X9 sessions: one request is executed twice");
    if (!before(a->after, place))
        breach(c, "I18 causal order: stands in front of what was answered "
                  "before it was asked");
    a->place = place;
    c->executed++;
}

void client_check_answered(struct client_check *c, struct client_id id,
                           raft_index index, struct bytes reply,
                           struct bytes expected)
{
    struct client_ask *a = ask_of(c, id);

    if (!a) {
        breach(c, "I18 trace: a reply that nobody asked for");
        return;
    }
    if (a->answered)
        breach(c, "I18 trace: two replies to one request");
    if (a->place.index == 0 || a->place.index > index)
        breach(c, "I18 trace: a reply before it is applied");
    if (!bytes_eq(reply, expected))
        breach(c, "I17 output: a reply is not what the log gives");
    a->answered = true;
    if (before(c->answered, a->place))
        c->answered = a->place;
    c->replied++;
}

void client_check_init(struct client_check *c)
{
    memset(c, 0, sizeof(*c));
    map_init(&c->sessions, 1);
    map_init(&c->refused, 1);
}

void client_check_release(struct client_check *c)
{
    void *value;
    size_t pos = 0;

    while (map_next(&c->sessions, &pos, NULL, &value)) {
        struct client_session *s = value;
        mem_free(s->asks);
        mem_free(s);
    }
    map_release(&c->sessions);
    map_release(&c->refused);
}

/*
 * How it works: a minute is a fixed interval of the clock that is passed in;
 * each link counts within the present one.
 */
#include "check/check_bound.h"

#include <string.h>

#define MINUTE_MS 60000

static void breach(struct bound_check *c, const char *text)
{
    if (!c->violation)
        c->violation = text;
}

void bound_check_at_most(struct bound_check *c, enum bound_kind what,
                         uint64_t value, uint64_t limit)
{
    static const char *const texts[] = {
#define X(id, text) [BOUND_##id] = text,
        BOUND_TABLE(X)
#undef X
    };
    uint64_t permille = limit > 0 ? value * 1000 / limit : 0;

    ASSERT(what < BOUND_COUNT);
    c->worst_permille[what] = MAX(c->worst_permille[what], permille);
    if (value > limit)
        breach(c, texts[what]);
}

void flow_check_sent(struct bound_check *c, const struct flow_message *m)
{
    ASSERT(m->from < RAFT_NODES_MAX && m->to < RAFT_NODES_MAX);
    struct flow_link *l = &c->links[m->from][m->to];
    int64_t minute = m->now_ms / MINUTE_MS;

    if (l->minute != minute)
        l->again = 0;
    l->minute = minute;
    if (l->connection != m->connection || l->term != m->term)
        l->last = 0;
    l->connection = m->connection;
    l->term = m->term;
    bool back = m->last <= l->last;
    l->last = m->last;
    if (!back)
        return;
    c->again++;
    l->again++;
    c->worst_again = MAX(c->worst_again, l->again);
    if (l->again > c->again_max)
        breach(c, "X16 amplification: the same entries are sent again and "
                  "again over one connection");
}

void bound_check_init(struct bound_check *c, uint64_t again_max)
{
    memset(c, 0, sizeof(*c));
    c->again_max = again_max;
}

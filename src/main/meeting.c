/*
 * Guests are in the order of the node lines, and the place of this node stays
 * empty.
 *
 * Why a founding is unique: only the smallest id founds, once it has met all
 * others and all were blank; what it writes is durable before it tells anybody,
 * and it is not blank any more. If it is emptied then, those that have the
 * record have data, and nobody founds again. With the option bootstrap a node
 * does not wait for those that are missing: a majority must be there, but two
 * that do not see each other may both found. At most one of the two clusters
 * can have a majority.
 *
 * How it fails: it waits, and says for what.
 */
#include "main/meeting.h"

#include <string.h>

/* What the guests are, together. */
struct crowd {
    size_t blank;      /* and might found, this node included */
    size_t lost;       /* blank, because they lost what they had */
    size_t with_data;  /* of the cluster of the first of them */
    size_t with_other; /* of another one */
    uint64_t cluster_id;
};

void meeting_init(struct meeting *m, const struct config *c,
                  struct directory_id directory, bool lost)
{
    bool joins = c->join[0] != '\0';
    ASSERT((c->node_count > 1 || joins) && !directory_id_is_none(directory));
    *m = (struct meeting){.config = c,
                          .directory = directory,
                          .lost = lost,
                          .joins = joins,
                          .forced = c->bootstrap,
                          .answered_by = NODE_NONE};
}

/* Of one that no node line names. */
static void heard_other(struct meeting *m, node_id peer,
                        const struct greeting *g, int64_t now_ms)
{
    size_t i = 0;
    while (i < m->other_count && m->other_ids[i] != peer)
        i++;
    if (i == MEETING_OTHERS_MAX)
        return;
    m->other_ids[i] = peer;
    m->others[i] = (struct meeting_guest){true, now_ms, *g};
    m->other_count = MAX(m->other_count, i + 1);
}

void meeting_heard(struct meeting *m, node_id peer, const struct greeting *g,
                   int ours, int64_t now_ms)
{
    ASSERT(peer != m->config->node_id);
    if (ours == GREETING_OTHER_CLUSTER)
        return;
    for (size_t i = 0; i < m->config->node_count; i++) {
        if (m->config->nodes[i].id == peer)
            m->guests[i] = (struct meeting_guest){true, now_ms, *g};
    }
    if (m->joins)
        heard_other(m, peer, g, now_ms);
}

/* NULL: nothing is known of it now. */
static const struct greeting *guest(const struct meeting *m, size_t i,
                                    int64_t now_ms)
{
    const struct meeting_guest *g = &m->guests[i];
    ASSERT(i < m->config->node_count);
    return g->heard && now_ms - g->heard_ms <= MEETING_FRESH_MS ? &g->greeting
                                                                : NULL;
}

/* With the option join only those that have data are of interest. */
static struct crowd count_others(const struct meeting *m, int64_t now_ms)
{
    struct crowd c = {0};
    for (size_t i = 0; i < m->other_count; i++) {
        const struct meeting_guest *o = &m->others[i];
        bool fresh = now_ms - o->heard_ms <= MEETING_FRESH_MS;
        if (!fresh || o->greeting.cluster_id == 0)
            continue;
        if (c.with_data == 0)
            c.cluster_id = o->greeting.cluster_id;
        c.with_data += o->greeting.cluster_id == c.cluster_id;
        c.with_other += o->greeting.cluster_id != c.cluster_id;
    }
    ASSERT(c.with_data + c.with_other <= m->other_count);
    return c;
}

static struct crowd count(const struct meeting *m, int64_t now_ms)
{
    if (m->joins)
        return count_others(m, now_ms);
    struct crowd c = {.blank = !m->lost, .lost = m->lost};
    for (size_t i = 0; i < m->config->node_count; i++) {
        const struct greeting *g = guest(m, i, now_ms);
        if (g == NULL)
            continue;
        if (g->cluster_id == 0) {
            c.lost += g->lost;
            c.blank += !g->lost;
            continue;
        }
        if (c.with_data == 0)
            c.cluster_id = g->cluster_id;
        c.with_data += g->cluster_id == c.cluster_id;
        c.with_other += g->cluster_id != c.cluster_id;
    }
    ASSERT(c.blank + c.lost + c.with_data <= m->config->node_count);
    return c;
}

/* --- who founds ---------------------------------------------------------- */

static bool is_smallest(const struct meeting *m)
{
    for (size_t i = 0; i < m->config->node_count; i++) {
        if (m->config->nodes[i].id < m->config->node_id)
            return false;
    }
    return true;
}

/* Another one that is to begin without those that are missing, and goes first.
 */
static bool another_is_forced(const struct meeting *m, int64_t now_ms)
{
    for (size_t i = 0; i < m->config->node_count; i++) {
        const struct greeting *g = guest(m, i, now_ms);
        if (g != NULL && g->forced &&
            m->config->nodes[i].id < m->config->node_id)
            return true;
    }
    return false;
}

static bool may_found(const struct meeting *m, const struct crowd *c,
                      int64_t now_ms)
{
    size_t all = m->config->node_count;
    if (m->joins || m->lost || c->lost > 0 || c->with_data > 0)
        return false;
    if (c->blank == all && is_smallest(m))
        return true;
    bool heard =
        m->config->bootstrap || now_ms - m->forced_ms >= MEETING_FORCE_MS;
    return m->forced && heard && !m->asks && 2 * c->blank > all &&
           !another_is_forced(m, now_ms);
}

static void found(const struct meeting *m, int64_t now_ms, uint64_t fresh_id,
                  struct meeting_result *out)
{
    struct founding *f = &out->founding;
    ASSERT(fresh_id != 0);
    out->outcome = MEETING_FOUND;
    out->cluster_id = fresh_id;
    f->cluster_id = fresh_id;
    for (size_t i = 0; i < m->config->node_count; i++) {
        const struct greeting *g = guest(m, i, now_ms);
        node_id id = m->config->nodes[i].id;
        if (g == NULL && id != m->config->node_id)
            continue;
        size_t at = f->count++;
        for (; at > 0 && f->members[at - 1].id > id; at--)
            f->members[at] = f->members[at - 1];
        f->members[at] = (struct founding_member){id, g != NULL ? g->directory
                                                                : m->directory};
    }
    ASSERT(founding_has(f, m->config->node_id, m->directory));
}

/* --- who is let in ------------------------------------------------------- */

/* The founding that this directory is of. Whoever knows a start of it knows
 * that it was not blank then: it is an older copy. */
static const struct founding *own_founding(const struct meeting *m,
                                           int64_t now_ms)
{
    const struct founding *own = NULL;
    for (size_t i = 0; i < m->config->node_count; i++) {
        const struct greeting *g = guest(m, i, now_ms);
        if (g == NULL || g->cluster_id == 0)
            continue;
        if (g->known_incarnation != 0)
            return NULL;
        if (founding_has(&g->founding, m->config->node_id, m->directory))
            own = &g->founding;
    }
    return own;
}

/* One is enough: it knows who leads, and who leads knows the rest. */
static bool may_ask(const struct crowd *c)
{
    return c->with_data > 0 && c->with_other == 0;
}

void meeting_decide(struct meeting *m, int64_t now_ms, uint64_t fresh_id,
                    struct meeting_result *out)
{
    struct crowd c = count(m, now_ms);
    bool adopts = !m->joins && !m->lost && !m->asks && c.with_other == 0;
    const struct founding *own = adopts ? own_founding(m, now_ms) : NULL;
    *out = (struct meeting_result){.outcome = MEETING_WAIT};
    if (m->asks && m->answer.verdict == GRANT_GIVEN &&
        m->answered_by != NODE_NONE) {
        out->outcome = MEETING_JOIN;
        out->cluster_id = m->answer.cluster_id;
        out->grant = m->answer;
    } else if (may_found(m, &c, now_ms)) {
        found(m, now_ms, fresh_id, out);
    } else if (own != NULL) {
        out->outcome = MEETING_ADOPT;
        out->cluster_id = own->cluster_id;
        out->founding = *own;
    } else if (may_ask(&c)) {
        m->asks = true;
        out->outcome = MEETING_ASK;
    }
}

/* Those that do not lead say only who does: that is of interest as long as
 * nobody says more. */
static bool says_more(const struct meeting *m, node_id peer,
                      const struct grant *g, int64_t now_ms)
{
    bool fresh = m->answered_by != NODE_NONE &&
                 now_ms - m->answered_ms <= MEETING_FRESH_MS;
    ASSERT(m->answer.verdict < GRANT_VERDICTS);
    if (g->verdict == GRANT_GIVEN || !fresh || peer == m->answered_by)
        return true;
    return m->answer.verdict == GRANT_LATER && g->verdict == GRANT_REFUSED;
}

void meeting_answered(struct meeting *m, node_id peer, const struct grant *g,
                      int64_t now_ms)
{
    ASSERT(peer != NODE_NONE && peer != m->config->node_id);
    bool given =
        m->answered_by != NODE_NONE && m->answer.verdict == GRANT_GIVEN;
    if (given || !says_more(m, peer, g, now_ms))
        return;
    m->answer = *g;
    m->answered_by = peer;
    m->answered_ms = now_ms;
}

/* --- what is said -------------------------------------------------------- */

/* "member 2 (host:1), member 3 (host:2)": those that have not greeted. */
static void name_missing(const struct meeting *m, int64_t now_ms,
                         struct buf *out)
{
    const char *before = "";
    for (size_t i = 0; i < m->config->node_count; i++) {
        const struct config_node *n = &m->config->nodes[i];
        if (n->id == m->config->node_id || guest(m, i, now_ms) != NULL)
            continue;
        buf_printf(out, "%smember %u (%s)", before, n->id, n->peer_address);
        before = ", ";
    }
}

/* Why it is not let in, as far as one says it. */
static void put_answer(const struct meeting *m, int64_t now_ms, struct buf *out)
{
    bool fresh = m->answered_by != NODE_NONE &&
                 now_ms - m->answered_ms <= MEETING_FRESH_MS;
    ASSERT(!fresh || m->asks);
    if (fresh && m->answer.why[0] != '\0')
        buf_printf(out, "; member %u %s: %s", m->answered_by,
                   m->answer.verdict == GRANT_REFUSED ? "refuses" : "says",
                   m->answer.why);
}

/* "member 2 (host:1), member 3 (host:2)": those that have data, or lost some.
 */
static void name_holders(const struct meeting *m, int64_t now_ms,
                         struct buf *out)
{
    const char *before = "";
    for (size_t i = 0; i < m->config->node_count; i++) {
        const struct config_node *n = &m->config->nodes[i];
        const struct greeting *g = guest(m, i, now_ms);
        if (g == NULL || (g->cluster_id == 0 && !g->lost))
            continue;
        buf_printf(out, "%smember %u (%s)%s", before, n->id, n->peer_address,
                   g->cluster_id == 0 ? ", which lost some of it" : "");
        before = ", ";
    }
}

bool meeting_force(struct meeting *m, int64_t now_ms, struct buf *why)
{
    struct crowd c = count(m, now_ms);
    size_t all = m->config->node_count;
    ASSERT(why->len == 0);
    if (m->joins) {
        buf_printf(why,
                   "this node is to join the cluster of %s: it begins none "
                   "(see join)",
                   m->config->join);
    } else if (m->lost) {
        buf_str(why, "this node has lost data that others may have: it begins "
                     "no cluster");
    } else if (c.with_data + c.with_other + c.lost > 0) {
        buf_str(why, "a cluster has begun already: there are data at ");
        name_holders(m, now_ms, why);
    } else if (m->asks) {
        buf_str(why, "this node has asked members that have data to let it in: "
                     "start those");
    } else if (2 * c.blank <= all) {
        buf_printf(why,
                   "%zu of %zu members are here, and a majority is needed; "
                   "missing: ",
                   c.blank, all);
        name_missing(m, now_ms, why);
    } else if (!m->forced) {
        m->forced = true;
        m->forced_ms = now_ms;
    }
    return why->len == 0;
}

void meeting_text(const struct meeting *m, int64_t now_ms, struct buf *out)
{
    struct crowd c = count(m, now_ms);
    size_t all = m->config->node_count;
    size_t there = c.blank + c.lost + c.with_data + c.with_other;
    const char *what =
        m->lost ? "its data is not whole" : "its directory is empty";
    if (c.with_other > 0) {
        buf_printf(out,
                   "waits: %s, and the other members have data of different "
                   "clusters",
                   what);
        return;
    }
    if (m->joins) {
        buf_printf(out, "waits to be let in: %s; %zu members at %s answer",
                   what, c.with_data, m->config->join);
        put_answer(m, now_ms, out);
        return;
    }
    if (c.with_data > 0 || c.lost > 0)
        buf_printf(out,
                   "waits to be let in: %s, %zu of %zu members have data, and "
                   "a majority of them must be there",
                   what, c.with_data, all);
    else
        buf_str(out, "waits: a new cluster begins when all members are there "
                     "(see bootstrap)");
    if (there < all) {
        buf_str(out, "; missing: ");
        name_missing(m, now_ms, out);
    }
    put_answer(m, now_ms, out);
}

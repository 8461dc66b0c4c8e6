/*
 * What all files of a node need: it calls none of them.
 *
 * How it fails: node_fail() is how a node fails. It tells the owner once; the
 * node does nothing any more.
 *
 * Damage is what a read has found: bytes whose checksum is wrong, or whole ones
 * that this node cannot have written there. The store says more about the
 * first, and nothing about the others.
 */
#include "node/node_internal.h"

static void fail(struct node *n, const char *what, int err, const char *detail)
{
    char text[512];
    struct buf b = BUF_INIT;

    ASSERT(n && what && detail);
    if (n->dead)
        return;
    n->dead = true;
    buf_printf(&b, "%s: %s", what, detail);
    size_t len = MIN(b.len, sizeof(text) - 1);
    memcpy(text, b.data, len);
    text[len] = '\0';
    buf_release(&b);
    log_warning(n->logger, "node %u stops: %s", n->options.self, text);
    n->events.fatal(n->events.ctx, err, text);
}

void node_fail(struct node *n, const char *what, const char *detail)
{
    ASSERT(n && detail);
    fail(n, what, ERR_IO, detail);
}

void node_fail_by(struct node *n, const char *what, int err)
{
    const char *text = store_error(n->store);

    ASSERT(err != 0);
    bool said = text != NULL && text[0] != '\0';
    fail(n, what, err, said ? text : error_text(err));
}

void node_remove(struct node *n, const char *text)
{
    ASSERT(!n->dead && text[0] != '\0');
    n->dead = true;
    log_notice(n->logger, "%s", text);
    if (n->events.removed)
        n->events.removed(n->events.ctx, text);
    else
        n->events.fatal(n->events.ctx, ERR_CLOSED, text);
}

void node_fail_damaged(struct node *n, const char *what, const char *detail)
{
    ASSERT(n && detail && detail[0] != '\0');
    fail(n, what, ERR_CORRUPT, detail);
}

struct raft_event node_event(const struct node *n, enum raft_event_type type)
{
    struct raft_event e;

    memset(&e, 0, sizeof(e));
    e.type = type;
    e.now_ms = n->mono_ms;
    e.peer = NODE_NONE;
    return e;
}

struct node_peer *node_peer_find(struct node *n, node_id id)
{
    for (uint32_t i = 0; i < n->peer_count; i++)
        if (n->peers[i].id == id)
            return &n->peers[i];
    return NULL;
}

bool node_leaderless_too_long(const struct node *n)
{
    ASSERT(n->told.leaderless_since_ms <= n->mono_ms);
    return n->raft.leader == NODE_NONE &&
           n->mono_ms - n->told.leaderless_since_ms >=
               (int64_t)n->options.request_timeout_ms;
}

int node_excuse(const struct node *n, int otherwise)
{
    ASSERT(otherwise == ERR_BEHIND || otherwise == ERR_NO_ANSWER);
    if (n->raft.leader == NODE_NONE)
        return ERR_NO_LEADER;
    return n->raft.recovering ? ERR_REFILL : otherwise;
}

void node_extend_timeouts(struct node *n, uint64_t bytes)
{
    int64_t ms = (int64_t)(MIN(bytes, EXTEND_BYTES_MAX) / EXTEND_BYTES_PER_MS);

    if (bytes >= EXTEND_BYTES_MIN)
        n->timers.extended_until_ms =
            MAX(n->timers.extended_until_ms, n->mono_ms + ms);
}

void node_founders(const struct node_options *o, struct configuration *out)
{
    ASSERT(o->priority_count <= RAFT_NODES_MAX);
    if (o->founding) {
        *out = *o->founding;
        return;
    }
    configuration_of(out, o->members, o->member_count);
    for (uint32_t i = 0; i < o->priority_count; i++) {
        struct member *m = configuration_member(out, o->priorities[i].id);
        if (m)
            m->priority = o->priorities[i].priority;
    }
}

bool node_own_term_applied(const struct node *n)
{
    raft_term applied = keyspace_applied(n->ks)->term;

    ASSERT(applied <= n->raft.term);
    return applied == n->raft.term;
}

uint16_t node_level_max(const struct node *n)
{
    uint16_t max = n->options.level_max > 0 ? n->options.level_max : LEVEL_MAX;

    ASSERT(max >= LEVEL_MIN);
    return max;
}

bool node_level_known(const struct node *n, uint16_t level)
{
    return level >= LEVEL_MIN && level <= node_level_max(n);
}

void node_level_text(const struct node *n, uint16_t level, struct buf *out)
{
    ASSERT(!node_level_known(n, level));
    buf_printf(
        out,
        "the cluster has reached level %u, and this program, vard " VARD_VERSION
        ", knows the levels %u to %u: start a later "
        "version of vard, one that knows level %u (see vard --version)",
        level, LEVEL_MIN, node_level_max(n), level);
}

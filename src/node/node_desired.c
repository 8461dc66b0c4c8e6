/*
 * What operators want the members to be: a row of the state
 * (data/members.h), the same record as a configuration. RAFT ADD and its
 * like change it, by a request as any other; the leader then goes there in
 * single steps (node_driver.c). So no operation is ever half done: whoever
 * leads next goes on.
 *
 * The leader judges what is asked for, as it alone knows who can be reached and
 * has caught up, and writes the record that is to stand. The request names the
 * record that it was made from, so that of two at the same time one is refused.
 *
 * How it fails: what cannot be, or would leave too few voters, is refused with
 * what to do, and nothing is changed. A row that does not decode is as none.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/hostport.h"
#include "node/node_internal.h"

void node_desired_load(struct node *n)
{
    struct driver *d = &n->driver;
    raft_index at = 0;
    struct bytes record = members_desired(n->ks, &at);

    ASSERT((at == 0) == (record.len == 0));
    if (at == d->desired_at)
        return;
    d->desired_at = at;
    if (record.len > 0 && configuration_decode(record, &d->desired) == 0)
        return;
    memset(&d->desired, 0, sizeof(d->desired));
    if (record.len > 0)
        log_warning(n->logger,
                    "what the members are to be, by entry %" PRIu64
                    ", cannot be read: it is ignored",
                    at);
}

void node_desired_settle(const struct configuration *c,
                         struct configuration *out)
{
    ASSERT(c != out);
    memset(out, 0, sizeof(*out));
    out->level = c->level;
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->members[i].roles & MEMBER_LEAVING)
            continue;
        out->members[out->count] = c->members[i];
        out->members[out->count++].roles &= MEMBER_VOTER;
    }
    ASSERT(configuration_valid(out));
}

/* --- who follows --------------------------------------------------------- */

static bool progress_follows(const struct node *n, const struct node_peer *p,
                             const struct raft_progress *progress,
                             struct buf *why)
{
    raft_index asked = n->driver.commits[0];
    int64_t silent_ms = n->mono_ms - progress->heard_ms;

    ASSERT(silent_ms >= 0 && why->len == 0);
    if (!p->up)
        buf_str(why, "has no link");
    else if (silent_ms > (int64_t)n->options.election_timeout_ms)
        buf_str(why, "does not answer");
    else if (progress->recovering)
        buf_str(why, "is being refilled");
    else if (p->disk_short)
        buf_str(why, "is short of disk space");
    else if (progress->state == RAFT_SNAPSHOT)
        buf_str(why, "needs entries that are not in the log any more");
    else if (progress->match < asked)
        buf_printf(why, "is %" PRIu64 " entries behind",
                   n->raft.commit - progress->match);
    else
        return true;
    return false;
}

bool node_desired_follows(const struct node *n, node_id id, struct buf *why)
{
    int pos = raft_position(&n->raft, id);

    ASSERT(n->raft.role == RAFT_LEADER && why->len == 0);
    if (id == n->options.self)
        return true;
    for (uint32_t i = 0; i < n->peer_count && pos >= 0; i++)
        if (n->peers[i].id == id)
            return progress_follows(n, &n->peers[i], &n->raft.progress[pos],
                                    why);
    buf_str(why, "is no member yet");
    return false;
}

uint32_t node_desired_live(const struct node *n, const struct configuration *c,
                           uint8_t role)
{
    uint32_t live = 0;
    struct buf why = BUF_INIT;

    ASSERT(role == MEMBER_VOTER || role == MEMBER_OUTGOING);
    for (uint32_t i = 0; i < c->count; i++) {
        buf_reset(&why);
        live += (c->members[i].roles & role) != 0 &&
                node_desired_follows(n, c->members[i].id, &why);
    }
    buf_release(&why);
    return live;
}

static uint32_t count_role(const struct configuration *c, uint8_t role)
{
    uint32_t count = 0;

    ASSERT(c->count <= RAFT_NODES_MAX);
    for (uint32_t i = 0; i < c->count; i++)
        count += (c->members[i].roles & role) != 0;
    return count;
}

/* --- what is asked for --------------------------------------------------- */

/* The refusal of a change. */
__attribute__((format(printf, 2, 3))) static int no(struct buf *why,
                                                    const char *format, ...)
{
    char text[NODE_TEXT_SIZE];
    va_list args;

    ASSERT(why->len == 0);
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_str(why, text);
    return ERR_INVALID;
}

static bool is_address(const char *text)
{
    char field[CONFIGURATION_ADDRESS_SIZE] = {0};
    struct bytes host;
    uint16_t port = 0;

    ASSERT(text[0] != '\0');
    return hostport_split(bytes_str(text), &host, &port) && port > 0 &&
           member_set_text(field, sizeof(field), text);
}

static int check_free(const struct configuration *c, node_id self,
                      const char *address, struct buf *why)
{
    ASSERT(address[0] != '\0' && why->len == 0);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct member *m = &c->members[i];
        if (m->id == self || (strcmp(m->peer_address, address) != 0 &&
                              strcmp(m->client_address, address) != 0))
            continue;
        buf_printf(why, "%s is the address of node %u: give another one",
                   address, m->id);
        return ERR_INVALID;
    }
    return 0;
}

/* An address of node `self`; "": none is said. */
static int check_address(const struct node *n, const struct configuration *want,
                         node_id self, const char *address, struct buf *why)
{
    ASSERT(want != &n->membership.newest);
    if (address[0] == '\0')
        return 0;
    if (!is_address(address)) {
        buf_str(why, "an address is HOST:PORT, of at most 127 characters");
        return ERR_INVALID;
    }
    int err = check_free(want, self, address, why);
    return err != 0 ? err
                    : check_free(&n->membership.newest, self, address, why);
}

static int check_addresses(const struct node *n,
                           const struct configuration *want, node_id self,
                           const struct node_change *ask, struct buf *why)
{
    bool same = ask->peer_address[0] != '\0' &&
                strcmp(ask->peer_address, ask->client_address) == 0;

    ASSERT(why->len == 0);
    if (same) {
        buf_str(why, "the address for nodes and the one for clients are the "
                     "same: give two ports");
        return ERR_INVALID;
    }
    int err = check_address(n, want, self, ask->peer_address, why);
    return err != 0 ? err
                    : check_address(n, want, self, ask->client_address, why);
}

/* An id that nobody has, or has had. */
static node_id free_id(struct node *n, const struct configuration *want)
{
    const struct configuration *c = &n->membership.newest;
    const struct configuration *applied = &n->membership.applied;
    struct session s;
    node_id id = 0;

    for (uint32_t i = 0; i < want->count; i++)
        id = MAX(id, want->members[i].id);
    for (uint32_t i = 0; i < c->count; i++)
        id = MAX(id, c->members[i].id);
    for (uint32_t i = 0; i < applied->count; i++)
        id = MAX(id, applied->members[i].id);
    do {
        id++;
        session_get(n->ks, id, &s);
    } while (s.incarnation > 0 && id < NODE_NONE - 1);
    ASSERT(id != NODE_NONE);
    return id;
}

/* The next life of this id: what it was in an earlier one counts for nothing.
 */
static uint32_t next_life(struct node *n, node_id id)
{
    struct session s;

    ASSERT(!configuration_find(&n->membership.newest, id));
    ASSERT(!configuration_find(&n->membership.applied, id)); /* it has ended */
    session_get(n->ks, id, &s);
    if (s.incarnation == 0)
        return 0;
    return (uint32_t)MIN(RAFT_LIFE(s.incarnation) + 1, CONFIGURATION_LIFE_MAX);
}

static void insert(struct configuration *c, const struct member *m)
{
    uint32_t at = c->count++;

    ASSERT(c->count <= RAFT_NODES_MAX);
    for (; at > 0 && c->members[at - 1].id > m->id; at--)
        c->members[at] = c->members[at - 1];
    c->members[at] = *m;
}

static void erase(struct configuration *c, node_id id)
{
    uint32_t kept = 0;

    ASSERT(configuration_find(c, id));
    for (uint32_t i = 0; i < c->count; i++)
        if (c->members[i].id != id)
            c->members[kept++] = c->members[i];
    memset(&c->members[kept], 0, sizeof(c->members[0]));
    c->count = kept;
}

/* How many members there are while the change is under way. */
static uint32_t count_both(const struct node *n,
                           const struct configuration *want)
{
    const struct configuration *c = &n->membership.newest;
    uint32_t count = want->count;

    ASSERT(count <= RAFT_NODES_MAX);
    for (uint32_t i = 0; i < c->count; i++)
        count += configuration_find(want, c->members[i].id) == NULL;
    return count;
}

static int add(struct node *n, struct configuration *want,
               const struct node_change *ask, uint8_t roles, struct buf *why)
{
    struct member m;

    memset(&m, 0, sizeof(m));
    m.id = ask->id;
    m.roles = roles;
    m.priority = MEMBER_PRIORITY_USUAL;
    m.level_min = m.level_max = n->membership.newest.level;
    if (ask->peer_address[0] == '\0') {
        buf_str(why, "say where the new member can be reached: HOST:PORT");
        return ERR_INVALID;
    }
    int err = check_addresses(n, want, m.id, ask, why);
    if (err != 0)
        return err;
    if (count_both(n, want) >= RAFT_NODES_MAX)
        return no(why, "a cluster has at most %u members: remove one first",
                  RAFT_NODES_MAX);
    m.life = next_life(n, m.id);
    bool fits = member_set_text(m.peer_address, sizeof(m.peer_address),
                                ask->peer_address) &&
                member_set_text(m.client_address, sizeof(m.client_address),
                                ask->client_address);
    ASSERT(fits); /* they are addresses */
    insert(want, &m);
    if (configuration_size(want) <= CONFIGURATION_SIZE_MAX)
        return 0;
    return no(why, "the addresses of the members are too long (node %u)", m.id);
}

static int change_add(struct node *n, struct configuration *want,
                      struct node_change *ask, struct buf *why)
{
    ASSERT(ask->kind == NODE_ADD);
    if (ask->id == NODE_NONE)
        ask->id = free_id(n, want);
    if (configuration_find(want, ask->id))
        return no(why, "node %u is a member already (see RAFT MEMBERS)",
                  ask->id);
    if (configuration_find(&n->membership.newest, ask->id) ||
        configuration_find(&n->membership.applied, ask->id))
        return no(why,
                  "node %u is being removed: wait until it is no member any "
                  "more (see RAFT MEMBERS), or add another id",
                  ask->id);
    return add(n, want, ask, ask->learner ? 0 : MEMBER_VOTER, why);
}

/* Would the voters that are left have a majority of those that are up and have
 * caught up? */
static int check_rest(const struct node *n, const struct configuration *want,
                      const struct node_change *ask, struct buf *why)
{
    uint32_t all = count_role(want, MEMBER_VOTER);
    uint32_t live = node_desired_live(n, want, MEMBER_VOTER);

    ASSERT(live <= all);
    if (all == 0)
        return no(why,
                  "node %u is the last voter: add another member first, or "
                  "use RAFT REPLACE",
                  ask->id);
    if (live > all / 2 || ask->force)
        return 0;
    buf_printf(why,
               "without node %u there are %u voters, of which %u are up and "
               "have caught up, and %u are needed: start the others first, or "
               "insist with FORCE",
               ask->id, all, live, all / 2 + 1);
    return ERR_INVALID;
}

static int change_remove(struct node *n, struct configuration *want,
                         struct node_change *ask, struct buf *why)
{
    const struct member *m = configuration_find(want, ask->id);

    ASSERT(ask->kind == NODE_REMOVE);
    if (!m)
        return no(why, "node %u is no member (see RAFT MEMBERS)", ask->id);
    bool voted = (m->roles & MEMBER_VOTER) != 0;
    erase(want, ask->id);
    return voted ? check_rest(n, want, ask, why) : 0;
}

/* PROMOTE, DEMOTE */
static int change_role(struct node *n, struct configuration *want,
                       struct node_change *ask, struct buf *why)
{
    struct member *m = configuration_member(want, ask->id);
    uint8_t roles = ask->kind == NODE_PROMOTE ? MEMBER_VOTER : 0;

    ASSERT(ask->kind == NODE_PROMOTE || ask->kind == NODE_DEMOTE);
    if (!m)
        return no(why, "node %u is no member (see RAFT MEMBERS)", ask->id);
    if (m->roles == roles)
        return roles
                   ? no(why, "node %u votes already, or is about to", ask->id)
                   : no(why, "node %u is a learner already, or is about to be",
                        ask->id);
    m->roles = roles;
    return roles ? 0 : check_rest(n, want, ask, why);
}

static int change_replace(struct node *n, struct configuration *want,
                          struct node_change *ask, struct buf *why)
{
    const struct member *m = configuration_find(want, ask->id);

    ASSERT(ask->kind == NODE_REPLACE);
    if (!m)
        return no(why, "node %u is no member (see RAFT MEMBERS)", ask->id);
    uint8_t roles = m->roles;
    uint8_t priority = m->priority;
    node_id old = ask->id;
    ask->id = free_id(n, want);
    int err = add(n, want, ask, roles, why);
    if (err != 0)
        return err;
    configuration_member(want, ask->id)->priority = priority;
    erase(want, old);
    return 0;
}

static int change_move(struct node *n, struct configuration *want,
                       struct node_change *ask, struct buf *why)
{
    struct member *m = configuration_member(want, ask->id);

    ASSERT(ask->kind == NODE_MOVE);
    if (!m)
        return no(why, "node %u is no member (see RAFT MEMBERS)", ask->id);
    if (ask->peer_address[0] == '\0')
        return no(why, "say where node %u can be reached: HOST:PORT", ask->id);
    int err = check_addresses(n, want, ask->id, ask, why);
    if (err != 0)
        return err;
    const struct member *is = configuration_find(&n->membership.newest, m->id);
    if (is && strcmp(is->peer_address, ask->peer_address) == 0 &&
        (ask->client_address[0] == '\0' ||
         strcmp(is->client_address, ask->client_address) == 0))
        return no(why, "that is the address of node %u already", ask->id);
    bool fits = member_set_text(m->peer_address, sizeof(m->peer_address),
                                ask->peer_address);
    if (ask->client_address[0] != '\0')
        fits = fits &&
               member_set_text(m->client_address, sizeof(m->client_address),
                               ask->client_address);
    ASSERT(fits); /* they are addresses */
    if (configuration_size(want) <= CONFIGURATION_SIZE_MAX)
        return 0;
    return no(why, "the addresses of the members are too long (node %u)",
              ask->id);
}

static int change_priority(struct configuration *want,
                           const struct node_change *ask, struct buf *why)
{
    struct member *m = configuration_member(want, ask->id);

    ASSERT(ask->kind == NODE_PRIORITY);
    if (!m)
        return no(why, "node %u is no member (see RAFT MEMBERS)", ask->id);
    if (m->priority == ask->priority)
        return no(why, "node %u has priority %u already, or is about to",
                  ask->id, ask->priority);
    m->priority = ask->priority;
    return 0;
}

static int change(struct node *n, struct configuration *want,
                  struct node_change *ask, struct buf *why)
{
    ASSERT(n->raft.role == RAFT_LEADER);
    switch (ask->kind) {
    case NODE_ADD:
        return change_add(n, want, ask, why);
    case NODE_REMOVE:
        return change_remove(n, want, ask, why);
    case NODE_PROMOTE:
    case NODE_DEMOTE:
        return change_role(n, want, ask, why);
    case NODE_REPLACE:
        return change_replace(n, want, ask, why);
    case NODE_PRIORITY:
        return change_priority(want, ask, why);
    case NODE_MOVE:
        break;
    }
    return change_move(n, want, ask, why);
}

int node_change_members(struct node *n, struct node_change *ask,
                        struct node_change_request *out, struct buf *why)
{
    struct driver *d = &n->driver;
    struct configuration want;

    ASSERT(ask->peer_address && ask->client_address && why->len == 0);
    if (n->dead || n->raft.role != RAFT_LEADER || !node_own_term_applied(n))
        return ERR_NO_LEADER;
    node_desired_load(n);
    if (d->desired.count > 0)
        want = d->desired;
    else
        node_desired_settle(&n->membership.newest, &want);
    int err = change(n, &want, ask, why);
    if (err != 0)
        return err;
    want.level = n->membership.newest.level;
    bool new_id = ask->kind == NODE_ADD || ask->kind == NODE_REPLACE;
    buf_reset(&d->record);
    configuration_encode(&want, &d->record);
    snprintf(out->expected, sizeof(out->expected), "%" PRIu64, d->desired_at);
    snprintf(out->id, sizeof(out->id), "%u", new_id ? ask->id : 0);
    out->argv[0] = BYTES_LIT("vard.members");
    out->argv[1] = bytes_str(out->expected);
    out->argv[2] = buf_view(&d->record);
    out->argv[3] = bytes_str(out->id);
    return 0;
}

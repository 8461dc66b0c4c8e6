/*
 * How it works: first the leader of the newest term is found, which one that
 * was cut off or stopped for a while is not, although it says so. It need not
 * answer: that others follow it says enough. Then each row is compared with
 * it.
 *
 * Nodes do not answer at the same moment, so numbers of different nodes are not
 * compared: the leader says how far it sees the others behind, and each node
 * what it has still to execute.
 *
 * A link that is down is said once: in the row of the follower, if the leader
 * is at the other end, and not at all if the other end does not answer.
 *
 * How it fails: what is not known is not healthy.
 */
#include "ctl/health.h"

#include <inttypes.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool leads(const struct row *r)
{
    return same(r->role, "leader");
}

static void find_leader(const struct view *v, struct health *h)
{
    h->leader = "";
    for (size_t i = 0; i < v->count; i++) {
        const struct row *r = &v->rows[i];
        if (r->hidden || !r->up || r->leader[0] == '\0')
            continue;
        bool newer = h->leader[0] == '\0' || r->term > h->term;
        if (newer || (r->term == h->term && leads(r))) {
            h->leader = r->leader;
            h->term = r->term;
        }
    }
    for (size_t i = 0; i < v->count; i++) {
        const struct row *r = &v->rows[i];
        if (!r->hidden && r->up && leads(r) && r->term == h->term)
            h->leader_row = r;
    }
}

/* --- who follows -------------------------------------------------------- */

static bool linked_to(const struct row *r, const char *id)
{
    const struct peer_row *p = view_peer(r, id);
    return p != NULL && p->linked;
}

/* It says that it follows, and the leader, if it answers, that it sends it
 * what is written. */
static bool follows(const struct health *h, const struct row *r)
{
    const struct row *leader = h->leader_row;
    const struct peer_row *seen =
        leader != NULL ? view_peer(leader, r->id) : NULL;
    if (leader != NULL &&
        (seen == NULL || !seen->linked || !same(seen->state, "replicate")))
        return false;
    if (!r->up) /* from here; the leader has it */
        return leader != NULL;
    return !r->recovering && r->term == h->term && same(r->leader, h->leader) &&
           linked_to(r, h->leader);
}

static void count(const struct view *v, struct health *h)
{
    uint64_t members = 0;
    size_t refusing = 0;
    for (size_t i = 0; i < v->count; i++) {
        const struct row *r = &v->rows[i];
        if (r->hidden)
            continue;
        h->all++;
        h->up += r->up;
        h->refused = h->refused || r->refused;
        refusing += r->up && r->no_writes;
        h->short_is_known = h->short_is_known || r->disk_short;
        h->following += h->leader[0] != '\0' && follows(h, r);
        members = MAX(members, r->members);
    }
    h->no_writes = h->up > 0 && refusing == h->up;
    h->following += h->leader_row != NULL && !h->leader_row->recovering;
    /* A member about which nobody says more than that it exists. */
    h->all = MAX(h->all, (size_t)members);
    /* The leader that others are linked to is one more. */
    bool unseen = h->leader_row == NULL && h->following > 0;
    h->has_majority = h->following + unseen > members / 2;
}

/* --- reasons ------------------------------------------------------------ */

static void reason(struct row *r, const char *text)
{
    buf_str(&r->reasons, text);
    buf_char(&r->reasons, '\n');
}

static void say_leader(const struct health *h, struct row *r)
{
    if (h->leader[0] != '\0')
        buf_printf(&r->reasons,
                   "; the leader is node %s, in term %" PRIu64 "\n", h->leader,
                   h->term);
    else
        buf_char(&r->reasons, '\n');
}

static void compare_leader(const struct health *h, struct row *r)
{
    if (r->leader[0] == '\0') {
        buf_str(&r->reasons, same(r->role, "candidate")
                                 ? "it asks for votes, and has no leader"
                                 : "it knows no leader");
        say_leader(h, r);
    } else if (r->term != h->term || !same(r->leader, h->leader)) {
        buf_printf(&r->reasons, "it %s%s in term %" PRIu64,
                   leads(r) ? "leads" : "follows node ",
                   leads(r) ? "" : r->leader, r->term);
        say_leader(h, r);
    }
}

/* What the leader says of it. */
static void compare_progress(const struct health *h, struct row *r)
{
    if (h->leader_row == NULL || h->leader_row == r)
        return;
    const struct peer_row *seen = view_peer(h->leader_row, r->id);
    if (seen == NULL)
        reason(r, "the leader does not count it among the members");
    else if (!seen->linked || !linked_to(r, h->leader))
        reason(r, "it and the leader are not linked (their logs say why)");
    else if (same(seen->state, "paused"))
        buf_printf(&r->reasons,
                   "the leader sends it no entries while its disk is short of "
                   "space: it lacks %" PRIu64 ", and its clients are refused\n",
                   seen->lag);
    else if (same(seen->state, "snapshot"))
        reason(r, "it cannot catch up: the leader's log does not have the "
                  "entries any more that it lacks");
    else if (!same(seen->state, "replicate"))
        buf_printf(&r->reasons,
                   "the leader does not send it entries yet (%s): it looks "
                   "for where their logs agree\n",
                   seen->state);
    else if (seen->lag > VIEW_LAG_MAX)
        buf_printf(&r->reasons, "it lacks %" PRIu64 " entries\n", seen->lag);
}

/* The other end is to blame if it has no link to the leader either. */
static void look_at_links(const struct view *v, const struct health *h,
                          struct row *r)
{
    bool leads_now = r == h->leader_row;
    for (size_t i = 0; i < r->peer_count && !leads_now; i++) {
        const struct peer_row *p = &r->peers[i];
        const struct row *other = view_find(v, p->id);
        if (p->linked || other == NULL || !other->up || same(p->id, h->leader))
            continue;
        if (linked_to(other, h->leader) || !linked_to(r, h->leader))
            buf_printf(&r->reasons,
                       "it and node %s are not linked (their logs say why)\n",
                       p->id);
    }
}

static void look_at_itself(struct row *r)
{
    uint64_t waiting = r->commit > r->applied ? r->commit - r->applied : 0;
    if (r->recovering)
        reason(r, "it is being refilled, and neither votes nor counts until "
                  "then");
    if (waiting > VIEW_LAG_MAX)
        buf_printf(&r->reasons, "it has %" PRIu64 " entries yet to execute\n",
                   waiting);
}

/* Short disks make all refuse writes if too few others are left: it is said of
 * the short ones alone, if it is known which they are. */
static void look_at_disk(const struct health *h, struct row *r)
{
    if (r->disk_short)
        buf_printf(&r->reasons,
                   "too little disk space is free here (%" PRIu64
                   " MiB): %s writes\n",
                   r->disk_free >> 20,
                   h->no_writes ? "all nodes refuse" : "it refuses");
    else if (r->no_writes && !h->short_is_known)
        reason(r, "it refuses writes: too few nodes have enough disk space, or "
                  "had it a moment ago");
}

/* Another process, or another cluster, that has its id. */
static void look_for_twins(const struct view *v, struct row *r)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct row *other = &v->rows[i];
        if (other == r || other->hidden || !other->up ||
            !same(other->id, r->id))
            continue;
        buf_printf(&r->reasons, "there is another node %s, at %s\n", r->id,
                   other->address);
    }
}

static void look_at_cluster(const struct health *h, struct row *r)
{
    const struct row *leader = h->leader_row;
    if (leader != NULL && !same(leader->cluster, r->cluster))
        buf_printf(&r->reasons, "it belongs to another cluster than node %s\n",
                   leader->id);
}

/* It does not answer here, but perhaps to the others. */
static void look_at_silent(const struct health *h, struct row *r)
{
    const struct row *leader = h->leader_row;
    const struct peer_row *seen =
        leader != NULL ? view_peer(leader, r->id) : NULL;
    buf_bytes(&r->reasons, buf_view(&r->why));
    if (seen != NULL && seen->linked)
        buf_printf(&r->reasons, "; the leader is linked to it (%s)",
                   seen->state);
    buf_char(&r->reasons, '\n');
}

static void judge_row(const struct view *v, const struct health *h,
                      struct row *r)
{
    ASSERT(!r->hidden && r->reasons.len == 0);
    if (!r->up) {
        look_at_silent(h, r);
        return;
    }
    look_for_twins(v, r);
    look_at_cluster(h, r);
    compare_leader(h, r);
    compare_progress(h, r);
    look_at_links(v, h, r);
    look_at_itself(r);
    look_at_disk(h, r);
}

void health_judge(struct view *v, struct health *h)
{
    size_t well = 0;
    *h = (struct health){0};
    find_leader(v, h);
    count(v, h);
    for (size_t i = 0; i < v->count; i++) {
        if (v->rows[i].hidden)
            continue;
        judge_row(v, h, &v->rows[i]);
        well += v->rows[i].reasons.len == 0;
    }
    ASSERT(well <= h->up && h->up <= h->all);
    h->healthy = h->leader_row != NULL && h->has_majority && well == h->all;
}

/* It serves what it has, and nothing that is new. */
static bool is_paused(const struct health *h, const struct row *r)
{
    const struct row *leader = h->leader_row;
    const struct peer_row *seen =
        leader != NULL ? view_peer(leader, r->id) : NULL;
    return seen != NULL && same(seen->state, "paused");
}

/* A leader that does not answer here has its majority, or is none for long. */
bool health_is_ready(const struct health *h, const struct row *r)
{
    bool led = r->up && r->term == h->term && same(r->leader, h->leader);
    if (!led || h->leader[0] == '\0' || r->recovering)
        return false;
    if (h->leader_row != NULL && !h->has_majority)
        return false;
    if (is_paused(h, r))
        return false;
    return r == h->leader_row || linked_to(r, h->leader);
}

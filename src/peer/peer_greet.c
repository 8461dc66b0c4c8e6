/*
 * What two members that have proved who they are think of each other.
 *
 * A directory may have been copied, brought back, or emptied since another
 * member has seen it. Its own files cannot show that; those who remember it
 * can: from the highest start of it that they know, with the nonce of that
 * start, and from the log, which says since when another directory has its id
 * (member_facts). A start that is not above the known one is of an older copy,
 * unless it is that one itself; if that one is here now, there are two.
 * A start above all that is known may still be of a copy: one that was made
 * while its start ran, or that was started again and again. While an earlier
 * start is linked, it waits: that link ends with its process, or as soon as the
 * kernel misses its host. And who led meanwhile has receipts of what it
 * acknowledged, and tells them. Whether it still has that, it sees itself.
 *
 * How it fails: a greeting that is damaged, or not proved, is an error and ends
 * the connection, as does a verdict. Nothing that a stranger says gets here.
 */
#include "peer/peer_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A start of the member. */
struct start {
    uint64_t incarnation;
    uint64_t nonce; /* 0: not known */
};

static void ask_facts(const struct peer *peer, struct member_facts *out)
{
    const struct transport_events *events = peer->peers->events;
    *out = (struct member_facts){.is_member = !peer->left};
    if (events->known != NULL)
        events->known(events->ctx, peer->id, out);
}

/* The newest start of the member that this node knows of. */
static struct start known_start(const struct peer *peer,
                                const struct member_facts *facts)
{
    struct start seen = {peer->incarnation_seen, peer->nonce_seen};
    struct start logged = {facts->incarnation, facts->nonce};
    if (logged.incarnation > seen.incarnation)
        return logged;
    if (logged.incarnation == seen.incarnation && seen.nonce == 0)
        return logged;
    return seen;
}

/* It is here, as the start that is known. */
static bool is_here(const struct peer *peer)
{
    return peer->inbound != NULL || peer->link.state == LINK_ESTABLISHED;
}

static bool is_replaced(uint64_t incarnation, const struct greeting *g,
                        const struct member_facts *facts)
{
    uint64_t life = incarnation >> 32;
    if (life != facts->life)
        return life < facts->life;
    return !directory_id_is_none(facts->directory) &&
           !directory_id_eq(g->directory, facts->directory);
}

/* Whose is it? */
static enum greeting_verdict judge_place(const struct greeting *us,
                                         const struct greeting *g,
                                         char why[PEER_WHY_MAX])
{
    bool blank = us->cluster_id == 0 || g->cluster_id == 0;
    if (us->label != 0 && g->label != 0 && us->label != g->label) {
        snprintf(why, PEER_WHY_MAX,
                 "cluster-id differs: does it belong to another cluster?");
        return GREETING_OTHER_CLUSTER;
    }
    if (us->members != 0 && g->members != 0 && us->members != g->members) {
        snprintf(why, PEER_WHY_MAX,
                 "its node lines name other members than ours: correct them, "
                 "they must be the same on all nodes");
        return GREETING_OTHER_CLUSTER;
    }
    if (!blank && us->cluster_id != g->cluster_id) {
        snprintf(why, PEER_WHY_MAX, "it belongs to another cluster");
        return GREETING_OTHER_CLUSTER;
    }
    if (!blank)
        return GREETING_WELCOME;
    snprintf(why, PEER_WHY_MAX, "%s",
             us->cluster_id == 0
                 ? "this node has no data yet, and waits to be let in"
                 : "it has no data yet, and waits to be let in");
    return GREETING_NOT_YET;
}

/* Is it a member? One that has a newer configuration than this node is one in
 * that, and may be the candidate that this node needs. */
static enum greeting_verdict judge_member(const struct peer *peer,
                                          const struct greeting *g,
                                          const struct member_facts *facts,
                                          char why[PEER_WHY_MAX])
{
    if (facts->is_member || g->members_at > facts->granted_at)
        return GREETING_WELCOME;
    if (facts->granted_at > 0 && facts->committed) {
        snprintf(why, PEER_WHY_MAX,
                 "member %u is none since entry %" PRIu64 " at the latest",
                 peer->id, facts->granted_at);
        return GREETING_REMOVED;
    }
    snprintf(why, PEER_WHY_MAX, "member %u is not in our configuration",
             peer->id);
    return GREETING_NOT_YET;
}

/* The start that is linked is the newest that was met. */
static enum greeting_verdict
judge_newer(const struct peer *peer, struct start said, char why[PEER_WHY_MAX])
{
    if (!is_here(peer) || said.incarnation <= peer->incarnation_seen)
        return GREETING_WELCOME;
    snprintf(why, PEER_WHY_MAX,
             "it has started as incarnation %" PRIu64
             ", and incarnation %" PRIu64
             " of it is linked: if that runs, one of the two runs on a copy of "
             "its directory",
             said.incarnation, peer->incarnation_seen);
    return GREETING_LINKED;
}

static enum greeting_verdict judge_start(const struct peer *peer,
                                         struct start said, struct start known,
                                         char why[PEER_WHY_MAX])
{
    bool older = said.incarnation < known.incarnation;
    bool other = said.incarnation == known.incarnation && known.nonce != 0 &&
                 said.nonce != known.nonce;
    if (!older && !other)
        return judge_newer(peer, said, why);
    if (is_here(peer)) {
        snprintf(why, PEER_WHY_MAX,
                 "another process says it is member %u, as incarnation %" PRIu64
                 ", while this one is linked: does it run on a copy of its "
                 "directory?",
                 peer->id, said.incarnation);
        return GREETING_TWIN;
    }
    snprintf(why, PEER_WHY_MAX,
             older ? "incarnation %" PRIu64 " is old, %" PRIu64
                     " was seen already: it has an older copy of its data"
                   : "incarnation %" PRIu64 " (%" PRIu64
                     ") was seen with another start: it has an older copy of "
                     "its data",
             said.incarnation, known.incarnation);
    return GREETING_OLD;
}

/* Is our own directory the older copy? Only that it is can be seen by itself.
 */
static enum greeting_verdict judge_receipt(const struct peer *peer,
                                           const struct greeting *g,
                                           char why[PEER_WHY_MAX])
{
    const struct transport_events *events = peer->peers->events;
    const struct receipt *r = &g->receipt;
    if (r->term == 0 || events->remembers == NULL ||
        events->remembers(events->ctx, r))
        return GREETING_WELCOME;
    snprintf(why, PEER_WHY_MAX,
             "this node has acknowledged entry %" PRIu64
             " to it, in term %" PRIu64
             " at least, and does not have that: our data is an older copy",
             r->index, r->term);
    return GREETING_FORGOT;
}

/* Could it execute what this cluster's log says? */
static enum greeting_verdict judge_level(const struct greeting *g,
                                         const struct member_facts *facts,
                                         char why[PEER_WHY_MAX])
{
    ASSERT(g->level_min <= g->level_max);
    if (facts->level == 0 ||
        (facts->level >= g->level_min && facts->level <= g->level_max))
        return GREETING_WELCOME;
    snprintf(why, PEER_WHY_MAX,
             "its program, vard %s, knows the levels %u to %u, and the cluster "
             "has reached level %u: start another version there, as "
             "vard " VARD_VERSION,
             g->version, g->level_min, g->level_max, facts->level);
    return GREETING_LEVEL;
}

enum greeting_verdict peer_greet_judge(const struct peer *peer,
                                       uint64_t incarnation,
                                       const struct greeting *g,
                                       char why[PEER_WHY_MAX])
{
    struct member_facts facts;
    enum greeting_verdict verdict = judge_place(&peer->peers->greeting, g, why);
    ASSERT(incarnation != 0);
    if (verdict == GREETING_OTHER_CLUSTER)
        return verdict;
    ask_facts(peer, &facts);
    enum greeting_verdict level = judge_level(g, &facts, why);
    if (level != GREETING_WELCOME || verdict != GREETING_WELCOME)
        return level != GREETING_WELCOME ? level : verdict;
    verdict = judge_member(peer, g, &facts, why);
    if (verdict != GREETING_WELCOME)
        return verdict;
    if (is_replaced(incarnation, g, &facts)) {
        snprintf(why, PEER_WHY_MAX,
                 "another directory has its id since entry %" PRIu64
                 ": this one is to be put aside",
                 facts.granted_at);
        return GREETING_REPLACED;
    }
    struct start said = {incarnation, g->nonce};
    verdict = judge_start(peer, said, known_start(peer, &facts), why);
    return verdict == GREETING_WELCOME ? judge_receipt(peer, g, why) : verdict;
}

void peer_greet_refusal(const struct greeting *g, char why[PEER_WHY_MAX])
{
    static const char *const texts[GREETING_VERDICTS] = {
        [GREETING_WELCOME] = "",
        [GREETING_NOT_YET] = "it does not let this node in yet",
        [GREETING_OTHER_CLUSTER] = "it is of another cluster, as its log says",
        [GREETING_OLD] = "it knows a newer start of this node",
        [GREETING_TWIN] = "it is linked to another process that is this node",
        [GREETING_LINKED] =
            ("an earlier start of this node is linked to it, and has to end "
             "first: if it runs, one of the two runs on a copy of the "
             "directory"),
        [GREETING_REPLACED] = "another directory has the id of this node",
        [GREETING_REMOVED] = "this node is no member any more",
        [GREETING_LEVEL] =
            "this program does not know the level in force there",
        [GREETING_FORGOT] = "it has an older copy of its data, and ends",
    };
    ASSERT((unsigned)g->verdict < GREETING_VERDICTS);
    snprintf(why, PEER_WHY_MAX, "%s", texts[g->verdict]);
}

/* Where the member is that we are linked to. */
static void put_address(const struct peer *peer,
                        char out[GREETING_ADDRESS_SIZE])
{
    const char *from =
        peer->inbound != NULL ? peer->inbound->address : peer->address;
    if (strlen(from) < GREETING_ADDRESS_SIZE)
        memcpy(out, from, strlen(from));
}

void peer_greet_send(const struct peer *peer, const struct peer_talk *talk,
                     enum greeting_verdict verdict, struct conn *conn)
{
    struct greeting g = peer->peers->greeting;
    struct member_facts facts;
    struct buf body = BUF_INIT;
    struct proof proof;
    ask_facts(peer, &facts);
    struct start known = known_start(peer, &facts);
    g.verdict = verdict;
    g.known_incarnation = known.incarnation;
    g.known_nonce = known.nonce;
    g.level = MIN(facts.level, g.level_max);
    g.receipt = facts.receipt;
    if (verdict == GREETING_TWIN)
        put_address(peer, g.address);
    if (verdict == GREETING_REPLACED || verdict == GREETING_REMOVED)
        g.replaced_at = facts.granted_at;
    greeting_encode(&g, &body);
    peer_greeting_seal(buf_view(&peer->peers->secret), talk, buf_view(&body),
                       &proof);
    proof_encode(&proof, &body);
    ASSERT(body.len == GREETING_SIZE);
    size_t begin = frame_begin(&conn->out, FRAME_GREETING, 0);
    buf_bytes(&conn->out, buf_view(&body));
    frame_end(&conn->out, begin);
    conn_flush(conn);
    buf_release(&body);
}

int peer_greet_take(const struct peers *p, const struct peer_talk *talk,
                    struct bytes payload, struct greeting *out)
{
    struct proof proof;
    if (payload.len != GREETING_SIZE)
        return ERR_CORRUPT;
    struct bytes body = bytes_of(payload.data, GREETING_BODY_SIZE);
    int err = proof_decode(bytes_from(payload, GREETING_BODY_SIZE), &proof);
    ASSERT(err == 0); /* it has its size */
    if (!peer_greeting_valid(buf_view(&p->secret), talk, body, &proof))
        return ERR_AUTH;
    return greeting_decode(body, out);
}

void peer_greet_tell(const struct peer *peer, const struct greeting *g,
                     enum greeting_verdict ours, bool dialed)
{
    const struct transport_events *events = peer->peers->events;
    ASSERT(!directory_id_is_none(g->directory));
    if (ours == GREETING_WELCOME && events->levels != NULL)
        events->levels(events->ctx, peer->id, g->level_min, g->level_max);
    if (events->greeted != NULL)
        events->greeted(events->ctx,
                        peer->id != NODE_NONE ? peer->id : peer->met, g,
                        (int)ours, dialed);
}

void peer_greet_remember(struct peer *peer, uint64_t incarnation,
                         uint64_t nonce)
{
    ASSERT(incarnation >= peer->incarnation_seen && nonce != 0);
    peer->incarnation_seen = incarnation;
    peer->nonce_seen = nonce;
}

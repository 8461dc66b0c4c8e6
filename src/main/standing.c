/*
 * One member's word is enough: it has proved that it knows the peer-secret, and
 * it remembers what this node cannot know.
 *
 * How it fails: it does not. What cannot be repaired ends the process, which
 * must not go on in the name of another.
 */
#include "main/standing.h"

#include "base/level.h"
#include "main/refill.h"

#include <inttypes.h>

/* The text says how it is known. */
static enum standing_next is_copy(const struct config *c, struct buf *text)
{
    ASSERT(text->len > 0);
    buf_str(text, ": this data directory is an older copy. ");
    if (refill_allowed(c)) {
        buf_str(text, "The other members complete it");
        return STANDING_OLD_COPY;
    }
    buf_str(text, "FATAL: exiting, since what this node has promised after "
                  "that copy is not in it. Use the directory that was used "
                  "last");
    return STANDING_LOST;
}

static enum standing_next judge_old(const struct config *c, node_id peer,
                                    const struct greeting *g, struct buf *text)
{
    ASSERT(g->verdict == GREETING_OLD);
    buf_printf(text,
               "member %u knows start %" PRIu64 " of this node, which is newer",
               peer, g->known_incarnation);
    return is_copy(c, text);
}

static enum standing_next judge_level(node_id peer, const struct greeting *g,
                                      struct buf *text)
{
    ASSERT(g->verdict == GREETING_LEVEL);
    buf_printf(text,
               "FATAL: exiting, because the cluster has reached level %u, "
               "as member %u says, and this program, vard " VARD_VERSION
               ", knows the levels %u to %u: start another version of "
               "vard, as that member's: %s",
               g->level, peer, LEVEL_MIN, LEVEL_MAX, g->version);
    return STANDING_LOST;
}

void standing_forgot(struct standing *s, const struct config *c, node_id peer,
                     const struct greeting *g, struct buf *text)
{
    const struct receipt *r = &g->receipt;
    ASSERT(s->next == STANDING_GOOD && r->term > 0);
    buf_printf(text,
               "member %u has a receipt of this node for entry %" PRIu64
               " of the log, in term %" PRIu64 ", and it is not here",
               peer, r->index, r->term);
    s->next = is_copy(c, text);
}

void standing_judge(struct standing *s, const struct config *c, node_id peer,
                    const struct greeting *g, struct buf *text)
{
    ASSERT(s->next == STANDING_GOOD && text->len == 0);
    switch (g->verdict) {
    case GREETING_OLD:
        s->next = judge_old(c, peer, g, text);
        return;
    case GREETING_TWIN:
        buf_printf(text,
                   "FATAL: exiting, because member %u is linked to another "
                   "process that is node %u, at %s. Does it run on a copy of "
                   "this data directory? Only one of them may run",
                   peer, c->node_id, g->address);
        s->next = STANDING_LOST;
        return;
    case GREETING_REPLACED:
        buf_printf(text,
                   "FATAL: exiting, because another data directory has been "
                   "node %u since entry %" PRIu64
                   " of the log, says member %u: put this one aside",
                   c->node_id, g->replaced_at, peer);
        s->next = STANDING_LOST;
        return;
    case GREETING_REMOVED:
        buf_printf(text,
                   "node %u is no member of the cluster any more: it was "
                   "removed by entry %" PRIu64
                   " of the log, or before, says member %u. It exits; this "
                   "data directory is of no use any more",
                   c->node_id, g->replaced_at, peer);
        s->next = STANDING_REMOVED;
        return;
    case GREETING_LEVEL:
        s->next = judge_level(peer, g, text);
        return;
    case GREETING_WELCOME:
    case GREETING_NOT_YET:
    case GREETING_LINKED: /* it waits */
    case GREETING_OTHER_CLUSTER:
    case GREETING_FORGOT: /* it ends by itself */
    case GREETING_VERDICTS:
        return;
    }
}

/*
 * What a node does about what the other members say of it, once they have
 * compared its start with those that they remember (codec/greeting.h).
 */
#ifndef MAIN_STANDING_H
#define MAIN_STANDING_H

#include "base/base.h"
#include "base/buf.h"
#include "codec/greeting.h"
#include "config/config.h"

enum standing_next {
    STANDING_GOOD,
    /* Its data is an older copy: it begins again within this process, as a
     * member that lost promises, and the others complete its data. */
    STANDING_OLD_COPY,
    STANDING_LOST,    /* it has to end */
    STANDING_REMOVED, /* it is no member any more, and ends in peace */
};

struct standing {
    enum standing_next next;
};

/* What follows from another member's greeting, whose verdict is on this node;
 * with a text unless all is well. */
void standing_judge(struct standing *s, const struct config *c, node_id peer,
                    const struct greeting *g, struct buf *text);

/* Our own verdict on a member was GREETING_FORGOT: it has a receipt of what
 * this node does not have. */
void standing_forgot(struct standing *s, const struct config *c, node_id peer,
                     const struct greeting *g, struct buf *text);

#endif

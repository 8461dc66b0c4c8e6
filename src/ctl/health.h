/*
 * Whether a cluster is well, from what its nodes say (view.h).
 *
 * It is healthy if every member answers, follows the leader of the newest
 * term, is linked with each other member both ways, and has all but the newest
 * entries, if none is being refilled, and none is short of disk space.
 */
#ifndef CTL_HEALTH_H
#define CTL_HEALTH_H

#include "ctl/view.h"

struct health {
    size_t all;         /* members, and addresses given that are none's */
    size_t up;          /* of these: answer */
    size_t following;   /* members that the leader can count on, itself too */
    const char *leader; /* id of the newest term's leader; "": none */
    uint64_t term;      /* of that leader */
    const struct row *leader_row; /* NULL: it does not answer */
    bool has_majority;            /* it leads, and enough others follow */
    bool no_writes;               /* all that answer refuse writes */
    bool short_is_known;          /* whose disk it is for */
    bool refused;                 /* a node answers with an error */
    bool healthy;
};

/* Judges, and says in each row that is not well why: a line for each reason.
 * The result has views of the rows. */
void health_judge(struct view *v, struct health *h);
/* The node serves requests: it is up, was refilled, and follows a leader that
 * has a majority. */
bool health_is_ready(const struct health *h, const struct row *r);

#endif

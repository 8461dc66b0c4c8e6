/*
 * What the nodes of a cluster say of themselves and of each other: one row for
 * each node, from its INFO.
 *
 * Ownership: a view owns its rows. Thread: one.
 */
#ifndef CTL_VIEW_H
#define CTL_VIEW_H

#include "client/cluster.h"

#define VIEW_ID_MAX    16
#define VIEW_TEXT_MAX  64
#define VIEW_WAITS_MAX 256
#define VIEW_PEERS_MAX 16
/* So many entries are on their way in a cluster that writes much. */
#define VIEW_LAG_MAX 1000

/* What a node says of another member. */
struct peer_row {
    char id[VIEW_ID_MAX];
    bool linked;    /* both ways */
    char state[16]; /* what the leader does for it: "replicate", ... */
    uint64_t lag;   /* entries that the leader has and it lacks */
};

struct row {
    char id[VIEW_ID_MAX], address[CLUSTER_HOST_MAX + 8], role[16];
    char cluster[VIEW_TEXT_MAX], process[VIEW_TEXT_MAX];
    char leader[VIEW_ID_MAX]; /* "" if it knows none */
    uint64_t term, commit, applied, log_bytes, keys, disk_free;
    uint64_t members;                 /* that it knows of, with itself */
    uint64_t level, level_max;        /* in force; that it can execute */
    char level_waits[VIEW_WAITS_MAX]; /* for what a higher level does; "" */
    bool recovering;
    bool no_writes, disk_short; /* it refuses writes; for its own disk */
    struct peer_row peers[VIEW_PEERS_MAX];
    size_t peer_count;
    bool up;            /* it answers as a node */
    bool refused;       /* it answers, but with an error */
    bool given;         /* its address was given, not named by another node */
    bool hidden;        /* the same node is in another row */
    struct buf why;     /* not up: why */
    struct buf reasons; /* lines: what is not well (health.h) */
};

struct view {
    struct row *rows;
    size_t count;
};

/* Asks all nodes at once, for at most `ask_ms`, then those that they name. */
void view_take(struct view *v, struct cluster *c, int64_t ask_ms);
void view_release(struct view *v);

/* What `r` says of the member; NULL: nothing. */
const struct peer_row *view_peer(const struct row *r, const char *id);
/* The row of the member, the one that is up if there are two; or NULL. */
struct row *view_find(const struct view *v, const char *id);

#endif

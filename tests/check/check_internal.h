/* What the files of the checker share. */
#ifndef CHECK_INTERNAL_H
#define CHECK_INTERNAL_H

#include "check.h"

/* Remembers the first breach. */
static inline void check_that(struct check *c, bool holds, const char *text)
{
    if (!holds && c->violation == NULL) {
        c->violation = text;
    }
}

static inline bool check_fits(struct check *c, raft_term term)
{
    check_that(c, term < CHECK_TERMS_MAX, "limit: CHECK_TERMS_MAX");
    return term < CHECK_TERMS_MAX;
}

/* Does the log have the other log's prefix up to index? */
static inline bool check_has(const struct check_log *log, raft_index index,
                             uint64_t hash)
{
    return index <= log->last && log->at[index].hash == hash;
}

/* Position of a node; c->count: of none. */
static inline uint32_t check_pos(const struct check *c, node_id id)
{
    uint32_t pos = 0;

    while (pos < c->count && c->ids[pos] != id) {
        pos++;
    }
    return pos;
}

/* What the core remembers of the node at this position; NULL: it is no member
 * there. */
static inline const struct raft_progress *
check_progress(const struct check *c, const struct raft *core, uint32_t pos)
{
    int at = raft_position(core, c->ids[pos]);

    return at < 0 ? NULL : &core->progress[at];
}

/* check_members.c: those that this log makes; bits by position here. */
const struct raft_members *check_newest(const struct check *c,
                                        const struct check_log *log);
bool check_quorum(const struct check *c, const struct raft_members *m,
                  uint32_t bits);
/* X4: the step's entry that changes them; what the core takes for them. */
void check_changed(struct check *c, const struct check_step *s);
void check_core_members(struct check *c, const struct check_step *s);

/* check_restore.c: X3. The step's write takes over a state; the log's
 * beginning. */
void check_restored(struct check *c, const struct check_step *s);
void check_beginning(struct check *c, const struct check_step *s);
/* Does it to an image. */
void check_restore(const struct check *c, struct check_log *log,
                   const struct check_write *w);
/* Is there one under way to the disk? */
bool check_restoring(const struct check_node *n);

/* check_message.c: one message that leaves. */
void check_sent(struct check *c, const struct check_step *s,
                const struct raft_message *m);
/* I5, X5, X8: what a message may do to its receiver. */
void check_received(struct check *c, const struct check_step *s);

#endif

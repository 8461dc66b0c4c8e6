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

/* check_message.c: one message that leaves. */
void check_sent(struct check *c, const struct check_step *s,
                const struct raft_message *m);
/* I5, X5, X8: what a message may do to its receiver. */
void check_received(struct check *c, const struct check_step *s);

#endif

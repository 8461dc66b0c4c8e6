/*
 * X3: a state in place of entries, and the log's beginning.
 *
 * An image keeps the entries that were cut, or that only a state stands for:
 * a log and a state that adjoin are one log here, and all that is said of logs
 * holds of them. What a state has is what was committed.
 */
#include <string.h>

#include "check_internal.h"

void check_restore(const struct check *c, struct check_log *log,
                   const struct check_write *w)
{
    if (w->restore_index == 0 || w->restore_keeps_log || c->violation != NULL) {
        return;
    }
    ASSERT(w->restore_index <= c->commit);
    memcpy(log->at, c->committed,
           (w->restore_index + 1) * sizeof(c->committed[0]));
    log->last = w->restore_index;
    log->cut = w->restore_index;
}

bool check_restoring(const struct check_node *n)
{
    for (uint32_t i = 0; i < n->write_count; i++) {
        if (n->writes[i].restore_index > 0) {
            return true;
        }
    }
    return false;
}

/* The log is kept exactly if it leads to the state: what is behind it may have
 * been acknowledged. */
static void kept_rightly(struct check *c, const struct check_step *s)
{
    const struct raft_write *w = &s->out->write;
    const struct raft *a = s->after;
    const struct check_log *live = &c->nodes[s->pos].live;
    bool leads =
        check_has(live, w->restore_index, c->committed[w->restore_index].hash);

    check_that(c, leads || !w->restore_keeps_log,
               "X3 snapshot: keeps a log that does not lead to the state");
    check_that(c, !leads || w->restore_keeps_log,
               "X3 snapshot: drops a log that goes on from the state");
    check_that(c,
               w->restore_keeps_log || (a->first == w->restore_index + 1 &&
                                        a->last == w->restore_index &&
                                        a->prev_term == w->restore_term),
               "X3 snapshot: state and log do not adjoin");
}

void check_restored(struct check *c, const struct check_step *s)
{
    const struct raft_write *w = &s->out->write;
    raft_index index = w->restore_index;

    check_that(c,
               s->event->type == RAFT_EV_RESTORE && index == s->event->index &&
                   w->restore_term == s->event->index_term,
               "X3 snapshot: a state that nobody offered");
    check_that(
        c, index <= c->commit && c->committed[index].term == w->restore_term,
        "X3 snapshot: a state that nobody committed");
    check_that(c, index > s->before->commit,
               "X3 snapshot: a state older than what is committed");
    check_that(c, s->before->role != RAFT_LEADER,
               "X3 snapshot: a leader takes over a state");
    if (c->violation != NULL) {
        return;
    }
    check_that(c, s->after->commit == index,
               "X3 snapshot: commits more, or less, than the state has");
    check_that(c, s->after->term >= c->committed_in[index],
               "X3 snapshot: in a term that may lack what is in the state");
    kept_rightly(c, s);
    struct check_node *n = &c->nodes[s->pos];
    n->applied = MAX(n->applied, index);
}

void check_beginning(struct check *c, const struct check_step *s)
{
    const struct raft *a = s->after;
    const struct raft *b = s->before;
    struct check_node *n = &c->nodes[s->pos];

    check_that(c, a->first >= b->first,
               "X3 snapshot: the log's beginning fell");
    if (s->event->type == RAFT_EV_LOG_CUT && a->first > b->first) {
        n->live.cut = a->first - 1;
        n->disk.cut = a->first - 1;
    }
}

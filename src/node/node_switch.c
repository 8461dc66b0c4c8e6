/*
 * First the watermark is lowered to nothing, which both logs satisfy: the
 * entries that it names are in the old log until the write is durable, and in
 * the state afterwards. Term and vote stay in it. Then state, log, term and
 * vote change in one write, so a crash finds either the old state with the old
 * log, or the new state with the new one. The files of the old state go when
 * that is durable (the store sees to it).
 *
 * How it fails: a step that fails is the last one, and the process has to end:
 * what is on the disk is whole, either way.
 */
#include "node/node_switch.h"

#include "store/store_fill.h"

static int lower(const struct node_switch *s)
{
    struct watermark mark = *s->promised;

    ASSERT(mark.term <= s->term);
    mark.index = 0;
    mark.index_term = 0;
    mark.chain = 0;
    return s->disk->lower(s->disk, &mark);
}

int node_switch(const struct node_switch *s, const char **what)
{
    ASSERT(s->state != 0 && s->index > 0);
    *what = "lowering the watermark";
    int err = s->keeps_log ? 0 : lower(s);
    if (err != 0)
        return err;
    *what = "taking a state over";
    if (!s->keeps_log)
        journal_restart(s->log, s->batch, s->index, s->index_term, s->chain);
    journal_hard_state(s->log, s->batch, s->term, s->vote);
    return store_state_use(s->store, s->batch, s->state);
}

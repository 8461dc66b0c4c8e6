/*
 * The time of a turn of the loop: the clocks are read once, when the first
 * event of the turn comes in, and everything in the turn happens at that
 * time.
 *
 * How it fails: it cannot. A wall clock that is set back is the node's
 * affair; the monotonic clock never goes back.
 */
#include "os/clock.h"
#include "server/server_internal.h"

#define READ_TRIES 3

/* Both at the same moment: a process that is interrupted in between would take
 * the pause for a wall clock that moves. */
static void read_clocks(struct turn *t)
{
    for (int i = 0; i < READ_TRIES; i++) {
        int64_t mono_ms = clock_mono_ms();
        ASSERT(mono_ms >= t->mono_ms);
        t->mono_ms = mono_ms;
        t->wall_ms = clock_wall_ms();
        if (clock_mono_ms() - mono_ms <= 1)
            return;
    }
}

void turn_begin(struct server *s)
{
    struct turn *t = &s->turn;
    if (t->is_set)
        return;
    read_clocks(t);
    t->is_set = true;
    t->told_bytes = 0;
    if (s->node != NULL)
        node_set_time(s->node, t->mono_ms, t->wall_ms);
}

void turn_end(struct server *s)
{
    ASSERT(s->turn.is_set);
    s->turn.is_set = false;
}

/*
 * Until the members are what was asked for. The leader is looked for each time,
 * as it may be the one that goes; whoever leads knows it.
 *
 * How it fails: nobody leads, or it takes too long: it says so, and that the
 * change goes on.
 */
#include "ctl/ctl.h"

#include <inttypes.h>
#include <time.h>

#include "ctl/members.h"
#include "os/clock.h"

#define PAUSE_MS 250

/* False: nobody leads, or says. */
static bool look(struct cluster *c, struct members_view *out)
{
    static const char *const argv[] = {"RAFT", "MEMBERS"};
    const struct link_request r = {.argv = argv, .argc = ARRAY_LEN(argv)};
    struct answer a = {0};
    struct answer refusal = {0};
    size_t leader = 0;
    int err = cluster_find_leader(c, CTL_ASK_MS, true, &leader, &refusal);
    if (err == 0)
        err = cluster_ask_node(c, leader, &r, CTL_ASK_MS, &a);
    bool known = err == 0 && a.kind == ANSWER_LIST &&
                 members_read(buf_view(&a.text), out);
    buf_release(&a.text);
    buf_release(&refusal.text);
    return known;
}

int reach_members(struct cluster *c, int64_t wait_ms)
{
    static const struct timespec pause = {0, PAUSE_MS * 1000000L};
    int64_t end_ms = clock_mono_ms() + wait_ms;
    ASSERT(wait_ms >= 0);
    fflush(stdout); /* somebody may have to start what was printed */
    while (wait_ms > 0) {
        struct members_view m = {0};
        bool known = look(c, &m);
        if (known && m.done)
            return CTL_GOOD;
        if (clock_mono_ms() < end_ms) {
            nanosleep(&pause, NULL);
            continue;
        }
        fprintf(stderr,
                "vardctl: not done within %" PRId64 " s%s%s%s%s%s. It goes on: "
                "vardctl members\n",
                wait_ms / 1000, known ? "" : ": no leader is known",
                m.next[0] != '\0' ? ": " : "", m.next,
                m.waits[0] != '\0' ? "; " : "", m.waits);
        return CTL_NO;
    }
    return CTL_GOOD;
}

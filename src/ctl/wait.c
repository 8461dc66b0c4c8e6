/*
 * How it works: all nodes are asked again and again, until what is waited for
 * is true of one look at them, or the time is up.
 *
 * Each look gives every node the time to answer, the last one as well: if one
 * hangs, the end is later by as much.
 *
 * `ready` and `caught-up` are about the nodes whose addresses were given: one
 * node that was restarted, or all. What they must have executed is what was
 * committed when the waiting began.
 *
 * How it fails: when the time is up, the table of the last look says why. A
 * password that is refused ends it at once: it does not become right, and each
 * try counts as an attempt to guess it.
 */
#include "ctl/ctl.h"

#include "ctl/health.h"
#include "os/clock.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define PAUSE_MS 100

struct look {
    struct view view;
    struct health health;
    uint64_t commit; /* that was committed when the waiting began */
};

static bool is_healthy(const struct look *l)
{
    return l->health.healthy;
}

static bool has_leader(const struct look *l)
{
    return l->health.has_majority;
}

/* All given nodes serve, and have executed the entries up to this one. */
static bool given_serve(const struct look *l, uint64_t applied)
{
    size_t given = 0;
    for (size_t i = 0; i < l->view.count; i++) {
        const struct row *r = &l->view.rows[i];
        if (r->hidden || !r->given)
            continue;
        given++;
        if (!health_is_ready(&l->health, r) || r->applied < applied)
            return false;
    }
    return given > 0;
}

static bool is_ready(const struct look *l)
{
    return given_serve(l, 0);
}

static bool is_caught_up(const struct look *l)
{
    return l->commit > 0 && given_serve(l, l->commit);
}

static const struct {
    const char *name;
    bool (*reached)(const struct look *l);
} goals[] = {
    {"healthy", is_healthy},
    {"ready", is_ready},
    {"leader", has_leader},
    {"caught-up", is_caught_up},
};

static void take_look(struct look *l, struct cluster *c)
{
    view_take(&l->view, c, CTL_ASK_MS);
    health_judge(&l->view, &l->health);
    if (l->commit > 0 || !l->health.has_majority)
        return;
    for (size_t i = 0; i < l->view.count; i++)
        l->commit = MAX(l->commit, l->view.rows[i].commit);
}

static bool begins(const struct buf *text, const char *with)
{
    size_t len = strlen(with);
    return text->len >= len && memcmp(text->data, with, len) == 0;
}

static bool password_refused(const struct view *v)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct row *r = &v->rows[i];
        if (r->refused &&
            (begins(&r->why, "NOAUTH") || begins(&r->why, "WRONGPASS")))
            return true;
    }
    return false;
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Returns CTL_UNKNOWN to be called again. */
static int look_once(struct look *l, struct cluster *c, size_t goal,
                     int64_t left_ms)
{
    int status = CTL_UNKNOWN;
    take_look(l, c);
    if (goals[goal].reached(l))
        status = CTL_GOOD;
    else if (password_refused(&l->view))
        status = CTL_REFUSED;
    else if (left_ms <= 0)
        status = CTL_NO;
    if (status == CTL_GOOD)
        printf("%s\n", goals[goal].name);
    else if (status != CTL_UNKNOWN)
        (void)status_show(stderr, &l->view, &l->health);
    view_release(&l->view);
    return status;
}

int wait_goal(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(goals); i++) {
        if (strcmp(goals[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

int wait_for(struct cluster *c, int goal, int64_t timeout_ms)
{
    ASSERT(goal >= 0 && (size_t)goal < ARRAY_LEN(goals));
    int64_t end_ms = clock_mono_ms() + timeout_ms;
    struct look l = {0};
    for (;;) {
        int64_t left_ms = end_ms - clock_mono_ms();
        int status = look_once(&l, c, (size_t)goal, left_ms);
        if (status == CTL_NO)
            fprintf(stderr, "vardctl: not %s within %" PRId64 " s\n",
                    goals[goal].name, timeout_ms / 1000);
        if (status != CTL_UNKNOWN)
            return status;
        pause_ms(MIN(PAUSE_MS, MAX(end_ms - clock_mono_ms(), 1)));
    }
}

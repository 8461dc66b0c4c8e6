/*
 * The level of the cluster: each node says what its program can execute, and
 * the leader what a higher level waits for.
 *
 * How it fails: with the leader's reason on standard error; nothing was raised.
 * If the raise was begun and is not done in time, that is said, and it may come
 * about later.
 */
#include "ctl/ctl.h"

#include "base/level.h"
#include "base/num.h"
#include "client/info.h"
#include "metrics/metrics.h"
#include "os/clock.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define LOOK_US 50000 /* between two looks */

static void print_row(FILE *out, const struct row *r)
{
    char knows[64] = "-";
    char level[NUM_TEXT_MAX] = "-";
    if (r->up) {
        snprintf(knows, sizeof(knows), "%d to %" PRIu64, LEVEL_MIN,
                 r->level_max);
        snprintf(level, sizeof(level), "%" PRIu64, r->level);
    }
    fprintf(out, "%-5s %-22s %6s  %s\n", r->id, r->address, level,
            r->up        ? knows
            : r->refused ? "REFUSED"
                         : "DOWN");
}

/* The leader knows best. */
static const struct row *who_knows(const struct view *v)
{
    const struct row *best = NULL;
    for (size_t i = 0; i < v->count; i++) {
        const struct row *r = &v->rows[i];
        if (r->up && (best == NULL || strcmp(r->role, "leader") == 0))
            best = r;
    }
    return best;
}

int level_show(struct cluster *c, FILE *out)
{
    struct view v;
    view_take(&v, c, CTL_ASK_MS);
    const struct row *best = who_knows(&v);
    fprintf(out, "%-5s %-22s %6s  %s\n", "node", "clients", "level", "knows");
    for (size_t i = 0; i < v.count; i++) {
        if (!v.rows[i].hidden)
            print_row(out, &v.rows[i]);
    }
    if (best == NULL)
        fprintf(out, "no node answers\n");
    else if (best->level_waits[0] == '\0')
        fprintf(out, "the level is %" PRIu64 "\n", best->level);
    else
        fprintf(out, "the level is %" PRIu64 "; a higher one waits: %s\n",
                best->level, best->level_waits);
    int status = best == NULL ? CTL_NOT_DONE : CTL_GOOD;
    view_release(&v);
    return status;
}

/* Of the node; 0: it does not say. */
static int64_t level_of(struct cluster *c, size_t node)
{
    const char *argv[] = {"INFO"};
    const struct link_request r = {.argv = argv, .argc = 1};
    struct answer a = {0};
    int64_t level = 0;
    int err = cluster_ask_node(c, node, &r, CTL_ASK_MS, &a);
    if (err == 0 && a.kind == ANSWER_TEXT &&
        !num_parse_i64(
            info_field(buf_view(&a.text), metric_at(METRIC_raft_level)->name),
            &level))
        level = 0;
    buf_release(&a.text);
    return level;
}

static int wait_raised(struct cluster *c, size_t leader, const char *level)
{
    int64_t until_ms = clock_mono_ms() + c->timeout_ms;
    int64_t wanted = 0;
    bool parsed = num_parse_i64(bytes_str(level), &wanted);
    ASSERT(parsed); /* the leader has taken it */
    while (level_of(c, leader) < wanted) {
        if (clock_mono_ms() >= until_ms) {
            fprintf(stderr, "vardctl: the leader has begun, and has not "
                            "reached the level yet (try: vardctl level)\n");
            return CTL_UNKNOWN;
        }
        usleep(LOOK_US);
    }
    printf("the level is %s\n", level);
    return CTL_GOOD;
}

int level_ask(struct cluster *c, size_t leader, const char *level)
{
    const char *argv[] = {"RAFT", "LEVEL", level};
    const struct link_request r = {.argv = argv, .argc = 3, .write = true};
    struct answer a = {0};
    int err = cluster_ask_node(c, leader, &r, c->timeout_ms, &a);
    int status = CTL_GOOD;
    if (err != 0) {
        fprintf(stderr, "vardctl: the leader did not answer\n");
        status = err == ERR_CLOSED ? CTL_NOT_DONE : CTL_UNKNOWN;
    } else if (a.kind == ANSWER_ERROR) {
        fprintf(stderr, "vardctl: %.*s\n", (int)a.text.len,
                (const char *)a.text.data);
        status = CTL_REFUSED;
    }
    buf_release(&a.text);
    return status == CTL_GOOD ? wait_raised(c, leader, level) : status;
}

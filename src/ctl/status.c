/*
 * The table of the cluster: one row per node, below it what is not well with
 * that node, and at the end a line that says whether the cluster is healthy.
 *
 * How it fails: the exit status is that of the last line: healthy or not, not
 * served, nobody answers, refused.
 */
#include "ctl/ctl.h"

#include "client/info.h"
#include "ctl/health.h"

#include <inttypes.h>

static const char *state_of(const struct row *r)
{
    if (!r->up)
        return r->refused ? "REFUSED" : "DOWN";
    return r->reasons.len > 0 ? "NOT WELL" : "up";
}

static void print_reasons(FILE *out, struct bytes lines)
{
    struct bytes line;
    while (info_line(&lines, &line))
        fprintf(out, "      %.*s\n", (int)line.len,
                line.len == 0 ? "" : (const char *)line.data);
}

static void print_row(FILE *out, const struct row *r, uint64_t commit)
{
    if (!r->up) {
        fprintf(out, "%-5s %-22s %-10s %8s %12s %12s %8s %10s %9s  %s\n", r->id,
                r->address, "-", "-", "-", "-", "-", "-", "-", state_of(r));
    } else {
        uint64_t lag = commit > r->applied ? commit - r->applied : 0;
        fprintf(out,
                "%-5s %-22s %-10s %8" PRIu64 " %12" PRIu64 " %12" PRIu64
                " %8" PRIu64 " %10" PRIu64 " %9" PRIu64 "  %s\n",
                r->id, r->address, r->role, r->term, r->commit, r->applied, lag,
                r->log_bytes, r->keys, state_of(r));
    }
    print_reasons(out, buf_view(&r->reasons));
}

static void print_table(FILE *out, const struct view *v)
{
    uint64_t commit = 0;
    for (size_t i = 0; i < v->count; i++)
        commit = MAX(commit, v->rows[i].commit);
    fprintf(out, "%-5s %-22s %-10s %8s %12s %12s %8s %10s %9s  %s\n", "node",
            "clients", "role", "term", "commit", "applied", "lag", "log-bytes",
            "keys", "state");
    for (size_t i = 0; i < v->count; i++) {
        if (!v->rows[i].hidden)
            print_row(out, &v->rows[i], commit);
    }
}

/* Requests are not served. */
static void say_unserved(FILE *out, const struct health *h)
{
    fprintf(out, "cluster: NO %s, %zu of %zu nodes up: requests wait until ",
            h->leader[0] == '\0' ? "LEADER" : "MAJORITY", h->up, h->all);
    if (h->leader[0] != '\0')
        fprintf(out,
                "more nodes follow the leader, node %s in term %" PRIu64 "\n",
                h->leader, h->term);
    else if (h->up > h->all / 2)
        fputs("one is elected, within seconds if the nodes reach each other "
              "(their logs say)\n",
              out);
    else
        fputs("a majority is back\n", out);
}

/* How many more may fail until requests are not served any more. */
static void say_tolerance(FILE *out, const struct health *h)
{
    size_t majority = h->all / 2 + 1;
    if (h->following >= h->all || h->following < majority)
        return;
    fprintf(out, "; %zu more may fail (of %zu when all are well)",
            h->following - majority, h->all - majority);
}

static void say_served(FILE *out, const struct health *h)
{
    fprintf(
        out, "cluster: %s, %zu of %zu nodes up, leader %s (%s), term %" PRIu64,
        h->healthy     ? "healthy"
        : h->no_writes ? "refusing writes, NOT healthy"
                       : "serving, but NOT healthy",
        h->up, h->all, h->leader,
        h->leader_row != NULL ? h->leader_row->address : "no answer", h->term);
    say_tolerance(out, h);
    fputc('\n', out);
}

static int say_verdict(FILE *out, const struct health *h)
{
    if (h->up == 0 && h->refused) {
        fprintf(out, "cluster: unknown, a node answers but refuses: a password "
                     "goes into VARD_PASSWORD or --password, or comes from "
                     "--config\n");
        return CTL_REFUSED;
    }
    if (h->up == 0) {
        fprintf(out, "cluster: no node answers; if there are others, name "
                     "them: --cluster HOST:PORT,... or --config FILE\n");
        return CTL_NOT_DONE;
    }
    if (!h->has_majority) {
        say_unserved(out, h);
        return CTL_NOT_DONE;
    }
    say_served(out, h);
    return h->healthy ? CTL_GOOD : CTL_NO;
}

int status_show(FILE *out, const struct view *v, const struct health *h)
{
    ASSERT(h->up <= h->all);
    print_table(out, v);
    return say_verdict(out, h);
}

int status_print(struct cluster *c, FILE *out)
{
    struct view v;
    struct health h;
    view_take(&v, c, CTL_ASK_MS);
    health_judge(&v, &h);
    int status = status_show(out, &v, &h);
    view_release(&v);
    return status;
}

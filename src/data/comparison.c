/*
 * How it works: the row is read, changed and put as a whole; it is small, and
 * seldom looked at.
 *
 * How it fails: a row that does not decode is found by rows.c, which keeps the
 * error; then there is no comparison.
 */
#include "data/comparison.h"

#include "data/keyspace_internal.h"
#include "data/meta.h"

void comparison_get(struct keyspace *ks, struct comparison *out)
{
    struct bytes row;
    *out = (struct comparison){.index = 0};
    if (!rows_get(&ks->rows, meta_comparison_key(), &row))
        return;
    int err = meta_comparison_decode(row, out);
    ASSERT(err == 0); /* rows.c has checked it */
}

static void put(struct keyspace *ks, const struct comparison *c)
{
    struct buf row = BUF_INIT;
    ASSERT(ks->rows.in_entry);
    meta_comparison_encode(&row, c);
    rows_put(&ks->rows, meta_comparison_key(), buf_view(&row));
    buf_release(&row);
}

void comparison_begin(struct keyspace *ks)
{
    ASSERT(ks->rows.in_entry && ks->entry.index > 0);
    put(ks, &(struct comparison){.index = ks->entry.index,
                                 .time_ms = ks->entry.time_ms});
}

const struct comparison_report *comparison_find(const struct comparison *c,
                                                node_id node)
{
    ASSERT(c->count <= COMPARISON_REPORTS_MAX);
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->reports[i].node == node)
            return &c->reports[i];
    }
    return NULL;
}

/* Room at the place where it belongs, or the place that it has; count: none. */
static uint32_t make_place(struct comparison *c, node_id node)
{
    uint32_t at = 0;
    while (at < c->count && c->reports[at].node < node)
        at++;
    if (at < c->count && c->reports[at].node == node)
        return at;
    if (c->count == COMPARISON_REPORTS_MAX)
        return c->count;
    memmove(&c->reports[at + 1], &c->reports[at],
            (c->count - at) * sizeof(c->reports[0]));
    c->count++;
    return at;
}

bool comparison_add(struct keyspace *ks, uint64_t index,
                    const struct comparison_report *report)
{
    struct comparison c;
    ASSERT(ks->rows.in_entry && (report->found || report->hash == 0));
    comparison_get(ks, &c);
    if (c.index == 0 || c.index != index || report->node == NODE_NONE)
        return false;
    const struct comparison_report *before = comparison_find(&c, report->node);
    if (before != NULL && before->began > report->began)
        return false;
    uint32_t at = make_place(&c, report->node);
    if (at == COMPARISON_REPORTS_MAX)
        return false;
    c.reports[at] = *report;
    put(ks, &c);
    return true;
}

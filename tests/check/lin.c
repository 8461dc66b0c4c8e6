/*
 * Operations are gathered by key with a counting sort over text numbers, and
 * each key is built and searched in turn with the same memory. Only the first
 * bad key is explained, since that costs some more searches.
 */
#include "check/lin.h"

#include "base/alloc.h"
#include "check/lin_explain.h"

#include <string.h>

struct groups {
    uint32_t *start; /* by text number; start[id + 1] is its end */
    uint32_t *ops;
};

static void group_by_key(const struct history *h, struct groups *g)
{
    size_t ids = (size_t)h->text_count + 2;
    g->start = mem_zalloc((ids + 1) * sizeof(*g->start));
    g->ops = mem_alloc((h->count + 1) * sizeof(*g->ops));
    /* Counted two places further on, so that filling moves them into place. */
    for (size_t i = 0; i < h->count; i++)
        g->start[h->ops[i].key + 2]++;
    for (size_t id = 2; id <= ids; id++)
        g->start[id] += g->start[id - 1];
    for (uint32_t i = 0; i < h->count; i++)
        g->ops[g->start[h->ops[i].key + 1]++] = i;
    ASSERT(g->start[ids] == h->count);
}

static void groups_release(struct groups *g)
{
    mem_free(g->start);
    mem_free(g->ops);
}

static void check_key(struct lin_search *s, struct lin_key *k,
                      const struct lin_case *c, struct lin_report *report)
{
    lin_key_build(k, c->h, c->sources, c->count, LIN_CUT_NONE);
    report->keys++;
    report->ops += c->count;
    switch (lin_search_run(s, k, c->steps_max, &report->steps)) {
    case LIN_OK:
        return;
    case LIN_UNDECIDED:
        report->keys_undecided++;
        return;
    case LIN_VIOLATION:
        if (report->keys_bad++ == 0)
            lin_explain(s, k, c, report);
        return;
    }
    ASSERT(false);
}

void lin_check(const struct history *h, const struct lin_options *options,
               struct lin_report *report)
{
    struct groups groups;
    struct lin_key key;
    ASSERT(h != NULL && options != NULL);
    *report = (struct lin_report){.text = BUF_INIT};
    group_by_key(h, &groups);
    struct lin_search *search = lin_search_new();
    lin_key_init(&key);

    for (uint32_t id = 1; id <= h->text_count; id++) {
        struct lin_case c = {.h = h,
                             .sources = groups.ops + groups.start[id],
                             .count = groups.start[id + 1] - groups.start[id],
                             .steps_max = options->steps_max == 0
                                              ? LIN_STEPS_MAX
                                              : options->steps_max};
        if (c.count > 0 && (options->only == NULL || options->only[id]))
            check_key(search, &key, &c, report);
    }
    if (report->keys_bad > 0)
        report->verdict = LIN_VIOLATION;
    else if (report->keys_undecided > 0)
        report->verdict = LIN_UNDECIDED;

    lin_key_release(&key);
    lin_search_free(search);
    groups_release(&groups);
}

void lin_report_release(struct lin_report *report)
{
    buf_release(&report->text);
    *report = (struct lin_report){.text = BUF_INIT};
}

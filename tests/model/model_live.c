/*
 * "Every state can still reach one where all is done", on the whole graph.
 *
 * A goal: one term, one leader, the logs of its members equal, durable and
 * committed, nobody recovering. Without heartbeats followers need not hear of
 * the last commit; then it is enough that the leader of the highest term has
 * committed all of its log. The bounds make dead ends of their own: after the
 * last term nobody can be elected. So only those states must reach a goal from
 * which the bounds leave a way: a leader of the highest term exists, who does
 * not remove itself and waits for nobody to begin anew, or a term is left.
 *
 * How it works: the edges were written down in the order of the search; going
 * through them backwards, again until nothing changes, spreads the mark from
 * the goals to all that lead there. Records that have their mark are not
 * looked at again: what is left after a pass is copied for the next one.
 */
#include "model_live.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "model_memo.h"

void model_edges_init(struct model_edges *e)
{
    memset(e, 0, sizeof(*e));
    e->file = tmpfile();
    if (e->file == NULL) {
        perror("temporary file");
        exit(2);
    }
}

void model_edges_release(struct model_edges *e)
{
    if (e->file != NULL) {
        fclose(e->file);
    }
}

static void put(struct model_edges *e, uint32_t v)
{
    if (fwrite(&v, sizeof(v), 1, e->file) != 1) {
        perror("temporary file");
        exit(2);
    }
    e->words++;
}

/* The record ends with its length, as it is read backwards. */
void model_edges_begin(struct model_edges *e, uint32_t slot)
{
    e->slot = slot;
    e->count = 0;
    put(e, slot);
}

void model_edges_add(struct model_edges *e, uint32_t to)
{
    if (to != e->slot) {
        e->count++;
        put(e, to);
    }
}

void model_edges_end(struct model_edges *e)
{
    put(e, e->count);
}

/* A life is granted to one who has not begun it: it is not to be expected that
 * the old self takes part. */
static bool waits_for_wipe(const struct model_state *s,
                           const struct raft *leader)
{
    const struct raft_members *m = &leader->members[RAFT_NEWEST];
    uint32_t life = 0;

    for (uint32_t i = 0; i < m->count; i++) {
        life = MAX(life, m->life[i]);
    }
    return life > 0 && s->check.twin_of == 0;
}

uint8_t model_live_mark(const struct model_config *config,
                        const struct model_state *s)
{
    const struct raft *leader = NULL;
    raft_term term = 0;
    uint8_t mark = 0;

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        term = MAX(term, s->cores[i].term);
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        const struct raft *r = &s->cores[i];
        leader = r->role == RAFT_LEADER && r->term == term ? r : leader;
    }
    bool stays =
        leader != NULL &&
        model_votes(&leader->members[RAFT_NEWEST], leader->config.self) &&
        !waits_for_wipe(s, leader);
    if (stays || term < config->terms) {
        mark |= MODEL_MARK_MUST;
    }
    if (leader == NULL) {
        return mark;
    }
    if (leader->commit == leader->last && config->heartbeats == 0) {
        return mark | MODEL_MARK_GOOD; /* how should the others hear of it? */
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        const struct raft *r = &s->cores[i];
        if (raft_position(leader, i) < 0) {
            continue; /* it has no part in it any more */
        }
        if (r->term != term || r->last != leader->last ||
            r->durable != r->last || r->commit != r->last || r->recovering) {
            return mark;
        }
    }
    return mark | MODEL_MARK_GOOD;
}

/* Edges in memory, or mapped from a file. */
struct list {
    const uint32_t *words;
    uint64_t count;
};

static bool leads_to_good(const struct model_table *t, const uint32_t *to,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if ((t->marks[to[i]] & MODEL_MARK_GOOD) != 0) {
            return true;
        }
    }
    return false;
}

/* One pass backwards over a list. Records without the mark are copied to the
 * end of `rest`, which has *left free words before it. */
static bool spread(struct list l, struct model_table *t, uint32_t *rest,
                   uint64_t *left)
{
    bool changed = false;
    uint64_t at = l.count;

    while (at > 0) {
        uint32_t count = l.words[at - 1];
        const uint32_t *record = &l.words[at - 2 - count];
        _Atomic uint8_t *mark = &t->marks[record[0]];
        if ((*mark & MODEL_MARK_GOOD) == 0) {
            if (leads_to_good(t, record + 1, count)) {
                *mark |= MODEL_MARK_GOOD;
                changed = true;
            } else {
                *left -= count + 2;
                memmove(rest + *left, record, (count + 2) * sizeof(record[0]));
            }
        }
        at -= count + 2;
    }
    return changed;
}

static struct list map(struct model_edges *e)
{
    struct list l = {.count = e->words};

    if (fflush(e->file) != 0) {
        perror("temporary file");
        exit(2);
    }
    if (e->words > 0) {
        l.words = mmap(NULL, e->words * sizeof(uint32_t), PROT_READ,
                       MAP_PRIVATE, fileno(e->file), 0);
        if (l.words == MAP_FAILED) {
            perror("temporary file");
            exit(2);
        }
    }
    return l;
}

static void spread_all(struct model_edges *const edges[], uint32_t count,
                       struct model_table *t)
{
    uint64_t words = 0;

    for (uint32_t i = 0; i < count; i++) {
        words += edges[i]->words;
    }
    /* Only what is left after the first pass is ever touched. */
    size_t size = (words + 1) * sizeof(uint32_t);
    uint32_t *rest = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (rest == MAP_FAILED) {
        perror("the edges");
        exit(2);
    }
    uint64_t left = words;
    for (uint32_t i = 0; i < count; i++) {
        struct list l = map(edges[i]);
        (void)spread(l, t, rest, &left);
        if (l.count > 0) {
            munmap((void *)(uintptr_t)l.words, l.count * sizeof(uint32_t));
        }
    }
    bool changed = true;
    while (changed) {
        struct list l = {.words = rest + left, .count = words - left};
        left = words;
        changed = spread(l, t, rest, &left);
    }
    munmap(rest, size);
}

uint32_t model_live_check(struct model_edges *const edges[], uint32_t count,
                          struct model_table *t)
{
    ASSERT(t->marks != NULL);
    spread_all(edges, count, t);
    for (uint64_t i = 0; i < t->slot_count; i++) {
        if (t->entries[i] != 0 &&
            (t->marks[i] & (MODEL_MARK_MUST | MODEL_MARK_GOOD)) ==
                MODEL_MARK_MUST) {
            return (uint32_t)i;
        }
    }
    return UINT32_MAX;
}

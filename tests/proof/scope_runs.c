/*
 * Appends of every shape to every log of up to N entries and three terms.
 *
 * A follower is made with raft_init(), given one append with raft_step(), and
 * its log compared, entry by entry, with what Raft's rule (figure 2,
 * AppendEntries 2 to 4) makes of two plain arrays of terms. Logs begin at any
 * point, whole or cut, and are committed up to any point; appends begin before
 * the log, in it or after it, fit or not. On the way each log answers for its
 * terms, and for raft_runs_last_below(), as the array does.
 *
 *     scope_runs N
 */
#include "raft/raft_internal.h"

#include "base/num.h"

#include <inttypes.h>
#include <stdio.h>

#define LEN_MAX  6
#define TERMS    3
#define SEQ_MAX  100 /* C(6 + 3, 3) = 84 */
#define TERM_NOW 4
#define LEADER   1

/* Terms that never fall. */
struct sequence {
    raft_term terms[LEN_MAX];
    uint32_t len;
};

struct sequences {
    struct sequence all[SEQ_MAX];
    uint32_t count;
    uint32_t len_max;
};

/* A log as an array: terms[i] is that of entry i, for first - 1 .. last. */
struct model {
    raft_term terms[2 * LEN_MAX + 2];
    raft_index first;
    raft_index last;
    raft_index commit;
};

static void sequences_fill(struct sequences *s, struct sequence now)
{
    ASSERT(s->count < SEQ_MAX);
    s->all[s->count++] = now;
    if (now.len == s->len_max)
        return;
    raft_term least = now.len > 0 ? now.terms[now.len - 1] : 1;
    for (raft_term term = least; term <= TERMS; term++) {
        struct sequence longer = now;
        longer.terms[longer.len++] = term;
        sequences_fill(s, longer);
    }
}

static uint32_t runs_of(const raft_term *terms, uint32_t len, raft_index first,
                        struct raft_run *runs)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < len; i++) {
        if (i == 0 || terms[i] != terms[i - 1])
            runs[count++] = (struct raft_run){first + i, terms[i]};
    }
    return count;
}

static void core_of(const struct model *log, struct raft *r)
{
    static const struct raft_config config = {
        .cluster_id = 1,
        .self = 0,
        .incarnation = 1,
        .election_timeout_ms = 1000,
        .heartbeat_ms = 100,
        .peer_down_delay_ms = 50,
        .append_entries_max = 100,
        .window_max = 8,
        .seed = 1,
    };
    struct raft_run runs[LEN_MAX];
    uint32_t len = (uint32_t)(log->last + 1 - log->first);
    struct raft_start start = {
        .term = TERM_NOW,
        .vote = NODE_NONE,
        .log_first = log->first,
        .log_prev_term = log->terms[log->first - 1],
        .log_last = log->last,
        .runs = runs,
        .run_count = runs_of(log->terms + log->first, len, log->first, runs),
        .applied = log->commit,
        .members = {{3, {0, LEADER, 2}, 7, 0, {0}}},
        .members_count = 1,
    };
    raft_init(r, &config, &start, 0);
}

static struct raft_message append_of(raft_index index, raft_term index_term,
                                     const struct sequence *entries)
{
    struct raft_message m = {
        .type = RAFT_MSG_APPEND,
        .cluster_id = 1,
        .from = LEADER,
        .to = 0,
        .from_incarnation = 1,
        .term = TERM_NOW,
        .index = index,
        .index_term = index_term,
        .count = entries->len,
    };
    m.run_count = runs_of(entries->terms, entries->len, index + 1, m.runs);
    return m;
}

/* Raft's rule. Returns the first entry that changes, or 0. */
static raft_index model_append(struct model *log, const struct raft_message *m,
                               const struct sequence *entries)
{
    bool below = m->index + 1 < log->first;
    if (!below &&
        (m->index > log->last || log->terms[m->index] != m->index_term))
        return 0;
    for (uint32_t i = 0; i < entries->len; i++) {
        raft_index at = m->index + 1 + i;
        if (at < log->first ||
            (at <= log->last && log->terms[at] == entries->terms[i]))
            continue;
        /* What is committed stays, and terms never fall along a log. */
        if (at <= log->commit || entries->terms[i] < log->terms[at - 1])
            return 0;
        for (uint32_t k = i; k < entries->len; k++)
            log->terms[m->index + 1 + k] = entries->terms[k];
        log->last = m->index + entries->len;
        return at;
    }
    return 0;
}

static bool terms_equal(const struct raft *r, const struct model *log)
{
    if (r->first != log->first || r->last != log->last ||
        r->commit != log->commit)
        return false;
    for (raft_index i = 0; i <= log->last + 1; i++) {
        raft_term term = 0;
        bool inside = i + 1 >= log->first && i <= log->last;
        if (raft_runs_term(r, i, &term) != inside ||
            (inside && term != log->terms[i]))
            return false;
    }
    return true;
}

static bool last_below_right(const struct raft *r, const struct model *log)
{
    for (raft_index limit = 0; limit <= log->last + 1; limit++) {
        for (raft_term term = 0; term <= TERMS; term++) {
            raft_index expected = MIN(limit, log->last);
            while (expected + 1 > log->first && log->terms[expected] > term)
                expected--;
            bool found =
                expected + 1 >= log->first && log->terms[expected] <= term;
            raft_index got = 0;
            if (raft_runs_last_below(r, limit, term, &got) != found ||
                (found && got != expected))
                return false;
        }
    }
    return true;
}

/* What was told to be written is what changed. */
static bool write_right(const struct raft_write *w, raft_index changed,
                        raft_index last_before, raft_index last)
{
    if (changed == 0)
        return w->append_first == 0 && w->truncate_from == 0;
    return w->append_first == changed && w->append_last == last &&
           w->truncate_from == (changed <= last_before ? changed : 0);
}

static bool try_append(const struct model *log, const struct sequence *entries,
                       raft_index index, raft_term index_term)
{
    static struct raft r; /* large */
    static struct raft_out out;
    struct model after = *log;
    core_of(log, &r);
    struct raft_message m = append_of(index, index_term, entries);
    raft_index changed = model_append(&after, &m, entries);
    raft_step(&r, &(struct raft_event){.type = RAFT_EV_MESSAGE, .message = &m},
              &out);
    return terms_equal(&r, &after) && last_below_right(&r, &after) &&
           write_right(&out.write, changed, log->last, after.last);
}

/* Every append to one log; returns how many, or 0 at a difference. */
static uint64_t try_log(const struct sequences *s, const struct model *log)
{
    uint64_t tried = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct sequence *entries = &s->all[i];
        raft_term least = entries->len > 0 ? entries->terms[0] : TERMS;
        for (raft_index index = 0; index <= log->last + 1; index++) {
            for (raft_term term = index > 0; term <= least; term++) {
                if (index == 0 && term > 0)
                    break;
                if (!try_append(log, entries, index, term))
                    return 0;
                tried++;
            }
        }
    }
    return tried;
}

/* A whole log, or one whose entries up to `cut` are gone. */
static struct model log_of(const struct sequence *s, raft_index cut,
                           raft_index commit)
{
    struct model log = {{0}, cut + 1, s->len, commit};
    for (uint32_t i = 0; i < s->len; i++)
        log.terms[i + 1] = s->terms[i];
    return log;
}

int main(int argc, char **argv)
{
    uint64_t max = 0;
    if (argc != 2 || !num_parse_u64(bytes_str(argv[1]), &max) || max == 0 ||
        max > LEN_MAX) {
        fprintf(stderr, "usage: scope_runs 1..%d\n", LEN_MAX);
        return 2;
    }
    struct sequences s = {.len_max = (uint32_t)max};
    sequences_fill(&s, (struct sequence){.len = 0});
    uint64_t tried = 0;
    for (uint32_t i = 0; i < s.count; i++) {
        for (raft_index commit = 0; commit <= s.all[i].len; commit++) {
            for (raft_index cut = 0; cut <= commit; cut++) {
                struct model log = log_of(&s.all[i], cut, commit);
                uint64_t here = try_log(&s, &log);
                if (here == 0) {
                    printf("scope_runs: log %" PRIu32 ", cut %" PRIu64
                           ", commit %" PRIu64 ": not as in Raft's rule\n",
                           i, cut, commit);
                    return 1;
                }
                tried += here;
            }
        }
    }
    printf("scope_runs: %" PRIu64 " appends, %" PRIu32 " logs of <= %" PRIu64
           " entries\n",
           tried, s.count, max);
    return 0;
}

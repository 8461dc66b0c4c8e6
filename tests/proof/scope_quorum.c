/*
 * raft_quorum_value() for every vector of up to N values, N <= 9; and
 * raft_members_value() for all two sets of up to 4 members.
 *
 * The function only compares its values, so the values 0..n-1 show every order
 * that n values can have, equal ones among them: what holds for these holds
 * for all. Checked is the definition: a majority reaches the result, none
 * reaches more, and it is one of the values.
 *
 *     scope_quorum N
 */
#include "raft/raft_internal.h"

#include "base/num.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_quorum_value(const uint64_t *values, uint32_t n, uint64_t v)
{
    uint32_t reach = 0;
    uint32_t exceed = 0;
    for (uint32_t i = 0; i < n; i++) {
        reach += values[i] >= v;
        exceed += values[i] > v;
    }
    uint32_t quorum = n / 2 + 1;
    return reach >= quorum && exceed < quorum && reach > exceed;
}

/* The next vector in the order of counting; false after the last. */
static bool next(uint64_t *values, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (++values[i] < n)
            return true;
        values[i] = 0;
    }
    return false;
}

/* More than half of those in the set reach v. */
static bool reach(const struct raft_members *m, uint32_t set,
                  const uint64_t *values, uint64_t v)
{
    int balance = 0;
    for (uint32_t i = 0; i < m->count; i++)
        if (set >> i & 1)
            balance += values[i] >= v ? 1 : -1;
    return balance > 0;
}

/* The largest value that both sets reach; and who reaches it is a quorum. */
static bool is_members_value(const struct raft_members *m,
                             const uint64_t *values)
{
    uint64_t want = 0;
    for (uint64_t v = 0; v <= m->count; v++)
        if (reach(m, m->voters, values, v) &&
            (m->outgoing == 0 || reach(m, m->outgoing, values, v)))
            want = v;
    uint64_t v = raft_members_value(m, values);
    uint32_t with = 0;
    uint32_t above = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        with |= (uint32_t)(values[i] >= v) << i;
        above |= (uint32_t)(values[i] > v) << i;
    }
    return v == want && raft_members_quorum(m, with) &&
           !raft_members_quorum(m, above);
}

/* False: for these sets it is wrong. */
static bool try_sets(struct raft_members *m, uint64_t *tried)
{
    uint64_t values[RAFT_NODES_MAX] = {0};
    do {
        ++*tried;
        if (!is_members_value(m, values)) {
            printf("scope_quorum: wrong for voters %" PRIx32
                   ", outgoing %" PRIx32 "\n",
                   m->voters, m->outgoing);
            return false;
        }
    } while (next(values, m->count));
    return true;
}

static bool try_members(uint64_t *tried)
{
    struct raft_members m = {0};
    for (m.count = 1; m.count <= 4; m.count++) {
        m.ids[m.count - 1] = m.count;
        for (m.voters = 1; m.voters < 1U << m.count; m.voters++)
            for (m.outgoing = 0; m.outgoing < 1U << m.count; m.outgoing++)
                if (!try_sets(&m, tried))
                    return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t max = 0;
    if (argc != 2 || !num_parse_u64(bytes_str(argv[1]), &max) || max == 0 ||
        max > RAFT_NODES_MAX) {
        fprintf(stderr, "usage: scope_quorum 1..%d\n", RAFT_NODES_MAX);
        return 2;
    }
    uint64_t tried = 0;
    for (uint32_t n = 1; n <= max; n++) {
        uint64_t values[RAFT_NODES_MAX] = {0};
        do {
            tried++;
            if (!is_quorum_value(values, n, raft_quorum_value(values, n))) {
                printf("scope_quorum: wrong for");
                for (uint32_t i = 0; i < n; i++)
                    printf(" %" PRIu64, values[i]);
                printf("\n");
                return 1;
            }
        } while (next(values, n));
    }
    if (!try_members(&tried))
        return 1;
    printf("scope_quorum: %" PRIu64 " vectors, n <= %" PRIu64 "\n", tried, max);
    return 0;
}

/*
 * raft_quorum_value() for every vector of up to N values, N <= 9.
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
    printf("scope_quorum: %" PRIu64 " vectors, n <= %" PRIu64 "\n", tried, max);
    return 0;
}

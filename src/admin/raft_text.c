/*
 * Words for what node_status() says.
 *
 * How it fails: it cannot; an address that is not known is empty.
 */
#include "admin/raft_text.h"

#include "base/hostport.h"

const char *raft_role_text(enum raft_role role)
{
    switch (role) {
    case RAFT_FOLLOWER:
        return "follower";
    case RAFT_PRE_CANDIDATE:
    case RAFT_CANDIDATE:
        return "candidate";
    case RAFT_LEADER:
        return "leader";
    }
    return "unknown";
}

const char *raft_progress_text(const struct node_status *st, size_t i)
{
    ASSERT(i < st->peer_count);
    if (!st->peers[i].up)
        return "down";
    if (st->role != RAFT_LEADER)
        return "up";
    if (st->peers[i].paused)
        return "paused";
    switch (st->peers[i].state) {
    case RAFT_PROBE:
        return "probe";
    case RAFT_REPLICATE:
        return "replicate";
    case RAFT_SNAPSHOT:
        return "snapshot";
    }
    return "up";
}

const char *compare_result_text(enum compare_result result)
{
    switch (result) {
    case COMPARE_MISSING:
        return "missing";
    case COMPARE_UNKNOWN:
        return "unknown";
    case COMPARE_EQUAL:
        return "equal";
    case COMPARE_DIFFERENT:
        return "different";
    case COMPARE_UNDECIDED:
        return "undecided";
    }
    return "unknown";
}

const char *compare_verdict_text(const struct compare_status *st)
{
    uint32_t equal = 0;
    ASSERT(st->count <= RAFT_NODES_MAX);
    for (uint32_t i = 0; i < st->count; i++)
        equal += st->members[i].result == COMPARE_EQUAL;
    if (st->index == 0)
        return "never";
    if (st->different > 0)
        return "different";
    if (st->undecided > 0)
        return "undecided";
    return equal == st->count ? "equal" : "incomplete";
}

void split_address(const char *address, struct bytes *host, uint16_t *port)
{
    if (hostport_split(bytes_str(address), host, port))
        return;
    *host = BYTES_NONE;
    *port = 0;
}

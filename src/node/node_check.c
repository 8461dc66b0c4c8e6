#include "node/node_internal.h"
void node_check(const struct node *n)
{
    ASSERT(n->told.term == n->raft.term);
}

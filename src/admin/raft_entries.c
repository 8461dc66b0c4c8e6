/*
 * RAFT ENTRIES: committed entries of the log, for vardctl archive.
 *
 * The reply is one bulk string, a piece of the log (codec/segment.h). It is
 * made in one turn of the loop, so it is short.
 *
 * How it fails: with an error that says what to do; nothing here waits.
 */
#include "admin/admin_internal.h"
#include "base/num.h"

#include <inttypes.h>

#define ENTRIES_BYTES ((size_t)1024 * 1024)

void admin_raft_entries(struct server_call *call)
{
    struct node *n = server_node(call->s);
    struct buf out = BUF_INIT;
    uint64_t from = 0;
    ASSERT(call->argc == 3);
    if (!num_parse_u64(call->argv[2], &from) || from == 0) {
        resp_error(call->out, "ERR the index of an entry is a number above 0");
        return;
    }
    int err = node_entries(n, from, ENTRIES_BYTES, &out);
    if (err == 0)
        resp_bulk(call->out, buf_view(&out));
    else if (err == ERR_BEHIND)
        resp_null(call->out);
    else if (err == ERR_NOT_FOUND)
        resp_errorf(call->out,
                    "CUT the log of this node begins at entry %" PRIu64
                    ": those before it are in the state (RAFT SNAPSHOT)",
                    node_first_entry(n));
    else
        resp_error(call->out, "ERR the log of this node cannot be read");
    buf_release(&out);
}

/*
 * RAFT SNAPSHOT: the state of this node in chunks, for vardctl backup.
 *
 * A chunk is one bulk string: number(8) hash(8), little-endian, and its rows
 * (snapshot/chunk.h). The last reply has no rows: the number and the hash are
 * those of the last chunk again.
 *
 * How it fails: with an error that says what to do; nothing here waits.
 */
#include "admin/admin_internal.h"
#include "base/num.h"

#include <inttypes.h>

static void no_such(struct server_call *call)
{
    resp_error(call->out, "ERR there is no snapshot with this id: it is closed "
                          "when nobody has read it for a minute, and when the "
                          "node stops; begin again");
}

/* What is no chunk. */
static void refuse(struct server_call *call, int err)
{
    const char *text = node_snapshot_error(server_node(call->s));
    if (err == ERR_AGAIN)
        resp_null(call->out);
    else if (err == ERR_CLOSED)
        no_such(call);
    else if (err == ERR_SPACE)
        resp_error(call->out, "ERR this snapshot was closed: the disk of this "
                              "node is short of space, and it kept what was "
                              "deleted meanwhile; read one of another node, "
                              "or make room first");
    else if (err == ERR_INVALID)
        resp_error(call->out, "ERR chunks are read one after the other, and "
                              "only the last one again");
    else
        resp_errorf(call->out, "ERR the state cannot be read: %s",
                    text[0] == '\0' ? error_text(err) : text);
}

static void open_one(struct server_call *call)
{
    uint64_t id = node_snapshot_open(server_node(call->s));
    if (id == 0) {
        resp_error(call->out, "BUSY a snapshot of this node is being read "
                              "already; one that nobody reads is closed after "
                              "a minute");
        return;
    }
    ASSERT(id <= INT64_MAX);
    resp_integer(call->out, (int64_t)id);
}

static void read_position(struct server_call *call, uint64_t id)
{
    struct node_snapshot_position p;
    struct node_status st;
    node_status(server_node(call->s), &st);
    int err = node_snapshot_position(server_node(call->s), id, &p);
    if (err != 0) {
        refuse(call, err);
        return;
    }
    resp_bulkf(call->out,
               "version:" VARD_VERSION "\r\ncluster_id:%016" PRIx64
               "\r\nnode_id:%u\r\nlevel:%u\r\nindex:%" PRIu64
               "\r\nterm:%" PRIu64 "\r\nchain:%016" PRIx64
               "\r\ntime_ms:%" PRId64 "\r\nwall_ms:%" PRId64 "\r\n",
               st.cluster_id, st.self, p.level, p.index, p.term, p.chain,
               p.time_ms, p.time_ms + p.wall_offset_ms);
}

static void read_chunk(struct server_call *call, uint64_t id, uint64_t number)
{
    struct node_snapshot_chunk c;
    int err = node_snapshot_chunk(server_node(call->s), id, number, &c);
    if (err != 0 && err != ERR_NOT_FOUND) {
        refuse(call, err);
        return;
    }
    struct buf head = BUF_INIT;
    buf_u64(&head, c.number);
    buf_u64(&head, c.hash);
    if (resp_bulk_begin(call->out, head.len + c.rows.len)) {
        resp_bulk_part(call->out, buf_view(&head));
        resp_bulk_part(call->out, c.rows);
        resp_bulk_end(call->out);
    }
    buf_release(&head);
}

void admin_raft_snapshot(struct server_call *call)
{
    uint64_t id = 0;
    uint64_t number = 0;
    if (call->argc == 3 && arg_is(call, 2, "open")) {
        open_one(call);
    } else if (call->argc == 5 && arg_is(call, 2, "read") &&
               num_parse_u64(call->argv[3], &id) &&
               num_parse_u64(call->argv[4], &number)) {
        if (number == 0)
            read_position(call, id);
        else
            read_chunk(call, id, number);
    } else if (call->argc == 4 && arg_is(call, 2, "close") &&
               num_parse_u64(call->argv[3], &id)) {
        if (node_snapshot_close(server_node(call->s), id))
            resp_status(call->out, "OK");
        else
            no_such(call);
    } else {
        resp_error(call->out, "ERR syntax error");
    }
}

/* What happens in a cluster, as text: one line for each fact. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cluster_internal.h"

void cluster_print(struct cluster *c, uint32_t pos, bool detail,
                   const char *format, ...)
{
    char line[512];
    va_list args;

    if (c->trace == NULL || (detail && !c->trace_all)) {
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    buf_printf(c->trace, "%u: %s\n", cluster_id(c, pos), line);
}

static const char *id_text(node_id id, char text[16])
{
    if (id == NODE_NONE) {
        return "none";
    }
    snprintf(text, 16, "%u", id);
    return text;
}

static void trace_write(struct cluster *c, uint32_t pos)
{
    const struct raft_write *w = &c->out.write;
    struct buf b = BUF_INIT;
    char id[16];

    if (w->hard_state) {
        buf_printf(&b, " term %ju vote %s", (uintmax_t)w->term,
                   id_text(w->vote, id));
    }
    if (w->truncate_from > 0) {
        buf_printf(&b, " truncate %ju", (uintmax_t)w->truncate_from);
    }
    if (w->append_first > 0) {
        buf_printf(&b, " append %ju..%ju%s", (uintmax_t)w->append_first,
                   (uintmax_t)w->append_last,
                   w->append_empty ? " (empty)" : "");
    }
    buf_char(&b, '\0');
    cluster_print(c, pos, true, "write #%ju%s", (uintmax_t)w->seq,
                  (const char *)b.data);
    buf_release(&b);
}

void trace_step(struct cluster *c, uint32_t pos, raft_index commit)
{
    const struct raft *r = &c->nodes[pos].core;
    const struct raft_out *out = &c->out;
    char id[16];

    if (out->role_changed) {
        cluster_print(c, pos, false, "%s, term %ju, leader %s",
                      raft_role_name(r->role), (uintmax_t)r->term,
                      id_text(r->leader, id));
    }
    if (out->write.seq > 0) {
        trace_write(c, pos);
    }
    if (r->commit != commit) {
        cluster_print(c, pos, false, "commit %ju", (uintmax_t)r->commit);
    }
    for (uint32_t i = 0; i < out->read_count; i++) {
        cluster_print(c, pos, false, "read %ju at %ju",
                      (uintmax_t)out->reads[i].read_id,
                      (uintmax_t)out->reads[i].index);
    }
    for (uint32_t i = 0; i < out->reads_lost_count; i++) {
        cluster_print(c, pos, false, "read %ju lost",
                      (uintmax_t)out->reads_lost[i]);
    }
    if (out->transfer_ended) {
        cluster_print(c, pos, false, "transfer ended");
    }
}

static void print_entries(struct buf *b, const struct raft_message *m)
{
    buf_printf(b, " after %ju/%ju", (uintmax_t)m->index,
               (uintmax_t)m->index_term);
    for (uint32_t i = 0; i < m->run_count; i++) {
        raft_index last = i + 1 < m->run_count ? m->runs[i + 1].first - 1
                                               : m->index + m->count;
        buf_printf(b, "%s %ju..%ju/%ju", i == 0 ? " entries" : "",
                   (uintmax_t)m->runs[i].first, (uintmax_t)last,
                   (uintmax_t)m->runs[i].term);
    }
    buf_printf(b, " commit %ju", (uintmax_t)m->commit);
}

static void print_ack(struct buf *b, const struct raft_message *m)
{
    if (m->rejected) {
        buf_printf(b, " refuses %ju hint %ju/%ju", (uintmax_t)m->refused,
                   (uintmax_t)m->index, (uintmax_t)m->index_term);
    }
    buf_printf(b, " match %ju verified %ju", (uintmax_t)m->match,
               (uintmax_t)m->verified);
}

static void print_fields(struct buf *b, const struct raft_message *m)
{
    switch (m->type) {
    case RAFT_MSG_PRE_VOTE:
    case RAFT_MSG_VOTE:
        buf_printf(b, " last %ju/%ju%s", (uintmax_t)m->index,
                   (uintmax_t)m->index_term, m->transfer ? " transfer" : "");
        break;
    case RAFT_MSG_PRE_VOTE_REPLY:
    case RAFT_MSG_VOTE_REPLY:
        buf_str(b, m->granted ? " granted" : " refused");
        break;
    case RAFT_MSG_APPEND:
        print_entries(b, m);
        break;
    case RAFT_MSG_HEARTBEAT:
        buf_printf(b, " commit %ju", (uintmax_t)m->commit);
        break;
    case RAFT_MSG_APPEND_REPLY:
    case RAFT_MSG_HEARTBEAT_REPLY:
        print_ack(b, m);
        break;
    case RAFT_MSG_READ:
        buf_printf(b, " %ju", (uintmax_t)m->read_id);
        break;
    case RAFT_MSG_READ_REPLY:
        buf_printf(b, " %ju ", (uintmax_t)m->read_id);
        if (m->granted) {
            buf_printf(b, "at %ju", (uintmax_t)m->commit);
        } else {
            buf_str(b, "refused");
        }
        break;
    default:
        break;
    }
    if (m->round > 0) {
        buf_printf(b, " round %ju", (uintmax_t)m->round);
    }
}

void trace_wire(struct cluster *c, uint32_t pos, const struct wire *w)
{
    struct buf b = BUF_INIT;

    if (c->trace == NULL || !c->trace_all) {
        return;
    }
    print_fields(&b, &w->m);
    buf_char(&b, '\0');
    cluster_print(c, pos, true, "@%u to %u %s t%ju%s%s", w->id, w->m.to,
                  raft_message_name(w->m.type), (uintmax_t)w->m.term,
                  (const char *)b.data,
                  c->cut[pos][w->m.to - c->members.ids[0]] ? " (cut)" : "");
    buf_release(&b);
}

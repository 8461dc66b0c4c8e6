/*
 * The commands of a script; README.md describes them. Each one that steps a
 * core flushes it afterwards, as a node does at the end of a loop iteration,
 * and after each the checker compares all nodes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"

static void flush_all(struct script *s)
{
    for (uint32_t i = 0; i < s->c->count; i++) {
        if (s->c->nodes[i].up) {
            cluster_flush(s->c, i);
        }
    }
}

static void link_all(struct script *s, uint32_t pos)
{
    for (uint32_t i = 0; i < s->c->count; i++) {
        if (i != pos && s->c->nodes[i].up && s->c->nodes[pos].up) {
            cluster_link(s->c, i, pos, true);
            cluster_link(s->c, pos, i, true);
        }
    }
}

static void cmd_cluster(struct script *s)
{
    struct raft_config config = {.cluster_id = 7};

    config.seed = script_option(s, "seed", 1);
    config.election_timeout_ms = (uint32_t)script_option(s, "election", 100);
    config.heartbeat_ms = (uint32_t)script_option(s, "heartbeat", 20);
    config.peer_down_delay_ms = (uint32_t)script_option(s, "delay", 10);
    config.disk_timeout_ms = (uint32_t)script_option(s, "disk", 0);
    config.append_entries_max = (uint32_t)script_option(s, "entries", 8);
    config.window_max = (uint32_t)script_option(s, "window", 4);
    uint64_t count = script_number(s, 1, 3);
    if (s->broken || count < 1 || count > RAFT_NODES_MAX ||
        config.append_entries_max > CLUSTER_CHUNK_MAX) {
        script_error(s, "such a cluster cannot be");
        return;
    }
    cluster_free(s->c);
    s->c = cluster_new(&config, (uint32_t)count,
                       (node_id)script_option(s, "id", 1),
                       (int64_t)script_option(s, "now", 0));
    s->c->trace = &s->out;
    s->c->handshake = script_option(s, "handshake", 0) != 0;
    for (uint32_t i = 0; i < s->c->count; i++) {
        link_all(s, i);
    }
}

/* boot N [term=T] [vote=V] [log=1,1,2] [applied=I]: the node starts anew with
 * this on its disk. */
static void cmd_boot(struct script *s)
{
    raft_term terms[256];
    uint32_t pos = 0;

    if (!script_node(s, 1, &pos)) {
        return;
    }
    struct node *n = &s->c->nodes[pos];
    uint32_t count =
        script_terms(s, script_value(s, "log"), terms, ARRAY_LEN(terms));
    raft_term last = count > 0 ? terms[count - 1] : 0;
    if (n->up) {
        cluster_crash(s->c, pos, 0);
    }
    n->disk.term = script_option(s, "term", last);
    n->disk.vote = (node_id)script_option(s, "vote", NODE_NONE);
    n->commit_known = script_option(s, "applied", 0);
    cluster_write_log(s->c, pos, terms, count);
    for (raft_index i = s->c->ghost.commit + 1; i <= n->commit_known; i++) {
        s->c->ghost.committed[i] = n->disk.log[i].hash;
        s->c->ghost.commit = i;
    }
    cluster_restart(s->c, pos, n->commit_known);
    link_all(s, pos);
}

static void cmd_timer(struct script *s)
{
    uint32_t pos = 0;

    if (script_node(s, 1, &pos)) {
        struct node *n = &s->c->nodes[pos];
        n->core.election_at_ms = n->now_ms + (int64_t)script_number(s, 2, 0);
    }
}

/* Positions that argument i means: one node, or "all". */
static uint32_t node_set(struct script *s, uint32_t i)
{
    uint32_t pos = 0;

    if (i >= s->arg_count || strcmp(s->args[i], "all") == 0) {
        return (UINT32_C(1) << s->c->count) - 1;
    }
    return script_node(s, i, &pos) ? UINT32_C(1) << pos : 0;
}

static void cmd_tick(struct script *s)
{
    uint32_t set = node_set(s, 1);
    int64_t ms = (int64_t)script_number(s, 2, 0);

    for (uint32_t i = 0; i < s->c->count; i++) {
        if ((set >> i & 1) != 0) {
            cluster_tick(s->c, i, ms);
        }
    }
    flush_all(s);
}

static void cmd_propose(struct script *s)
{
    uint32_t pos = 0;

    if (!script_node(s, 1, &pos)) {
        return;
    }
    if (!s->c->nodes[pos].up || !raft_can_propose(&s->c->nodes[pos].core)) {
        buf_str(&s->out, "cannot propose\n");
        return;
    }
    cluster_propose(s->c, pos, (uint32_t)script_number(s, 2, 1));
    cluster_flush(s->c, pos);
}

/* [@ID | FROM TO [TYPE]]: does a command mean this message? */
static bool meant(struct script *s, const struct wire *w)
{
    if (s->arg_count < 2) {
        return true;
    }
    if (s->args[1][0] == '@') {
        return w->id == strtoul(s->args[1] + 1, NULL, 10);
    }
    uint64_t from = script_number(s, 1, 0);
    uint64_t to = script_number(s, 2, 0);
    return w->m.from == from && w->m.to == to &&
           (s->arg_count < 4 ||
            strcmp(s->args[3], raft_message_name(w->m.type)) == 0);
}

/* deliver, drop or repeat (deliver and keep) what is in flight now. */
static void each_message(struct script *s, bool deliver, bool keep)
{
    struct cluster *c = s->c;
    uint32_t newest = c->wire_ids;
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->wire_count && c->wires[i].id <= newest;) {
        if (!meant(s, &c->wires[i])) {
            i++;
            continue;
        }
        count++;
        if (!deliver) {
            cluster_drop(c, i);
            continue;
        }
        cluster_deliver(c, i, keep);
        i += keep;
    }
    if (count == 0) {
        buf_str(&s->out, "nothing\n");
    }
    flush_all(s);
}

static void cmd_deliver(struct script *s)
{
    each_message(s, true, false);
}

static void cmd_repeat(struct script *s)
{
    each_message(s, true, true);
}

static void cmd_drop(struct script *s)
{
    each_message(s, false, false);
}

static void cmd_durable(struct script *s)
{
    uint32_t set = node_set(s, 1);
    uint32_t count = (uint32_t)script_number(s, 2, CLUSTER_WRITES_MAX);

    for (uint32_t i = 0; i < s->c->count; i++) {
        if ((set >> i & 1) != 0 && s->c->nodes[i].up) {
            cluster_durable(s->c, i, count);
        }
    }
    flush_all(s);
}

/* late N SEQ INDEX: a completion that the disk reports out of turn. */
static void cmd_late(struct script *s)
{
    uint32_t pos = 0;

    if (script_node(s, 1, &pos)) {
        cluster_step(s->c, pos,
                     (struct raft_event){.type = RAFT_EV_DURABLE,
                                         .seq = script_number(s, 2, 0),
                                         .index = script_number(s, 3, 0)});
        cluster_flush(s->c, pos);
    }
}

static void cmd_crash(struct script *s)
{
    uint32_t pos = 0;

    if (script_node(s, 1, &pos)) {
        cluster_crash(s->c, pos, (uint32_t)script_number(s, 2, 0));
    }
}

static void cmd_lose(struct script *s)
{
    uint32_t pos = 0;

    if (script_node(s, 1, &pos)) {
        cluster_lose(s->c, pos, script_number(s, 2, 0));
    }
}

static void cmd_restart(struct script *s)
{
    uint32_t pos = 0;

    if (script_node(s, 1, &pos)) {
        cluster_restart(s->c, pos, script_number(s, 2, 0));
        link_all(s, pos);
        flush_all(s);
    }
}

static void cmd_cut(struct script *s)
{
    bool heal = strcmp(s->args[0], "heal") == 0;
    bool one_way = strcmp(s->args[0], "cut-one-way") == 0;
    uint32_t a_set = node_set(s, 1);
    uint32_t b_set = s->arg_count > 2 ? node_set(s, 2) : UINT32_MAX;

    for (uint32_t a = 0; a < s->c->count; a++) {
        for (uint32_t b = 0; b < s->c->count; b++) {
            if (a != b && (a_set >> a & 1) != 0 && (b_set >> b & 1) != 0) {
                s->c->cut[a][b] = !heal;
                if (!one_way) {
                    s->c->cut[b][a] = !heal;
                }
            }
        }
    }
}

static void cmd_read(struct script *s)
{
    uint32_t pos = 0;

    if (script_node(s, 1, &pos)) {
        cluster_read(s->c, pos, script_number(s, 2, 1) % CLUSTER_READS_MAX);
        cluster_flush(s->c, pos);
    }
}

/* NAME N [PEER] [INDEX]: an event that names another node. */
static void peer_event(struct script *s, enum raft_event_type type)
{
    struct raft_event event = {.type = type, .peer = NODE_NONE};
    uint32_t pos = 0;
    uint32_t peer = 0;

    if (!script_node(s, 1, &pos)) {
        return;
    }
    if (s->arg_count > 2) {
        if (!script_node(s, 2, &peer)) {
            return;
        }
        event.peer = s->c->members.ids[peer];
    }
    event.index = script_number(s, 3, 0);
    cluster_step(s->c, pos, event);
    cluster_flush(s->c, pos);
}

static void cmd_link_up(struct script *s)
{
    uint32_t pos = 0;
    uint32_t peer = 0;

    if (script_node(s, 1, &pos) && script_node(s, 2, &peer)) {
        cluster_link(s->c, pos, peer, true);
        cluster_flush(s->c, pos);
    }
}

static void cmd_link_down(struct script *s)
{
    peer_event(s, RAFT_EV_PEER_DOWN);
}

static void cmd_unsent(struct script *s)
{
    peer_event(s, RAFT_EV_UNSENT);
}

static void cmd_want(struct script *s)
{
    peer_event(s, RAFT_EV_WANT_COMMIT);
}

static void cmd_pause(struct script *s)
{
    peer_event(s, RAFT_EV_PAUSE);
}

static void cmd_resume(struct script *s)
{
    peer_event(s, RAFT_EV_RESUME);
}

/* The ids of those that vote, and of those that did; "-": none. */
static uint32_t some_of(struct script *s, const char *ids)
{
    uint32_t mask = 0;

    for (uint32_t i = 0; i < s->c->count; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%u", s->c->members.ids[i]);
        mask |= (uint32_t)(strstr(ids, id) != NULL) << i;
    }
    return mask;
}

static void cmd_members(struct script *s)
{
    uint32_t pos = 0;

    if (!script_node(s, 1, &pos)) {
        return;
    }
    if (s->arg_count < 4 || some_of(s, s->args[2]) == 0) {
        script_error(s, "members N VOTERS OUTGOING");
    } else if (!raft_can_change(&s->c->nodes[pos].core)) {
        buf_str(&s->out, "cannot change the members\n");
    } else {
        cluster_change(s->c, pos, some_of(s, s->args[2]),
                       some_of(s, s->args[3]));
        cluster_flush(s->c, pos);
    }
}

static void cmd_transfer(struct script *s)
{
    peer_event(s, RAFT_EV_TRANSFER);
}

static void cmd_log_cut(struct script *s)
{
    uint32_t pos = 0;

    if (script_node(s, 1, &pos)) {
        struct node *n = &s->c->nodes[pos];
        raft_index first = script_number(s, 2, 1);
        n->live.first = MAX(n->live.first, first);
        n->disk.first = MAX(n->disk.first, first);
        cluster_step(
            s->c, pos,
            (struct raft_event){.type = RAFT_EV_LOG_CUT, .index = first});
        cluster_flush(s->c, pos);
    }
}

static void cmd_flush(struct script *s)
{
    flush_all(s);
}

/* Everything delivered and synced; only what changes is printed. */
static void cmd_settle(struct script *s)
{
    s->c->trace_all = false;
    cluster_settle(s->c, 10000);
}

static void cmd_run(struct script *s)
{
    s->c->trace_all = false;
    cluster_run(s->c, (int64_t)script_number(s, 1, 0));
}

/* Its election timer runs out now, and everything is delivered. */
static void cmd_elect(struct script *s)
{
    uint32_t pos = 0;

    if (script_node(s, 1, &pos)) {
        s->c->trace_all = false;
        s->c->nodes[pos].core.election_at_ms = s->c->nodes[pos].now_ms;
        cluster_tick(s->c, pos, 0);
        cluster_settle(s->c, 10000);
    }
}

struct command {
    const char *name;
    void (*run)(struct script *s);
};

static const struct command commands[] = {
    {"cluster", cmd_cluster},
    {"boot", cmd_boot},
    {"timer", cmd_timer},
    {"tick", cmd_tick},
    {"propose", cmd_propose},
    {"deliver", cmd_deliver},
    {"repeat", cmd_repeat},
    {"drop", cmd_drop},
    {"durable", cmd_durable},
    {"late", cmd_late},
    {"crash", cmd_crash},
    {"lose", cmd_lose},
    {"restart", cmd_restart},
    {"cut", cmd_cut},
    {"cut-one-way", cmd_cut},
    {"heal", cmd_cut},
    {"read", cmd_read},
    {"link-up", cmd_link_up},
    {"link-down", cmd_link_down},
    {"unsent", cmd_unsent},
    {"want", cmd_want},
    {"pause", cmd_pause},
    {"resume", cmd_resume},
    {"transfer", cmd_transfer},
    {"members", cmd_members},
    {"log-cut", cmd_log_cut},
    {"flush", cmd_flush},
    {"settle", cmd_settle},
    {"run", cmd_run},
    {"elect", cmd_elect},
    {"status", show_status},
    {"log", show_log},
    {"progress", show_progress},
    {"deadline", show_deadline},
    {"message", forge_message},
};

void script_command(struct script *s, const char *line)
{
    buf_reset(&s->out);
    if (!script_split(s, line)) {
        script_error(s, "empty command");
        return;
    }
    uint32_t i = 0;
    while (i < ARRAY_LEN(commands) &&
           strcmp(commands[i].name, s->args[0]) != 0) {
        i++;
    }
    if (i == ARRAY_LEN(commands) || (s->c == NULL && i > 0)) {
        script_error(s, "unknown command, or no cluster yet");
        return;
    }
    if (s->c != NULL) {
        s->c->trace_all = true;
    }
    commands[i].run(s);
    if (s->c != NULL) {
        cluster_check(s->c);
        if (s->c->failure[0] != '\0') {
            buf_printf(&s->out, "VIOLATION: %s\n", s->c->failure);
            s->broken = true;
        }
    }
}

void script_release(struct script *s)
{
    cluster_free(s->c);
    buf_release(&s->out);
}

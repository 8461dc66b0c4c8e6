/*
 * One event of the model: a step of a core with all that follows at once.
 *
 * FLUSH follows every step, as in a node's loop. With writes == 0 the disk is
 * done at once as well. An assertion of the core ends in a jump back here, and
 * counts as a violation; that needs the only mutable globals of the explorer
 * (one set for each thread), as assert_failed() has no argument that leads to
 * the search.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static _Thread_local jmp_buf *assert_jump;
static _Thread_local char assert_text[200];

NORETURN void assert_failed(const char *expr, const char *file, int line,
                            const char *func)
{
    if (assert_jump == NULL) {
        fprintf(stderr, "%s:%d: %s: assertion failed: %s\n", file, line, func,
                expr);
        abort();
    }
    snprintf(assert_text, sizeof(assert_text), "assertion in %s(): %s", func,
             expr);
    longjmp(*assert_jump, 1);
}

static void collect_one(struct model *m, const struct raft_message *msg,
                        uint32_t id)
{
    bool known = false;

    for (uint32_t k = 0; k < m->sent_count; k++) {
        known = known || memcmp(&m->sent[k], msg, sizeof(*msg)) == 0;
    }
    if (!known) {
        ASSERT(m->sent_count < MODEL_NEW_MAX);
        m->sent_ids[m->sent_count] = id;
        m->sent[m->sent_count++] = *msg;
    }
}

/* As the node sends them: with one change of the members in each. */
static void collect(struct model *m)
{
    for (uint32_t i = 0; i < m->out.message_count; i++) {
        struct raft_message rest = m->out.messages[i];
        struct raft_message part;
        uint32_t id = ++m->ids;
        while (model_split(&m->state.check, &rest, &part)) {
            collect_one(m, &part, id);
        }
        collect_one(m, &rest, id);
    }
}

bool model_step_core(struct model *m, struct raft *core,
                     const struct raft_event *event, struct raft_out *out)
{
    jmp_buf jump;

    assert_jump = &jump;
    if (setjmp(jump) != 0) {
        assert_jump = NULL;
        m->violation = assert_text;
        return false;
    }
    raft_step(core, event, out);
    assert_jump = NULL;
    return true;
}

static void one_step(struct model *m, uint32_t pos, struct raft_event event)
{
    struct raft *core = &m->state.cores[pos];
    struct check *check = &m->state.check;
    struct check_step s = {.pos = pos,
                           .before = &m->before,
                           .after = core,
                           .event = &event,
                           .out = &m->out};

    if (m->violation != NULL) {
        return;
    }
    m->before = *core;
    if (!model_step_core(m, core, &event, &m->out)) {
        return;
    }
    if (core->term > m->config->terms || core->last > CHECK_LOG_MAX) {
        m->cut = true;
        return;
    }
    check_step(check, &s);
    if (check->violation == NULL) {
        collect(m);
    }
    m->violation = check->violation;
}

/* All links are always up: those to members that are new, too. */
static void tell_links(struct model *m, uint32_t pos, int64_t now_ms)
{
    const struct raft_members *members =
        &m->state.cores[pos].members[RAFT_NEWEST];

    for (uint32_t i = 0; i < members->count; i++) {
        if (members->ids[i] != pos &&
            !m->state.cores[pos].progress[i].link_up) {
            one_step(m, pos,
                     (struct raft_event){.type = RAFT_EV_PEER_UP,
                                         .now_ms = now_ms,
                                         .peer = members->ids[i]});
        }
    }
}

static void flush(struct model *m, uint32_t pos, int64_t now_ms)
{
    if (!m->cut && m->violation == NULL && m->out.members_changed) {
        tell_links(m, pos, now_ms);
    }
    if (!m->cut) {
        one_step(m, pos,
                 (struct raft_event){.type = RAFT_EV_FLUSH, .now_ms = now_ms});
    }
}

static void sync_writes(struct model *m, uint32_t pos, uint32_t count)
{
    struct raft *core = &m->state.cores[pos];
    struct check_node *n = &m->state.check.nodes[pos];

    check_synced(&m->state.check, pos, count);
    struct raft_event event = {.type = RAFT_EV_DURABLE,
                               .now_ms = core->now_ms,
                               .seq = core->write_seq - n->write_count,
                               .index = n->disk.last};
    one_step(m, pos, event);
    flush(m, pos, core->now_ms);
}

/* The node tells the core which of the entries changes the members. */
static void attach(const struct model *m, struct raft_event *event)
{
    const struct check_change *change = NULL;

    if (event->type == RAFT_EV_MESSAGE &&
        event->message->type == RAFT_MSG_APPEND) {
        change = check_change_in(&m->state.check, event->message);
    }
    if (change != NULL) {
        event->members = &change->members;
        event->members_at = change->index;
    }
}

/* An event of one core, and what follows it at once. */
static void macro_step(struct model *m, uint32_t pos, struct raft_event event)
{
    const struct check_node *n = &m->state.check.nodes[pos];

    event.now_ms = MAX(event.now_ms, MODEL_NOW_MS);
    attach(m, &event);
    one_step(m, pos, event);
    flush(m, pos, event.now_ms);
    while (m->config->writes == 0 && n->write_count > 0 && !m->cut &&
           m->violation == NULL) {
        model_script_synced(m, pos);
        sync_writes(m, pos, n->write_count);
    }
}

static void link_event(struct model *m, uint32_t pos, uint32_t peer, bool up)
{
    macro_step(
        m, pos,
        (struct raft_event){.type = up ? RAFT_EV_PEER_UP : RAFT_EV_PEER_DOWN,
                            .peer = peer});
}

/* One of the two restarted; the other hears of it. */
static void greet(struct model *m, uint32_t from, uint32_t to)
{
    struct raft_message hello = model_hello(&m->state, from, to);
    struct raft_event event = {.type = RAFT_EV_MESSAGE, .message = &hello};

    model_script_hello(m, from, to);
    macro_step(m, to, event);
}

/* All hear that this node is there again; with `greet`, of its start too. */
static void rejoin(struct model *m, uint32_t pos)
{
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        if (i != pos) {
            link_event(m, i, pos, true);
            link_event(m, pos, i, true);
        }
    }
    for (uint32_t i = 0; i < MODEL_NODES && m->config->greet; i++) {
        if (i != pos) {
            greet(m, pos, i);
            greet(m, i, pos);
        }
    }
}

/* From what is on the disk now. */
static void start(struct model *m, uint32_t pos, uint64_t incarnation,
                  raft_index applied)
{
    struct check *check = &m->state.check;
    const struct check_node *n = &check->nodes[pos];
    struct raft_run runs[CHECK_LOG_MAX + 1];
    struct raft_config config = {0};
    struct raft_start start = {.term = n->disk_term,
                               .vote = n->disk_vote,
                               .log_first = n->disk.cut + 1,
                               .log_prev_term = n->disk.at[n->disk.cut].term,
                               .log_last = n->disk.last,
                               .runs = runs,
                               .applied = MAX(applied, n->disk.cut),
                               .recovering = n->disk_recovering};

    check_members(check, &n->disk, &start);
    model_raft_config(&config, pos, incarnation);
    for (raft_index i = start.log_first; i <= n->disk.last; i++) {
        raft_term term = n->disk.at[i].term;
        if (start.run_count == 0 || runs[start.run_count - 1].term != term) {
            runs[start.run_count].first = i;
            runs[start.run_count++].term = term;
        }
    }
    raft_init(&m->state.cores[pos], &config, &start, MODEL_NOW_MS);
    check_start(check, pos, &m->state.cores[pos]);
    m->violation = check->violation;
}

/* The state on disk never runs ahead of the log on disk; one that is on its
 * way there may not arrive. */
raft_index model_known(const struct model_state *s, uint32_t pos)
{
    const struct raft *core = &s->cores[pos];
    const struct check_node *n = &s->check.nodes[pos];

    for (uint32_t i = 0; i < n->write_count; i++) {
        if (n->writes[i].restore_index > 0) {
            return 0;
        }
    }
    return MIN(core->commit, core->durable);
}

static void crash(struct model *m, uint32_t pos, uint32_t kept, bool applied)
{
    raft_index known = model_known(&m->state, pos);

    check_crash(&m->state.check, pos, kept);
    start(m, pos, m->state.check.nodes[pos].incarnation + 1,
          applied ? known : 0);
    rejoin(m, pos);
}

/* What was not synced yet is lost as well. With two members lost of three
 * nobody could end it: that is no part of the model. */
static void lose(struct model *m, uint32_t pos, raft_index last,
                 enum model_kept kept)
{
    struct check *check = &m->state.check;
    const struct check_node *n = &check->nodes[pos];

    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        m->cut = m->cut || (i != pos && check->nodes[i].disk_recovering);
    }
    if (m->cut) {
        return;
    }
    raft_term term =
        kept == MODEL_KEPT_NOTHING ? n->disk.at[last].term : n->disk_term;
    node_id vote = kept == MODEL_KEPT_VOTE ? n->disk_vote : NODE_NONE;
    check_crash(check, pos, 0);
    check_lost(check, pos, term, vote, last);
    start(m, pos, n->incarnation + 1, 0);
    rejoin(m, pos);
}

/* Begins the life that it was granted, with nothing or an older copy; its old
 * self, which knows nothing of that, goes on. Or does not know of it, and takes
 * part as before. */
static void wipe(struct model *m, uint32_t pos, raft_index last)
{
    bool knows = !m->config->blind;
    uint64_t life = (uint64_t)knows << RAFT_LIFE_SHIFT;
    uint64_t begun = m->state.check.nodes[pos].incarnation + 1;

    m->state.twin = m->state.cores[pos];
    check_wiped(&m->state.check, pos, last, knows);
    start(m, pos, life | begun, 0);
    rejoin(m, pos);
}

static void switch_self(struct model_state *s, uint32_t pos)
{
    struct raft core = s->twin;

    s->twin = s->cores[pos];
    s->cores[pos] = core;
    check_swap(&s->check);
}

static void timer_event(struct model *m, struct model_event e)
{
    struct raft *core = &m->state.cores[e.node];
    struct raft_event tick = {.type = RAFT_EV_TICK, .now_ms = MODEL_NOW_MS};

    switch (e.type) {
    case MODEL_TIMEOUT:
        core->election_at_ms = MODEL_NOW_MS;
        break;
    case MODEL_HEARTBEAT:
        tick.now_ms += MODEL_HEARTBEAT_MS;
        break;
    case MODEL_QUORUM_LOSS:
        tick.now_ms += MODEL_ELECTION_MS;
        break;
    case MODEL_READ_EXPIRE:
        tick.now_ms += MODEL_ELECTION_MS;
        core->election_at_ms = tick.now_ms + 1;
        break;
    case MODEL_TRANSFER_LATE:
        core->transfer_until_ms = MODEL_NOW_MS;
        break;
    default:
        ASSERT(false);
    }
    macro_step(m, e.node, tick);
}

static void deliver(struct model *m, struct model_event e)
{
    struct model_state *s = &m->state;
    struct raft_message message = s->wire[e.arg];
    struct raft_event event = {.type = RAFT_EV_MESSAGE, .message = &message};

    ASSERT(e.arg < s->wire_count);
    if (e.type != MODEL_DUPLICATE) {
        s->wire_count--;
        for (uint32_t i = e.arg; i < s->wire_count; i++) {
            s->wire[i] = s->wire[i + 1];
            m->wire_ids[i] = m->wire_ids[i + 1];
        }
    }
    if (e.type == MODEL_DELIVER_STALE) {
        event.now_ms = MODEL_NOW_MS + MODEL_ELECTION_MS;
    }
    macro_step(m, message.to, event);
}

static bool is_pre_vote(const struct raft_message *m)
{
    return m->type == RAFT_MSG_PRE_VOTE || m->type == RAFT_MSG_PRE_VOTE_REPLY;
}

/* Takes a pre-vote, or its answer, between these two out of those just sent. */
static bool take_sent(struct model *m, uint32_t from, uint32_t to,
                      struct raft_message *message)
{
    uint32_t kept = 0;
    bool found = false;

    for (uint32_t i = 0; i < m->sent_count; i++) {
        const struct raft_message *sent = &m->sent[i];
        if (!found && is_pre_vote(sent) && sent->from == from &&
            sent->to == to) {
            *message = *sent;
            m->taken_id = m->sent_ids[i];
            found = true;
        } else {
            m->sent_ids[kept] = m->sent_ids[i];
            m->sent[kept++] = *sent;
        }
    }
    m->sent_count = kept;
    return found;
}

/* All of this type are lost. */
static void drop_sent(struct model *m, enum raft_message_type type)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < m->sent_count; i++) {
        if (m->sent[i].type != type) {
            m->sent_ids[kept] = m->sent_ids[i];
            m->sent[kept++] = m->sent[i];
        }
    }
    m->sent_count = kept;
}

/* Timeout, pre-vote and its answer in one: nothing durable is at stake. */
static void ask_first(struct model *m, struct model_event e)
{
    struct raft_message message;
    struct raft_event event = {.type = RAFT_EV_MESSAGE, .message = &message};

    timer_event(m, (struct model_event){.type = MODEL_TIMEOUT, .node = e.node});
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        if ((e.peer >> i & 1) != 0 && take_sent(m, e.node, i, &message)) {
            model_script_stale(m, i);
            model_script_deliver(m, &message, m->taken_id);
            event.now_ms = MODEL_NOW_MS + MODEL_ELECTION_MS;
            macro_step(m, i, event);
        }
    }
    drop_sent(m, RAFT_MSG_PRE_VOTE);
    event.now_ms = MODEL_NOW_MS;
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        if (take_sent(m, i, e.node, &message)) {
            model_script_deliver(m, &message, m->taken_id);
            macro_step(m, e.node, event);
        }
    }
}

/* Who was refused is a pre-candidate whom no answer will reach. Up to its
 * timer, which can run out at any time, that is a follower without a leader. */
static void elect(struct model *m, struct model_event e)
{
    struct raft *core = &m->state.cores[e.node];

    ask_first(m, e);
    if (core->role == RAFT_PRE_CANDIDATE && m->violation == NULL) {
        core->role = RAFT_FOLLOWER;
        core->votes_granted = 0;
    }
}

raft_index model_unsent_from(const struct model_state *s, uint32_t node,
                             uint32_t peer)
{
    int pos = raft_position(&s->cores[node], peer);

    return pos < 0 ? 0 : s->cores[node].progress[pos].next - 1;
}

static void request_event(struct model *m, struct model_event e)
{
    struct raft_event event = {.peer = e.peer};

    switch (e.type) {
    case MODEL_PROPOSE:
        event.type = RAFT_EV_PROPOSE;
        event.count = 1;
        break;
    case MODEL_READ:
        event.type = RAFT_EV_READ;
        event.read_id = m->state.used.reads;
        break;
    case MODEL_TRANSFER:
        event.type = RAFT_EV_TRANSFER;
        break;
    case MODEL_PAUSE:
        event.type = RAFT_EV_PAUSE;
        break;
    case MODEL_RESUME:
        event.type = RAFT_EV_RESUME;
        break;
    case MODEL_UNSENT:
        event.type = RAFT_EV_UNSENT;
        event.index = model_unsent_from(&m->state, e.node, e.peer);
        break;
    default:
        ASSERT(false);
    }
    macro_step(m, e.node, event);
}

static void change_event(struct model *m, struct model_event e)
{
    struct raft_members members;
    struct raft_event event = {.type = RAFT_EV_CONFIG, .members = &members};

    model_change_members(&m->state.cores[e.node], e, &members);
    macro_step(m, e.node, event);
}

/* What is committed anywhere may come, with the smallest term of a leader who
 * can have known it. */
static void restore_event(struct model *m, struct model_event e)
{
    const struct check *c = &m->state.check;
    raft_term term = c->committed[e.arg].term;
    struct raft_event event = {.type = RAFT_EV_RESTORE,
                               .index = e.arg,
                               .index_term = term,
                               .term = MAX(term, c->committed_in[e.arg])};

    event.members = check_members_of(c, e.arg, &event.members_at);
    macro_step(m, e.node, event);
}

static void do_event(struct model *m, struct model_event e)
{
    switch ((enum model_event_type)e.type) {
    case MODEL_TIMEOUT:
    case MODEL_HEARTBEAT:
    case MODEL_QUORUM_LOSS:
    case MODEL_READ_EXPIRE:
    case MODEL_TRANSFER_LATE:
        timer_event(m, e);
        break;
    case MODEL_ELECT:
        elect(m, e);
        break;
    case MODEL_PROPOSE:
    case MODEL_READ:
    case MODEL_TRANSFER:
    case MODEL_PAUSE:
    case MODEL_RESUME:
    case MODEL_UNSENT:
        request_event(m, e);
        break;
    case MODEL_CHANGE:
        change_event(m, e);
        break;
    case MODEL_CUT:
        macro_step(
            m, e.node,
            (struct raft_event){.type = RAFT_EV_LOG_CUT, .index = e.arg + 1U});
        break;
    case MODEL_RESTORE:
        restore_event(m, e);
        break;
    case MODEL_WIPE:
        wipe(m, e.node, e.arg);
        break;
    case MODEL_SWITCH:
        switch_self(&m->state, e.node);
        break;
    case MODEL_SYNC:
        sync_writes(m, e.node, e.arg);
        break;
    case MODEL_CRASH:
        crash(m, e.node, e.arg, e.peer != 0);
        break;
    case MODEL_LOSE:
        lose(m, e.node, e.arg, (enum model_kept)e.peer);
        break;
    case MODEL_BREAK:
        link_event(m, e.node, e.peer, false);
        link_event(m, e.node, e.peer, true);
        break;
    case MODEL_DELIVER:
    case MODEL_DELIVER_STALE:
    case MODEL_DUPLICATE:
        deliver(m, e);
        break;
    }
}

static void add_message(struct model *m, const struct raft_message *msg,
                        uint32_t id)
{
    for (uint32_t i = 0; i < m->all_count; i++) {
        if (memcmp(m->all[i], msg, sizeof(*msg)) == 0) {
            return;
        }
    }
    if (!model_dead(m, msg)) {
        m->all_ids[m->all_count] = id;
        m->all[m->all_count++] = msg;
    }
}

/* Old and new messages in one list, equal ones once. */
static void merge(struct model *m)
{
    m->all_count = 0;
    for (uint32_t i = 0; i < m->state.wire_count; i++) {
        add_message(m, &m->state.wire[i], m->wire_ids[i]);
    }
    for (uint32_t i = 0; i < m->sent_count; i++) {
        add_message(m, &m->sent[i], m->sent_ids[i]);
    }
}

/* Does the later message say all that the earlier one says, and more? */
static bool supersedes(const struct raft_message *later,
                       const struct raft_message *earlier)
{
    if (later->type != earlier->type || later->from != earlier->from ||
        later->to != earlier->to || later->term != earlier->term ||
        later->commit < earlier->commit || later->round < earlier->round) {
        return false;
    }
    if (later->type == RAFT_MSG_APPEND) {
        return later->index <= earlier->index &&
               later->index + later->count >= earlier->index + earlier->count;
    }
    return later->type == RAFT_MSG_APPEND_REPLY && !later->rejected &&
           !earlier->rejected && later->match >= earlier->match &&
           later->verified >= earlier->verified;
}

/* Where disks are done at once, what was said before the disk was done, and
 * is said again after it, is lost: it only takes room in flight. */
static void lose_superseded(struct model *m)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < m->sent_count; i++) {
        bool lost = false;
        for (uint32_t k = i + 1; k < m->sent_count; k++) {
            lost = lost || supersedes(&m->sent[k], &m->sent[i]);
        }
        if (!lost) {
            m->sent_ids[kept] = m->sent_ids[i];
            m->sent[kept++] = m->sent[i];
        }
    }
    m->sent_count = kept;
}

void model_apply_alone(struct model *m, struct model_event event)
{
    m->sent_count = 0;
    m->cut = false;
    m->violation = NULL;
    model_script_event(m, event);
    model_use(m->config, &m->state.used, event.type);
    do_event(m, event);
    if (m->config->writes == 0) {
        lose_superseded(m);
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        m->cut =
            m->cut || (m->config->writes > 0 &&
                       m->state.check.nodes[i].write_count > m->config->writes);
    }
}

void model_apply(struct model *m, struct model_event event)
{
    const struct raft *cores[MODEL_NODES];

    model_apply_alone(m, event);
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        cores[i] = &m->state.cores[i];
    }
    if (m->violation == NULL && !m->cut) {
        check_cluster(&m->state.check, cores);
        m->violation = m->state.check.violation;
    }
    for (uint32_t i = 0; i < MODEL_NODES; i++) {
        model_canonical_node(&m->state, i); /* as model_dead() expects */
    }
    if (m->violation == NULL && !m->cut) {
        merge(m);
    }
}

/* The next larger number with as many bits (Gosper). */
static uint64_t next_choice(uint64_t v)
{
    uint64_t low = v & -v;
    uint64_t up = v + low;
    return (((up ^ v) >> 2) / low) | up;
}

void model_keep(struct model *m, uint64_t choice, struct model_state *to)
{
    model_copy(to, &m->state);
    to->wire_count = 0;
    for (uint32_t i = 0; i < m->all_count; i++) {
        if ((choice >> i & 1) != 0) {
            ASSERT(to->wire_count < MODEL_WIRE_MAX);
            m->kept_ids[to->wire_count] = m->all_ids[i];
            to->wire[to->wire_count++] = *m->all[i];
        }
    }
    if (m->config->losses != MODEL_ANY) {
        uint32_t lost = m->all_count - to->wire_count;
        to->used.losses = (uint8_t)(to->used.losses + lost);
    }
    model_canonical(m->config, to);
}

bool model_next_choice(uint32_t count, uint32_t kept, uint64_t *choice)
{
    ASSERT(kept <= count && count < 64);
    if (*choice == 0) {
        *choice = (UINT64_C(1) << kept) - 1;
        /* With nothing to keep, a bit that stands for no message. */
        *choice = kept == 0 ? UINT64_C(1) << count : *choice;
        return true;
    }
    if (kept == count || kept == 0) {
        return false;
    }
    *choice = next_choice(*choice);
    return *choice >> count == 0;
}

bool model_wire(struct model *m, uint64_t *choice, struct model_state *to)
{
    uint32_t count = m->all_count;
    uint32_t kept = MIN(count, m->config->in_flight);

    if (m->config->losses != MODEL_ANY &&
        m->state.used.losses + count - kept > m->config->losses) {
        m->cut = true;
        return false;
    }
    if (!model_next_choice(count, kept, choice)) {
        return false;
    }
    model_keep(m, *choice, to);
    return true;
}

/* Does e, and keeps only messages of this type (TYPE_END: all), if there are
 * any. */
static void prelude_event(struct model *m, struct model_event e,
                          enum raft_message_type type)
{
    struct model_state next;
    uint64_t choice = 0;

    model_apply(m, e);
    if (m->violation != NULL) {
        printf("VIOLATION: %s\n", m->violation);
        printf("in the steps that lead to where %s begins: 1 states, 0.0 s, "
               "depth 0\n",
               m->config->name);
        exit(1);
    }
    ASSERT(!m->cut);
    for (uint32_t i = 0; i < m->all_count; i++) {
        bool wanted = type == RAFT_MSG_TYPE_END || m->all[i]->type == type;
        choice |= (uint64_t)wanted << i;
    }
    model_keep(m, choice, &next);
    next.used = (struct model_used){0};
    model_copy(&m->state, &next);
    memcpy(m->wire_ids, m->kept_ids, sizeof(m->wire_ids));
}

/* The message to this node is delivered, even if it is a candidate's. */
static void prelude_deliver(struct model *m, uint32_t to,
                            enum raft_message_type keep)
{
    struct model_event e = {.type = MODEL_DELIVER, .node = (uint8_t)to};

    while (e.arg < m->state.wire_count && m->state.wire[e.arg].to != to) {
        e.arg++;
    }
    ASSERT(e.arg < m->state.wire_count);
    if (m->state.wire[e.arg].type == RAFT_MSG_VOTE &&
        model_may_be_stale(&m->state.cores[to])) {
        e.type = MODEL_DELIVER_STALE;
    }
    prelude_event(m, e, keep);
}

static void prelude_elect(struct model *m, uint8_t node, uint8_t peer)
{
    prelude_event(m,
                  (struct model_event){.type = MODEL_ELECT,
                                       .node = node,
                                       .peer = (uint8_t)(1U << peer)},
                  RAFT_MSG_VOTE);
    prelude_deliver(m, peer, RAFT_MSG_VOTE_REPLY);
}

/* All hear of node 0's first entry, which is committed by node 2; then node 1
 * asks that one for its vote. */
static void prelude_vote(struct model *m)
{
    prelude_deliver(m, 1, RAFT_MSG_APPEND);
    prelude_deliver(m, 2, RAFT_MSG_APPEND_REPLY);
    prelude_deliver(m, 0, RAFT_MSG_VOTE_REPLY);
    ASSERT(m->state.cores[0].commit > 0);
    prelude_elect(m, 1, 2);
    ASSERT(m->state.wire_count == 1);
}

/* Node 0 is elected by all; everything is delivered that anybody sends. */
static void prelude_settle(struct model *m)
{
    struct model_event e = {.type = MODEL_ELECT};

    e.peer = (uint8_t)((1U << (MODEL_NODES - m->config->learners)) - 2);
    prelude_event(m, e, RAFT_MSG_TYPE_END);
    for (uint32_t i = 0; m->state.wire_count > 0; i++) {
        ASSERT(i < 100);
        e = (struct model_event){.type = MODEL_DELIVER,
                                 .node = (uint8_t)m->state.wire[0].to};
        prelude_event(m, e, RAFT_MSG_TYPE_END);
    }
    ASSERT(raft_can_change(&m->state.cores[0]));
}

/* Node 0 hears no quorum; node 2 is elected by the others. */
static void prelude_overtake(struct model *m)
{
    struct model_event e = {.type = MODEL_QUORUM_LOSS};

    prelude_event(m, e, RAFT_MSG_TIMEOUT_NOW);
    m->state.wire_count = 0;
    e = (struct model_event){.type = MODEL_ELECT, .node = 2, .peer = 0xa};
    prelude_event(m, e, RAFT_MSG_VOTE);
    prelude_deliver(m, 1, RAFT_MSG_TYPE_END);
    prelude_deliver(m, 2, RAFT_MSG_TYPE_END);
    prelude_deliver(m, 3, RAFT_MSG_TYPE_END);
    prelude_deliver(m, 2, RAFT_MSG_TIMEOUT_NOW);
    m->state.wire_count = 0;
    ASSERT(raft_is_leader(&m->state.cores[2]));
}

/* Its messages are lost. */
static void prelude_change(struct model *m)
{
    struct model_event events[MODEL_EVENTS_MAX];
    uint32_t count = model_changes(m->config, &m->state.cores[0], events);

    ASSERT(m->config->begun <= count);
    prelude_event(m, events[m->config->begun - 1], RAFT_MSG_TIMEOUT_NOW);
    m->state.wire_count = 0;
}

/* Up to the votes the disks are done at once. */
void model_prelude(struct model *m)
{
    const struct model_config *config = m->config;
    struct model_config quick = *config;

    model_script_begin(m);
    if (config->settled) {
        quick.writes = 0;
        quick.changes = MAX(config->changes, 1U);
        m->config = &quick;
        prelude_settle(m);
        if (config->begun > 0) {
            prelude_change(m);
        }
        if (config->overtaken) {
            prelude_overtake(m);
        }
        m->config = config;
        return;
    }
    if (!config->elected) {
        return;
    }
    quick.writes = 0;
    m->config = &quick;
    prelude_elect(m, 0, 1);
    m->config = config;
    prelude_deliver(m, 0, RAFT_MSG_APPEND);
    ASSERT(m->state.wire_count > 0);
    if (config->voted) {
        prelude_vote(m);
    }
}

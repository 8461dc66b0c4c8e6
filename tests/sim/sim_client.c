/*
 * Clients: closed loops and pipelines on connections to any node.
 *
 * A connection lives as long as its node's incarnation, or until its client
 * leaves; requests that are then open have an unknown outcome. An answer
 * "UNKNOWN", a crash or a departure makes a client with a ONCE request ask
 * again, elsewhere, under the same id. Each reply is compared with the model
 * at the moment it is made, within the apply of its entry.
 */
#include "sim.h"

#include "base/hash.h"

#include <stdio.h>

#define BURST_DEPTH 1000

static void schedule(struct sim *s, struct sim_client *c, int64_t after_us)
{
    sim_push(s, s->now_us + after_us, EV_CLIENT, c->id, ++c->gen);
}

static void think(struct sim *s, struct sim_client *c)
{
    schedule(s, c, 50 + sim_exponential(&c->rng, c->think_us));
}

/* Which start that was; start_count: none. */
static uint64_t start_of(const struct sim_node *n, uint64_t incarnation)
{
    for (uint64_t i = n->start_count; i > 0; i--)
        if (n->starts[i - 1] == incarnation)
            return i - 1;
    return n->start_count;
}

struct sim_op *op_find(struct sim *s, uint32_t node, uint64_t incarnation,
                       uint64_t seq)
{
    const struct sim_node *n = &s->nodes[node];
    uint64_t i = start_of(n, incarnation);

    if (i >= n->starts_cap || seq >= n->ops_cap[i])
        return NULL;
    return n->ops[i][seq];
}

static void op_register(struct sim *s, struct sim_op *op)
{
    struct sim_node *n = &s->nodes[op->node];
    uint64_t i = start_of(n, op->incarnation);

    ASSERT(i < n->start_count);
    if (i >= n->starts_cap) {
        uint64_t cap = i + 16;
        n->ops = mem_realloc(n->ops, cap * sizeof(n->ops[0]));
        n->ops_cap = mem_realloc(n->ops_cap, cap * sizeof(n->ops_cap[0]));
        for (uint64_t k = n->starts_cap; k < cap; k++) {
            n->ops[k] = NULL;
            n->ops_cap[k] = 0;
        }
        n->starts_cap = cap;
    }
    if (op->seq >= n->ops_cap[i]) {
        uint64_t cap = MAX(n->ops_cap[i] * 2, op->seq + 64);
        n->ops[i] = mem_realloc(n->ops[i], cap * sizeof(n->ops[i][0]));
        memset(n->ops[i] + n->ops_cap[i], 0,
               (cap - n->ops_cap[i]) * sizeof(n->ops[i][0]));
        n->ops_cap[i] = cap;
    }
    ASSERT(n->ops[i][op->seq] == NULL);
    n->ops[i][op->seq] = op;
}

static void invoke(struct sim *s, struct sim_conn *c, struct sim_op *op)
{
    op->conn = c;
    op->node = c->node;
    op->incarnation = c->incarnation;
    op->invoke_us = s->now_us;
    op->invoke_commit = s->ghost.commit;
    s->stats.ops++;
}

static bool is_large(const struct node *n, const struct node_submit *what)
{
    size_t size = REQUEST_HEADER_SIZE + what->once_client.len;

    for (uint32_t i = 0; i < what->argc; i++)
        size += 4 + what->argv[i].len;
    return size > n->options.upload_above;
}

/* Why a request can be refused; a large one also because others are stuck. */
static bool can_refuse(const struct node *n, const struct node_submit *what,
                       int err)
{
    return err == ERR_NO_LEADER ||
           (is_large(n, what) && (err == ERR_REFILL || err == ERR_NO_ANSWER));
}

/* False: refused, definitely, or it goes on later. */
static bool submit(struct sim *s, struct sim_conn *c, struct sim_op *op)
{
    struct node *n = s->nodes[c->node].node;
    char name[16];
    uint64_t before = n->requests.ring.next_seq;
    struct node_submit what = {.argv = op->argv, .argc = op->argc};

    if (op->once) {
        snprintf(name, sizeof(name), "client%u", op->client);
        what.once_client = bytes_str(name);
        what.once_id = op->once_id;
    }
    op->next = NULL;
    int err = node_submit(n, &what, c);
    if (err == ERR_AGAIN) {
        s->stats.uploads += !op->large;
        op->large = true;
        c->large = op;
        return false;
    }
    c->large = NULL;
    if (err != 0) {
        if (n->requests.ring.next_seq != before || !can_refuse(n, &what, err))
            sim_fail(s, "X11 honest: node %u refuses (%s) and has taken it",
                     c->node, error_text(err));
        op->state = OP_REFUSED;
        oracle_refused(s, op);
        s->stats.refused++;
        return false;
    }
    op->seq = n->requests.ring.next_seq - 1;
    ASSERT(op->large || op->seq == before);
    sim_trace(s, "node %u: client %u asks %.*s %.*s, request %llu", c->node,
              op->client, (int)op->argv[0].len, (const char *)op->argv[0].data,
              (int)MIN(op->argv[1].len, 40), (const char *)op->argv[1].data,
              (unsigned long long)op->seq);
    op_register(s, op);
    oracle_asked(s, op);
    if (c->tail)
        c->tail->next = op;
    else
        c->head = op;
    c->tail = op;
    c->outstanding++;
    return true;
}

static void ask_reads(struct sim *s, struct sim_conn *c)
{
    uint32_t count =
        1 + (uint32_t)rng_below(&c->client->rng, MIN(c->client->depth, 4));

    for (uint32_t i = 0; i < count; i++) {
        struct sim_op *op = work_next(s, c->client, true);
        invoke(s, c, op);
        s->stats.reads++;
        if (c->reads_tail)
            c->reads_tail->next = op;
        else
            c->reads = op;
        c->reads_tail = op;
    }
    if (node_read(s->nodes[c->node].node, c) == 0) {
        c->reading = true;
        return;
    }
    s->stats.refused += count;
    c->reads = c->reads_tail = NULL;
    think(s, c->client);
}

static void write_some(struct sim *s, struct sim_conn *c)
{
    struct sim_client *client = c->client;
    struct node *n = s->nodes[c->node].node;
    uint32_t room = client->depth - MIN(client->depth, c->outstanding);
    uint32_t count = room > 0 ? 1 + (uint32_t)rng_below(&client->rng, room) : 0;

    s->stats.faults[FAULT_BURST] += count > BURST_DEPTH / 2;
    for (uint32_t i = 0; i < count && node_can_submit(n); i++) {
        struct sim_op *op = client->retry ? work_copy(s, client->retry)
                                          : work_next(s, client, false);
        client->retry = NULL;
        invoke(s, c, op);
        if (!submit(s, c, op))
            break;
    }
    if (c->outstanding < client->depth && !c->large)
        think(s, client);
}

/* From within the node's turn, as it may be. */
void client_upload_ready(void *ctx, void *client)
{
    struct sim_conn *c = client;
    struct sim *s = c->sim;

    UNUSED(ctx);
    if (!c->open || !c->large)
        sim_fail(s, "uploads: node %u calls a client that has left", c->node);
    bool taken = submit(s, c, c->large);
    if (taken && c->outstanding >= c->client->depth)
        return;
    if (!c->large)
        think(s, c->client);
}

static void reads_to_log(struct sim *s, struct sim_conn *c)
{
    c->to_log = false;
    while (c->reads) {
        struct sim_op *op = c->reads;
        c->reads = op->next;
        op->read = false;
        op->doubt = true;
        s->stats.doubt++;
        (void)submit(s, c, op);
    }
    c->reads_tail = NULL;
    if (c->outstanding == 0)
        think(s, c->client);
}

void client_turn(struct sim *s, struct sim_conn *c)
{
    c->queued = false;
    if (!c->open || s->nodes[c->node].node->dead)
        return;
    if (c->to_log) {
        reads_to_log(s, c);
        return;
    }
    if (c->reading || c->large || s->stopped)
        return;
    bool read = c->outstanding == 0 && !c->client->retry &&
                sim_chance(&c->client->rng, s->config.read_percent);
    if (read)
        ask_reads(s, c);
    else
        write_some(s, c);
}

static void wake(struct sim *s, struct sim_conn *c)
{
    if (c->queued)
        return;
    c->queued = true;
    process_push(s, c->node, (struct inbox_item){.kind = IN_CLIENT, .conn = c});
}

/* --- replies -------------------------------------------------------------- */

struct resp_writer *client_reply_open(void *ctx, void *client)
{
    struct sim_conn *c = client;

    UNUSED(ctx);
    if (!c->head && !c->change)
        sim_fail(c->sim, "replies: node %u answers more than was asked",
                 c->node);
    if (!c->open)
        return NULL;
    buf_reset(&c->out);
    c->writer.out = &c->out;
    return &c->writer;
}

static bool begins(struct bytes b, const char *text)
{
    struct bytes t = bytes_str(text);
    return b.len >= t.len && memcmp(b.data, t.data, t.len) == 0;
}

static void check_reply(struct sim *s, struct sim_conn *c, struct sim_op *op)
{
    struct bytes reply = buf_view(&c->out);
    raft_index at = s->ghost.nodes[c->node].applied + 1;

    ghost_commit(s, c->node);
    if (at > s->ghost.nodes[c->node].commit)
        sim_fail(s, "replies: node %u answers before the commit", c->node);
    oracle_advance(s, at);
    if (op->executed != at)
        sim_fail(s,
                 "replies: node %u answers request %llu at entry %llu, its "
                 "place is %llu",
                 c->node, (unsigned long long)op->seq, (unsigned long long)at,
                 (unsigned long long)op->executed);
    oracle_answered(s, op, at, reply, c->writer.protocol);
}

void client_reply_done(void *ctx, void *client, enum node_outcome outcome)
{
    struct sim_conn *c = client;
    struct sim *s = c->sim;
    struct sim_op *op = c->head;

    UNUSED(ctx);
    if (c->change) {
        churn_answered(s, c, outcome);
        return;
    }
    ASSERT(op && c->outstanding > 0);
    c->head = op->next;
    if (!c->head)
        c->tail = NULL;
    c->outstanding--;
    op->return_us = s->now_us;
    if (!c->open) {
        op->state = OP_DROPPED;
        return;
    }
    sim_mix(s, hash64(buf_view(&c->out)));
    sim_trace(s, "node %u: request %llu is answered", c->node,
              (unsigned long long)op->seq);
    if (outcome == NODE_UNKNOWN) {
        ASSERT(begins(buf_view(&c->out), "-UNKNOWN "));
        op->state = OP_UNKNOWN;
        s->stats.unknown++;
        if (op->once)
            c->client->retry = op;
    } else {
        check_reply(s, c, op);
        op->state = OP_DONE;
        struct sim_op *root = op->origin ? op->origin : op;
        if (!root->answer && op->expected.data[0] != '-')
            root->answer = op;
        if (c->client->probe)
            phase_probe_answered(s, op);
    }
    if (c->client->retry == op && !c->client->probe)
        client_leave(s, c->client);
    else if (c->outstanding == 0 && !c->reading)
        think(s, c->client);
}

static void run_read(struct sim *s, struct sim_conn *c, struct sim_op *op)
{
    struct node *n = s->nodes[c->node].node;
    struct resp_writer w = {.out = &c->out, .protocol = 2};
    struct cmd_call call = {.out = &w, .argv = op->argv, .argc = op->argc};
    raft_index at = keyspace_applied(n->ks)->index;

    buf_reset(&c->out);
    if (at < op->invoke_commit)
        sim_fail(s,
                 "X6 reads: node %u serves at %llu, committed before it "
                 "began was %llu",
                 c->node, (unsigned long long)at,
                 (unsigned long long)op->invoke_commit);
    if (!node_run_read(n, cmd_lookup(op->argv[0]), &call)) {
        c->to_log = true;
        return;
    }
    oracle_check_read(s, op, at, buf_view(&c->out));
    sim_mix(s, hash64(buf_view(&c->out)));
    buf_bytes(&op->expected, buf_view(&c->out));
    op->answer = op;
    op->seen = at;
    op->return_us = s->now_us;
    op->state = OP_DONE;
}

void client_read_ready(void *ctx, void *client, int error)
{
    struct sim_conn *c = client;
    struct sim *s = c->sim;

    UNUSED(ctx);
    if (!c->reading)
        sim_fail(s, "reads: node %u is ready twice", c->node);
    c->reading = false;
    while (c->open && c->reads && !c->to_log) {
        struct sim_op *op = c->reads;
        if (error != 0) {
            op->state = OP_REFUSED;
            s->stats.refused++;
        } else {
            run_read(s, c, op);
        }
        if (!c->to_log)
            c->reads = op->next;
    }
    if (c->to_log) {
        wake(s, c);
        return;
    }
    c->reads = c->reads_tail = NULL;
    if (c->open)
        think(s, c->client);
}

/* --- connections ---------------------------------------------------------- */

static struct sim_conn *connect(struct sim *s, struct sim_client *c)
{
    uint32_t at = (uint32_t)rng_below(&c->rng, s->count);
    struct sim_node *n = NULL;

    for (uint32_t i = 0; i < s->count && !n; i++)
        if (s->nodes[(at + i) % s->count].node)
            n = &s->nodes[(at + i) % s->count];
    if (c->home >= 0)
        n = s->nodes[c->home].node ? &s->nodes[c->home] : NULL;
    if (!n || n->copied) /* as incarnation of an earlier start, perhaps */
        return NULL;
    struct sim_conn *conn = mem_zalloc(sizeof(*conn));
    conn->sim = s;
    conn->client = c;
    conn->node = n->id;
    conn->incarnation = n->incarnation;
    conn->open = true;
    conn->writer.protocol = (uint8_t)(2 + rng_below(&c->rng, 2));
    conn->all = s->conns;
    s->conns = conn;
    return conn;
}

void client_event(struct sim *s, const struct sim_event *e)
{
    struct sim_client *c = &s->clients[e->a];

    if (e->gen != c->gen || s->stopped)
        return;
    if (!c->conn)
        c->conn = connect(s, c);
    if (!c->conn) {
        schedule(s, c, 50 * SIM_MS);
        return;
    }
    wake(s, c->conn);
}

/* Its large request was not submitted: it is executed under another attempt,
 * or never. */
static void give_up(struct sim *s, struct sim_conn *c)
{
    struct sim_op *op = c->large;

    if (!op)
        return;
    c->large = NULL;
    op->state = op->once ? OP_UNKNOWN : OP_REFUSED;
    if (op->once && c->open)
        c->client->retry = op;
    if (!op->once)
        oracle_refused(s, op);
    if (s->nodes[c->node].node &&
        s->nodes[c->node].incarnation == c->incarnation)
        node_abandon(s->nodes[c->node].node, c);
}

static void conn_close(struct sim *s, struct sim_conn *c)
{
    for (struct sim_op *op = c->head; op; op = op->next) {
        op->state = OP_UNKNOWN;
        if (op->once && c->open)
            c->client->retry = op;
    }
    for (struct sim_op *op = c->reads; op; op = op->next)
        op->state = OP_UNKNOWN;
    c->reads = c->reads_tail = NULL;
    c->to_log = false;
    give_up(s, c);
    if (c->open && c->client->conn == c)
        c->client->conn = NULL;
    c->open = false;
    UNUSED(s);
}

void client_leave(struct sim *s, struct sim_client *c)
{
    if (!c->conn)
        return;
    conn_close(s, c->conn);
    schedule(s, c, 100 + sim_exponential(&c->rng, 20 * SIM_MS));
}

void clients_node_down(struct sim *s, uint32_t node)
{
    for (uint32_t i = 0; i < s->client_count; i++) {
        struct sim_client *c = &s->clients[i];
        if (c->conn && c->conn->node == node)
            client_leave(s, c);
    }
    for (struct sim_conn *c = s->conns; c; c = c->all) {
        if (c->node != node || c->incarnation != s->nodes[node].incarnation)
            continue;
        c->head = c->tail = NULL;
        c->outstanding = 0;
        c->reading = false;
    }
}

/* Every open request is answered. */
bool clients_idle(struct sim *s)
{
    for (const struct sim_conn *c = s->conns; c; c = c->all)
        if (c->outstanding > 0 || c->reading || c->reads || c->large)
            return false;
    return true;
}

void clients_init(struct sim *s)
{
    uint32_t workers = MIN(s->config.clients, SIM_CLIENTS_MAX - s->count);

    /* The last ones, one for each node, ask for liveness. */
    s->client_count = workers + s->count;
    for (uint32_t i = 0; i < s->client_count; i++) {
        struct sim_client *c = &s->clients[i];
        c->id = i;
        c->rng = rng_next(&s->rng_client);
        c->probe = i >= workers;
        c->home = -1;
        c->depth = 1;
        c->think_us = 20 * SIM_MS;
        if (c->probe) {
            c->home = i - workers;
            continue; /* begins in the liveness phase */
        }
        c->think_us = s->config.think_us;
        if (sim_chance(&c->rng, 40))
            c->depth = 1 + (uint32_t)rng_below(&c->rng, s->config.depth_max);
        if (sim_chance(&c->rng, 30))
            c->home = (int64_t)rng_below(&c->rng, s->count);
        if (i == 0 && s->config.on[FAULT_BURST]) {
            c->depth = BURST_DEPTH;
            c->think_us = 3 * SIM_S;
        }
        think(s, c);
    }
}

void clients_release(struct sim *s)
{
    while (s->conns) {
        struct sim_conn *c = s->conns;
        s->conns = c->all;
        buf_release(&c->out);
        mem_free(c);
    }
    while (s->ops) {
        struct sim_op *op = s->ops;
        s->ops = op->all;
        buf_release(&op->expected);
        mem_free(op);
    }
}

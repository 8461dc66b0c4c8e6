/*
 * Applies committed entries, in order, to the keyspace. What an entry does
 * depends on nothing but the state and the entry: its time, its seed, its
 * requests. Only the node that a request came from builds its reply.
 *
 * A peer may have written anything that decodes, so a request is not trusted: a
 * command that must not be in one is answered as unknown, by every replica
 * alike. The memory of an entry is bounded (CMD_ENTRY_BYTES_MAX), with the
 * answers that are kept.
 *
 * A transaction that brings more than that into memory is taken back, and the
 * entry with it, which is applied again without it: what came before it does
 * what it did, but has been answered; transactions behind it are refused, so
 * once is enough. All of that follows from the entry and the state.
 *
 * While the disk takes the state more slowly than it comes, entries wait in the
 * log: the loop goes on, and the cluster keeps its leader. A leader that cannot
 * apply anything for the time that a write to the log may take hands over.
 *
 * How it fails: an entry that is committed but cannot be read or written ends
 * the process (node_fail). So does one whose requests do not decode; that can
 * only be in the log on disk, since payloads are checked when they arrive. It
 * is no damage of this node's: its hashes are right, so all members have it.
 */
#include <inttypes.h>

#include "data/database.h"
#include "data/level.h"
#include "data/meta.h"
#include "node/node_internal.h"

#define ONCE_REPLY_KEPT (64 * 1024)
/* Above this an answer is too large to be kept, whatever is written next. */
#define ONCE_REPLY_LIMIT (ONCE_REPLY_MAX + 4096)
#define LOOK_AHEAD       KEYSPACE_EXPECT_MAX
#define EXPECTED_KEY_MAX 256 /* bytes; no hint is given for longer ones */
#define NOTHING          UINT32_MAX

_Static_assert(REQUEST_DATABASES == KEYSPACE_DATABASES, "the decoder checks");
_Static_assert(ENTRY_TIME_MAX == META_TIME_MAX, "the decoder checks");
_Static_assert(ENTRY_OFFSET_MAX == META_OFFSET_MAX, "the decoder checks");

/* A request, and its command: NULL if it must not be run. */
struct ahead {
    node_id node; /* in whose session it is */
    struct request request;
    const struct cmd *cmd;
    bool asked;                    /* by a client of this node */
    const struct cmd_steps *steps; /* of that client; or NULL */
};

void node_apply_release(struct node *n)
{
    buf_release(&n->applying.scratch);
    buf_release(&n->applying.once_reply);
    mem_free(n->applying.argv);
}

static void argv_fill(struct node *n, struct request *r)
{
    if (r->argc > n->applying.argv_cap) {
        n->applying.argv_cap = r->argc;
        n->applying.argv =
            mem_realloc(n->applying.argv,
                        n->applying.argv_cap * sizeof(n->applying.argv[0]));
    }
    for (uint32_t i = 0; i < r->argc; i++)
        n->applying.argv[i] = request_arg(&r->args);
    ASSERT(r->args.len == 0); /* the decoder has counted */
}

/* The command of a request; NULL if it must not be run. */
static const struct cmd *command_of(struct node *n, const struct request *r)
{
    struct bytes args = r->args;

    ASSERT(r->argc > 0);
    const struct cmd *cmd = node_level_command(n, request_arg(&args));

    if (!cmd || !cmd_is_data(cmd) || !cmd_arity_ok(cmd, r->argc))
        return NULL; /* a peer has made it up */
    bool upkeep = (cmd->flags & CMD_UPKEEP) != 0;
    if (upkeep != ((r->flags & REQUEST_FLAG_INTERNAL) != 0))
        return NULL;
    if ((r->flags & REQUEST_FLAG_ONCE) && !(cmd->flags & CMD_WRITE))
        return NULL; /* a read may end differently on each replica */
    return cmd;
}

static bool is_program(const struct cmd *cmd)
{
    ASSERT(!cmd || cmd_is_data(cmd));
    return cmd &&
           (cmd->id == CMD_ID_VARD_EXEC || cmd->id == CMD_ID_VARD_EXEC_RO);
}

/* What became of a request: it found nothing to take, and is to be told so; it
 * has to be taken back; it was answered without being executed. */
enum run_end { RUN_DONE, RUN_BLOCKED, RUN_UNDONE, RUN_REFUSED };

/* A transaction behind one that was taken back: if it had to be, too, the entry
 * would be applied a third time. */
static bool is_behind_undone(const struct node *n, const struct cmd *cmd)
{
    return n->applying.again && n->applying.place > n->applying.undone &&
           cmd->id == CMD_ID_VARD_EXEC;
}

/* Runs one request; `w` is NULL when this node's clients do not want it. */
static enum run_end run(struct node *n, struct ahead *a, struct resp_writer *w,
                        uint64_t seed)
{
    struct resp_writer nowhere = {.out = NULL, .protocol = 2};
    struct request *r = &a->request;
    const struct cmd *cmd = a->cmd;
    struct cmd_call call;

    ASSERT(r->argc > 0);
    argv_fill(n, r);
    if (!cmd) { /* every replica refuses it alike */
        if (w)
            cmd_reply_unknown(w, n->applying.argv, r->argc);
        return RUN_DONE;
    }
    if (!w && !(cmd->flags & CMD_WRITE))
        return RUN_DONE; /* a read that went through the log to keep its order
                          */
    if (is_behind_undone(n, cmd)) {
        cmd_reply_behind_undone(w ? w : &nowhere);
        return RUN_REFUSED;
    }
    call = (struct cmd_call){
        .cmd = cmd,
        .ks = n->ks,
        .out = w ? w : &nowhere,
        .argv = n->applying.argv,
        .argc = r->argc,
        .level = level_get(n->ks),
        .db = r->db,
        .asked = a->asked,
        .kept = (r->flags & REQUEST_FLAG_ONCE) != 0,
        .seed = seed,
        .node = a->node,
        .steps = a->steps,
    };
    cmd_run(&call);
    ASSERT(!call.undone || !call.blocked);
    return call.undone ? RUN_UNDONE : call.blocked ? RUN_BLOCKED : RUN_DONE;
}

/* The first answer is given in full, whatever its size; the kept one has a
 * limit, for it is in every entry's memory that touches the record. */
static void once_keep(struct node *n, const struct request *r,
                      struct bytes reply, bool over)
{
    if (over || reply.len > ONCE_REPLY_MAX)
        reply = BYTES_LIT("-ERR this request was executed, but its reply was "
                          "too large to be kept for a repeated request "
                          "(ONCE)\r\n");
    ASSERT(reply.len <= ONCE_REPLY_MAX && r->once_ttl_s > 0);
    once_store(n->ks, r->once_client, r->once_id, reply,
               (int64_t)r->once_ttl_s * 1000);
}

/* The answer is built on every replica, since it is part of the state: but
 * where nobody waits for it, no more than may be kept. Unless it is
 * done, nothing is kept and the id stays free. */
static enum run_end once_run(struct node *n, struct ahead *a,
                             struct resp_writer *w, uint64_t seed)
{
    struct resp_writer capture = {.out = &n->applying.once_reply,
                                  .protocol = 2,
                                  .limit = ONCE_REPLY_LIMIT};

    if (w)
        capture.limit = w->limit == 0 ? 0 : MAX(w->limit, ONCE_REPLY_LIMIT);
    buf_reset(capture.out);
    buf_shrink(capture.out, ONCE_REPLY_KEPT);
    enum run_end end = run(n, a, &capture, seed);
    if (end != RUN_DONE)
        return end;
    once_keep(n, &a->request, buf_view(capture.out), capture.over);
    if (w)
        w->over |= capture.over;
    return RUN_DONE;
}

/* A request with a client's own id: the first answer is kept and given again.
 * When the entry is full nothing is executed and nothing kept: the id stays
 * free. The look at the record itself counts, so there are two places for that.
 */
static enum run_end run_once(struct node *n, struct ahead *a,
                             struct resp_writer *w, uint64_t seed,
                             enum node_outcome *outcome)
{
    enum run_end end;
    const struct request *r = &a->request;
    struct bytes reply = BYTES_NONE;

    ASSERT((r->flags & REQUEST_FLAG_ONCE) != 0);
    if (cmd_entry_full(n->ks)) {
        cmd_reply_entry_full(w);
        return RUN_DONE;
    }
    switch (once_check(n->ks, r->once_client, r->once_id, &reply)) {
    case ONCE_NEW:
        if (cmd_entry_full(n->ks)) {
            cmd_reply_entry_full(w);
            return RUN_DONE;
        }
        end = once_run(n, a, w, seed);
        if (end == RUN_BLOCKED || end == RUN_UNDONE)
            return end;
        reply = buf_view(&n->applying.once_reply);
        break;
    case ONCE_SAME:
        break;
    case ONCE_STALE:
        resp_error(w, "ERR this request id is older than the newest one of "
                      "the client, its answer is not kept any more");
        *outcome = NODE_OUTDATED;
        return RUN_DONE;
    }
    if (w && w->protocol == 3 &&
        (bytes_eq(reply, BYTES_LIT("$-1\r\n")) ||
         bytes_eq(reply, BYTES_LIT("*-1\r\n"))))
        resp_null(w);
    else
        resp_raw(w, reply);
    return RUN_DONE;
}

static bool is_whole(const struct ahead *a)
{
    return a->cmd && a->cmd->id == CMD_ID_VARD_WHOLE;
}

/* The large request of which all parts have come takes the place of the one
 * that stands for it. */
static void put_whole(struct node *n, struct ahead *a)
{
    struct bytes args = a->request.args;
    struct bytes bytes;
    struct request whole;
    uint64_t number = 0;

    ASSERT(is_whole(a));
    (void)request_arg(&args);
    if (!num_parse_u64(request_arg(&args), &number) ||
        !upload_whole(n->ks, a->node, number, &bytes))
        return;
    n->applying.upload_bytes += bytes.len;
    node_extend_timeouts(n, bytes.len);
    if (request_decode(&bytes, &whole) != 0 || bytes.len > 0)
        return;
    bool internal = (whole.flags & REQUEST_FLAG_INTERNAL) != 0;
    a->request = whole;
    a->cmd = internal ? NULL : command_of(n, &whole); /* no node sends such */
}

/* A request of this very node that this process has not made. */
static bool is_foreign(const struct node *n, const struct request_parcel *g,
                       const struct ahead *a)
{
    struct bytes args = a->request.args;
    uint64_t nonce = 0;

    ASSERT(g->node == n->options.self);
    if (g->incarnation != n->options.incarnation)
        return g->incarnation > n->options.incarnation;
    if (!a->cmd || a->cmd->id != CMD_ID_VARD_OPEN)
        return false;
    (void)request_arg(&args);
    return num_parse_u64(request_arg(&args), &nonce) &&
           nonce != n->options.nonce;
}

/* One that is to be executed. Does it have to be taken back? */
static bool execute(struct node *n, struct ahead *a, struct resp_writer *w,
                    uint64_t seed, enum node_outcome *outcome)
{
    *outcome = NODE_EXECUTED;
    enum run_end end = (a->request.flags & REQUEST_FLAG_ONCE)
                           ? run_once(n, a, w, seed, outcome)
                           : run(n, a, w, seed);
    if (end == RUN_BLOCKED)
        *outcome = NODE_BLOCKED;
    return end == RUN_UNDONE;
}

/* What it has written of its reply is replaced. */
static void undo(struct node *n, struct resp_writer *w, size_t begin)
{
    ASSERT(!n->applying.again && n->applying.undone == NOTHING);
    n->applying.undone = n->applying.place;
    if (!w || !w->out)
        return;
    ASSERT(w->out->len >= begin);
    w->out->len = begin;
    cmd_reply_undone(w);
}

/* The entry is applied again, and this one was answered the first time. */
static bool was_answered(const struct node *n)
{
    ASSERT(!n->applying.again || n->applying.undone != NOTHING);
    return n->applying.again && n->applying.place <= n->applying.undone;
}

/* A request is admitted: executed and answered. */
static void admitted(struct node *n, struct ahead *a, void *client,
                     uint64_t seed)
{
    struct resp_writer *w = NULL;
    enum node_outcome outcome;

    ASSERT(!was_answered(n));
    if (client)
        w = n->events.reply_open(n->events.ctx, client);
    a->asked = client != NULL;
    if (a->cmd && (a->cmd->flags & CMD_UPKEEP))
        node_compare_saw(n, a->cmd);
    bool large = is_whole(a);
    if (large)
        put_whole(n, a);
    a->steps = NULL;
    if (w && is_program(a->cmd) && n->events.steps)
        a->steps = n->events.steps(n->events.ctx, client);
    size_t begin = w && w->out ? w->out->len : 0;
    if (execute(n, a, w, seed, &outcome))
        undo(n, w, begin);
    if (large)
        upload_drop(n->ks, a->node);
    if (client)
        n->events.reply_done(n->events.ctx, client, outcome);
}

static void again(struct node *n, struct ahead *a, uint64_t seed)
{
    enum node_outcome outcome;

    ASSERT(was_answered(n));
    a->asked = false;
    a->steps = NULL;
    bool large = is_whole(a);
    if (n->applying.place < n->applying.undone) {
        if (large)
            put_whole(n, a);
        bool undone = execute(n, a, NULL, seed, &outcome);
        ASSERT(!undone); /* it was not the first time */
    }
    if (large)
        upload_drop(n->ks, a->node);
}

static void apply_request(struct node *n, const struct request_parcel *g,
                          uint64_t seq, struct ahead *a, uint64_t seed)
{
    bool own =
        g->node == n->options.self && g->incarnation == n->options.incarnation;

    ASSERT(seq >= g->first_seq && seq - g->first_seq < g->count);
    if (g->node == n->options.self && is_foreign(n, g, a)) {
        node_members_copied(n, g->incarnation);
        return;
    }
    bool admit = session_admit(n->ks, g->node, g->incarnation, seq);
    if (was_answered(n)) {
        if (admit)
            again(n, a, seed);
        return;
    }
    n->applying.skipped_requests += !admit;
    n->applying.applied_requests += admit;
    if (admit)
        admitted(n, a, own ? node_requests_take(n, seq) : NULL, seed);
}

/* The key of a command that has one, or its first. */
static bool first_key(const struct node *n, const struct ahead *a,
                      struct keyspace_key *out)
{
    struct bytes args = a->request.args;

    if (!a->cmd || cmd_first_key(a->cmd) != 1 || a->request.argc < 2)
        return false;
    (void)request_arg(&args);
    uint8_t db = database_place(n->ks, a->request.db);
    *out = (struct keyspace_key){db, request_arg(&args)};
    return out->key.len <= EXPECTED_KEY_MAX;
}

/* Decodes the next requests; what is going to be looked up is fetched for all
 * at once: waiting for memory, key by key, was a sixth of a node's time. */
static int look_ahead(struct node *n, node_id node, struct bytes *requests,
                      struct ahead *ahead, uint32_t count)
{
    struct keyspace_key keys[LOOK_AHEAD];
    size_t found = 0;

    ASSERT(count <= LOOK_AHEAD);
    for (uint32_t i = 0; i < count; i++) {
        int err = request_decode(requests, &ahead[i].request);
        if (err != 0)
            return err;
        ahead[i].node = node;
        ahead[i].cmd = command_of(n, &ahead[i].request);
        found += first_key(n, &ahead[i], &keys[found]);
    }
    ASSERT(found <= count);
    keyspace_expect(n->ks, keys, found);
    return 0;
}

/* Not so when the entry has to be applied again. */
static bool goes_on(const struct node *n)
{
    return !n->dead && (n->applying.again || n->applying.undone == NOTHING);
}

/* All requests of a parcel; *total counts them. */
static int apply_parcel(struct node *n, const struct request_parcel *g,
                        uint64_t seed, uint32_t *total)
{
    struct bytes requests = g->requests;
    struct ahead ahead[LOOK_AHEAD];

    for (uint32_t done = 0; done < g->count && goes_on(n);) {
        uint32_t count = MIN(g->count - done, (uint32_t)LOOK_AHEAD);
        int err = look_ahead(n, g->node, &requests, ahead, count);
        if (err != 0)
            return err;
        for (uint32_t i = 0; i < count && goes_on(n); i++) {
            uint64_t seq = g->first_seq + done + i;
            n->applying.place = *total;
            apply_request(n, g, seq, &ahead[i], seed + *total);
            *total += 1;
        }
        ASSERT(count > 0 && count <= g->count - done);
        done += count;
    }
    return requests.len == 0 || !goes_on(n) ? 0 : ERR_CORRUPT;
}

/* What a life that is over has left in the log. */
static void skip_parcel(struct node *n, const struct request_parcel *g,
                        uint32_t *total)
{
    ASSERT(g->count > 0);
    n->applying.place = *total;
    n->applying.skipped_requests += was_answered(n) ? 0 : g->count;
    *total += g->count;
}

static int apply_requests(struct node *n, const struct entry *e,
                          uint32_t *total)
{
    struct bytes payload = e->payload;
    struct request_parcel g;

    while (payload.len > 0 && goes_on(n)) {
        int err = request_parcel_head(&payload, &g);
        if (err == 0 && !node_members_may_execute(n, g.node, g.incarnation))
            skip_parcel(n, &g, total);
        else if (err == 0)
            err = apply_parcel(n, &g, e->seed, total);
        if (err != 0)
            return err;
    }
    return 0;
}

/* The same; again without the one that has to be taken back, if there is one.
 */
static int apply_requests_twice(struct node *n, const struct entry *e,
                                const struct applied *position, uint32_t *total)
{
    ASSERT(e->kind == ENTRY_REQUESTS && *total == 0);
    n->applying.undone = NOTHING;
    n->applying.again = false;
    int err = apply_requests(n, e, total);
    if (err != 0 || n->dead || n->applying.undone == NOTHING)
        return err;
    log_verbose(n->logger, "a transaction of entry %" PRIu64 " is taken back",
                (uint64_t)e->index);
    err = keyspace_abort(n->ks);
    if (err != 0)
        return err;
    n->applying.again = true;
    keyspace_begin(n->ks, position, e->seed);
    *total = 0;
    return apply_requests(n, e, total);
}

/* The time of an entry never falls, whatever a leader may have written. */
static int64_t time_of(const struct node *n, const struct entry *e)
{
    return MAX(e->time_ms, keyspace_applied(n->ks)->time_ms);
}

/* Returns the number of requests. */
static uint32_t apply_entry(struct node *n, const struct entry *e)
{
    struct applied position = {.index = e->index,
                               .term = e->term,
                               .time_ms = time_of(n, e),
                               .wall_offset_ms = e->wall_offset_ms};
    uint32_t count = 0;

    ASSERT(e->index == keyspace_applied(n->ks)->index + 1);
    ASSERT(e->term >= keyspace_applied(n->ks)->term);
    int err = journal_chain(n->journal, e->index, &position.chain);
    if (err != 0) {
        node_fail_by(n, "reading the log's chain hash", err);
        return 0;
    }
    keyspace_begin(n->ks, &position, e->seed);
    if (e->kind == ENTRY_REQUESTS)
        err = apply_requests_twice(n, e, &position, &count);
    else if (e->kind == ENTRY_CONFIG)
        err = node_members_apply(n, e);
    if (err != 0) {
        node_fail(n, "decoding a committed entry", error_text(err));
        return count;
    }
    if (n->dead)
        return count;
    err = keyspace_commit(n->ks);
    if (err != 0)
        node_fail_by(n, "applying an entry to the state", err);
    else
        node_compare_applied(n);
    ASSERT(err != 0 || keyspace_applied(n->ks)->index == e->index);
    return count;
}

/* Since when nothing can be applied. */
static void note_full(struct node *n, bool full, bool moved)
{
    if (!full)
        n->applying.full_since_ms = 0;
    else if (moved || n->applying.full_since_ms == 0)
        n->applying.full_since_ms = n->mono_ms;
}

bool node_apply(struct node *n)
{
    raft_index commit = n->raft.commit;
    raft_index next = keyspace_applied(n->ks)->index + 1;
    uint64_t looked = store_looked(n->store);
    uint64_t requests = 0;
    uint64_t size = 0;
    bool full = false;
    struct entry e;

    ASSERT(next <= commit + 1);
    n->applying.upload_bytes = 0;
    for (; next <= commit && !n->dead; next++) {
        full = store_is_full(n->store);
        uint64_t looks = store_looked(n->store) - looked;
        if (full || requests + APPLY_LOOK * looks >= APPLY_REQUESTS_MAX ||
            size + n->applying.upload_bytes >= APPLY_BYTES_MAX) {
            note_full(n, full, requests > 0);
            node_trace_applied(n);
            return true;
        }
        int err = journal_read(n->journal, next, &e, &n->applying.scratch);
        if (err != 0) {
            node_fail_by(n, "reading a committed entry", err);
            return false;
        }
        ASSERT(e.index == next);
        size += e.payload.len;
        node_extend_timeouts(n, e.payload.len);
        requests += apply_entry(n, &e) + 1;
        requests += keyspace_swept(n->ks); /* a row takes as long as those */
    }
    note_full(n, false, false);
    node_trace_applied(n);
    node_requests_applied(n);
    return false;
}

bool node_apply_is_stuck(struct node *n)
{
    int64_t for_ms = n->mono_ms - n->applying.full_since_ms;

    ASSERT(for_ms >= 0);
    if (n->applying.full_since_ms == 0 || n->raft.role != RAFT_LEADER ||
        n->options.disk_timeout_ms == 0 ||
        for_ms < (int64_t)n->options.disk_timeout_ms)
        return false;
    log_warning(n->logger,
                "the disk has not taken any of the state for %" PRId64 " ms: "
                "handing leadership to another node",
                for_ms);
    n->applying.full_since_ms = n->mono_ms; /* else again after as long */
    return true;
}

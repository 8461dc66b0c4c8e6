/*
 * A node that does what the test says, and a client on a socket pair, with
 * the real server and loop between them. The functions of node/node.h that
 * the server calls are defined here, so the linker takes none from the room.
 *
 * Nothing sleeps: turn() runs the loop until it has been about to wait twice,
 * and the fake node's deadline is "now".
 */
#ifndef UNIT_SERVER_FAKE_NODE_H
#define UNIT_SERVER_FAKE_NODE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/alloc.h"
#include "cmd/program.h"
#include "node/node.h"
#include "original/original.h"
#include "server/dispatch.h"
#include "server/input.h"
#include "server/server_internal.h"

#define FIXTURE      __attribute__((unused)) static
#define REQUESTS_MAX 4096
#define FAKE_LONG    ((size_t)16 * 1024 * 1024)

struct fake_request {
    void *client;
    char text[256]; /* the arguments, a space between them */
    char once[128]; /* "client id", or "" */
    uint8_t db;
};

/* The node. It is what the struct node of the real room would be. */
struct node {
    int64_t mono_ms;
    const struct node_events *events;
    struct fake_request requests[REQUESTS_MAX];
    size_t submitted;
    size_t answered;
    void *readers[REQUESTS_MAX];
    size_t reads_asked;
    size_t reads_told;
    size_t flushes;
    bool full;      /* node_can_submit() */
    int error;      /* of submits and reads */
    int again;      /* so often a submit is answered ERR_AGAIN first */
    void *uploader; /* whom it told so last; NULL: it was taken, or abandoned */
    int abandoned;
    size_t rest_left; /* of the long reply */
    size_t programs;  /* that were executed as reads */
    size_t watches;
    size_t rest_calls;
    bool leader;
    bool no_transfer; /* nobody can take leadership over */
    bool candidate;   /* if it is not the leader */
    bool leaderless;  /* the same: nobody is known to lead */
    bool loading;     /* it is being refilled */
    struct configuration configuration;
    struct configuration desired;
    int change_result; /* of node_change_members() */
    bool change_done;
    bool disk_short; /* at too many members */
    bool disk_paused;
    bool disk_full; /* at this one */
    uint64_t disk_room;
    struct store_space space;
    bool far_deadline; /* it wants nothing; else its deadline is now */
    struct keyspace_tally tally;
    unsigned read_us;            /* that a read takes, at least */
    uint8_t read_db;             /* of the last one */
    uint64_t read_seed;          /* of the last read */
    uint32_t request_timeout_ms; /* as it was told */
    size_t full_from;   /* it takes no more than so many; 0: any number */
    raft_index durable; /* of 42 entries */
    char heard[512];    /* of peers and disk, each with a ";" behind it */
    int receive_result;
    int64_t wall_ms;
    uint64_t log_soft, log_hard, snapshot_rate;
    int64_t compare_every_ms;
    uint64_t compare_rate;
    int compare_asked; /* so often */
    int compare_err;
    struct compare_status compare;
    enum read_mode read_mode;
    uint16_t level; /* 0: the first */
    bool forgetful; /* it remembers nothing of what others do */
    bool level_auto;
    raft_index held_by_all;
    bool watching;              /* node_watch_ready() */
    bool doubt;                 /* of what an XREAD looks for that is not */
    struct node_found there[8]; /* at the keys "a", "b" ... */
};

FIXTURE void hear(struct node *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

FIXTURE void hear(struct node *n, const char *format, ...)
{
    size_t len = strlen(n->heard);
    va_list args;
    va_start(args, format);
    vsnprintf(n->heard + len, sizeof(n->heard) - len, format, args);
    va_end(args);
}

void node_set_time(struct node *n, int64_t mono_ms, int64_t wall_ms)
{
    n->mono_ms = mono_ms;
    n->wall_ms = wall_ms;
}

int64_t node_deadline_ms(const struct node *n)
{
    return n->far_deadline ? INT64_MAX / 2 : n->mono_ms;
}

uint16_t node_level(const struct node *n)
{
    return MAX(n->level, LEVEL_MIN);
}

void node_set_level_auto(struct node *n, bool on)
{
    n->level_auto = on;
}

void node_peer_levels(struct node *n, node_id peer, uint16_t level_min,
                      uint16_t level_max)
{
    hear(n, "levels %u %u-%u;", peer, level_min, level_max);
}

void node_levels(const struct node *n, struct node_levels *out,
                 struct buf *waits)
{
    *out = (struct node_levels){.level = node_level(n),
                                .max = LEVEL_NEXT,
                                .held = !n->level_auto,
                                .count = 2,
                                .members = {{1, 1, LEVEL_NEXT}, {2, 0, 0}}};
    buf_str(waits, "node 2");
}

int node_raise_level(struct node *n, uint16_t level, struct buf *why)
{
    if (level == LEVEL_NEXT) {
        n->level = level;
        return 0;
    }
    buf_printf(why, "no level %u", level);
    return ERR_INVALID;
}

void node_flush(struct node *n)
{
    n->flushes++;
}

bool node_can_submit(const struct node *n)
{
    return !n->full && (n->full_from == 0 || n->submitted < n->full_from);
}

FIXTURE void print_args(struct buf *text, const struct bytes *argv,
                        uint32_t argc)
{
    for (uint32_t i = 0; i < argc; i++)
        buf_printf(text, "%s%.*s", i > 0 ? " " : "", (int)argv[i].len,
                   (const char *)argv[i].data);
}

/* "vard.exec" and behind it [db:GET a] for a step, [local], {kind db key} or
 * {kind db key value} for a condition, with its version. */
FIXTURE void print_program(struct buf *text, const struct bytes *argv,
                           uint32_t argc)
{
    static const char *const kinds[] = {"",     "watched", "absent", "ifeq",
                                        "ifne", "nx",      "xx"};
    struct program p;
    bool ok = program_decode(argv[1], argc, &p);
    ASSERT(ok);
    print_args(text, argv, 1);
    argv += PROGRAM_ARGS;
    for (uint32_t i = 0; i < p.steps; i++) {
        struct program_step s = program_step(&p, i);
        buf_str(text, s.local ? " [local" : " [");
        if (!s.local)
            buf_printf(text, "%u:", s.db);
        print_args(text, argv, s.argc);
        buf_char(text, ']');
        argv += s.argc;
    }
    for (uint32_t i = 0; i < p.conditions; i++) {
        struct program_condition c = program_condition(&p, i);
        buf_printf(text, " {%s %u ", kinds[c.kind], c.db);
        print_args(text, argv, condition_argc(c.kind));
        if (c.kind == CONDITION_WATCHED)
            buf_printf(text, " %lld", (long long)c.version);
        buf_char(text, '}');
        argv += condition_argc(c.kind);
    }
}

int node_submit(struct node *n, const struct node_submit *s, void *client)
{
    if (n->error != 0) {
        n->uploader = n->uploader == client ? NULL : n->uploader;
        return n->error;
    }
    if (n->again > 0) {
        n->again--;
        n->uploader = client;
        return ERR_AGAIN;
    }
    n->uploader = n->uploader == client ? NULL : n->uploader;
    ASSERT(n->submitted < REQUESTS_MAX);
    struct fake_request *r = &n->requests[n->submitted++];
    struct buf text = BUF_INIT;
    if (s->argc > 1 && s->argv[0].len >= 9 &&
        memcmp(s->argv[0].data, "vard.exec", 9) == 0)
        print_program(&text, s->argv, s->argc);
    else
        print_args(&text, s->argv, s->argc);
    buf_char(&text, '\0');
    snprintf(r->text, sizeof(r->text), "%s", (const char *)text.data);
    buf_release(&text);
    r->once[0] = '\0';
    if (s->once_client.len > 0)
        snprintf(r->once, sizeof(r->once), "%.*s %llu", (int)s->once_client.len,
                 (const char *)s->once_client.data,
                 (unsigned long long)s->once_id);
    r->client = client;
    r->db = s->db;
    return 0;
}

void node_abandon(struct node *n, const void *client)
{
    n->abandoned += n->uploader == client;
    n->uploader = n->uploader == client ? NULL : n->uploader;
}

int node_read(struct node *n, void *client)
{
    if (n->error != 0)
        return n->error;
    ASSERT(n->reads_asked < REQUESTS_MAX);
    n->readers[n->reads_asked++] = client;
    return 0;
}

int node_read_recent(struct node *n, void *client, int64_t max_ms)
{
    hear(n, "recent %d;", (int)max_ms);
    return node_read(n, client);
}

/* The reply goes on: the piece says so, and has nothing. */
FIXTURE void leave_rest(struct node *n, struct cmd_call *call)
{
    struct cmd_rest_piece *p = mem_zalloc(sizeof(*p));
    list_init(&p->stream.link);
    list_append(&call->rest->pieces, &p->link);
    n->rest_left = FAKE_LONG;
    bool room = resp_bulk_head(call->out, FAKE_LONG);
    ASSERT(room);
    call->out->out = &p->after; /* as the real one does */
}

struct node_found node_look(struct node *n, uint8_t db, struct bytes key,
                            const struct bytes *group)
{
    ASSERT(group == NULL || bytes_eq(*group, BYTES_LIT("g")));
    UNUSED(db);
    size_t i = key.len == 1 ? (size_t)(key.data[0] - 'a') : SIZE_MAX;
    return i < ARRAY_LEN(n->there) ? n->there[i]
                                   : (struct node_found){.count = 0};
}

bool node_is_leaderless(const struct node *n)
{
    return n->error == ERR_NO_LEADER;
}

void node_watch_ready(struct node *n, bool on)
{
    n->watching = on;
}

void node_read_rest(struct node *n, struct cmd_rest *rest, struct buf *out,
                    size_t bytes)
{
    size_t size = MIN(bytes, n->rest_left);
    memset(buf_reserve(out, size), 'x', size);
    out->len += size;
    n->rest_left -= size;
    n->rest_calls++;
    if (n->rest_left > 0)
        return;
    buf_str(out, "\r\n");
    cmd_rest_drop(rest);
}

/* Each step answers its last argument. */
FIXTURE bool run_program(struct node *n, struct cmd_call *call)
{
    struct program p;
    const struct bytes *argv = call->argv + PROGRAM_ARGS;
    bool ok = program_decode(call->argv[1], call->argc, &p);
    ASSERT(ok && call->rest == NULL);
    n->programs++;
    resp_array(call->out, p.steps);
    for (uint32_t i = 0; i < p.steps; i++) {
        struct program_step s = program_step(&p, i);
        if (s.local)
            call->steps->local(call->steps->ctx, i, call->out);
        else
            resp_bulk(call->out, argv[s.argc - 1]);
        argv += s.argc;
        ok &= s.local || !bytes_eq(argv[-1], BYTES_LIT("doubt"));
    }
    return ok;
}

/* "absent" is, every other key has version 7. */
FIXTURE bool run_watch(struct node *n, struct cmd_call *call)
{
    bool ok = true;
    n->watches++;
    resp_array(call->out, call->argc - 1);
    for (uint32_t i = 1; i < call->argc; i++) {
        resp_integer(call->out,
                     bytes_eq(call->argv[i], BYTES_LIT("absent")) ? 0 : 7);
        ok &= !bytes_eq(call->argv[i], BYTES_LIT("doubt"));
    }
    return ok;
}

/* The value of a key is its name; that of "doubt" is in doubt, "long" goes on
 * for FAKE_LONG bytes; "longdoubt" does, and what follows is in doubt. */
bool node_run_read(struct node *n, const struct cmd *cmd, struct cmd_call *call)
{
    if (cmd->id == CMD_ID_VARD_EXEC_RO)
        return run_program(n, call);
    if (cmd->id == CMD_ID_VARD_WATCH)
        return run_watch(n, call);
    struct bytes key = call->argv[call->argc - 1];
    if (call->since != NULL && n->there[0].count == 0) {
        call->blocked = n->doubt == false;
        return !n->doubt;
    }
    bool doubt = bytes_eq(key, BYTES_LIT("longdoubt"));
    n->read_db = call->db;
    n->read_seed = call->seed;
    if (n->read_us > 0)
        usleep(n->read_us);
    if ((doubt || bytes_eq(key, BYTES_LIT("long"))) && call->rest != NULL) {
        leave_rest(n, call);
        return !doubt;
    }
    resp_bulk(call->out, key);
    return !bytes_eq(key, BYTES_LIT("doubt"));
}

void node_peer_up(struct node *n, node_id peer, uint64_t incarnation,
                  const char *client_address)
{
    hear(n, "up %u %llu %s;", peer, (unsigned long long)incarnation,
         client_address);
}

void node_peer_down(struct node *n, node_id peer)
{
    hear(n, "down %u;", peer);
}

int node_receive(struct node *n, node_id peer, uint8_t frame_type,
                 struct bytes payload)
{
    hear(n, "receive %u %u %.*s;", peer, frame_type, (int)payload.len,
         (const char *)payload.data);
    return n->receive_result;
}

void node_known(const struct node *n, node_id member, struct member_facts *out)
{
    UNUSED(n);
    UNUSED(member);
    *out = (struct member_facts){.level = 1};
}

bool node_remembers(const struct node *n, const struct receipt *receipt)
{
    UNUSED(receipt);
    return !n->forgetful;
}

int node_admit(struct node *n, const struct admit *ask, struct grant *out,
               struct buf *why)
{
    UNUSED(n);
    UNUSED(ask);
    UNUSED(out);
    UNUSED(why);
    return ERR_AGAIN;
}

const struct configuration *node_configuration(const struct node *n,
                                               raft_index *at)
{
    static const node_id ids[] = {1, 2, 3};
    struct node *changed = (struct node *)n;
    configuration_of(&changed->configuration, ids, ARRAY_LEN(ids));
    changed->configuration.members[1].life = 4;
    changed->configuration.members[1].directory.low = 255;
    *at = 9;
    return &n->configuration;
}

/* It says what is asked for. */
int node_change_members(struct node *n, struct node_change *ask,
                        struct node_change_request *out, struct buf *why)
{
    hear(n, "change %d %u%s%s %s %s;", (int)ask->kind, ask->id,
         ask->learner ? " learner" : "", ask->force ? " force" : "",
         ask->peer_address, ask->client_address);
    if (n->change_result != 0) {
        buf_str(why, "that cannot be");
        return n->change_result;
    }
    out->argv[0] = BYTES_LIT("vard.members");
    out->argv[1] = BYTES_LIT("0");
    out->argv[2] = BYTES_LIT("record");
    out->argv[3] = BYTES_LIT("4");
    return 0;
}

/* Member 2 is to go, and member 5 to come. */
void node_change_status(struct node *n, struct node_change_status *out)
{
    static const node_id ids[] = {1, 3, 5};
    configuration_of(&n->desired, ids, ARRAY_LEN(ids));
    *out = (struct node_change_status){
        .desired = &n->desired, .next = "", .waits = ""};
    if (!n->leader)
        return;
    out->next = "node 5 is added";
    out->waits = "it is a test";
    out->tolerates = 1;
    out->done = n->change_done;
}

const char *member_role_text(uint8_t roles)
{
    return (roles & MEMBER_VOTER) != 0 ? "voter" : "learner";
}

bool node_loading(const struct node *n, uint32_t *percent)
{
    *percent = 37;
    return n->loading;
}

void node_disk_done(struct node *n)
{
    hear(n, "disk;");
}

bool node_transfer(struct node *n, node_id to)
{
    UNUSED(to);
    return n->leader && !n->no_transfer;
}

void node_status(const struct node *n, struct node_status *out)
{
    *out = (struct node_status){
        .self = 1,
        .role = n->leader      ? RAFT_LEADER
                : n->candidate ? RAFT_CANDIDATE
                               : RAFT_FOLLOWER,
        .leader = n->leader       ? 1
                  : n->leaderless ? NODE_NONE
                                  : 2,
        .leader_address = n->leader ? "" : "10.0.0.2:6380",
        .term = 7,
        .commit = 41,
        .applied = 40,
        .last = 42,
        .durable = n->durable,
        .held_by_all = n->held_by_all,
        .cluster_id = 0xabcdef,
        .log_bytes = 7777,
        .leader_silent_ms = n->leader ? -1 : 2500,
        .voters = 3,
        .peer_count = 2,
    };
    out->peers[0] = (struct node_peer_status){.id = 2,
                                              .up = true,
                                              .client_address = "10.0.0.2:6380",
                                              .match = 39,
                                              .silent_ms = 3999};
    out->peers[1] = (struct node_peer_status){.id = 3, .client_address = ""};
}

/* Every value of the node's own, those of node_status() among them. */
void node_measure(const struct node *n, struct metrics *m)
{
    UNUSED(n);
    metrics_count(m, METRIC_raft_node_id, 1);
    metrics_count(m, METRIC_raft_term, 7);
    metrics_count(m, METRIC_raft_commit_index, 41);
    metrics_count(m, METRIC_raft_applied_index, 40);
    metrics_count(m, METRIC_raft_durable_index, 42);
    metrics_count(m, METRIC_raft_first_index, 3);
    metrics_count(m, METRIC_raft_last_index, 42);
    metrics_count(m, METRIC_raft_log_bytes, 0);
    metrics_text(m, METRIC_raft_cluster_id, "%s", "0000000000abcdef");
    metrics_count(m, METRIC_raft_incarnation, 5);
    metrics_set(m, METRIC_raft_recovering, 0);
    metrics_count(m, METRIC_raft_elections, 0);
    metrics_count(m, METRIC_raft_level, 1);
    metrics_count(m, METRIC_raft_level_max, 2);
    metrics_text(m, METRIC_raft_level_waits, "%s", "node 2");
    metrics_count(m, METRIC_raft_priority, 100);
    metrics_count(m, METRIC_raft_nodes, 3);
    metrics_count(m, METRIC_raft_pending_requests, 0);
    metrics_count(m, METRIC_raft_pending_bytes, 0);
    metrics_count(m, METRIC_raft_pending_reads, 0);
    metrics_count(m, METRIC_raft_applied_requests, 0);
    metrics_count(m, METRIC_raft_skipped_requests, 0);
    metrics_count(m, METRIC_raft_snapshot_index, 0);
    metrics_count(m, METRIC_raft_snapshot_receivers, 0);
    metrics_count(m, METRIC_raft_snapshot_sent, 0);
}

struct keyspace_count node_counts(const struct node *n, uint8_t db)
{
    UNUSED(n);
    if (db != 0)
        return (struct keyspace_count){0};
    return (struct keyspace_count){.keys = 4, .expires = 1};
}

int64_t node_mean_ttl_ms(const struct node *n, uint8_t db)
{
    UNUSED(n);
    return db == 0 ? 1500 : 0;
}

struct keyspace_tally node_tally(const struct node *n)
{
    return n->tally;
}

void node_set_request_timeout(struct node *n, uint32_t ms)
{
    n->request_timeout_ms = ms;
}

void node_set_read_mode(struct node *n, enum read_mode mode)
{
    n->read_mode = mode;
}

void node_set_snapshot_rate(struct node *n, uint64_t bytes_per_s)
{
    n->snapshot_rate = bytes_per_s;
}

void node_set_compare(struct node *n, int64_t every_ms, uint64_t rate)
{
    n->compare_every_ms = every_ms;
    n->compare_rate = rate;
}

int node_compare_ask(struct node *n)
{
    n->compare_asked++;
    return n->compare_err;
}

void node_compare_status(const struct node *n, struct compare_status *out)
{
    *out = n->compare;
}

void node_set_log_size(struct node *n, uint64_t soft, uint64_t hard)
{
    n->log_soft = soft;
    n->log_hard = hard;
}

void node_set_disk_short(struct node *n, bool is_short)
{
    n->disk_short = is_short;
}

void node_set_disk_full(struct node *n, bool is_full)
{
    n->disk_full = is_full;
}

void node_set_disk_room(struct node *n, uint64_t bytes)
{
    n->disk_room = bytes;
}

void node_disk_space(const struct node *n, struct store_space *out)
{
    *out = n->space;
}

bool node_disk_short(const struct node *n)
{
    return n->disk_short;
}

bool node_disk_paused(const struct node *n)
{
    return n->disk_paused;
}

uint32_t node_short_members(const struct node *n)
{
    return n->disk_short;
}

/* --- the fixture -------------------------------------------------------- */

struct fixture {
    struct loop *loop;
    struct config config;
    struct server *server;
    struct node *node;
    struct client *client;
    int fd; /* the test's end of the client's connection */
    int waits;
    char dir[64];
    char path[80];
};

FIXTURE void fixture_fatal(void *ctx, int err, const char *text)
{
    UNUSED(ctx);
    UNUSED(err);
    fprintf(stderr, "fatal: %s\n", text);
    abort();
}

FIXTURE void fixture_before_wait(void *ctx)
{
    struct fixture *f = ctx;
    if (++f->waits >= 2)
        loop_stop(f->loop);
}

/* Another client; the test's end of its connection in *fd. */
FIXTURE struct client *connect_client(struct fixture *f, int *fd)
{
    int pair[2];
    struct address peer;
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    ASSERT(rc == 0);
    bool known = socket_peer(pair[0], &peer);
    ASSERT(known);
    *fd = pair[1];
    return client_new(f->server, pair[0], &peer, true);
}

/* The server wants an address to listen on: a Unix socket of its own. */
FIXTURE void open_door(struct fixture *f)
{
    struct buf error = BUF_INIT;
    snprintf(f->dir, sizeof(f->dir), "/tmp/vard-test-XXXXXX");
    char *made = mkdtemp(f->dir);
    ASSERT(made != NULL);
    snprintf(f->path, sizeof(f->path), "%s/socket", f->dir);
    f->config.port = 0;
    mem_free(f->config.unixsocket);
    f->config.unixsocket = mem_strdup(f->path);
    int err = server_listen(f->server, &error);
    ASSERT(err == 0);
    buf_release(&error);
}

FIXTURE int setup(void **state)
{
    static const struct protocol *const guests[] = {&original_protocol};
    struct fixture *f = mem_zalloc(sizeof(*f));
    config_init(&f->config);
    f->loop = loop_new();
    struct server_options options = {
        .loop = f->loop,
        .config = &f->config,
        .data_dir = "/",
        .executable = "test",
        .seed = 1,
        .commands = admin_commands,
        .guests = guests,
        .guest_count = ARRAY_LEN(guests),
        .fatal = fixture_fatal,
    };
    f->config.min_free_disk_bytes = 0;
    f->server = server_new(&options);
    f->node = mem_zalloc(sizeof(*f->node));
    f->node->events = server_node_events(f->server);
    f->node->leader = true;
    f->node->durable = 42;
    open_door(f);
    server_start(f->server, f->node, NULL);
    loop_before_wait(f->loop, fixture_before_wait, f);
    f->client = connect_client(f, &f->fd);
    *state = f;
    return 0;
}

FIXTURE int teardown(void **state)
{
    struct fixture *f = *state;
    close(f->fd);
    server_free(f->server);
    rmdir(f->dir); /* the server has removed its socket */
    loop_free(f->loop);
    config_release(&f->config);
    mem_free(f->node);
    mem_free(f);
    return 0;
}

FIXTURE void turn(struct fixture *f)
{
    f->waits = 0;
    loop_run(f->loop);
}

FIXTURE void fixture_late(void *ctx)
{
    UNUSED(ctx);
    fail_msg("the loop waits, and nobody wakes it");
}

/* As many turns, each of which has to come without being asked for. */
FIXTURE void turns(struct fixture *f, int count)
{
    struct loop_timer timer = {NULL, fixture_late, NULL};
    f->waits = 2 - count;
    loop_timer_start(f->loop, &timer, 20000);
    loop_run(f->loop);
    loop_timer_stop(f->loop, &timer);
}

FIXTURE void send_text(struct fixture *f, const char *text)
{
    ssize_t n = write(f->fd, text, strlen(text));
    ASSERT(n == (ssize_t)strlen(text));
    turn(f);
}

/* As CONFIG SET does; "" removes it. */
FIXTURE void set_option(struct fixture *f, const char *name, const char *value)
{
    const struct bytes set[2] = {bytes_str(name), bytes_str(value)};
    struct buf error = BUF_INIT;
    int err = config_set(&f->config, set, 2, &error);
    ASSERT(err == 0);
    buf_release(&error);
    server_config_changed(f->server);
}

/* What has come back since the last time; at most 1 MiB. NULL: closed. */
FIXTURE const char *received_on(int fd)
{
    static char text[1 << 20];
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    if (n == 0 && len == 0)
        return NULL;
    text[len] = '\0';
    return text;
}

#define expect(f, wanted)                                                      \
    do {                                                                       \
        const char *expect_got = received_on((f)->fd);                         \
        assert_non_null(expect_got);                                           \
        assert_string_equal(expect_got, (wanted));                             \
    } while (0)

/* Answers the oldest requests with "+" and their text. */
FIXTURE void answer(struct fixture *f, size_t count)
{
    struct node *n = f->node;
    for (; count > 0; count--) {
        ASSERT(n->answered < n->submitted);
        struct fake_request *r = &n->requests[n->answered++];
        struct resp_writer *w =
            n->events->reply_open(n->events->ctx, r->client);
        resp_status(w, r->text);
        n->events->reply_done(n->events->ctx, r->client, NODE_EXECUTED);
    }
    turn(f);
}

/* Tells every reader that has asked. */
FIXTURE void reads_told(struct fixture *f, int error)
{
    struct node *n = f->node;
    size_t asked = n->reads_asked;
    while (n->reads_told < asked) {
        void *client = n->readers[n->reads_told++];
        n->events->read_ready(n->events->ctx, client, error);
    }
    turn(f);
}

#endif

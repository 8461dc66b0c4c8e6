/*
 * The program: reads the configuration, starts the rooms of one node in their
 * order, runs the loop, and stops them again.
 *
 * Order of start: process (directory, lock, log), loop, server and its
 * sockets, watermark, store, boot (identity, incarnation), disk thread,
 * peers, node. They stop in the opposite order, except for the disk thread,
 * which ends after the node and before the store.
 *
 * If the directory is blank, there are no disk thread and no node: peers greet
 * the other members (main/meeting.h), clients are told to wait, and when it is
 * known which cluster it is, all of this begins again within the process.
 *
 * What the other members say of this node (main/standing.c) may end it, or
 * begin all of this again: on an older copy of its data, which they complete.
 *
 * How it fails: whatever prevents the start is reported on standard error (and
 * in the log, once there is one) with what to do about it, and the exit status
 * is 1. A store or disk that fails later ends the process at once: nothing that
 * was acknowledged is lost by that, and nothing may be acknowledged any more.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "base/alloc.h"
#include "base/level.h"
#include "config/config.h"
#include "journal/disk.h"
#include "journal/start_check.h"
#include "main/announce.h"
#include "main/meeting.h"
#include "main/notify.h"
#include "main/options.h"
#include "main/process.h"
#include "main/refill.h"
#include "main/standing.h"
#include "main/trace.h"
#include "net/loop.h"
#include "node/node.h"
#include "original/original.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/file.h"
#include "os/process.h"
#include "peer/peer.h"
#include "rocks/rocks_version.h"
#include "server/server.h"

#define CONFIG_BYTES_MAX (1024 * 1024)
#define MEETING_LOOK_MS  250
#define MEETING_TELL_MS  5000
#define MEETING_FIRST_MS 1000

struct vard {
    struct config config;
    struct process process;
    struct logger *log;
    struct loop *loop;
    struct server *server;
    struct store *store;
    struct trace trace;
    struct watermark_file *mark_file;
    struct watermark mark;
    bool mark_found;
    struct identity identity;
    struct disk *disk;
    struct peers *peers;
    struct node *node;
    struct standing standing;     /* among the other members, as they see it */
    struct founding founding;     /* of the cluster; count 0: not known */
    struct configuration granted; /* when this directory was let in */
    struct meeting meeting;       /* while the directory is blank */
    struct meeting_result met;
    struct loop_timer meeting_timer;
    int64_t meeting_told_ms;
    bool ending; /* an orderly shutdown has begun */
};

/* --- configuration ------------------------------------------------------ */

static int read_config(void *ctx, const char *path, struct buf *out)
{
    UNUSED(ctx);
    if (strcmp(path, "-") == 0)
        return file_read_fd(STDIN_FILENO, CONFIG_BYTES_MAX, out);
    return file_read(path, CONFIG_BYTES_MAX, out);
}

static void show_version(void)
{
    printf("vard v=%s levels=%d-%d bits=%d build=%s\n", VARD_VERSION, LEVEL_MIN,
           LEVEL_MAX, (int)sizeof(long) * 8, __VERSION__);
}

static void print_text(FILE *to, const struct buf *text)
{
    fwrite(text->data, 1, text->len, to);
    if (text->len > 0 && text->data[text->len - 1] != '\n')
        fputc('\n', to);
}

/* The exit status, or -1: go on. */
static int load_config(struct vard *v, int argc, char **argv)
{
    const struct config_source source = {read_config, NULL};
    struct buf text = BUF_INIT;
    int status = -1;
    config_init(&v->config);
    int action = config_load(&v->config, argc, argv, &source, &text);
    if (action < 0) {
        print_text(stderr, &text);
        status = 1;
    } else if (action == CONFIG_SHOW_VERSION) {
        show_version();
        status = 0;
    } else if (action == CONFIG_SHOW_HELP) {
        config_help(&text);
        print_text(stdout, &text);
        status = 0;
    }
    buf_release(&text);
    return status;
}

/* --- start -------------------------------------------------------------- */

/* The node has logged what failed. A thread of the database may have found
 * damage that the node knows as a failure. */
NORETURN static void on_fatal(void *ctx, int err, const char *text)
{
    struct vard *v = ctx;
    ASSERT(text != NULL);
    if (v->node != NULL && node_is_copy(v->node))
        refill_remember_copy(&v->process);
    if (err == ERR_CORRUPT || (v->store != NULL && rocks_is_damaged(v->store)))
        refill_remember(&v->process);
    log_warning(v->log, "FATAL: exiting at once because of that. Nothing that "
                        "was acknowledged is lost");
    _exit(1);
}

static bool is_supervised(const struct config *c)
{
    return c->supervised == CONFIG_SUPERVISED_SYSTEMD ||
           (c->supervised == CONFIG_SUPERVISED_AUTO && notify_wanted());
}

static void on_stopping(void *ctx)
{
    struct vard *v = ctx;
    v->ending = true;
    if (is_supervised(&v->config))
        notify_send("STOPPING=1\nSTATUS=Shutting down\n");
}

/* The node has logged it: the cluster goes on without it. */
NORETURN static void on_removed(void *ctx, const char *text)
{
    struct vard *v = ctx;
    ASSERT(text != NULL && text[0] != '\0');
    log_notice(v->log, "exiting: this data directory is of no use any more");
    on_stopping(v);
    process_end(&v->process);
    _exit(0);
}

/* Whether it is known now which cluster the directory is of. Then the loop
 * stops with this turn, and run() begins again. */
static void meet(struct vard *v)
{
    struct admit ask;
    if (v->met.outcome != MEETING_WAIT)
        return;
    meeting_decide(&v->meeting, clock_mono_ms(),
                   MAX(entropy_u64(), (uint64_t)1), &v->met);
    if (v->met.outcome == MEETING_ASK) {
        options_of_admit(&v->config, &v->identity, &ask);
        peers_ask(v->peers, &ask);
        v->met.outcome = MEETING_WAIT;
    }
    if (v->met.outcome == MEETING_WAIT)
        return;
    log_notice(v->log, "%s cluster %016" PRIx64,
               v->met.outcome == MEETING_FOUND ? "this node begins"
               : v->met.outcome == MEETING_ADOPT
                   ? "this node is one of the first "
                     "members of"
                   : "the other members let this "
                     "node in, and refill it:",
               v->met.cluster_id);
    loop_stop(v->loop);
}

static void on_meeting_timer(void *ctx)
{
    struct vard *v = ctx;
    struct buf text = BUF_INIT;
    int64_t now_ms = clock_mono_ms();
    ASSERT(v->identity.cluster_id == 0 && v->peers != NULL);
    meeting_text(&v->meeting, now_ms, &text);
    buf_char(&text, '\0');
    server_wait(v->server, v->peers, (const char *)text.data);
    if (now_ms - v->meeting_told_ms >= MEETING_TELL_MS) {
        v->meeting_told_ms = now_ms;
        log_notice(v->log, "this node %s", (const char *)text.data);
    }
    buf_release(&text);
    meet(v);
    loop_timer_start(v->loop, &v->meeting_timer, MEETING_LOOK_MS);
}

/* A member that is elsewhere than was agreed on (if it was) says so. */
static void tell_address(struct vard *v, node_id peer, const struct greeting *g)
{
    raft_index at;
    const struct configuration *c = node_configuration(v->node, &at);
    const struct member *m = configuration_find(c, peer);
    bool agreed = m != NULL && m->peer_address[0] != '\0';
    if (agreed && g->peer_address[0] != '\0' &&
        strcmp(m->peer_address, g->peer_address) != 0)
        node_greeted(v->node, peer, g->directory, g->peer_address, "");
}

/* The loop stops with this turn; run() looks at what is to be done. */
static void on_greeted(void *ctx, node_id peer, const struct greeting *greeting,
                       int ours, bool dialed)
{
    struct vard *v = ctx;
    struct buf text = BUF_INIT;
    if (v->identity.cluster_id == 0 && greeting->verdict != GREETING_LEVEL) {
        meeting_heard(&v->meeting, peer, greeting, ours, clock_mono_ms());
        meet(v);
        return;
    }
    if (v->node != NULL && ours == GREETING_WELCOME)
        tell_address(v, peer, greeting);
    bool forgot = ours == GREETING_FORGOT && !greeting_of_twin(greeting);
    if (v->standing.next != STANDING_GOOD || (!dialed && !forgot))
        return;
    (forgot ? standing_forgot : standing_judge)(&v->standing, &v->config, peer,
                                                greeting, &text);
    if (v->standing.next != STANDING_GOOD) {
        log_warning(v->log, "%.*s", (int)text.len, (const char *)text.data);
        loop_stop(v->loop);
    }
    buf_release(&text);
}

static int on_bootstrap(void *ctx, struct buf *why)
{
    struct vard *v = ctx;
    ASSERT(v->node == NULL && v->peers != NULL);
    if (!meeting_force(&v->meeting, clock_mono_ms(), why))
        return ERR_INVALID;
    peers_force(v->peers);
    log_notice(v->log, "this node is to begin a cluster without the members "
                       "that are missing");
    return 0;
}

static void on_granted(void *ctx, node_id peer, const struct grant *grant)
{
    struct vard *v = ctx;
    ASSERT(v->identity.cluster_id == 0);
    meeting_answered(&v->meeting, peer, grant, clock_mono_ms());
    meet(v);
}

/* Protocols that clients may speak beside RESP. */
static const struct protocol *const guests[] = {&original_protocol};

static int start_server(struct vard *v, struct buf *error)
{
    v->loop = loop_new();
    if (v->loop == NULL) {
        buf_printf(error, "cannot make an event loop: %s", strerror(errno));
        return ERR_LIMIT;
    }
    struct server_options options = {
        .loop = v->loop,
        .config = &v->config,
        .log = v->log,
        .logfile = &v->process.logfile,
        .data_dir = v->process.dir,
        .executable = v->process.executable,
        .seed = entropy_u64(),
        .commands = admin_commands,
        .guests = guests,
        .guest_count = ARRAY_LEN(guests),
        .fatal = on_fatal,
        .removed = on_removed,
        .stopping = on_stopping,
        .greeted = on_greeted,
        .granted = on_granted,
        .bootstrap = on_bootstrap,
        .ctx = v,
    };
    v->server = server_new(&options);
    return server_listen(v->server, error);
}

static int open_store(struct vard *v, enum data_trust trust, struct buf *error)
{
    struct rocks_options options =
        options_of_store(&v->config, file_disk_bytes(v->process.dir));
    struct store_check check = start_check(&v->mark);
    char path[PATH_TEXT_MAX];
    char ballast[PATH_TEXT_MAX];
    bool proven = trust == DATA_PROVEN;

    process_path(&v->process, "db", path);
    process_path(&v->process, "reserve", ballast);
    options.ballast = ballast;
    if (!rocks_version_is_tested(rocks_version()))
        log_warning(v->log,
                    "linked to RocksDB %s but tested with %s only: its error "
                    "texts are not interpreted, and damage is not repaired",
                    rocks_version(), ROCKS_VERSION_TESTED);
    /* A database that lacks what was promised is refused before anything is
     * written to it. */
    options.check = proven && v->mark_found ? &check : NULL;
    int err = rocks_open(&v->store, path, &options, error);
    if (err != ERR_CORRUPT || trust != DATA_UNPROVEN)
        return err;
    buf_reset(error);
    err = refill_without_wal(&v->process, error);
    return err != 0 ? err : rocks_open(&v->store, path, &options, error);
}

/* What the members have agreed on while the directory was blank. */
static void boot_as_met(const struct vard *v, struct node_boot *boot)
{
    const struct meeting_result *met = &v->met;
    if (met->outcome == MEETING_WAIT)
        return;
    ASSERT(met->cluster_id != 0 && boot->cluster_id == 0);
    if (met->outcome == MEETING_JOIN) {
        boot->grant = &met->grant;
        return;
    }
    boot->cluster_id = met->cluster_id;
    boot->founding = &met->founding;
}

static int open_data(struct vard *v, enum data_trust trust, struct buf *error)
{
    struct node_boot boot = options_of_boot(&v->config);
    char path[PATH_TEXT_MAX];

    process_path(&v->process, "watermark", path);
    int err =
        watermark_open(&v->mark_file, path, &v->mark, &v->mark_found, error);
    if (err == 0)
        err = open_store(v, trust, error);
    if (err != 0)
        return err;
    boot.lost = trust != DATA_PROVEN;
    if (!boot.lost)
        boot_as_met(v, &boot);
    boot.store = v->store;
    boot.mark_file = v->mark_file;
    boot.mark = v->mark_found ? &v->mark : NULL;
    err = node_boot(&boot, &v->identity, error);
    if (err == 0 && node_boot_founding(v->store, &v->founding) != 0)
        v->founding = (struct founding){0};
    return err;
}

/* A node without others: nothing is ever sent. */
static int send_nowhere(void *ctx, node_id to, uint8_t frame_type,
                        enum transport_priority priority,
                        const struct bytes pieces[2])
{
    UNUSED(ctx);
    UNUSED(to);
    UNUSED(frame_type);
    UNUSED(priority);
    UNUSED(pieces);
    return ERR_CLOSED;
}

static int start_peers(struct vard *v, struct transport *transport,
                       struct buf *error)
{
    struct peer_settings settings;
    *transport = (struct transport){NULL, send_nowhere, NULL};
    if (v->config.node_count == 0)
        return 0; /* nobody can reach it */
    options_of_peers(&v->config, &v->identity, &settings);
    bool founded = v->identity.cluster_id != 0 && v->founding.count > 0;
    settings.options.founding = founded ? &v->founding : NULL;
    settings.options.lost =
        v->identity.cluster_id == 0 && node_boot_is_lost(v->store);
    settings.options.forced = settings.options.forced && !settings.options.lost;
    settings.options.log = v->log;
    settings.options.events = server_transport_events(v->server);
    int err = peers_new(&v->peers, v->loop, &settings.options, error);
    if (err == 0)
        *transport = peers_transport(v->peers);
    return err;
}

/* The directory is blank: the other members are greeted. */
static int start_meeting(struct vard *v, struct buf *error)
{
    struct transport transport;
    int err = start_peers(v, &transport, error);
    if (err != 0)
        return err;
    ASSERT(v->peers != NULL); /* on its own it has a cluster */
    v->met = (struct meeting_result){.outcome = MEETING_WAIT};
    meeting_init(&v->meeting, &v->config, v->identity.directory,
                 node_boot_is_lost(v->store));
    v->meeting_timer = (struct loop_timer){NULL, on_meeting_timer, v};
    v->meeting_told_ms = clock_mono_ms() - MEETING_TELL_MS + MEETING_FIRST_MS;
    on_meeting_timer(v);
    return 0;
}

static int start_node(struct vard *v, struct buf *error)
{
    struct transport transport;
    int err = start_peers(v, &transport, error);
    if (err != 0)
        return err;
    struct node_options options = options_of_node(&v->config, &v->identity);
    options.mark = v->mark_found ? &v->mark : NULL;
    if (node_boot_granted(v->store, &v->granted) == 0)
        options.founding = &v->granted;
    if (v->config.trace_file[0] != '\0') {
        err = trace_open(&v->trace, v->config.trace_file, v->log, error);
        options.trace = trace_line;
        options.trace_ctx = &v->trace;
    }
    if (err != 0)
        return err;
    v->disk =
        disk_thread_new(v->store, v->mark_file, server_disk_notify, v->server);
    const struct node_env env = {
        .store = v->store,
        .disk = v->disk,
        .transport = transport,
        .events = *server_node_events(v->server),
        .logger = v->log,
    };
    err = node_new(&v->node, &options, &env, error);
    if (err == 0) {
        raft_index at = 0;
        const struct configuration *c = node_configuration(v->node, &at);
        announce_members(v->log, &v->config, c, at);
    }
    return err;
}

static void close_data(struct vard *v)
{
    if (v->node != NULL)
        node_free(v->node);
    if (v->peers != NULL)
        peers_free(v->peers);
    if (v->disk != NULL)
        disk_thread_free(v->disk);
    if (v->mark_file != NULL)
        watermark_close(v->mark_file);
    if (v->store != NULL)
        store_close(v->store);
    trace_close(&v->trace);
    v->node = NULL;
    v->peers = NULL;
    v->disk = NULL;
    v->mark_file = NULL;
    v->store = NULL;
}

/* Damage found: the node goes on with less and less of what it has, as far
 * as the others can refill it. It is blank then, and asks to be let in. */
static int start_data(struct vard *v, struct buf *error)
{
    enum data_trust trust = refill_trust(&v->process);
    if (trust == DATA_PROVEN && v->standing.next == STANDING_OLD_COPY)
        trust = DATA_UNPROVEN;
    v->standing.next = STANDING_GOOD;
    int err = trust == DATA_PROVEN || refill_allowed(&v->config)
                  ? refill_prepare(&v->process, trust, error)
                  : refill_refused(&v->process, error);

    for (;;) {
        if (err == 0)
            err = open_data(v, trust, error);
        bool blank = v->identity.cluster_id == 0;
        ASSERT(err != 0 || blank || trust == DATA_PROVEN);
        if (err == 0)
            err = blank ? start_meeting(v, error) : start_node(v, error);
        if (err == 0 && trust != DATA_PROVEN)
            refill_done(&v->process);
        if (err != ERR_CORRUPT || trust == DATA_LOST ||
            !refill_allowed(&v->config))
            return err;
        log_warning(v->log, "%.*s", (int)error->len, (const char *)error->data);
        buf_reset(error);
        close_data(v);
        err = refill_prepare(&v->process, ++trust, error);
    }
}

static int start(struct vard *v, struct buf *error)
{
    int err = start_server(v, error);
    if (err == 0)
        err = start_data(v, error);
    if (err == 0 && v->node != NULL) {
        v->met = (struct meeting_result){.outcome = MEETING_WAIT};
        server_start(v->server, v->node, v->peers);
    }
    return err;
}

/* --- end ---------------------------------------------------------------- */

static void stop(struct vard *v)
{
    if (v->loop != NULL)
        loop_timer_stop(v->loop, &v->meeting_timer);
    close_data(v);
    server_free(v->server);
    loop_free(v->loop);
    v->server = NULL;
    v->loop = NULL;
}

static void fail(struct vard *v, const struct buf *error)
{
    if (v->log != NULL)
        log_warning(v->log, "cannot start: %.*s", (int)error->len,
                    (const char *)error->data);
    fprintf(stderr, "vard: cannot start: %.*s\n", (int)error->len,
            (const char *)error->data);
}

static bool begins_again(const struct vard *v)
{
    return !v->ending && (v->standing.next == STANDING_OLD_COPY ||
                          v->met.outcome != MEETING_WAIT);
}

/* Starts, runs, and stops, once. */
static int run_once(struct vard *v, struct buf *error)
{
    int err = start(v, error);
    if (err == 0) {
        if (is_supervised(&v->config))
            notify_send("READY=1\nSTATUS=Ready to accept connections\n");
        process_ready(&v->process);
        loop_run(v->loop);
        if (begins_again(v)) /* no signal is to be lost on the way */
            server_signals_end(v->server);
    }
    stop(v);
    return err;
}

static int run(struct vard *v)
{
    struct buf error = BUF_INIT;
    int err = process_begin(&v->process, &v->config, &error);
    if (v->process.log_open)
        v->log = &v->process.logfile.logger;
    if (err == 0)
        announce_start(v->log, &v->config, v->process.dir);
    else
        stop(v);
    while (err == 0) {
        err = run_once(v, &error);
        if (!begins_again(v))
            break;
    }
    if (err != 0)
        fail(v, &error);
    else if (v->standing.next == STANDING_LOST)
        err = ERR_MISMATCH; /* it has been said why */
    process_end(&v->process);
    buf_release(&error);
    return err == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct vard vard = {.trace.fd = -1};
    mem_keep_freed();
    int status = load_config(&vard, argc, argv);
    config_hide_secrets(argc, argv);
    if (status < 0)
        status = run(&vard);
    config_release(&vard.config);
    return status;
}

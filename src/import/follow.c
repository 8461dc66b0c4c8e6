/*
 * How it works: the commands of a server's stream go to the cluster in their
 * order, each in ONCE, whose id rises with the place in the stream. When all
 * that has come was answered, the server is told how far it is; so WAIT there
 * says when its changes are here. It goes on until a signal asks for the end,
 * or the server closes.
 *
 * How it fails: a command that is refused is reported and counted. An error of
 * the connections ends it.
 */
#include "import/follow.h"

#include "base/num.h"
#include "import/pipe.h"
#include "os/clock.h"
#include "resp/resp_reader.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define READ_MS  200
#define ACK_MS   1000
#define SHOW_MS  5000
#define BULK_MAX (512 * 1024 * 1024)

struct follow {
    const struct import_options *o;
    struct replica *replica;
    struct import_result *result;
    struct pipe pipe;
    struct resp_reader reader;
    uint64_t begun; /* the offset where the stream begins */
    uint64_t offset;
    uint32_t db;
    uint64_t commands;
    int64_t told_ms;
    int64_t shown_ms;
    bool wants_answer; /* the server asks how far it is */
};

static int answered(void *arg, const struct pipe_request *r,
                    const struct answer *a, struct buf *why)
{
    struct follow *f = arg;
    bool is_old = pipe_is_old(a);
    if (is_old && r->doubtful) {
        buf_reset(why);
        buf_printf(why,
                   "a node has refused a change for now, at %" PRIu64
                   " of the stream, and may have taken later ones: begin anew",
                   r->number);
        return ERR_MISMATCH;
    }
    if (a->kind != ANSWER_ERROR || is_old)
        return 0;
    fprintf(stderr, "vard-import: %.*s, at %" PRIu64 " of the stream: %.*s\n",
            (int)r->name.len, (const char *)r->name.data, r->number,
            (int)a->text.len, (const char *)a->text.data);
    f->result->state.refused++;
    return 0;
}

/* What is no change, or is known otherwise; transactions are taken apart. */
static bool is_passed_over(struct bytes name)
{
    static const char *const names[] = {"ping",    "replconf", "multi", "exec",
                                        "publish", "spublish", "select"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (bytes_eq_nocase(name, bytes_str(names[i])))
            return true;
    }
    return false;
}

static int send_command(struct follow *f, struct buf *why)
{
    struct pipe_request *r = NULL;
    char client[40];
    int err = pipe_next(&f->pipe, &r, why);
    if (err != 0)
        return err;
    snprintf(client, sizeof(client), "import-%016" PRIx64,
             f->result->state.run);
    r->db = f->db;
    r->number = f->result->state.done + (f->offset - f->begun);
    buf_bytes(&r->name, f->reader.argv[0]);
    pipe_add(r, BYTES_LIT("ONCE"));
    pipe_add(r, bytes_str(client));
    pipe_add_number(r, r->number);
    for (uint32_t i = 0; i < f->reader.argc; i++)
        pipe_add(r, f->reader.argv[i]);
    r->weight = r->args.len;
    f->commands++;
    return pipe_send(&f->pipe, why);
}

static int take_command(struct follow *f, struct buf *why)
{
    const struct bytes *argv = f->reader.argv;
    uint64_t db = 0;
    if (bytes_eq_nocase(argv[0], BYTES_LIT("select")) && f->reader.argc == 2 &&
        num_parse_u64(argv[1], &db))
        f->db = (uint32_t)MIN(db, (uint64_t)UINT32_MAX);
    if (bytes_eq_nocase(argv[0], BYTES_LIT("replconf")))
        f->wants_answer = true;
    return is_passed_over(argv[0]) ? 0 : send_command(f, why);
}

/* All whole commands that are there. */
static int take_commands(struct follow *f, struct buf *why)
{
    const struct resp_limits limits = {RESP_ARGC_MAX, BULK_MAX};
    struct buf *stream = &f->replica->stream;
    size_t at = 0;
    int err = 0;
    while (err == 0) {
        size_t used = 0;
        size_t need = 0;
        const char *error = NULL;
        struct bytes rest = bytes_from(buf_view(stream), at);
        enum resp_result got =
            resp_read(&f->reader, rest, &limits, &used, &need, &error);
        if (got == RESP_MORE)
            break;
        at += used;
        f->offset += used;
        if (got == RESP_ERROR) {
            buf_reset(why);
            buf_printf(why, "the server sends something else: %s", error);
            err = ERR_PROTOCOL;
        } else if (got == RESP_COMMAND) {
            err = take_command(f, why);
        }
    }
    buf_consume(stream, at);
    return err;
}

static int acknowledge(struct follow *f, struct buf *why)
{
    int err = pipe_finish(&f->pipe, why);
    f->told_ms = clock_mono_ms();
    f->wants_answer = false;
    return err != 0 ? err : replica_acknowledge(f->replica, f->offset, why);
}

static void show(struct follow *f)
{
    int64_t now_ms = clock_mono_ms();
    bool terminal = isatty(STDERR_FILENO) == 1;
    if (f->o->quiet || now_ms - f->shown_ms < (terminal ? ACK_MS : SHOW_MS))
        return;
    f->shown_ms = now_ms;
    fprintf(stderr, "%sfollowing: %" PRIu64 " commands, offset %" PRIu64 "%s",
            terminal ? "\r" : "", f->commands, f->offset,
            terminal ? "  " : "\n");
}

static int follow_until(struct follow *f, const sigset_t *ends, struct buf *why)
{
    const struct timespec at_once = {0, 0};
    for (;;) {
        int err = replica_read(f->replica, READ_MS, why);
        bool idle = err == ERR_NO_ANSWER;
        bool closed = err == ERR_CLOSED;
        if (err != 0 && !idle && !closed)
            return err;
        err = take_commands(f, why);
        bool asked = sigtimedwait(ends, NULL, &at_once) > 0;
        if (err == 0 && closed)
            return pipe_finish(&f->pipe, why);
        if (err == 0 && (idle || asked || f->wants_answer ||
                         clock_mono_ms() - f->told_ms > ACK_MS))
            err = acknowledge(f, why);
        if (err != 0 || asked)
            return err;
        show(f);
    }
}

int import_follow(const struct import_options *o, struct replica *replica,
                  struct import_result *result, struct buf *why)
{
    struct follow f = {.o = o,
                       .replica = replica,
                       .result = result,
                       .begun = replica->offset,
                       .offset = replica->offset};
    struct cluster cluster = o->cluster;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    pipe_init(&f.pipe, &cluster, answered, &f);
    resp_reader_init(&f.reader);
    int err = acknowledge(&f, why);
    if (err == 0) {
        printf("loaded %" PRIu64 " keys; following from offset %" PRIu64 "\n",
               result->state.loaded, f.offset);
        (void)fflush(stdout);
        err = follow_until(&f, &ends, why);
    }
    printf("followed %" PRIu64 " commands, up to offset %" PRIu64 "\n",
           f.commands, f.offset);
    resp_reader_release(&f.reader);
    pipe_release(&f.pipe);
    return err;
}

/*
 * Backups: taken from a node, chunk by chunk (RAFT SNAPSHOT), and verified from
 * the file alone.
 *
 * How it fails: with one line; a backup that was not finished leaves no file.
 */
#include "ctl/ctl.h"

#include "base/num.h"
#include "base/reader.h"
#include "client/info.h"
#include "os/clock.h"
#include "snapshot/archive.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define PAUSE_NS   5000000
#define PATIENT_MS 60000 /* without anything new */

struct backup {
    struct cluster *cluster;
    size_t node;
    char id[NUM_TEXT_MAX];
    struct answer answer;
    struct archive_writer *writer;
    struct inspect *inspect;
    struct inspect_totals totals;
    struct buf error;
};

static int say(const struct buf *text, int status)
{
    fprintf(stderr, "vardctl: %.*s\n", (int)text->len,
            text->len == 0 ? "" : (const char *)text->data);
    return status;
}

/* One request; CTL_GOOD with the answer, or why not in b->error. */
static int ask(struct backup *b, const char *const *argv, size_t argc)
{
    const struct link_request r = {.argv = argv, .argc = argc};
    struct cluster_node *n = &b->cluster->nodes[b->node];
    int err = cluster_ask_node(b->cluster, b->node, &r, b->cluster->timeout_ms,
                               &b->answer);
    struct bytes text = buf_view(&b->answer.text);
    if (err == 0 && b->answer.kind != ANSWER_ERROR)
        return CTL_GOOD;
    buf_printf(&b->error, "%s:%u: %.*s", n->host, n->port,
               err == 0 ? (int)text.len : (int)n->why.len,
               err == 0          ? (const char *)text.data
               : n->why.len == 0 ? ""
                                 : (const char *)n->why.data);
    return err == 0 ? CTL_REFUSED : CTL_NOT_DONE;
}

/* RAFT SNAPSHOT READ, until there is an answer. */
static int read_piece(struct backup *b, uint64_t number)
{
    char text[NUM_TEXT_MAX];
    int64_t until_ms = clock_mono_ms() + PATIENT_MS;
    num_format_i64((int64_t)number, text);
    const char *argv[] = {"RAFT", "SNAPSHOT", "READ", b->id, text};
    for (;;) {
        int status = ask(b, argv, ARRAY_LEN(argv));
        if (status != CTL_GOOD || b->answer.kind == ANSWER_TEXT)
            return status;
        if (clock_mono_ms() >= until_ms)
            break;
        (void)nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
    }
    buf_printf(&b->error, "the node has read nothing for a minute: its disk is "
                          "full, or does not answer (try: vardctl status)");
    return CTL_NOT_DONE;
}

static int open_snapshot(struct backup *b)
{
    const char *argv[] = {"RAFT", "SNAPSHOT", "OPEN"};
    int status = ask(b, argv, ARRAY_LEN(argv));
    if (status != CTL_GOOD)
        return status;
    num_format_i64(b->answer.number, b->id);
    return read_piece(b, 0);
}

static void close_snapshot(struct backup *b)
{
    const char *argv[] = {"RAFT", "SNAPSHOT", "CLOSE", b->id};
    if (b->id[0] != '\0')
        (void)ask(b, argv, ARRAY_LEN(argv));
}

/* CTL_NO: that was the last. */
static int take_chunk(struct backup *b, uint64_t number)
{
    int status = read_piece(b, number);
    if (status != CTL_GOOD)
        return status;
    struct bytes raw = buf_view(&b->answer.text);
    struct reader in = reader_of(raw);
    struct chunk c = {.number = reader_u64(&in)};
    c.hash = reader_u64(&in);
    c.rows = in.rest;
    if (in.failed) {
        buf_str(&b->error, "the node's answer is no chunk");
        return CTL_REFUSED;
    }
    if (c.rows.len == 0)
        return CTL_NO;
    if (inspect_chunk(b->inspect, &c, &b->error) != 0)
        return CTL_REFUSED;
    return archive_add(b->writer, &c, &b->error) == 0 ? CTL_GOOD : CTL_NOT_DONE;
}

static int copy(struct backup *b, const char *file)
{
    if (archive_create(&b->writer, file, buf_view(&b->answer.text),
                       &b->error) != 0)
        return CTL_NOT_DONE;
    int status = CTL_GOOD;
    for (uint64_t number = 1; status == CTL_GOOD; number++)
        status = take_chunk(b, number);
    if (status != CTL_NO)
        return status;
    if (inspect_end(b->inspect, &b->totals, &b->error) != 0)
        return CTL_REFUSED;
    return archive_finish(b->writer, &b->totals, &b->error) == 0 ? CTL_GOOD
                                                                 : CTL_NOT_DONE;
}

/* A follower that answers, else whoever does. */
static bool choose(struct cluster *c, size_t *node)
{
    const char *argv[] = {"INFO", "raft"};
    const struct link_request r = {.argv = argv, .argc = 2};
    struct cluster_replies replies = {.count = 0};
    bool found = false;
    bool follows = false;
    cluster_discover(c);
    cluster_ask_all(c, 0, &r, CTL_ASK_MS, &replies);
    for (size_t i = 0; i < replies.count && !follows; i++) {
        struct bytes text = buf_view(&replies.of[i].answer.text);
        if (replies.of[i].err != 0)
            continue;
        follows =
            bytes_eq(info_field(text, "raft_role"), BYTES_LIT("follower"));
        if (follows || !found)
            *node = i;
        found = true;
    }
    cluster_replies_release(&replies);
    return found;
}

static void print_totals(const char *file, const struct inspect_totals *t)
{
    printf("%s: whole, entry %" PRIu64 " of term %" PRIu64 ", %" PRIu64
           " keys, %" PRIu64 " of them with an expiry, %" PRIu64
           " rows of %" PRIu64 " bytes in %" PRIu64 " chunks, hash %016" PRIx64
           "\n",
           file, t->applied.index, t->applied.term, t->keys, t->expires,
           t->rows, t->bytes, t->chunks, t->hash);
}

int backup_take(struct cluster *c, const char *file, const char *from)
{
    struct backup b = {.cluster = c, .inspect = inspect_new()};
    int status = CTL_GOOD;
    if (from != NULL) {
        b.node = c->node_count;
        if (!cluster_add_list(c, from) || c->node_count == b.node) {
            buf_printf(&b.error, "not a new HOST:PORT: %s", from);
            status = CTL_USAGE;
        }
    } else if (!choose(c, &b.node)) {
        buf_str(&b.error, "no node answers (try: vardctl status)");
        status = CTL_NOT_DONE;
    }
    if (status == CTL_GOOD)
        status = open_snapshot(&b);
    if (status == CTL_GOOD)
        status = copy(&b, file);
    archive_close(b.writer);
    if (status == CTL_GOOD)
        print_totals(file, &b.totals);
    else
        status = say(&b.error, status);
    close_snapshot(&b);
    inspect_free(b.inspect);
    buf_release(&b.answer.text);
    buf_release(&b.error);
    return status;
}

int backup_verify(const char *file)
{
    struct archive_reader *r;
    struct inspect_totals totals;
    struct chunk c;
    struct buf error = BUF_INIT;
    int err = archive_open(&r, file, &error);
    if (err == 0) {
        while ((err = archive_next(r, &c, &totals, &error)) == 0) {
        }
        archive_free(r);
    }
    if (err == ERR_NOT_FOUND)
        print_totals(file, &totals);
    int status = err == ERR_NOT_FOUND ? CTL_GOOD : say(&error, CTL_NO);
    buf_release(&error);
    return status;
}

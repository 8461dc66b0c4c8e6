/*
 * How it works: after a greeting the server makes a file of what it has, and
 * sends it behind a line with its length, or with a mark of 40 letters that is
 * sent again at its end; empty lines say meanwhile that it is still there.
 *
 * How it fails: a server that refuses, or sends something else, is
 * ERR_PROTOCOL with its words.
 */
#include "import/replica.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 1024
#define MARK_SIZE      40

static int refuse(struct buf *why, struct bytes text)
{
    buf_reset(why);
    buf_bytes(why, text);
    return ERR_PROTOCOL;
}

static int ask(struct replica *r, const struct link_request *request,
               struct buf *why)
{
    struct answer a = {0};
    int err = link_ask(r->link, request, r->timeout_ms, &a, why);
    if (err == 0 && a.kind == ANSWER_ERROR)
        err = refuse(why, buf_view(&a.text));
    buf_release(&a.text);
    return err;
}

static int greet(struct replica *r, const struct import_options *o,
                 struct buf *why)
{
    const char *auth[] = {"AUTH", o->server_password};
    const char *ping[] = {"PING"};
    const char *can[] = {"REPLCONF", "capa", "eof", "capa", "psync2"};
    const struct link_request requests[] = {{.argv = auth, .argc = 2},
                                            {.argv = ping, .argc = 1},
                                            {.argv = can, .argc = 5}};
    int err = 0;
    for (size_t i = o->server_password == NULL; err == 0 && i < 3; i++)
        err = ask(r, &requests[i], why);
    if (err != 0)
        return err;
    return link_write(r->link,
                      BYTES_LIT("*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"),
                      why);
}

/* The next line that is not empty. */
static int read_line(struct replica *r, char line[LINE_MAX_BYTES],
                     struct buf *why)
{
    for (;;) {
        struct bytes b = buf_view(&r->early);
        const uint8_t *end = b.len > 0 ? memchr(b.data, '\n', b.len) : NULL;
        if (end != NULL) {
            size_t len = (size_t)(end - b.data);
            snprintf(line, LINE_MAX_BYTES, "%.*s",
                     (int)MIN(len, (size_t)LINE_MAX_BYTES - 1),
                     (const char *)b.data);
            line[strcspn(line, "\r")] = '\0';
            buf_consume(&r->early, len + 1);
            if (line[0] != '\0')
                return 0;
            continue;
        }
        if (b.len > LINE_MAX_BYTES)
            return refuse(why, BYTES_LIT("this is no Redis server"));
        int err = link_read(r->link, r->timeout_ms, &r->early, why);
        if (err == ERR_NO_ANSWER)
            return refuse(why, BYTES_LIT("the server sends nothing"));
        if (err != 0)
            return err;
    }
}

static int read_head(struct replica *r, struct buf *why)
{
    char line[LINE_MAX_BYTES];
    char id[64];
    int err = read_line(r, line, why);
    if (err != 0)
        return err;
    if (sscanf(line, "+FULLRESYNC %63s %" SCNu64, id, &r->offset) != 2)
        return refuse(why, bytes_str(line));
    err = read_line(r, line, why);
    if (err != 0)
        return err;
    if (strncmp(line, "$EOF:", 5) == 0 && strlen(line) == 5 + MARK_SIZE)
        memcpy(r->mark, line + 5, MARK_SIZE + 1);
    else if (sscanf(line, "$%" SCNu64, &r->length) != 1 || r->length == 0)
        return refuse(why, bytes_str(line));
    r->source->all = r->length;
    return 0;
}

static int more(void *arg, struct buf *to)
{
    struct replica *r = arg;
    if (r->early.len > 0) {
        buf_bytes(to, buf_view(&r->early));
        buf_reset(&r->early);
        return 0;
    }
    int err = link_read(r->link, r->timeout_ms, to, &r->why);
    if (err == ERR_NO_ANSWER)
        (void)refuse(&r->why, BYTES_LIT("the server sends nothing"));
    return err;
}

/* Behind the file: the mark, and then the stream. */
static int end_file(struct replica *r, struct buf *why)
{
    struct rdb_in *in = &r->file.in;
    if (r->mark[0] != '\0') {
        struct bytes mark = rdb_in_bytes(in, MARK_SIZE);
        if (in->err != 0 || !bytes_eq(mark, bytes_str(r->mark)))
            return refuse(why, BYTES_LIT("the file has no end"));
    } else if (in->offset != r->length) {
        return refuse(why, BYTES_LIT("the file has another length"));
    }
    buf_bytes(&r->stream, in->rest);
    in->rest = BYTES_NONE;
    return 0;
}

static int next(void *self, struct rdb_key *key, struct buf *why)
{
    struct replica *r = self;
    int got = rdb_file_next(&r->file, key);
    r->source->done = r->file.in.offset;
    if (got == 0)
        return end_file(r, why);
    if (got < 0 && r->why.len > 0)
        return refuse(why, buf_view(&r->why));
    if (got < 0) {
        buf_reset(why);
        buf_printf(why, "%s %s, in what the server sends", error_text(got),
                   r->file.refused);
    }
    return got;
}

static void close_nothing(void *self)
{
    UNUSED(self);
}

static int connect_to(struct replica *r, const struct import_options *o,
                      struct buf *why)
{
    struct cluster one = {.node_count = 0};
    if (!cluster_add(&one, bytes_str(o->server), false))
        return refuse(why, BYTES_LIT("this is no address"));
    int err = link_open(&r->link, one.nodes[0].host, one.nodes[0].port,
                        r->timeout_ms, why);
    cluster_release(&one);
    return err;
}

int replica_open(struct replica *r, struct source *s,
                 const struct import_options *o, struct buf *why)
{
    *r = (struct replica){.source = s, .timeout_ms = o->cluster.timeout_ms};
    rdb_file_init(&r->file, more, r, IMPORT_PAYLOAD_MAX - 64);
    *s = (struct source){.self = r, .next = next, .close = close_nothing};
    int err = connect_to(r, o, why);
    if (err == 0)
        err = greet(r, o, why);
    if (err == 0)
        err = read_head(r, why);
    if (err == 0 && rdb_file_begin(&r->file) != 0)
        err = refuse(why, r->why.len > 0
                              ? buf_view(&r->why)
                              : BYTES_LIT("it sends a file of a version that "
                                          "is not known here"));
    if (err != 0)
        replica_close(r);
    return err;
}

void replica_close(struct replica *r)
{
    link_close(r->link);
    r->link = NULL;
    rdb_file_release(&r->file);
    buf_release(&r->stream);
    buf_release(&r->early);
    buf_release(&r->why);
}

int replica_read(struct replica *r, int64_t timeout_ms, struct buf *why)
{
    return link_read(r->link, timeout_ms, &r->stream, why);
}

int replica_acknowledge(struct replica *r, uint64_t offset, struct buf *why)
{
    char number[24];
    char text[96];
    snprintf(number, sizeof(number), "%" PRIu64, offset);
    int len = snprintf(text, sizeof(text),
                       "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$%zu\r\n%s\r\n",
                       strlen(number), number);
    return link_write(r->link, bytes_of(text, (size_t)len), why);
}

/*
 * Reads back through each node what the notes of loadgen_write say, and
 * judges every tag: acknowledged ones must be there once (and in order, for
 * APPEND), unknown ones at most once, refused ones and strangers never.
 *
 * The outcomes of a writer are kept in a string indexed by tag, so that the
 * judgement is one pass over notes and one over data.
 */
#include "loadgen.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <inttypes.h>
#include <string.h>

#define PROBLEMS_SHOWN 20

struct notes {
    struct buf writers[LOADGEN_WRITERS_MAX]; /* [tag] = outcome, 0: none */
    int writer_count;
};

struct verdict {
    int64_t acked, unknown_seen, problems;
};

static void problem(struct verdict *v, const char *what, int writer,
                    int64_t tag)
{
    if (v->problems++ < PROBLEMS_SHOWN)
        printf("problem: writer %d, tag %" PRId64 ": %s\n", writer, tag, what);
}

static void add_note(struct notes *n, char outcome, int writer, int64_t tag)
{
    struct buf *b = &n->writers[writer];
    while (b->len <= (size_t)tag)
        buf_u8(b, 0);
    b->data[tag] = (uint8_t)outcome;
    n->writer_count = MAX(n->writer_count, writer + 1);
}

static bool read_notes(const char *path, struct notes *n)
{
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        return false;
    }
    char outcome = 0;
    int writer = 0;
    int64_t tag = 0;
    while (fscanf(f, " %c %d %" SCNd64, &outcome, &writer, &tag) == 3) {
        if (writer < 0 || writer >= LOADGEN_WRITERS_MAX || tag < 1 ||
            tag > INT32_MAX)
            break;
        add_note(n, outcome, writer, tag);
    }
    bool whole = feof(f) != 0;
    fclose(f);
    if (!whole)
        fprintf(stderr, "%s: a line is not \"A writer tag\"\n", path);
    return whole;
}

/* One tag found in the data; `seen` has a byte for each tag. */
static void judge_found(struct verdict *v, const struct buf *notes,
                        struct buf *seen, int writer, int64_t tag)
{
    char outcome = 0;
    if (tag > 0 && (size_t)tag < notes->len)
        outcome = (char)notes->data[tag];
    if (outcome != OUTCOME_ACKED && outcome != OUTCOME_UNKNOWN) {
        problem(v, outcome == 0 ? "nobody wrote it" : "was refused, but is in",
                writer, tag);
        return;
    }
    if (seen->data[tag]++ != 0)
        problem(v, "is in twice", writer, tag);
    v->unknown_seen += outcome == OUTCOME_UNKNOWN;
}

static void judge_missing(struct verdict *v, const struct buf *notes,
                          const struct buf *seen, int writer)
{
    for (size_t tag = 1; tag < notes->len; tag++) {
        if (notes->data[tag] != OUTCOME_ACKED)
            continue;
        v->acked++;
        if (seen->data[tag] == 0)
            problem(v, "was acknowledged and is lost", writer, (int64_t)tag);
    }
}

/* ";1;2;3": acknowledged tags in order. */
static void judge_append(struct verdict *v, const struct buf *notes,
                         const char *text, int writer)
{
    struct buf seen = BUF_INIT;
    int64_t last = 0;
    memset(buf_reserve(&seen, notes->len + 1), 0, notes->len + 1);
    while (*text != '\0') {
        int64_t tag = 0;
        int len = 0;
        if (sscanf(text, ";%" SCNd64 "%n", &tag, &len) != 1) {
            problem(v, "the value is garbled", writer, last);
            break;
        }
        judge_found(v, notes, &seen, writer, tag);
        bool acked = tag > 0 && (size_t)tag < notes->len &&
                     notes->data[tag] == OUTCOME_ACKED;
        if (acked && tag < last)
            problem(v, "is out of order", writer, tag);
        if (acked)
            last = tag;
        text += len;
    }
    judge_missing(v, notes, &seen, writer);
    buf_release(&seen);
}

/* The counter lies between the acknowledged and those plus the unknown. */
static void judge_incr(struct verdict *v, const struct buf *notes,
                       const char *text, int writer)
{
    int64_t value = 0, acked = 0, unknown = 0;
    for (size_t tag = 1; tag < notes->len; tag++) {
        acked += notes->data[tag] == OUTCOME_ACKED;
        unknown += notes->data[tag] == OUTCOME_UNKNOWN;
    }
    if (*text != '\0' && sscanf(text, "%" SCNd64, &value) != 1)
        problem(v, "the counter is not a number", writer, 0);
    if (value < acked)
        problem(v, "increments are lost", writer, acked - value);
    if (value > acked + unknown)
        problem(v, "increments are doubled", writer, value - acked - unknown);
    v->acked += acked;
    v->unknown_seen += MAX(value - acked, 0);
}

static redisReply *get(redisContext *c, const char *key, struct verdict *v,
                       int writer)
{
    redisReply *reply = redisCommand(c, "GET %s", key);
    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        printf("GET %s: %s\n", key, reply != NULL ? reply->str : c->errstr);
        problem(v, "could not be read", writer, 0);
    }
    return reply;
}

static const char *text_of(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? reply->str : "";
}

static void judge_set(struct verdict *v, const struct loadgen_options *o,
                      redisContext *c, const struct buf *notes, int writer)
{
    char key[LOADGEN_TEXT_MAX];
    struct buf seen = BUF_INIT;
    memset(buf_reserve(&seen, notes->len + 1), 0, notes->len + 1);
    for (size_t tag = 1; tag < notes->len && c->err == 0; tag++) {
        int64_t found = 0;
        loadgen_key(o, writer, (int64_t)tag, key);
        redisReply *reply = get(c, key, v, writer);
        if (reply == NULL)
            break;
        if (sscanf(text_of(reply), "%" SCNd64 ";", &found) == 1)
            judge_found(v, notes, &seen, writer, found);
        freeReplyObject(reply);
    }
    judge_missing(v, notes, &seen, writer);
    buf_release(&seen);
}

static void judge_writer(struct verdict *v, const struct loadgen_options *o,
                         redisContext *c, const struct buf *notes, int writer)
{
    if (o->op == LOADGEN_SET) {
        judge_set(v, o, c, notes, writer);
        return;
    }
    char key[LOADGEN_TEXT_MAX];
    loadgen_key(o, writer, 0, key);
    redisReply *reply = get(c, key, v, writer);
    if (reply == NULL)
        return;
    if (o->op == LOADGEN_APPEND)
        judge_append(v, notes, text_of(reply), writer);
    else
        judge_incr(v, notes, text_of(reply), writer);
    freeReplyObject(reply);
}

static int64_t verify_node(const struct loadgen_options *o,
                           const struct notes *n, int node)
{
    struct verdict v = {0};
    char error[LOADGEN_TEXT_MAX];
    redisContext *c = loadgen_connect(o, node, error);
    if (c == NULL) {
        printf("problem: %s:%d: %s\n", o->nodes[node].host, o->nodes[node].port,
               error);
        return 1;
    }
    for (int i = 0; i < n->writer_count && c->err == 0; i++)
        judge_writer(&v, o, c, &n->writers[i], i);
    if (c->err != 0)
        v.problems++;
    redisFree(c);
    printf("verify %s:%d acked %" PRId64 " unknown-but-in %" PRId64
           " problems %" PRId64 "\n",
           o->nodes[node].host, o->nodes[node].port, v.acked, v.unknown_seen,
           v.problems);
    return v.problems;
}

int loadgen_verify(const struct loadgen_options *o)
{
    struct notes *n = mem_zalloc(sizeof(*n));
    int64_t problems = 1;
    if (read_notes(o->acks_path, n)) {
        problems = 0;
        for (int i = 0; i < o->node_count; i++)
            problems += verify_node(o, n, i);
    }
    for (int i = 0; i < n->writer_count; i++)
        buf_release(&n->writers[i]);
    mem_free(n);
    return problems == 0 ? 0 : 1;
}

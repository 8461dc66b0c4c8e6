/*
 * How it works: requests are kept in a ring until they are answered, in their
 * order, which is that of the answers.
 *
 * How it fails: when nothing was answered for as long as the timeout says, with
 * the last reason. An answer that says that nothing was done for now (see
 * cluster.c) is not given on.
 */
#include "import/pipe.h"

#include "base/num.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CONNECT_MS 1000
#define PAUSE_MS   50

void pipe_init(struct pipe *p, struct cluster *c, pipe_answered_fn *answered,
               void *arg)
{
    *p = (struct pipe){.cluster = c, .answered = answered, .arg = arg};
}

static void drop(struct pipe *p)
{
    link_close(p->link);
    p->link = NULL;
}

void pipe_release(struct pipe *p)
{
    drop(p);
    for (uint32_t i = 0; i < PIPE_WINDOW; i++) {
        buf_release(&p->requests[i].args);
        buf_release(&p->requests[i].lengths);
        buf_release(&p->requests[i].name);
    }
    buf_release(&p->answer.text);
    buf_release(&p->argv);
}

static struct pipe_request *nth(struct pipe *p, uint32_t n)
{
    return &p->requests[(p->first + n) % PIPE_WINDOW];
}

void pipe_add(struct pipe_request *r, struct bytes arg)
{
    buf_bytes(&r->args, arg);
    buf_append(&r->lengths, &arg.len, sizeof(arg.len));
    r->argc++;
}

void pipe_add_number(struct pipe_request *r, uint64_t n)
{
    char text[NUM_TEXT_MAX];
    ASSERT(n <= INT64_MAX);
    size_t len = num_format_i64((int64_t)n, text);
    pipe_add(r, bytes_of(text, len));
}

/* --- one connection ----------------------------------------------------- */

static int send_one(struct pipe *p, struct pipe_request *r, struct buf *why)
{
    const char *at = (const char *)r->args.data;
    const size_t *lengths = (const size_t *)(const void *)r->lengths.data;
    char db[12];
    const char *select[] = {"SELECT", db};
    const struct link_request change = {.argv = select, .argc = 2};
    buf_reset(&p->argv);
    for (uint32_t i = 0; i < r->argc; at += lengths[i++])
        buf_append(&p->argv, &at, sizeof(at));
    const struct link_request own = {
        .argv = (const char *const *)(const void *)p->argv.data,
        .lengths = lengths,
        .argc = r->argc};
    r->selects = r->db != p->db;
    snprintf(db, sizeof(db), "%u", r->db);
    int err = r->selects ? link_send(p->link, &change, why) : 0;
    p->db = r->db;
    return err != 0 ? err : link_send(p->link, &own, why);
}

static bool begins(const struct answer *a, const char *code)
{
    size_t len = strlen(code);
    return a->kind == ANSWER_ERROR && a->text.len >= len &&
           memcmp(a->text.data, code, len) == 0;
}

bool pipe_is_old(const struct answer *a)
{
    return begins(a, "ERR this request id is older");
}

/* It may be sent again. */
static bool is_passing(const struct answer *a)
{
    static const char *const codes[] = {"CLUSTERDOWN", "LOADING", "TRYAGAIN",
                                        "UNKNOWN",     "OOM",     "MISCONF"};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (begins(a, codes[i]))
            return true;
    }
    return false;
}

static int refuse(const struct answer *a, struct buf *why)
{
    buf_reset(why);
    buf_bytes(why, buf_view(&a->text));
    return ERR_AUTH;
}

static int authenticate(struct pipe *p, struct buf *why)
{
    const char *argv[] = {"AUTH", p->cluster->password};
    const struct link_request auth = {.argv = argv, .argc = 2};
    if (p->cluster->password == NULL)
        return 0;
    int err = link_ask(p->link, &auth, p->cluster->timeout_ms, &p->answer, why);
    if (err == 0 && p->answer.kind == ANSWER_ERROR)
        return refuse(&p->answer, why);
    return err;
}

/* To the next node; sends what was not answered. */
static int connect_once(struct pipe *p, struct buf *why)
{
    struct cluster *c = p->cluster;
    const struct cluster_node *n = &c->nodes[c->next++ % c->node_count];
    int err = link_open(&p->link, n->host, n->port, CONNECT_MS, why);
    if (err != 0) {
        p->link = NULL;
        return ERR_IO;
    }
    err = authenticate(p, why);
    p->db = 0;
    for (uint32_t i = 0; err == 0 && i < p->count; i++)
        err = send_one(p, nth(p, i), why);
    if (err != 0)
        drop(p);
    return err;
}

static int connect_by(struct pipe *p, int64_t end_ms, struct buf *why)
{
    ASSERT(p->link == NULL && p->cluster->node_count > 0);
    for (;;) {
        int err = connect_once(p, why);
        if (err == 0 || err == ERR_AUTH || clock_mono_ms() >= end_ms)
            return err;
        struct timespec pause = {0, PAUSE_MS * 1000000};
        nanosleep(&pause, NULL);
    }
}

/* --- answers ------------------------------------------------------------ */

static int receive_once(struct pipe *p, const struct pipe_request *r,
                        struct buf *why)
{
    int64_t timeout_ms = p->cluster->timeout_ms;
    int err = 0;
    if (r->selects) {
        err = link_receive(p->link, timeout_ms, &p->answer, why);
        /* What came behind it may be in another database now. */
        if (err == 0 && p->answer.kind == ANSWER_ERROR)
            return refuse(&p->answer, why);
    }
    if (err == 0)
        err = link_receive(p->link, timeout_ms, &p->answer, why);
    if (err == 0 && is_passing(&p->answer)) {
        (void)refuse(&p->answer, why);
        err = ERR_AGAIN;
    }
    return err;
}

/* What a node refuses for now leaves a gap if it takes the next one: an answer
 * that says that a later one was executed does not say then that this was.
 * UNKNOWN leaves none: such a request keeps its place. */
static void doubt_all(struct pipe *p)
{
    if (begins(&p->answer, "UNKNOWN"))
        return;
    for (uint32_t i = 0; i < p->count; i++)
        nth(p, i)->doubtful = true;
}

/* The answer to the first request. */
static int receive(struct pipe *p, struct buf *why)
{
    int64_t end_ms = clock_mono_ms() + p->cluster->timeout_ms;
    struct pipe_request *r = nth(p, 0);
    int err = 0;
    ASSERT(p->count > 0);
    for (;;) {
        err = p->link == NULL ? connect_by(p, end_ms, why) : 0;
        if (err != 0)
            return err;
        err = receive_once(p, r, why);
        if (err == 0)
            break;
        if (err == ERR_AGAIN)
            doubt_all(p);
        drop(p);
        if (err == ERR_AUTH || clock_mono_ms() >= end_ms)
            return err;
        struct timespec pause = {0, PAUSE_MS * 1000000};
        nanosleep(&pause, NULL);
    }
    if (begins(&p->answer, "NOAUTH") || begins(&p->answer, "NOPERM"))
        return refuse(&p->answer, why);
    err = p->answered(p->arg, r, &p->answer, why);
    p->bytes -= r->weight;
    p->first = (p->first + 1) % PIPE_WINDOW;
    p->count--;
    return err;
}

/* --- requests ----------------------------------------------------------- */

int pipe_settle(struct pipe *p, uint64_t number, struct buf *why)
{
    int err = 0;
    while (err == 0 && p->count > 0 &&
           number - nth(p, 0)->number >= PIPE_WINDOW)
        err = receive(p, why);
    return err;
}

int pipe_next(struct pipe *p, struct pipe_request **out, struct buf *why)
{
    int err = 0;
    while (err == 0 && p->count > 0 &&
           (p->count == PIPE_WINDOW || p->bytes > PIPE_BYTES))
        err = receive(p, why);
    if (err != 0)
        return err;
    struct pipe_request *r = nth(p, p->count);
    buf_reset(&r->args);
    buf_reset(&r->lengths);
    buf_shrink(&r->args, 65536);
    buf_reset(&r->name);
    r->argc = 0;
    r->expire_ms = 0;
    r->weight = 0;
    r->doubtful = false;
    *out = r;
    return 0;
}

int pipe_send(struct pipe *p, struct buf *why)
{
    struct pipe_request *r = nth(p, p->count);
    ASSERT(p->count < PIPE_WINDOW && r->argc > 0);
    p->count++;
    p->bytes += r->weight;
    if (p->link == NULL)
        return 0; /* with the answer that is waited for */
    if (send_one(p, r, why) != 0)
        drop(p);
    return 0;
}

int pipe_finish(struct pipe *p, struct buf *why)
{
    int err = 0;
    while (err == 0 && p->count > 0)
        err = receive(p, why);
    return err;
}

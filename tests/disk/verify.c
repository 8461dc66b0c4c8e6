/*
 * The promises: term and vote; the log up to the entry acknowledged, unless
 * replaced since; the state an exact prefix of what was committed, which the
 * log continues without a gap.
 */
#include "verify.h"

#include "collect.h"
#include "replica.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef unsigned long long ull;

const char *verdict_text(enum verdict v)
{
    static const char *const texts[] = {
#define X(name, text) text,
        VERDICTS(X)
#undef X
    };
    ASSERT(v < VERDICT_COUNT);
    return texts[v];
}

static enum verdict check_hard_state(const struct replica *r,
                                     const struct history *h, struct buf *why)
{
    bool vote_lost = r->start.term == h->term && h->vote != NODE_NONE &&
                     r->start.vote != h->vote;
    if (r->start.term >= h->term && !vote_lost)
        return VERDICT_RIGHT;
    buf_printf(why, "term %llu vote %u, but told were term %llu vote %u",
               (ull)r->start.term, r->start.vote, (ull)h->term, h->vote);
    return VERDICT_WRONG;
}

static enum verdict check_entries(struct replica *r, struct buf *why)
{
    struct buf stored = BUF_INIT;
    struct buf made = BUF_INIT;
    enum verdict v = VERDICT_RIGHT;
    raft_index last = journal_last(r->log);
    for (raft_index i = journal_first(r->log); v == VERDICT_RIGHT && i <= last;
         i++) {
        struct entry e;
        struct entry expected;
        if (journal_read(r->log, i, &e, &stored) != 0) {
            buf_printf(why, "entry %llu cannot be read", (ull)i);
            v = VERDICT_STOPPED;
            break;
        }
        history_entry(i, e.term, &made, &expected);
        if (e.checksum != expected.checksum) {
            buf_printf(why, "entry %llu was never written", (ull)i);
            v = VERDICT_WRONG;
        }
    }
    buf_release(&stored);
    buf_release(&made);
    return v;
}

static enum verdict check_acknowledged(struct replica *r,
                                       const struct history *h, struct buf *why)
{
    uint64_t chain = 0;
    const struct committed *c = history_at(h, h->durable);
    if (h->durable == 0)
        return VERDICT_RIGHT;
    /* The state has it: then it is committed. */
    if (h->durable <= r->applied.index && c != NULL)
        return VERDICT_RIGHT;
    int rc = journal_chain(r->log, h->durable, &chain);
    if (rc == 0 && chain == h->durable_chain)
        return VERDICT_RIGHT;
    buf_printf(
        why,
        "entry %llu was acknowledged, but the log is %llu to %llu%s, "
        "the state %llu",
        (ull)h->durable, (ull)journal_first(r->log), (ull)journal_last(r->log),
        rc == 0 ? " with another entry there" : "", (ull)r->applied.index);
    return VERDICT_WRONG;
}

static enum verdict check_value(const struct history *h, raft_index writer,
                                struct bytes value)
{
    struct buf made = BUF_INIT;
    struct entry e;
    if (writer == 0)
        return VERDICT_WRONG;
    history_entry(writer, h->list[writer - 1].term, &made, &e);
    bool same = bytes_eq(e.payload, value);
    buf_release(&made);
    return same ? VERDICT_RIGHT : VERDICT_WRONG;
}

/* Every key that is there has the right value; how many are there. */
static enum verdict check_keys(struct replica *r, const struct history *h,
                               raft_index last[HISTORY_KEYS], struct buf *why)
{
    enum verdict v = VERDICT_RIGHT;
    struct store_iter *it = store_iter_new(r->store, STORE_STATE);
    for (store_iter_seek(it, BYTES_LIT("")); store_iter_valid(it);
         store_iter_next(it)) {
        int key = history_key(store_iter_key(it));
        if (key == -1)
            continue;
        if (key < 0 ||
            check_value(h, last[key], store_iter_value(it)) != VERDICT_RIGHT) {
            buf_printf(why, "state at %llu: key %d has another value",
                       (ull)r->applied.index, key);
            v = VERDICT_WRONG;
            break;
        }
        last[key] = 0;
    }
    if (v == VERDICT_RIGHT && store_iter_status(it) != 0) {
        buf_str(why, store_error(r->store));
        v = VERDICT_STOPPED;
    }
    store_iter_free(it);
    return v;
}

static enum verdict check_state(struct replica *r, const struct history *h,
                                struct buf *why)
{
    raft_index last[HISTORY_KEYS];
    const struct committed *c = history_at(h, r->applied.index);
    if (r->applied.index > 0 && (c == NULL || c->chain != r->applied.chain)) {
        buf_printf(why, "the state is at %llu, which is not committed",
                   (ull)r->applied.index);
        return VERDICT_WRONG;
    }
    if (collect_used())
        return collect_same(r->store, h, r->applied.index, why) ? VERDICT_RIGHT
                                                                : VERDICT_WRONG;
    history_fold(h, r->applied.index, last);
    enum verdict v = check_keys(r, h, last, why);
    for (int k = 0; v == VERDICT_RIGHT && k < HISTORY_KEYS; k++) {
        if (last[k] != 0) {
            buf_printf(why, "state at %llu: key %d is missing",
                       (ull)r->applied.index, k);
            v = VERDICT_WRONG;
        }
    }
    return v;
}

static enum verdict check(struct replica *r, const struct history *h,
                          struct buf *why)
{
    enum verdict v = check_hard_state(r, h, why);
    if (v == VERDICT_RIGHT)
        v = check_entries(r, why);
    if (v == VERDICT_RIGHT)
        v = check_state(r, h, why);
    if (v == VERDICT_RIGHT)
        v = check_acknowledged(r, h, why);
    return v;
}

/* A new term and a few entries, durable as the disk thread makes them. */
static int write_more(struct replica *r, raft_index *last, struct buf *why)
{
    struct store_batch b = STORE_BATCH_INIT;
    struct buf scratch = BUF_INIT;
    struct watermark mark = r->mark;
    raft_term term = r->start.term + 1;
    journal_hard_state(r->log, &b, term, 1);
    for (int i = 0; i < 3; i++) {
        struct entry e;
        *last = journal_last(r->log) + 1;
        history_entry(*last, term, &scratch, &e);
        journal_append(r->log, &b, &e);
    }
    int rc = store_write(r->store, &b, STORE_LOGGED);
    if (rc == 0)
        rc = store_sync(r->store);
    mark.cluster_id = r->identity.cluster_id;
    mark.node = r->identity.node;
    mark.incarnation = r->identity.incarnation;
    mark.directory = r->identity.directory;
    mark.nonce = r->identity.nonce;
    mark.term = term;
    mark.vote = 1;
    mark.index = *last;
    mark.index_term = term;
    if (rc == 0)
        rc = journal_chain(r->log, *last, &mark.chain);
    if (rc == 0)
        rc = watermark_write(r->file, &mark, true);
    if (rc != 0)
        buf_printf(why, "writing on: %s", store_error(r->store));
    store_batch_release(&b);
    buf_release(&scratch);
    return rc;
}

static enum verdict go_on(struct replica *r, const char *dir,
                          const struct history *h, struct buf *why)
{
    raft_index last = 0;
    int rc = write_more(r, &last, why);
    replica_close(r);
    if (rc != 0)
        return VERDICT_STOPPED;
    if (replica_open(r, dir, why) != 0)
        return VERDICT_REFUSED;
    enum verdict v = check(r, h, why);
    if (v == VERDICT_RIGHT && journal_last(r->log) != last) {
        buf_printf(why, "after going on, the log ends at %llu, not %llu",
                   (ull)journal_last(r->log), (ull)last);
        v = VERDICT_WRONG;
    }
    return v;
}

enum verdict verify(const char *dir, const struct history *h, bool goes_on,
                    struct buf *why)
{
    struct replica r;
    if (replica_open(&r, dir, why) != 0)
        return VERDICT_REFUSED;
    enum verdict v = check(&r, h, why);
    if (v == VERDICT_RIGHT && goes_on)
        v = go_on(&r, dir, h, why);
    if (r.store != NULL)
        replica_close(&r);
    return v;
}

void verify_report(int out, enum verdict v, const struct buf *why)
{
    size_t len = MIN(why->len, (size_t)4000); /* a pipe takes that at once */
    ssize_t n = len > 0 ? write(out, why->data, len) : 0;
    UNUSED(n);
    _exit(100 + (int)v);
}

void verify_collect(const struct verify_child *c, enum verdict *v,
                    struct buf *why)
{
    int status = 0;
    while (waitpid(c->pid, &status, 0) < 0)
        ASSERT(errno == EINTR);
    uint8_t *to = buf_reserve(why, 4096);
    ssize_t n = read(c->out, to, 4096);
    close(c->out);
    why->len += n > 0 ? (size_t)n : 0;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) - 100 : -1;
    if (code >= 0 && code < VERDICT_COUNT)
        *v = (enum verdict)code;
    else
        *v = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
                 ? VERDICT_STUCK
                 : VERDICT_CRASHED;
    if (*v == VERDICT_CRASHED)
        buf_printf(why, "status %x", (unsigned)status);
}

/*
 * What a reply counts as: an operation, with its latency if it belongs to the
 * measured time, or an error of its kind.
 *
 * How it fails: a reply that does not answer its operation is an error, too.
 */
#include "bench/collection.h"
#include "bench/worker.h"

static void add(_Atomic uint64_t *to, uint64_t n)
{
    uint64_t v = atomic_load_explicit(to, memory_order_relaxed);
    atomic_store_explicit(to, v + n, memory_order_relaxed);
}

static bool measured(const struct worker *w, int64_t at_us)
{
    const struct bench_clock *c = w->share.clock;
    return at_us >= c->measure_us &&
           at_us < atomic_load_explicit(&c->end_us, memory_order_relaxed);
}

/* NULL, or why the reply is not one to the operation. */
static const char *wrong(const struct worker *w, enum bench_op op,
                         const struct bench_reply *r, bool *miss)
{
    *miss = false;
    switch (op) {
    case OP_SET:
        return r->kind == REPLY_STATUS ? NULL : "set: not a status";
    case OP_SETNX:
        *miss = r->kind == REPLY_NIL;
        return *miss || r->kind == REPLY_STATUS ? NULL : "setnx: not a status";
    case OP_GET:
        *miss = r->kind == REPLY_NIL;
        if (!*miss && r->kind != REPLY_STRING)
            return "get: not a string";
        return *miss || r->integer == w->share.options->value_bytes
                   ? NULL
                   : "get: a value of another size";
    case OP_INCR:
        return r->kind == REPLY_INTEGER ? NULL : "incr: not an integer";
    case OP_CAS:
        *miss = r->kind == REPLY_INTEGER && r->integer == 0;
        return r->kind == REPLY_INTEGER ? NULL : "cas: not an integer";
    default:
        ASSERT(bench_is_collection(op));
        return bench_collection_wrong(op, r, miss);
    }
}

void bench_reply_count(struct worker *w, const struct slot *s,
                       const struct bench_reply *r, int64_t now_us)
{
    add(&w->done_all, 1);
    if (r->kind == REPLY_ERROR) {
        errors_note_reply(&w->errors, r->error);
        return;
    }
    bool miss = false;
    const char *why = wrong(w, s->op, r, &miss);
    if (why != NULL) {
        errors_note(&w->errors, "wrong-reply", bytes_str(why), 1);
        return;
    }
    bool open = w->share.options->mode == MODE_OPEN;
    if (!measured(w, open ? s->start_us : now_us))
        return;
    histogram_record(&w->latency, now_us - s->start_us);
    add(&w->ops, 1);
    if (miss)
        add(&w->misses, 1);
}

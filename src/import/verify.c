/*
 * How it works: the source is read once more, and what DUMP gives of each key
 * is compared, by a digest.
 *
 * How it fails: a key that is not there, or has another value, is reported and
 * counted; that it has expired meanwhile is no difference.
 */
#include "import/digest.h"
#include "import/pipe.h"
#include "import/progress.h"
#include "import/run.h"
#include "os/clock.h"

struct verify {
    struct pipe pipe;
    struct import_result *result;
    struct progress progress;
};

static int answered(void *arg, const struct pipe_request *r,
                    const struct answer *a, struct buf *why)
{
    struct verify *v = arg;
    const struct rdb_key key = {.db = r->db, .name = buf_view(&r->name)};
    uint64_t digest = 0;
    UNUSED(why);
    v->result->verified++;
    if (a->kind == ANSWER_NIL && r->expire_ms != 0 &&
        r->expire_ms <= clock_wall_ms())
        return 0;
    bool equal = a->kind == ANSWER_TEXT &&
                 import_digest(buf_view(&a->text), &digest) == 0 &&
                 digest == r->digest;
    if (equal)
        return 0;
    v->result->different++;
    import_report(&key, a->kind == ANSWER_NIL    ? "it is not there"
                        : a->kind == ANSWER_TEXT ? "its value differs"
                                                 : "it cannot be compared");
    return 0;
}

static int compare(struct verify *v, const struct rdb_key *key, struct buf *why)
{
    struct pipe_request *r = NULL;
    int err = pipe_next(&v->pipe, &r, why);
    if (err != 0)
        return err;
    r->db = key->db;
    r->expire_ms = key->expire_ms;
    r->weight = key->payload.len;
    buf_bytes(&r->name, key->name);
    if (import_digest(key->payload, &r->digest) != 0) {
        v->result->verified++;
        v->result->different++;
        import_report(key, "its value is damaged");
        return 0;
    }
    pipe_add(r, BYTES_LIT("DUMP"));
    pipe_add(r, key->name);
    return pipe_send(&v->pipe, why);
}

static int compare_keys(struct verify *v, struct source *s, struct buf *why)
{
    struct rdb_key key;
    int got = 0;
    while ((got = s->next(s->self, &key, why)) == 1) {
        bool gone = key.expire_ms != 0 && key.expire_ms <= clock_wall_ms();
        bool loaded = key.payload.len > 0 && key.items > 0 && key.db < 16;
        int err = loaded && !gone ? compare(v, &key, why) : 0;
        if (err != 0)
            return err;
        progress_show(&v->progress, s->done, s->all, v->result->verified);
    }
    return got;
}

int import_verify(const struct import_options *o, struct source *s,
                  struct import_result *r, struct buf *why)
{
    struct verify v = {.result = r};
    struct cluster cluster = o->cluster;
    pipe_init(&v.pipe, &cluster, answered, &v);
    progress_begin(&v.progress, "verifying", o->quiet);
    int err = compare_keys(&v, s, why);
    if (err == 0)
        err = pipe_finish(&v.pipe, why);
    progress_end(&v.progress);
    pipe_release(&v.pipe);
    return err;
}

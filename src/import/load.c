/*
 * How it works: each key becomes a RESTORE in ONCE, whose id is the key's
 * number in the source; so one that is sent again, in this run or the next, is
 * not executed again. Numbers that are under way at the same time have clients
 * of their own there: a node may refuse one for now and take the next, and what
 * was refused must not be taken for old then. How many were answered, in their
 * order, is written down every second, and when it ends.
 *
 * How it fails: a key that the cluster refuses is reported and counted, and the
 * next one follows. An error of the source or the connection ends it.
 */
#include "import/pipe.h"
#include "import/progress.h"
#include "import/run.h"
#include "os/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define STATE_MS 1000

struct load {
    const struct import_options *o;
    struct import_state *state;
    struct pipe pipe;
    struct progress progress;
    int64_t written_ms;
    uint64_t number; /* of the key that was read last */
};

static int write_state(struct load *l, struct buf *why)
{
    l->written_ms = clock_mono_ms();
    if (l->o->state == NULL || import_state_write(l->o->state, l->state) == 0)
        return 0;
    buf_reset(why);
    buf_printf(why, "%s cannot be written", l->o->state);
    return ERR_IO;
}

static int answered(void *arg, const struct pipe_request *r,
                    const struct answer *a, struct buf *why)
{
    struct load *l = arg;
    if (a->kind == ANSWER_ERROR && !pipe_is_old(a)) {
        char text[256];
        const struct rdb_key key = {.db = r->db, .name = buf_view(&r->name)};
        snprintf(text, sizeof(text), "%.*s", (int)a->text.len,
                 (const char *)a->text.data);
        import_report(&key, text);
        l->state->refused++;
    } else {
        l->state->loaded++;
    }
    l->state->done = r->number;
    return clock_mono_ms() - l->written_ms < STATE_MS ? 0 : write_state(l, why);
}

static int send_key(struct load *l, const struct rdb_key *key, struct buf *why)
{
    struct pipe_request *r = NULL;
    char client[48];
    int err = pipe_settle(&l->pipe, l->number, why);
    if (err == 0)
        err = pipe_next(&l->pipe, &r, why);
    if (err != 0)
        return err;
    snprintf(client, sizeof(client), "import-%016" PRIx64 "-%02u",
             l->state->run, (unsigned)(l->number % PIPE_WINDOW));
    r->db = key->db;
    r->number = l->number;
    r->weight = key->payload.len + key->name.len;
    buf_bytes(&r->name, key->name);
    pipe_add(r, BYTES_LIT("ONCE"));
    pipe_add(r, bytes_str(client));
    pipe_add_number(r, l->number);
    pipe_add(r, BYTES_LIT("RESTORE"));
    pipe_add(r, key->name);
    pipe_add_number(r, (uint64_t)key->expire_ms);
    pipe_add(r, key->payload);
    pipe_add(r, BYTES_LIT("REPLACE"));
    pipe_add(r, BYTES_LIT("ABSTTL"));
    return pipe_send(&l->pipe, why);
}

/* NULL: it can be loaded. */
static const char *reason_against(const struct rdb_key *key)
{
    if (key->kind == RDB_KIND_MODULE)
        return "its value belongs to a module";
    if (key->db >= 16)
        return "databases above 15 do not exist here";
    return key->payload.len == 0 ? "its value has more than 64 MiB" : NULL;
}

static int take_key(struct load *l, const struct rdb_key *key, struct buf *why)
{
    const char *reason = reason_against(key);
    if (key->expire_ms != 0 && key->expire_ms <= clock_wall_ms()) {
        l->state->expired++;
        return 0;
    }
    if (reason == NULL && key->items > 0)
        return send_key(l, key, why);
    if (reason == NULL)
        reason = "its value is empty";
    import_report(key, reason);
    l->state->refused++;
    return 0;
}

static int load_keys(struct load *l, struct source *s, struct buf *why)
{
    struct rdb_key key;
    uint64_t done_before = l->state->done;
    int got = 0;
    while ((got = s->next(s->self, &key, why)) == 1) {
        l->number++;
        int err = l->number > done_before ? take_key(l, &key, why) : 0;
        if (err != 0)
            return err;
        progress_show(&l->progress, s->done, s->all, l->number);
    }
    return got;
}

int import_load(const struct import_options *o, struct source *s,
                struct import_result *r, struct buf *why)
{
    struct load l = {.o = o, .state = &r->state};
    struct cluster cluster = o->cluster;
    struct buf ending = BUF_INIT;
    pipe_init(&l.pipe, &cluster, answered, &l);
    progress_begin(&l.progress, "loading", o->quiet);
    /* The name must be known to the next run before the first request is. */
    int err = write_state(&l, why);
    if (err == 0)
        err = load_keys(&l, s, why);
    if (err == 0 && why->len > 0)
        import_complain("note", why);
    /* What was sent is waited for, also when the source has ended badly. */
    int finished = pipe_finish(&l.pipe, err == 0 ? why : &ending);
    err = err != 0 ? err : finished;
    int written = write_state(&l, err == 0 ? why : &ending);
    progress_end(&l.progress);
    pipe_release(&l.pipe);
    buf_release(&ending);
    return err != 0 ? err : written;
}

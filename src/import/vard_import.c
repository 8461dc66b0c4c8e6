/*
 * vard-import: moves existing data into a cluster. The rest of the room does
 * it: see import.h.
 *
 * How it fails: with lines on standard error and an exit status (import.h).
 */
#include "import/follow.h"
#include "import/import.h"
#include "import/run.h"
#include "import/source.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/signal.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static int open_source(const struct import_options *o, struct source *s,
                       struct buf *why)
{
    *s = (struct source){.self = NULL};
    buf_reset(why);
    int err = o->file != NULL ? source_file_open(s, o->file, why)
                              : source_scan_open(s, o, why);
    if (err != 0)
        import_complain(o->file != NULL ? o->file : o->server, why);
    return err;
}

/* 0, or how it ends: the cluster must be empty, unless it was told otherwise,
 * or this is not the first run. */
static int look_at_cluster(struct import_options *o, bool begins)
{
    struct buf why = BUF_INIT;
    uint64_t keys = 0;
    int exit = 0;
    cluster_discover(&o->cluster);
    if (import_count(o, &keys, &why) != 0) {
        import_complain("the cluster", &why);
        exit = IMPORT_ENDED;
    } else if (begins && !o->replace && keys > 0) {
        fprintf(stderr,
                "vard-import: the cluster has %" PRIu64 " keys; --replace "
                "loads nevertheless, and replaces those of the same name\n",
                keys);
        exit = IMPORT_USAGE;
    }
    buf_release(&why);
    return exit;
}

/* How far the last run has come; 0, or how it ends. */
static int begin_state(const struct import_options *o, const struct source *s,
                       struct import_state *state, bool *begins)
{
    struct buf why = BUF_INIT;
    int err =
        o->state == NULL ? ERR_NOT_FOUND : import_state_read(o->state, state);
    int exit = 0;
    *begins = err == ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND) {
        *state = (struct import_state){.run = entropy_u64(),
                                       .identity = s->identity};
    } else if (err != 0) {
        buf_str(&why, error_text(err));
        exit = IMPORT_ENDED;
    } else if (state->identity != s->identity) {
        buf_str(&why, "it is about another file, or that has changed since");
        exit = IMPORT_USAGE;
    }
    if (exit != 0)
        import_complain(o->state, &why);
    buf_release(&why);
    return exit;
}

static int tell_result(const struct import_options *o,
                       const struct import_result *r, int64_t begun_ms)
{
    const struct import_state *s = &r->state;
    if (!o->verify_only)
        printf("loaded %" PRIu64 " keys in %.1f s", s->loaded,
               (double)(clock_mono_ms() - begun_ms) / 1000);
    if (s->expired > 0)
        printf(", %" PRIu64 " had expired", s->expired);
    if (s->refused > 0)
        printf(", %" PRIu64 " were left out", s->refused);
    if (!o->no_verify)
        printf("%sverified %" PRIu64 ", %" PRIu64 " differ",
               o->verify_only ? "" : "; ", r->verified, r->different);
    printf("\n");
    return s->refused > 0 || r->different > 0 ? IMPORT_SOME : IMPORT_GOOD;
}

static int verify(const struct import_options *o, struct import_result *r,
                  struct buf *why)
{
    struct source again;
    int err = open_source(o, &again, why);
    if (err != 0)
        return err;
    err = import_verify(o, &again, r, why);
    if (err != 0)
        import_complain("verifying", why);
    source_close(&again);
    return err;
}

static int load_and_verify(const struct import_options *o, struct source *s,
                           struct import_result *r, struct buf *why)
{
    int64_t begun_ms = clock_mono_ms();
    int err = o->verify_only ? 0 : import_load(o, s, r, why);
    if (err != 0) {
        import_complain("loading", why);
        fprintf(stderr, "vard-import: %" PRIu64 " keys are loaded%s\n",
                r->state.loaded,
                o->state != NULL ? "; run it again to go on" : "");
        return IMPORT_ENDED;
    }
    if (!o->no_verify && verify(o, r, why) != 0)
        return IMPORT_ENDED;
    if (o->state != NULL)
        (void)unlink(o->state);
    return tell_result(o, r, begun_ms);
}

/* As a replica: all that it has, then what changes. */
static int load_and_follow(const struct import_options *o,
                           struct import_result *r, struct buf *why)
{
    struct replica replica;
    struct source s;
    r->state.run = entropy_u64();
    int err = replica_open(&replica, &s, o, why);
    if (err != 0) {
        import_complain(o->server, why);
        return IMPORT_ENDED;
    }
    err = import_load(o, &s, r, why);
    if (err == 0)
        err = import_follow(o, &replica, r, why);
    if (err != 0)
        import_complain("following", why);
    replica_close(&replica);
    if (r->state.refused > 0)
        printf("%" PRIu64 " keys or commands were left out\n",
               r->state.refused);
    return err != 0               ? IMPORT_ENDED
           : r->state.refused > 0 ? IMPORT_SOME
                                  : IMPORT_GOOD;
}

/* The same from a file, or by SCAN. */
static int load_once(struct import_options *o, struct import_result *r,
                     struct buf *why)
{
    struct source source;
    bool begins = true;
    if (open_source(o, &source, why) != 0)
        return IMPORT_ENDED;
    int exit = begin_state(o, &source, &r->state, &begins);
    if (exit == 0)
        exit = look_at_cluster(o, begins && !o->verify_only);
    if (exit == 0)
        exit = load_and_verify(o, &source, r, why);
    source_close(&source);
    return exit;
}

int main(int argc, char **argv)
{
    struct import_options o;
    struct import_result result = {.verified = 0};
    struct buf why = BUF_INIT;
    int exit = 0;
    signal_ignore();
    if (!import_options_parse(&o, argc, argv, &exit)) {
        import_options_release(&o);
        return exit;
    }
    if (!o.follow) {
        exit = load_once(&o, &result, &why);
    } else {
        exit = look_at_cluster(&o, true);
        if (exit == 0)
            exit = load_and_follow(&o, &result, &why);
    }
    import_options_release(&o);
    buf_release(&why);
    return exit;
}

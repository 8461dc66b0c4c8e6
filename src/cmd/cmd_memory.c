/*
 * MEMORY: what keys take. All data are on disk, and what is kept of them in
 * memory is bounded by an option, so USAGE tells the bytes of the rows of a
 * key, and the others send to INFO, which has the figures of the process.
 *
 * How it fails: with an error reply.
 */
#include "base/num.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "data/usage.h"

/* As many elements as Redis looks at. */
#define SAMPLES 5

static bool parse_usage(const struct cmd_args *a, int64_t *samples)
{
    ASSERT(a->argc >= 3);
    *samples = SAMPLES;
    for (uint32_t i = 3; i < a->argc; i += 2) {
        if (!word_is(a->argv[i], "samples") || i + 1 == a->argc) {
            reply_syntax(a->out);
            return false;
        }
        if (!parse_integer(a->out, a->argv[i + 1], samples))
            return false;
        if (*samples < 0) {
            reply_syntax(a->out);
            return false;
        }
    }
    return true;
}

bool cmd_memory_usage_check(struct cmd_args *a)
{
    int64_t samples = 0;
    bool ok = parse_usage(a, &samples);
    ASSERT(!ok || samples >= 0);
    return ok;
}

void cmd_memory_usage_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    int64_t samples = 0;
    struct value v;
    if (!parse_usage(&a, &samples))
        return;
    ASSERT(samples >= 0);
    if (!keyspace_get(c->ks, c->db, c->argv[2], &v)) {
        resp_null(c->out);
        return;
    }
    uint64_t bytes = usage_of(c->ks, c->argv[2], &v, (uint64_t)samples);
    resp_integer(c->out, (int64_t)bytes);
}

void cmd_memory_doctor_run(struct cmd_call *c)
{
    ASSERT(c->argc == 2);
    resp_verbatim(c->out, "txt",
                  BYTES_LIT("All data are on disk. What a node keeps of them "
                            "in memory is bounded by state-memory; INFO memory "
                            "says what the process has.\n"));
}

void cmd_memory_malloc_stats_run(struct cmd_call *c)
{
    ASSERT(c->argc == 2);
    resp_bulk_str(c->out, "Stats not supported for the current allocator");
}

/* What is not used is given back as one goes. */
void cmd_memory_purge_run(struct cmd_call *c)
{
    ASSERT(c->argc == 2);
    resp_status(c->out, "OK");
}

/* What the state knows; that of the process is in INFO. */
void cmd_memory_stats_run(struct cmd_call *c)
{
    uint64_t keys = 0;
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++)
        keys += keyspace_counts(c->ks, db)->keys;
    ASSERT(keys <= INT64_MAX);
    resp_map(c->out, 1);
    resp_bulk_str(c->out, "keys.count");
    resp_integer(c->out, (int64_t)keys);
}

/*
 * Commands over the memory store, as entries apply them, on two replicas that
 * differ in everything that must not matter: one answers in RESP2, the other
 * in RESP3, within a limit, or not at all, and is closed and opened again in
 * between. Both must have the same records in the end, with counts that are
 * right; every answer is exactly one reply; what is answered before it enters
 * the log is an error, or nothing.
 *
 * input: options(1), then operations: see step().
 */
// link: cmd data store fuzz_common
#include "base/num.h"
#include "cmd/cmd.h"
#include "data/kinds.h"
#include "data/meta.h"
#include "data/session.h"
#include "fuzz/fuzz.h"
#include "fuzz/reply.h"
#include "resp/resp_writer.h"
#include "store/store_memory.h"

#define ARGC_MAX 8
#define START_MS INT64_C(1800000000000)
/* Of SETRANGE: some values are apart; larger ones only cost time. */
#define OFFSET_MAX (3 * KEYSPACE_PAGE_SIZE)

struct replica {
    struct store *store;
    struct keyspace *ks;
    struct buf out;
    struct resp_writer writer;
    bool mute;
};

struct run {
    struct replica replicas[2];
    uint64_t index;
    int64_t time_ms;
    int64_t offset_ms; /* of the wall clock to it */
    uint64_t seqs[3];
    struct bytes argv[ARGC_MAX];
    uint32_t argc;
    char numbers[ARGC_MAX][NUM_TEXT_MAX];
};

static void replica_open(struct replica *r)
{
    struct buf error = BUF_INIT;
    int err = keyspace_open(&r->ks, r->store, &error);
    ASSERT(err == 0);
    buf_release(&error);
}

static void replica_init(struct replica *r, uint8_t protocol, size_t limit)
{
    *r = (struct replica){.store = store_memory_new()};
    r->writer = (struct resp_writer){.protocol = protocol, .limit = limit};
    replica_open(r);
}

static void replica_release(struct replica *r)
{
    keyspace_close(r->ks);
    store_close(r->store);
    buf_release(&r->out);
}

static const char *const words[] = {
    "nx",
    "xx",
    "gt",
    "lt",
    "ex",
    "px",
    "exat",
    "pxat",
    "keepttl",
    "fields",
    "get",
    "len",
    "sync",
    "idx",
    "ifeq",
    "persist",
    "async",
    "0",
    "1",
    "-1",
    "10",
    "3.5",
    "1e3",
    "0x10",
    "nan",
    "inf",
    "-inf",
    "-0",
    "9223372036854775807",
    "-9223372036854775808",
    "1000000000000",
    "007",
    " 1",
    "1 ",
    "",
};

static struct bytes next_arg(struct run *run, struct fuzz *f)
{
    static const char *const keys[] = {"a", "b", "{a}c", "d"};
    uint32_t kind = fuzz_below(f, 8);
    if (kind < 3)
        return bytes_str(keys[fuzz_below(f, ARRAY_LEN(keys))]);
    if (kind < 5)
        return bytes_str(words[fuzz_below(f, ARRAY_LEN(words))]);
    if (kind == 5) {
        char *text = run->numbers[run->argc];
        uint64_t n = fuzz_number(f);
        if (n < 40 && fuzz_below(f, 4) == 0)
            n += (uint64_t)run->time_ms - 20;
        return bytes_of(text, num_format_i64((int64_t)n, text));
    }
    return fuzz_take(f, fuzz_below(f, 24));
}

/* The next command of the table that works on data, with arguments. */
static const struct cmd *next_command(struct run *run, struct fuzz *f)
{
    size_t at = fuzz_below(f, 256) % cmd_count();
    const struct cmd *cmd = cmd_at(at);
    while (!cmd_is_data(cmd))
        cmd = cmd_at(++at % cmd_count());
    run->argc = 0;
    run->argv[run->argc++] = bytes_str(cmd->name);
    uint32_t extra = fuzz_below(f, 4);
    uint32_t least = (uint32_t)(cmd->arity > 0 ? cmd->arity : -cmd->arity);
    uint32_t argc = MIN(cmd->arity > 0 ? least : least + extra, ARGC_MAX);
    for (; run->argc < argc; run->argc++) /* next_arg() looks at it */
        run->argv[run->argc] = next_arg(run, f);
    return cmd_arity_ok(cmd, run->argc) ? cmd : NULL;
}

/* SETRANGE to far beyond the end makes large values. */
static bool too_far(const struct run *run, const struct cmd *cmd)
{
    int64_t offset = 0;
    return strcmp(cmd->name, "setrange") == 0 &&
           num_parse_i64(run->argv[2], &offset) && offset > OFFSET_MAX &&
           offset < INT64_C(1) << 30;
}

/* Before the log: true if it may enter it. */
static bool check_first(struct run *run, const struct cmd *cmd)
{
    struct buf out = BUF_INIT;
    struct resp_writer w = {.out = &out, .protocol = 2};
    struct cmd_args args = {.level = LEVEL_NEXT,
                            .cmd = cmd,
                            .argv = run->argv,
                            .argc = run->argc,
                            .out = &w};
    bool good = cmd_check(&args);
    ASSERT(good == (out.len == 0));
    ASSERT(good || (out.data[0] == '-' && reply_is_one(buf_view(&out), 2)));
    buf_release(&out);
    return good;
}

/* Every command answers once, whatever it answers; but what found nothing, and
 * may wait, not at all. */
static void check_reply(struct replica *r, const struct cmd_call *call)
{
    if (call->blocked)
        ASSERT(r->out.len == 0 && (call->cmd->flags & CMD_BLOCKS) != 0);
    else if (!r->mute && !r->writer.over)
        ASSERT(reply_is_one(buf_view(&r->out), r->writer.protocol));
}

static void execute(struct run *run, struct replica *r, const struct cmd *cmd,
                    uint8_t db)
{
    buf_reset(&r->out);
    r->writer.out = r->mute ? NULL : &r->out;
    r->writer.over = false;
    struct cmd_call call = {.cmd = cmd,
                            .level = LEVEL_NEXT,
                            .ks = r->ks,
                            .out = &r->writer,
                            .argv = run->argv,
                            .argc = run->argc,
                            .db = db,
                            .seed = run->index};
    cmd_run(&call);
    check_reply(r, &call);
}

/* One entry of a few commands, each the next of its session or not. */
static void apply_entry(struct run *run, struct fuzz *f)
{
    struct applied entry = {++run->index, 1, run->time_ms, run->offset_ms,
                            run->index * 7};
    for (uint32_t i = 0; i < 2; i++)
        keyspace_begin(run->replicas[i].ks, &entry, run->index);
    uint32_t count = 1 + fuzz_below(f, 4);
    for (uint32_t n = 0; n < count; n++) {
        uint8_t db = fuzz_u8(f) < 224 ? 0 : 3;
        uint32_t node = fuzz_below(f, 3);
        uint64_t seq = run->seqs[node] + (fuzz_u8(f) < 240 ? 1 : 2);
        const struct cmd *cmd = next_command(run, f);
        if (cmd == NULL || too_far(run, cmd) || !check_first(run, cmd))
            continue;
        bool admit = session_admit(run->replicas[0].ks, node, 5, seq);
        ASSERT(admit == session_admit(run->replicas[1].ks, node, 5, seq));
        ASSERT(admit == (seq == run->seqs[node] + 1));
        if (!admit)
            continue;
        run->seqs[node] = seq;
        for (uint32_t i = 0; i < 2; i++)
            if ((cmd->flags & CMD_WRITE) != 0 || i == node % 2)
                execute(run, &run->replicas[i], cmd, db);
    }
    for (uint32_t i = 0; i < 2; i++)
        ASSERT(keyspace_commit(run->replicas[i].ks) == 0);
}

/* Reads at some time, outside of entries; in doubt or not. */
static void read_both(struct run *run, struct fuzz *f)
{
    int64_t at = run->time_ms + fuzz_below(f, 8) * 100;
    const struct cmd *cmd = next_command(run, f);
    if (cmd == NULL || (cmd->flags & CMD_READ) == 0 || !check_first(run, cmd))
        return;
    for (uint32_t i = 0; i < 2; i++) {
        keyspace_read_at(run->replicas[i].ks, at);
        execute(run, &run->replicas[i], cmd, 0);
    }
    if (!run->replicas[1].writer.over) /* it need not look any further */
        ASSERT(keyspace_in_doubt(run->replicas[0].ks) ==
               keyspace_in_doubt(run->replicas[1].ks));
}

static void step(struct run *run, struct fuzz *f)
{
    uint32_t kind = fuzz_below(f, 16);
    if (kind < 11) {
        run->time_ms += fuzz_below(f, 4) * 50;
        apply_entry(run, f);
    } else if (kind < 13) {
        read_both(run, f);
    } else if (kind == 13) { /* it forgets all that is not stored */
        keyspace_close(run->replicas[1].ks);
        replica_open(&run->replicas[1]);
    } else if (kind == 14) {
        run->replicas[1].mute = !run->replicas[1].mute;
    } else {
        run->time_ms += (int64_t)fuzz_u8(f) * 1000;
        if (fuzz_below(f, 4) == 0) /* the wall clock jumps */
            run->offset_ms = META_OFFSET_MAX - (int64_t)(fuzz_number(f) >> 2);
    }
}

static void check_same(struct store *a, struct store *b)
{
    struct store_iter *x = store_iter_new(a, STORE_STATE);
    struct store_iter *y = store_iter_new(b, STORE_STATE);
    store_iter_seek(x, BYTES_NONE);
    store_iter_seek(y, BYTES_NONE);
    while (store_iter_valid(x) && store_iter_valid(y)) {
        ASSERT(bytes_eq(store_iter_key(x), store_iter_key(y)));
        ASSERT(bytes_eq(store_iter_value(x), store_iter_value(y)));
        store_iter_next(x);
        store_iter_next(y);
    }
    ASSERT(!store_iter_valid(x) && !store_iter_valid(y));
    store_iter_free(x);
    store_iter_free(y);
}

/* The counts are those of the records that stand there. */
static void check_counts(const struct replica *r)
{
    uint64_t keys[KEYSPACE_DATABASES] = {0};
    struct store_iter *it = store_iter_new(r->store, STORE_STATE);
    for (store_iter_seek(it, BYTES_LIT("k")); store_iter_valid(it);
         store_iter_next(it)) {
        struct bytes key = store_iter_key(it);
        if (!row_is(key, ROW_VALUE))
            break;
        keys[row_db(key)] += keyspace_is_current(r->ks, key);
    }
    store_iter_free(it);
    for (uint8_t db = 0; db < KEYSPACE_DATABASES; db++)
        ASSERT(keyspace_counts(r->ks, db)->keys == keys[db]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = fuzz_of(data, size);
    struct run run = {.time_ms = START_MS};
    uint8_t options = fuzz_u8(&f);
    replica_init(&run.replicas[0], 2, 0);
    replica_init(&run.replicas[1], options & 1 ? 3 : 2,
                 options & 2 ? 1 + options : 0);
    while (fuzz_more(&f))
        step(&run, &f);
    check_same(run.replicas[0].store, run.replicas[1].store);
    check_counts(&run.replicas[0]);
    check_counts(&run.replicas[1]);
    replica_release(&run.replicas[0]);
    replica_release(&run.replicas[1]);
    return 0;
}

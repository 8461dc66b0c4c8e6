/*
 * The command line: one table, from which parsing, checks and help come.
 *
 * How it fails: the first thing that is wrong is named on standard error, and
 * the result is BENCH_USAGE: the program ends with status 2 before it connects.
 */
#include "bench/collection.h"

#include "base/num.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define PIPELINE_MAX    10000
#define CONNECTIONS_MAX 100000
#define VALUE_BYTES_MAX ((int64_t)64 << 20)

enum option_type {
    TYPE_INT,     /* int64_t, min to max */
    TYPE_SIZE,    /* the same, "64kb" */
    TYPE_SECONDS, /* int64_t ms, from seconds with a fraction */
    TYPE_RATE,    /* double above 0 */
    TYPE_TEXT,
    TYPE_FLAG,
    TYPE_WORD, /* int64_t, the place among the words of `arg` */
    TYPE_NODES,
    TYPE_PIDS,
};

struct option_row {
    const char *name;
    const char *arg; /* as the help shows it; TYPE_WORD: the words, by | */
    const char *doc;
    enum option_type type;
    size_t offset;
    int64_t min, max;
};

/* In the order of enum bench_op. */
#define OPS                                                                    \
    "set|get|incr|cas|setnx|mixed|hset|hget|lpush|rpop|sadd|sismember|zadd|"   \
    "zrank|zrange|xadd|xread"

#define AT(field) offsetof(struct bench_options, field)

static const struct option_row rows[] = {
    {"nodes", "HOST:PORT,...", "spread the connections over these nodes",
     TYPE_NODES, AT(cluster), 0, 0},
    {"leader", NULL, "use only the node that leads (INFO raft)", TYPE_FLAG,
     AT(leader_only), 0, 0},
    {"followers", NULL, "use all nodes except the leader", TYPE_FLAG,
     AT(followers_only), 0, 0},
    {"password", "TEXT", "the password; default: VARD_PASSWORD", TYPE_TEXT,
     AT(password), 0, 0},
    {"connections", "N", "number in all threads together (50; setup: 16)",
     TYPE_INT, AT(connections), 1, CONNECTIONS_MAX},
    {"threads", "N", "event loops (1 is enough for most servers)", TYPE_INT,
     AT(threads), 1, BENCH_THREADS_MAX},
    {"pipeline", "P",
     "closed: requests sent at once (1; setup: 16);\n"
     "open: most unanswered requests per connection (1)",
     TYPE_INT, AT(pipeline), 1, PIPELINE_MAX},
    {"op", OPS, "what to do (set); see below", TYPE_WORD, AT(op), 0, 0},
    {"puts", "PERCENT", "share of writes: set (100), get (0), mixed (50)",
     TYPE_INT, AT(puts_percent), 0, 100},
    {"keys", "N", "number of different keys (100000)", TYPE_SIZE, AT(keys), 1,
     INT64_MAX / 2},
    {"dist", "uniform|zipf", "choice of keys (uniform); zipf: 0.99, scattered",
     TYPE_WORD, AT(zipf), 0, 0},
    {"size", "BYTES", "size of the values (128)", TYPE_SIZE, AT(value_bytes), 0,
     VALUE_BYTES_MAX},
    {"elements", "N", "elements of each collection (20)", TYPE_SIZE,
     AT(elements), 1, INT64_MAX / 2},
    {"prefix", "TEXT", "prefix of the keys (bench:)", TYPE_TEXT, AT(prefix), 0,
     0},
    {"seconds", "S", "measured time (10), fractions allowed", TYPE_SECONDS,
     AT(duration_ms), 1, 0},
    {"count", "N", "exactly this many requests instead, no warm-up", TYPE_INT,
     AT(count), 1, INT64_MAX / 2},
    {"warmup", "S", "time before that, not measured (1)", TYPE_SECONDS,
     AT(warmup_ms), 0, 0},
    {"rate", "N", "open: requests a second, over all connections", TYPE_RATE,
     AT(rate), 0, 0},
    {"arrivals", "even|poisson", "open: how requests are spaced (even)",
     TYPE_WORD, AT(poisson), 0, 0},
    {"timeout", "S", "no answer for this long is an error (10)", TYPE_SECONDS,
     AT(timeout_ms), 1, 0},
    {"seed", "N", "seed of the random numbers (1)", TYPE_INT, AT(seed), 0,
     INT64_MAX},
    {"pids", "P1,P2,...",
     "processes whose CPU time per operation and peak\n"
     "memory are reported: the servers, on this machine",
     TYPE_PIDS, AT(pids), 0, 0},
    {"format", "text|csv|json", "format of the result, on standard output",
     TYPE_WORD, AT(format), 0, 0},
    {"csv", NULL, "the same as --format csv", TYPE_FLAG, AT(format), 0,
     FORMAT_CSV},
    {"json", NULL, "the same as --format json", TYPE_FLAG, AT(format), 0,
     FORMAT_JSON},
    {"label", "TEXT", "a name for the result", TYPE_TEXT, AT(label), 0, 0},
    {"series", "FILE", "write a line of CSV for every second", TYPE_TEXT,
     AT(series), 0, 0},
    {"quiet", NULL, "no progress on standard error", TYPE_FLAG, AT(quiet), 0,
     0},
};

static const char *const op_names[] = {
    "set",  "get",   "incr",   "cas",  "setnx", "mixed",
    "hset", "hget",  "lpush",  "rpop", "sadd",  "sismember",
    "zadd", "zrank", "zrange", "xadd", "xread"};
_Static_assert(ARRAY_LEN(op_names) == OP_COUNT, "each has a name");
static const char *const mode_names[] = {"setup", "closed", "open"};

const char *bench_op_name(int64_t op)
{
    ASSERT(op >= 0 && (size_t)op < ARRAY_LEN(op_names));
    return op_names[op];
}

const char *bench_mode_name(int64_t mode)
{
    ASSERT(mode >= 0 && (size_t)mode < ARRAY_LEN(mode_names));
    return mode_names[mode];
}

static void print_option(FILE *out, const struct option_row *row)
{
    char head[64];
    snprintf(head, sizeof(head), "--%s %s", row->name,
             row->arg != NULL ? row->arg : "");
    fprintf(out, "  %-26s ", head);
    if (strlen(head) > 26)
        fprintf(out, "\n%29s", "");
    const char *doc = row->doc;
    for (size_t len = strcspn(doc, "\n"); doc[len] != '\0';
         len = strcspn(doc, "\n")) {
        fprintf(out, "%.*s\n%29s", (int)len, doc, "");
        doc += len + 1;
    }
    fprintf(out, "%s\n", doc);
}

static void print_help(FILE *out, const struct bench_protocol *p)
{
    fprintf(
        out,
        "usage: %s setup|closed|open [--option value ...]\n\n"
        "  setup    write every key once\n"
        "  closed   each connection waits for its answers: shows throughput,\n"
        "           and latency at that load\n"
        "  open     --rate requests a second are due, answered or not;\n"
        "           latency counts from when a request was due\n\n",
        p->program);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        print_option(out, &rows[i]);
    fprintf(
        out,
        "\nWithout --nodes: %s. Each operation has keys of its own:\n"
        "  set, get   SET KEY VALUE, GET KEY; fill with setup first\n"
        "  incr       INCR KEY; setup makes them 0\n"
        "  cas        CAS KEY V V, with the value that setup wrote (same\n"
        "             --keys, --size, --prefix): 1 unless setup was not "
        "run\n"
        "  setnx      SET KEY VALUE NX; a key that exists is a miss\n"
        "  hset, hget, lpush, rpop, sadd, sismember, zadd, zrank, zrange, "
        "xadd,\n"
        "  xread      on collections: --keys of them with --elements each, "
        "which\n"
        "             setup writes, up to 100 with one command, whatever is\n"
        "             there; it counts commands. An element is chosen evenly;\n"
        "             sadd's are new half of the time; zadd gives one another\n"
        "             score; lpush and xadd let theirs grow, rpop shrink;\n"
        "             zrange and xread get 10 from somewhere within\n"
        "A miss (nil, 0) is no error and counts as an operation.\n"
        "Latency: microseconds, of answered operations, to 0.8 %%.\n"
        "Exit status: 0 success; 1 there were errors, all counted by kind;\n"
        "2 usage.\n",
        p->nodes);
}

static bool take_int(const struct option_row *row, const char *text,
                     int64_t *to)
{
    int64_t n = 0;
    uint64_t size = 0;
    if (row->type == TYPE_SIZE) {
        if (!num_parse_size(bytes_str(text), &size) || size > INT64_MAX)
            return false;
        n = (int64_t)size;
    } else if (!num_parse_i64(bytes_str(text), &n)) {
        return false;
    }
    if (n < row->min || n > row->max)
        return false;
    *to = n;
    return true;
}

static bool take_number(const char *text, double *to)
{
    char *end = NULL;
    double n = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(n) || n < 0 || n > 1e9)
        return false;
    *to = n;
    return true;
}

static bool take_seconds(const struct option_row *row, const char *text,
                         int64_t *to)
{
    double s = 0;
    if (!take_number(text, &s) || (int64_t)(s * 1000) < row->min)
        return false;
    *to = (int64_t)(s * 1000);
    return true;
}

static bool take_word(const char *words, const char *text, int64_t *to)
{
    size_t text_len = strlen(text);
    for (int64_t i = 0; *words != '\0'; i++) {
        size_t len = strcspn(words, "|");
        if (len == text_len && memcmp(words, text, len) == 0) {
            *to = i;
            return true;
        }
        words += len + (words[len] != '\0');
    }
    return false;
}

static bool take_pids(struct bench_options *o, const char *text)
{
    o->pid_count = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        int64_t pid = 0;
        if (o->pid_count == BENCH_PIDS_MAX ||
            !num_parse_i64(bytes_of(text, len), &pid) || pid < 1)
            return false;
        o->pids[o->pid_count++] = pid;
        text += len + (text[len] != '\0');
    }
    return o->pid_count > 0;
}

static bool take(struct bench_options *o, const struct option_row *row,
                 const char *text)
{
    char *field = (char *)o + row->offset;
    switch (row->type) {
    case TYPE_INT:
    case TYPE_SIZE:
        return take_int(row, text, (int64_t *)(void *)field);
    case TYPE_SECONDS:
        return take_seconds(row, text, (int64_t *)(void *)field);
    case TYPE_RATE:
        return take_number(text, &o->rate) && o->rate > 0;
    case TYPE_TEXT:
        *(const char **)(void *)field = text;
        return true;
    case TYPE_FLAG:
        *(int64_t *)(void *)field = MAX(row->max, 1);
        return true;
    case TYPE_WORD:
        return take_word(row->arg, text, (int64_t *)(void *)field);
    case TYPE_NODES:
        return cluster_add_list(&o->cluster, text);
    case TYPE_PIDS:
        return take_pids(o, text);
    }
    return false;
}

static int complain(const struct bench_protocol *p, const char *what,
                    const char *word)
{
    fprintf(stderr,
            "%s: %s%s\nusage: %s setup|closed|open [--option value ...] "
            "(all of it: %s --help)\n",
            p->program, what, word, p->program, p->program);
    return BENCH_USAGE;
}

static const struct option_row *find_row(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

/* A value that cannot be, and what can. */
static int refuse_value(const struct bench_protocol *p,
                        const struct option_row *row, const char *value)
{
    char what[128];
    if (row->type == TYPE_SECONDS || row->type == TYPE_RATE)
        snprintf(what, sizeof(what), "--%s is a number%s, not ", row->name,
                 row->type == TYPE_RATE || row->min > 0 ? " above 0" : "");
    else if (row->type != TYPE_INT && row->type != TYPE_SIZE)
        snprintf(what, sizeof(what), "--%s is %s, not ", row->name, row->arg);
    else if (row->max < INT64_MAX / 2)
        snprintf(what, sizeof(what), "--%s is %" PRId64 " to %" PRId64 ", not ",
                 row->name, row->min, row->max);
    else
        snprintf(what, sizeof(what), "--%s is a number from %" PRId64 ", not ",
                 row->name, row->min);
    return complain(p, what, value);
}

static int take_all(struct bench_options *o, const struct bench_protocol *p,
                    int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        const struct option_row *row =
            strncmp(argv[i], "--", 2) == 0 ? find_row(argv[i] + 2) : NULL;
        if (row == NULL)
            return complain(p, "unknown option ", argv[i]);
        const char *value = NULL;
        if (row->type != TYPE_FLAG) {
            if (i + 1 == argc)
                return complain(p, "no value for ", argv[i]);
            value = argv[++i];
        }
        if (!take(o, row, value))
            return refuse_value(p, row, value != NULL ? value : "");
    }
    return 0;
}

/* Not given yet: -1. */
static void set_default(int64_t *field, int64_t value)
{
    if (*field < 0)
        *field = value;
}

static void fill_in(struct bench_options *o, const struct bench_protocol *p)
{
    bool setup = o->mode == MODE_SETUP;
    bool in_order = setup && bench_setup_in_order(o);
    set_default(&o->connections, in_order ? 1 : setup ? 16 : 50);
    set_default(&o->pipeline, in_order ? 256 : setup ? 16 : 1);
    set_default(&o->puts_percent, o->op == OP_GET     ? 0
                                  : o->op == OP_MIXED ? 50
                                                      : 100);
    bool by_count = setup || o->count > 0;
    set_default(&o->warmup_ms, by_count ? 0 : 1000);
    set_default(&o->duration_ms, by_count ? 0 : 10000);
    if (bench_is_collection(o->op))
        set_default(&o->elements, 20);
    else
        o->elements = 0;
    if (setup)
        o->count = bench_setup_commands(o);
    o->threads = MIN(o->threads, o->connections);
    if (o->cluster.node_count == 0)
        ASSERT(cluster_add_list(&o->cluster, p->nodes));
    o->cluster.password = o->password;
    o->cluster.timeout_ms = o->timeout_ms;
}

/* NULL, or what does not fit together. */
static const char *conflict(const struct bench_options *o,
                            const struct bench_protocol *p)
{
    bool plain = o->op == OP_SET || o->op == OP_GET || o->op == OP_MIXED;
    if (o->mode == MODE_OPEN && o->rate <= 0)
        return "open needs --rate";
    if (o->mode != MODE_OPEN && o->rate > 0)
        return "--rate is for open";
    if (o->mode == MODE_SETUP && (o->count > 0 || o->duration_ms >= 0))
        return "setup writes all --keys once; no --count, no --seconds";
    if (o->count > 0 && (o->duration_ms >= 0 || o->warmup_ms > 0))
        return "--count goes without --seconds and --warmup";
    if (o->puts_percent >= 0 && !plain)
        return "--puts is for set, get and mixed";
    if (o->mode == MODE_SETUP && o->op == OP_SETNX)
        return "setnx needs no setup";
    if (o->elements > 0 && !bench_is_collection(o->op))
        return "--elements is for collections";
    if (o->mode == MODE_SETUP && bench_setup_in_order(o) && o->connections > 1)
        return "setup of streams has one connection: their ids ascend";
    if (o->elements > 0 && o->keys > INT64_MAX / 2 / o->elements)
        return "too many --elements for so many --keys";
    if (o->leader_only && o->followers_only)
        return "--leader or --followers, not both";
    if ((o->leader_only || o->followers_only) && !p->finds_leader)
        return "this program cannot find the leader";
    if (strlen(o->prefix) > KEY_PREFIX_MAX)
        return "--prefix is too long";
    if (o->op != OP_MIXED && (p->ops & 1U << o->op) == 0)
        return "this program does not have that --op";
    return NULL;
}

int bench_options_parse(struct bench_options *o, const struct bench_protocol *p,
                        int argc, char **argv)
{
    *o = (struct bench_options){.connections = -1,
                                .threads = 1,
                                .pipeline = -1,
                                .keys = 100000,
                                .puts_percent = -1,
                                .value_bytes = 128,
                                .elements = -1,
                                .duration_ms = -1,
                                .warmup_ms = -1,
                                .timeout_ms = 10000,
                                .seed = 1,
                                .password = getenv("VARD_PASSWORD"),
                                .prefix = "bench:"};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(stdout, p);
            return BENCH_USAGE + 1;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("%s %s\n", p->program, VARD_VERSION);
            return BENCH_USAGE + 1;
        }
    }
    if (argc < 2)
        return complain(p, "setup, closed or open?", "");
    if (!take_word("setup|closed|open", argv[1], &o->mode))
        return complain(p, "setup, closed or open, not ", argv[1]);
    int err = take_all(o, p, argc, argv);
    if (err != 0)
        return err;
    const char *why = conflict(o, p);
    if (why != NULL)
        return complain(p, why, "");
    fill_in(o, p);
    return 0;
}

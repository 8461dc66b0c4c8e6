/*
 * The history of a run as its clients saw it, judged by a model that is not
 * the fold's: a second opinion beside the oracle. Left out are keys that expire
 * and those of clients that reuse ids of ONCE requests. All attempts of one
 * ONCE request are one operation, from the first question to the first answer.
 *
 * The order of the log is tried first, as a witness: if each reply is what the
 * model answers in that order, and the order respects real time, then it is a
 * linearization, and the history has one. Whenever that fails, and in every
 * 16th seed anyway, the checker searches that knows neither log nor indexes;
 * it alone condemns.
 */
#include "sim.h"

#include "base/num.h"
#include "check/lin.h"
#include "check/witness.h"

/* Per key; more is reported as undecided. Of what is proved a part is searched
 * all the same: the two must not contradict each other. */
#define STEPS_MAX        100000
#define STEPS_MAX_PROVED 5000
#define SEARCH_EVERY     16

/* Keys of strings that do not expire, and queues (sim_collect.c). */
#define JUDGED "rcapq"

struct kind_row {
    const char *word;
    enum history_kind kind;
};

static const struct kind_row *kind_of(struct bytes word)
{
    static const struct kind_row rows[] = {
        {"get", HISTORY_GET},       {"set", HISTORY_SET},
        {"setnx", HISTORY_SETNX},   {"cas", HISTORY_CAS},
        {"cad", HISTORY_CAD},       {"del", HISTORY_DEL},
        {"incr", HISTORY_INCRBY},   {"incrby", HISTORY_INCRBY},
        {"append", HISTORY_APPEND}, {"getdel", HISTORY_GETDEL},
        {"exists", HISTORY_EXISTS}, {"strlen", HISTORY_STRLEN},
        {"mset", HISTORY_SET},      {"rpush", HISTORY_RPUSH},
        {"lpush", HISTORY_LPUSH},   {"lpop", HISTORY_LPOP},
        {"rpop", HISTORY_RPOP},     {"llen", HISTORY_LLEN},
        {"lrange", HISTORY_LRANGE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (bytes_eq(word, bytes_str(rows[i].word)))
            return &rows[i];
    return NULL;
}

static bool is_judged(struct bytes key)
{
    return key.data[0] != 0 && strchr(JUDGED, key.data[0]);
}

/* All elements of a list, each with a newline. */
static void lines_fill(struct history *h, struct history_op *to,
                       struct bytes reply)
{
    struct fold_words w = {.list = NULL};
    struct buf lines = BUF_INIT;
    bool ok = fold_words_of(reply, &w);

    ASSERT(ok);
    for (size_t i = 0; i < w.count; i++) {
        buf_bytes(&lines, w.list[i]);
        buf_char(&lines, '\n');
    }
    to->reply = w.count == 0 ? REPLY_NIL : REPLY_TEXT;
    if (w.count > 0)
        to->text = history_intern(h, buf_view(&lines));
    buf_release(&lines);
    fold_words_release(&w);
}

static void reply_fill(struct history *h, struct history_op *to,
                       struct bytes reply)
{
    ASSERT(reply.len >= 3);
    struct bytes body = bytes_of(reply.data + 1, reply.len - 3);
    switch (reply.data[0]) {
    case '*':
        lines_fill(h, to, reply);
        break;
    case '+':
        to->reply = REPLY_OK;
        break;
    case ':':
        to->reply = num_parse_i64(body, &to->number) ? REPLY_INT : REPLY_ERROR;
        break;
    case '$':
        to->reply = REPLY_NIL;
        if (reply.data[1] == '-')
            break;
        while (body.data[0] != '\n')
            body = bytes_from(body, 1);
        to->reply = REPLY_TEXT;
        to->text = history_intern(h, bytes_from(body, 1));
        break;
    default:
        to->reply = REPLY_ERROR;
    }
    /* SET ... NX is SETNX with other words. */
    if (to->kind == HISTORY_SETNX && to->reply != REPLY_INT) {
        to->number = to->reply == REPLY_OK;
        to->reply = REPLY_INT;
    }
}

static void args_fill(struct history *h, struct history_op *to,
                      const struct sim_op *op)
{
    int64_t by = 1;

    switch (to->kind) {
    case HISTORY_SET:
    case HISTORY_APPEND:
    case HISTORY_RPUSH:
    case HISTORY_LPUSH:
    case HISTORY_SETNX:
        to->value = history_intern(h, op->argv[2]);
        break;
    case HISTORY_CAS:
        to->value = history_intern(h, op->argv[3]);
        to->expected = history_intern(h, op->argv[2]);
        break;
    case HISTORY_CAD:
        to->expected = history_intern(h, op->argv[2]);
        break;
    case HISTORY_INCRBY:
        if (op->argc > 2 && !num_parse_i64(op->argv[2], &by))
            by = 0;
        to->increment = by;
        break;
    default:
        break;
    }
}

/* An entry may hold several requests, and a request set two keys. What gave
 * an error that nobody saw has no place: it changed nothing. */
static void place_fill(struct history_op *to, const struct sim_op *op,
                       uint32_t key)
{
    const struct buf *reply = op->first ? &op->first->expected : NULL;

    if (reply && !op->answer && reply->len > 0 && reply->data[0] == '-')
        return;
    if (op->first) {
        to->place = PLACE_LOG;
        to->index = op->first->executed;
        to->pos = 2 * op->first->executed_pos + key;
    } else if (op->seen > 0) {
        to->place = PLACE_READ;
        to->index = op->seen;
    }
}

static void add(struct sim *s, struct history *h, const struct sim_op *op)
{
    const struct kind_row *row = kind_of(op->argv[0]);
    const struct sim_op *answer = op->answer;

    if (!row || op->origin || !is_judged(op->argv[1]) ||
        (op->read && op->state != OP_DONE))
        return;
    struct history_op to = {.invoke = op->invoke_us,
                            .ret = HISTORY_NEVER,
                            .client = op->client,
                            .kind = (uint8_t)row->kind,
                            .outcome = HISTORY_UNKNOWN};
    bool nx = op->argc > 3 && bytes_eq(op->argv[3], BYTES_LIT("nx"));
    if (row->kind == HISTORY_SET && nx)
        to.kind = HISTORY_SETNX;
    to.key = history_intern(h, op->argv[1]);
    args_fill(h, &to, op);
    place_fill(&to, op, 0);
    if (answer) {
        to.outcome = HISTORY_OK;
        to.ret = answer->return_us;
        reply_fill(h, &to, buf_view(&answer->expected));
    } else if (op->state == OP_REFUSED) {
        to.outcome = HISTORY_FAIL;
        to.ret = s->now_us;
    }
    history_add(h, &to);
    if (!bytes_eq(op->argv[0], BYTES_LIT("mset")))
        return;
    to.key = history_intern(h, op->argv[3]);
    to.value = history_intern(h, op->argv[4]);
    place_fill(&to, op, 1);
    history_add(h, &to);
}

/* What each key holds in the end, as a read of nobody. */
static void add_last(struct sim *s, struct history *h)
{
    struct keyspace *ks = s->nodes[__builtin_ctz(s->members)].node->ks;
    struct buf all = BUF_INIT;
    struct bytes name;
    size_t pos = 0;

    keyspace_read_at(ks, s->oracle.times[s->oracle.head]);
    while (map_next(&s->oracle.keys, &pos, &name, NULL)) {
        struct value v;
        if (!is_judged(name) || name.data[0] == 'q')
            continue;
        struct history_op to = {.invoke = s->now_us,
                                .ret = s->now_us + 1,
                                .client = UINT32_MAX,
                                .kind = HISTORY_GET,
                                .outcome = HISTORY_OK,
                                .reply = REPLY_NIL,
                                .place = PLACE_READ,
                                .index = s->oracle.head};
        to.key = history_intern(h, name);
        if (keyspace_get(ks, 0, name, &v)) {
            to.reply = REPLY_TEXT;
            buf_reset(&all);
            oracle_read_value(ks, &v, &all);
            to.text = history_intern(h, buf_view(&all));
        }
        history_add(h, &to);
    }
    buf_release(&all);
}

/* Of the attempts of a ONCE request the first one counts. */
static void find_first(struct sim *s)
{
    for (struct sim_op *op = s->ops; op; op = op->all) {
        struct sim_op *root = op->origin ? op->origin : op;
        if (op->executed > 0 &&
            (!root->first || op->executed < root->first->executed ||
             (op->executed == root->first->executed &&
              op->executed_pos < root->first->executed_pos)))
            root->first = op;
    }
}

static bool proved(struct sim *s, const struct history *h)
{
    const struct witness_options options = {.unknown_complete = true};
    struct witness_report report;

    witness_check(h, &options, &report);
    bool ok = report.ok && report.keys_undecided == 0;
    if (!ok)
        sim_trace(s, "the log is no witness: %.*s",
                  (int)MIN(report.text.len, 300),
                  (const char *)report.text.data);
    s->stats.lin_histories++;
    s->stats.lin_ops += h->count;
    s->stats.lin_proved += ok;
    witness_report_release(&report);
    return ok;
}

static void search(struct sim *s, const struct history *h, uint64_t steps_max)
{
    const struct lin_options options = {.steps_max = steps_max};
    struct lin_report report;

    lin_check(h, &options, &report);
    s->stats.lin_searched++;
    s->stats.lin_keys += report.keys;
    s->stats.lin_undecided += report.keys_undecided;
    if (report.verdict == LIN_VIOLATION)
        sim_fail(s, "L linearizability, seen from outside: %.*s",
                 (int)MIN(report.text.len, 300),
                 (const char *)report.text.data);
    lin_report_release(&report);
}

void history_check(struct sim *s)
{
    struct history h;

    if (s->config.once_ttl_s < 3600)
        return; /* results of ONCE may be forgotten */
    history_init(&h);
    find_first(s);
    for (const struct sim_op *op = s->ops; op; op = op->all)
        add(s, &h, op);
    add_last(s, &h);
    if (!proved(s, &h))
        search(s, &h, STEPS_MAX);
    else if (s->seed % SEARCH_EVERY == 0)
        search(s, &h, STEPS_MAX_PROVED);
    history_release(&h);
}

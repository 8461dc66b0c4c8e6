/* Words separated by single spaces; a cursor that, once it has met something
 * wrong, stays wrong. */
#include "trace/trace.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "codec/message.h"

struct cursor {
    struct bytes rest;
    bool wrong;
};

static struct bytes word_until(struct cursor *c, char end)
{
    size_t n = 0;

    while (n < c->rest.len && c->rest.data[n] != end)
        n++;
    struct bytes word = bytes_of(c->rest.data, n);
    c->rest = bytes_from(c->rest, MIN(n + 1, c->rest.len));
    return word;
}

static uint64_t number_of(struct cursor *c, struct bytes word)
{
    uint64_t v = 0;

    if (!num_parse_u64(word, &v))
        c->wrong = true;
    return v;
}

static uint64_t number(struct cursor *c)
{
    return number_of(c, word_until(c, ' '));
}

static uint32_t small(struct cursor *c)
{
    uint64_t v = number(c);

    c->wrong |= v > UINT32_MAX;
    return (uint32_t)v;
}

static bool is_nothing(struct bytes word)
{
    return bytes_eq(word, BYTES_LIT("-"));
}

/* The rest of the cursor: INDEX:VOTERS:OUTGOING:ID=LIFE,... */
static void parse_members(struct cursor *c, struct raft_members *m,
                          raft_index *at)
{
    memset(m, 0, sizeof(*m));
    *at = number_of(c, word_until(c, ':'));
    m->voters = (uint32_t)number_of(c, word_until(c, ':'));
    m->outgoing = (uint32_t)number_of(c, word_until(c, ':'));
    while (c->rest.len > 0 && !c->wrong && m->count < RAFT_NODES_MAX) {
        struct cursor pair = {word_until(c, ','), false};
        m->ids[m->count] = (node_id)number_of(&pair, word_until(&pair, '='));
        m->life[m->count++] = (uint32_t)number_of(&pair, pair.rest);
        c->wrong |= pair.wrong;
    }
    c->wrong |= c->rest.len > 0 || !raft_members_valid(m);
}

static void parse_start_members(struct cursor *c, struct raft_start *start)
{
    struct cursor list = {word_until(c, ' '), false};

    while (list.rest.len > 0 && !c->wrong &&
           start->members_count < RAFT_START_MEMBERS) {
        struct cursor one = {word_until(&list, '/'), false};
        uint32_t i = start->members_count++;
        parse_members(&one, &start->members[i], &start->members_at[i]);
        c->wrong |= one.wrong;
    }
    c->wrong |= list.rest.len > 0 || start->members_count == 0;
}

static void parse_event_members(struct cursor *c, struct trace_line *out)
{
    struct cursor one = {word_until(c, ' '), false};

    if (is_nothing(one.rest))
        return;
    parse_members(&one, &out->members, &out->event.members_at);
    out->event.members = &out->members;
    c->wrong |= one.wrong;
}

/* TERM-OF-INDEX:TERM, of a state that takes the place of another one. */
static void parse_restored(struct cursor *c, struct raft_event *e)
{
    struct cursor one = {word_until(c, ' '), false};
    bool restores = e->type == RAFT_EV_RESTORE;

    c->wrong |= is_nothing(one.rest) == restores;
    if (c->wrong || !restores)
        return;
    e->index_term = number_of(&one, word_until(&one, ':'));
    e->term = number_of(&one, one.rest);
    /* What the core takes for granted. */
    c->wrong |= one.wrong || e->index == 0 || e->index_term == 0 ||
                e->index_term > e->term || e->members == NULL ||
                e->members_at > e->index;
}

static void parse_runs(struct cursor *c, struct trace_line *out)
{
    struct bytes word = word_until(c, ' ');
    struct cursor list = {word, false};

    if (is_nothing(word))
        return;
    while (list.rest.len > 0 && !list.wrong) {
        struct bytes run = word_until(&list, ',');
        struct cursor pair = {run, false};
        if (out->start.run_count == RAFT_RUNS_MAX) {
            list.wrong = true;
            break;
        }
        struct raft_run *r = &out->runs[out->start.run_count++];
        r->first = number_of(&pair, word_until(&pair, ':'));
        r->term = number_of(&pair, pair.rest);
        list.wrong |= pair.wrong;
    }
    c->wrong |= list.wrong;
}

static void parse_start(struct cursor *c, struct trace_line *out)
{
    struct raft_config *config = &out->config;
    struct raft_start *start = &out->start;

    config->self = small(c);
    config->incarnation = number(c);
    config->cluster_id = number(c);
    config->group = (uint16_t)small(c);
    parse_start_members(c, start);
    config->election_timeout_ms = small(c);
    config->heartbeat_ms = small(c);
    config->peer_down_delay_ms = small(c);
    config->disk_timeout_ms = small(c);
    config->append_entries_max = small(c);
    config->window_max = small(c);
    config->seed = number(c);
    out->event.now_ms = (int64_t)number(c);
    start->term = number(c);
    start->vote = small(c);
    start->log_first = number(c);
    start->log_prev_term = number(c);
    start->log_last = number(c);
    start->applied = number(c);
    parse_runs(c, out);
    start->recovering = small(c) != 0;
    start->careful = small(c) != 0;
    start->runs = out->runs;
}

static int digit_of(uint8_t ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static void parse_message(struct cursor *c, struct trace_line *out)
{
    struct bytes word = word_until(c, ' ');
    struct buf bytes = BUF_INIT;
    struct bytes rest;

    if (is_nothing(word)) {
        c->wrong |= out->event.type == RAFT_EV_MESSAGE;
        return;
    }
    for (size_t i = 0; i + 1 < word.len; i += 2) {
        int high = digit_of(word.data[i]);
        int low = digit_of(word.data[i + 1]);
        c->wrong |= high < 0 || low < 0;
        buf_u8(&bytes, (uint8_t)(high * 16 + low));
    }
    if (message_decode(buf_view(&bytes), &out->message, &rest) != 0 ||
        rest.len > 0)
        c->wrong = true;
    buf_release(&bytes);
    out->event.message = &out->message;
}

static void parse_chains(struct cursor *c, struct trace_line *out)
{
    struct bytes word = word_until(c, ' ');
    struct cursor list = {word, false};

    if (is_nothing(word))
        return;
    while (list.rest.len > 0 && !list.wrong) {
        uint64_t chain = number_of(&list, word_until(&list, ','));
        if (out->chain_count == CHECK_CHUNK_MAX)
            list.wrong = true;
        else
            out->chains[out->chain_count++] = chain;
    }
    c->wrong |= list.wrong;
}

static void parse_step(struct cursor *c, struct trace_line *out)
{
    struct raft_event *e = &out->event;

    out->digest = number(c);
    uint64_t type = number(c);
    c->wrong |= type > RAFT_EV_FLUSH;
    e->type = (enum raft_event_type)type;
    e->now_ms = (int64_t)number(c);
    e->peer = small(c);
    e->index = number(c);
    e->seq = number(c);
    e->read_id = number(c);
    e->incarnation = number(c);
    e->count = small(c);
    parse_message(c, out);
    parse_chains(c, out);
    parse_event_members(c, out);
    parse_restored(c, e);
}

int trace_parse(const char *text, struct trace_line *out)
{
    struct cursor c = {bytes_str(text), false};

    ASSERT(text && out);
    memset(&out->config, 0, sizeof(out->config));
    memset(&out->start, 0, sizeof(out->start));
    memset(&out->event, 0, sizeof(out->event));
    out->chain_count = 0;
    struct bytes kind = word_until(&c, ' ');
    if (bytes_eq(kind, BYTES_LIT("start"))) {
        out->kind = TRACE_START;
        parse_start(&c, out);
    } else if (bytes_eq(kind, BYTES_LIT("step"))) {
        out->kind = TRACE_STEP;
        parse_step(&c, out);
    } else if (bytes_eq(kind, BYTES_LIT("applied"))) {
        out->kind = TRACE_APPLIED;
        out->applied = number(&c);
    } else {
        c.wrong = true;
    }
    return c.wrong || c.rest.len > 0 ? ERR_CORRUPT : 0;
}

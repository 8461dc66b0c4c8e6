/*
 * How it works: counters for commands are in an array by id, those for errors
 * in a map by code. Rates are the mean of the last samples, each the difference
 * of a counter over the time between two samples.
 *
 * How it fails: it doesn't. The number of error codes is bounded: what comes
 * after is counted in the total only.
 */
#include "server/stats.h"

#include "base/alloc.h"

void stats_init(struct stats *s, uint64_t seed)
{
    *s = (struct stats){0};
    s->commands = mem_zalloc(CMD_ID_COUNT * sizeof(*s->commands));
    map_init(&s->errors, seed);
}

static void free_errors(struct stats *s)
{
    size_t pos = 0;
    void *value;
    while (map_next(&s->errors, &pos, NULL, &value))
        mem_free(value);
}

void stats_release(struct stats *s)
{
    free_errors(s);
    map_release(&s->errors);
    for (size_t i = 0; i < CMD_ID_COUNT; i++)
        mem_free(s->commands[i].latency);
    mem_free(s->commands);
    s->commands = NULL;
}

void stats_reset(struct stats *s)
{
    uint64_t seed = s->errors.seed;
    ASSERT(s->commands != NULL);
    stats_release(s);
    stats_init(s, seed);
}

struct stats_command *stats_of(struct stats *s, const struct cmd *cmd)
{
    ASSERT(cmd->id >= 0 && cmd->id < CMD_ID_COUNT);
    return &s->commands[cmd->id];
}

void stats_called(struct stats *s, const struct cmd *cmd, int64_t us)
{
    struct stats_command *c = stats_of(s, cmd);
    uint64_t taken = (uint64_t)MAX(us, 0);
    ASSERT(c->usec <= UINT64_MAX - taken);
    if (c->latency == NULL)
        c->latency = mem_zalloc(sizeof(*c->latency));
    latency_add(c->latency, taken);
    c->calls++;
    c->usec += taken;
}

static void count_error(struct stats *s, struct bytes code)
{
    ASSERT(s->errors.count <= STATS_ERRORS);
    uint64_t *count = map_get(&s->errors, code);
    if (count == NULL) {
        if (s->errors.count >= STATS_ERRORS)
            return;
        count = mem_zalloc(sizeof(*count));
        (void)map_put(&s->errors, code, count);
    }
    ++*count;
}

bool stats_reply(struct stats *s, struct bytes reply)
{
    if (reply.len == 0 || reply.data[0] != '-')
        return false;
    size_t len = 1;
    while (len < reply.len && len < 32 && reply.data[len] != ' ' &&
           reply.data[len] != '\r')
        len++;
    s->error_replies++;
    count_error(s, bytes_of(reply.data + 1, len - 1));
    return true;
}

static void sample(struct stats_rate *r, uint64_t value, int64_t mono_ms)
{
    int64_t passed = mono_ms - r->last_ms;
    ASSERT(passed >= 0 && r->next < STATS_SAMPLES);
    if (passed < STATS_SAMPLE_MS / 2)
        return;
    uint64_t delta = value - r->last_value;
    if (r->last_ms != 0 && value >= r->last_value) {
        r->samples[r->next] = delta * 1000 / (uint64_t)passed;
        r->next = (r->next + 1) % STATS_SAMPLES;
    }
    r->last_value = value;
    r->last_ms = mono_ms;
}

void stats_sample(struct stats *s, int64_t mono_ms)
{
    ASSERT(mono_ms >= 0);
    sample(&s->commands_rate, s->commands_processed, mono_ms);
    sample(&s->input_rate, s->input_bytes, mono_ms);
    sample(&s->output_rate, s->output_bytes, mono_ms);
}

uint64_t stats_rate_value(const struct stats_rate *r)
{
    uint64_t sum = 0;
    ASSERT(r->next < STATS_SAMPLES);
    for (size_t i = 0; i < STATS_SAMPLES; i++)
        sum += r->samples[i];
    return sum / STATS_SAMPLES;
}

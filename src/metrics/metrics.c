/*
 * The table is an array in the order of metrics.def; the values are an array
 * beside it, texts one after the other in a buffer.
 *
 * How it fails: a value that is missing, set twice or of another kind is a
 * programmer's mistake and ends the process; each is met by the first INFO of
 * a test.
 */
#include "metrics/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define US_PER_S 1000000

static const struct metric table[] = {
#define COUNTER(s, n, u, e, h)                                                 \
    {KIND_COUNTER, UNIT_##u, #s, #n, .exported = e, .help = h},
#define GAUGE(s, n, u, e, h)                                                   \
    {KIND_GAUGE, UNIT_##u, #s, #n, .exported = e, .help = h},
#define TEXT(s, n, h) {KIND_TEXT, UNIT_NONE, #s, #n, .help = h},
#define ROUNDED(s, n, o, h)                                                    \
    {KIND_ROUNDED, UNIT_NONE, #s, #n, .of = METRIC_##o, .help = h},
#define CONSTANT(s, n, v, h)                                                   \
    {KIND_CONSTANT, UNIT_NONE, #s, #n, .value = v, .help = h},
#include "metrics/metrics.def"
#undef COUNTER
#undef GAUGE
#undef TEXT
#undef ROUNDED
#undef CONSTANT
};

_Static_assert(ARRAY_LEN(table) == METRIC_COUNT, "one id for each row");

const struct metric *metric_at(enum metric_id id)
{
    ASSERT(id < METRIC_COUNT);
    return &table[id];
}

static bool is_number(enum metric_id id)
{
    enum metric_kind kind = metric_at(id)->kind;
    return kind == KIND_COUNTER || kind == KIND_GAUGE;
}

/* --- values ------------------------------------------------------------- */

void metrics_set(struct metrics *m, enum metric_id id, int64_t value)
{
    ASSERT(is_number(id));
    ASSERT(!m->values[id].set);
    m->values[id] = (struct metric_value){.set = true, .number = value};
}

void metrics_count(struct metrics *m, enum metric_id id, uint64_t value)
{
    metrics_set(m, id, (int64_t)MIN(value, (uint64_t)INT64_MAX));
}

void metrics_text(struct metrics *m, enum metric_id id, const char *format, ...)
{
    va_list args, again;
    ASSERT(metric_at(id)->kind == KIND_TEXT);
    ASSERT(!m->values[id].set);
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    ASSERT(len >= 0);
    char *to = (char *)buf_reserve(&m->texts, (size_t)len + 1);
    vsnprintf(to, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    m->values[id] = (struct metric_value){
        .set = true, .text_at = m->texts.len, .length = (size_t)len};
    m->texts.len += (size_t)len;
}

void metrics_release(struct metrics *m)
{
    buf_release(&m->texts);
    *m = METRICS_INIT;
}

bool metrics_has(const struct metrics *m, enum metric_id id)
{
    const struct metric *row = metric_at(id);
    if (row->kind == KIND_ROUNDED)
        return m->values[row->of].set;
    return row->kind == KIND_CONSTANT || m->values[id].set;
}

int64_t metrics_number(const struct metrics *m, enum metric_id id)
{
    ASSERT(is_number(id));
    ASSERT(metrics_has(m, id));
    return m->values[id].number;
}

/* --- INFO --------------------------------------------------------------- */

void metrics_rounded(uint64_t bytes, struct buf *out)
{
    static const char units[] = "KMGTP";
    double value = (double)bytes;
    size_t unit = 0;
    if (bytes < 1024) {
        buf_printf(out, "%" PRIu64 "B", bytes);
        return;
    }
    value /= 1024;
    for (; value >= 1024 && unit + 2 < sizeof(units); unit++)
        value /= 1024;
    ASSERT(unit + 1 < sizeof(units));
    buf_printf(out, "%.2f%c", value, units[unit]);
}

static void write_number(const struct metrics *m, enum metric_id id,
                         struct buf *out)
{
    int64_t n = metrics_number(m, id);
    if (metric_at(id)->unit != UNIT_SECONDS) {
        buf_printf(out, "%" PRId64, n);
        return;
    }
    ASSERT(n >= 0);
    buf_printf(out, "%" PRId64 ".%06" PRId64, n / US_PER_S, n % US_PER_S);
}

void metrics_write(const struct metrics *m, enum metric_id id, struct buf *out)
{
    const struct metric *row = metric_at(id);
    const struct metric_value *v = &m->values[id];
    ASSERT(metrics_has(m, id));
    switch (row->kind) {
    case KIND_COUNTER:
    case KIND_GAUGE:
        write_number(m, id, out);
        break;
    case KIND_TEXT:
        buf_bytes(out, bytes_of(m->texts.data + v->text_at, v->length));
        break;
    case KIND_ROUNDED:
        metrics_rounded((uint64_t)metrics_number(m, row->of), out);
        break;
    case KIND_CONSTANT:
        buf_str(out, row->value);
        break;
    }
}

void metrics_info(const struct metrics *m, const char *section, struct buf *out)
{
    ASSERT(section != NULL);
    for (enum metric_id id = 0; id < METRIC_COUNT; id++) {
        const struct metric *row = metric_at(id);
        if (strcmp(row->section, section) != 0)
            continue;
        buf_str(out, row->name);
        buf_char(out, ':');
        metrics_write(m, id, out);
        buf_str(out, "\r\n");
    }
}

/*
 * Measured values: a table of what there is (metrics.def), and the values of
 * one moment. The room that measures a value sets it; the rooms that show it
 * take its name and form from here, so that a value has one name everywhere.
 *
 * Ownership: struct metrics owns its texts; it starts as METRICS_INIT and is
 * released.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

enum metric_kind {
    KIND_COUNTER,
    KIND_GAUGE,
    KIND_TEXT,
    KIND_ROUNDED,
    KIND_CONSTANT,
};

enum metric_unit { UNIT_NONE, UNIT_BYTES, UNIT_SECONDS };

/* METRIC_raft_term, ...: in the order of the table. */
enum metric_id {
#define COUNTER(section, name, ...)  METRIC_##name,
#define GAUGE(section, name, ...)    METRIC_##name,
#define TEXT(section, name, ...)     METRIC_##name,
#define ROUNDED(section, name, ...)  METRIC_##name,
#define CONSTANT(section, name, ...) METRIC_##name,
#include "metrics/metrics.def"
#undef COUNTER
#undef GAUGE
#undef TEXT
#undef ROUNDED
#undef CONSTANT
    METRIC_COUNT,
};

struct metric {
    enum metric_kind kind;
    enum metric_unit unit;
    const char *section;  /* of INFO, in lower case */
    const char *name;     /* in INFO */
    const char *exported; /* for Prometheus; NULL: for INFO only */
    const char *value;    /* KIND_CONSTANT; else NULL */
    enum metric_id of;    /* KIND_ROUNDED */
    const char *help;
};

struct metric_value {
    bool set;
    int64_t number;         /* counter, gauge; seconds in microseconds */
    size_t text_at, length; /* text: in `texts` */
};

struct metrics {
    struct metric_value values[METRIC_COUNT];
    struct buf texts;
};

#define METRICS_INIT ((struct metrics){.texts = BUF_INIT})

const struct metric *metric_at(enum metric_id id);

/* Each sets one value, which was not set yet. */
void metrics_set(struct metrics *m, enum metric_id id, int64_t value);
void metrics_count(struct metrics *m, enum metric_id id, uint64_t value);
void metrics_text(struct metrics *m, enum metric_id id, const char *format, ...)
    PRINTF(3, 4);
void metrics_release(struct metrics *m);

/* It was set, or follows from the table and what was set. */
bool metrics_has(const struct metrics *m, enum metric_id id);
/* Of a counter or gauge that was set. */
int64_t metrics_number(const struct metrics *m, enum metric_id id);
/* Appends any value that metrics_has, in the form that INFO has. */
void metrics_write(const struct metrics *m, enum metric_id id, struct buf *out);
/* Appends bytes as Redis writes them for people: "1.50M", "980B". */
void metrics_rounded(uint64_t bytes, struct buf *out);
/* Appends the lines "name:value\r\n" of a section of INFO, all of whose values
 * have been set. A section without rows is empty. */
void metrics_info(const struct metrics *m, const char *section,
                  struct buf *out);

#endif

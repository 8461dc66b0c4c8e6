/*
 * Errors by kind: the first word of an error reply (CLUSTERDOWN, ERR, ...) or
 * a name of ours (connection-lost, timeout, ...), with how often and the
 * first text. At most 24 kinds; what comes later counts as "other".
 *
 * Thread: one writes; errors_total may be read by any other meanwhile.
 */
#ifndef BENCH_ERRORS_H
#define BENCH_ERRORS_H

#include "base/base.h"
#include "base/bytes.h"

#include <stdatomic.h>

#define ERRORS_KINDS_MAX 24
#define ERRORS_KIND_MAX  24
#define ERRORS_TEXT_MAX  96

struct errors_kind {
    char kind[ERRORS_KIND_MAX];
    char text[ERRORS_TEXT_MAX]; /* printable, without quotes */
    uint64_t count;
};

struct errors {
    struct errors_kind kinds[ERRORS_KINDS_MAX];
    size_t used;
    _Atomic uint64_t total;
};

/* The kind is the first word of the text. */
void errors_note_reply(struct errors *e, struct bytes text);
void errors_note(struct errors *e, const char *kind, struct bytes text,
                 uint64_t times);
void errors_add(struct errors *e, const struct errors *other);
uint64_t errors_total(const struct errors *e);

#endif

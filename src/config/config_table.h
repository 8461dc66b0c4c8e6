/*
 * For this room only: one option as data, and how its value is read from text
 * and written as text. config.h is what other rooms see.
 */
#ifndef CONFIG_CONFIG_TABLE_H
#define CONFIG_CONFIG_TABLE_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "config/config.h"
#include "config/config_words.h"

enum option_kind {
    OPTION_BOOL,
    OPTION_NUMBER,
    OPTION_SIZE,
    OPTION_TEXT,
    OPTION_CHOICE,
    OPTION_LIST,
    OPTION_FIXED
};

/* See config.def. */
enum option_use {
    START = 0,
    PUSH = 1,
    PULL = 2,
    KEPT = 4,
    LIVE = PUSH | PULL | KEPT, /* CONFIG SET may change it */
    SECRET = 8,
    SHOWN = 16,
    OCTAL = 32,
};

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset;   /* of the field; not for OPTION_FIXED */
    const char *def; /* as text */
    uint64_t min;    /* of a number or size */
    uint64_t max;
    unsigned use;        /* of enum option_use */
    const char *choices; /* "a|b|c" */
    const char *doc;
};

/* The n-th option, NULL after the last. */
const struct option *option_at(size_t n);
/* By name, in upper or lower case; NULL: there is none. */
const struct option *option_find(struct bytes name);
/* The option whose name is most like this one; NULL: none is like it. */
const struct option *option_nearest(struct bytes name);

/* Sets the field. ERR_INVALID and one line of reason, in Redis's words where
 * it has them; in this case the config is unchanged. */
MUST_USE int option_set(struct config *c, const struct option *o,
                        const struct config_words *words, struct buf *reason);
/* The value as text, in the form in which option_set reads it. */
void option_format(const struct config *c, const struct option *o,
                   struct buf *out);

/* The same for options of several words: config_list.c. */
MUST_USE int option_list_set(struct config *c, const struct option *o,
                             const struct config_words *words,
                             struct buf *reason);
void option_list_format(const struct config *c, const struct option *o,
                        struct buf *out);
void config_clear_bind(struct config *c);
void config_clear_nodes(struct config *c);

/* Splits "host:port" or "[v6]:port"; false if the text has another form. */
MUST_USE bool option_address(struct bytes text, struct bytes *host,
                             uint16_t *port);

#endif

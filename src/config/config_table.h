/*
 * Inside of the room: one option as data, and reading and writing its value
 * as text. What the outside sees is in config.h.
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

enum option_flag {
    START = 0,
    LIVE = 1,
    SECRET = 2,
    SHOWN = 4,
    OCTAL = 8,
};

struct option {
    const char *name;
    enum option_kind kind;
    size_t offset;   /* of the field; not for OPTION_FIXED */
    const char *def; /* as text */
    uint64_t min;    /* of a number or size */
    uint64_t max;
    unsigned flags;
    const char *choices; /* "a|b|c" */
    const char *doc;
};

/* The n-th option, NULL behind the last. */
const struct option *option_at(size_t n);
/* By name, in any case; NULL: unknown. */
const struct option *option_find(struct bytes name);
/* The one whose name is nearest; NULL: none is near. */
const struct option *option_nearest(struct bytes name);

/* Sets the field. ERR_INVALID and one line of reason, in Redis's words where
 * it has them; the config is unchanged then. */
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

/* A NUL-terminated copy; NULL when there is a NUL in it. */
char *option_text_of(struct bytes word);

/* "host:port" or "[v6]:port" taken apart; false if it is not of this form. */
MUST_USE bool option_address(struct bytes text, struct bytes *host,
                             uint16_t *port);

#endif

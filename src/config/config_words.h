/*
 * Splits a line into words, as in Redis's configuration files: blanks separate
 * words; in "double quotes" \xHH, \n, \r, \t, \b, \a and a backslash before any
 * other character are escapes, in 'single quotes' only \'.
 */
#ifndef CONFIG_CONFIG_WORDS_H
#define CONFIG_CONFIG_WORDS_H

#include "base/arena.h"
#include "base/base.h"
#include "base/bytes.h"

#define CONFIG_WORDS_MAX 64

struct config_words {
    struct bytes items[CONFIG_WORDS_MAX];
    size_t count;
};

/* The words are in the arena. ERR_INVALID: a quote that is not closed, or
 * is not followed by a blank. ERR_TOO_BIG: too many words. */
MUST_USE int config_split(struct bytes line, struct arena *arena,
                          struct config_words *out);
/* A NUL-terminated copy of a word, which the caller frees; NULL when the word
 * contains a NUL. */
char *config_text_of(struct bytes word);

#endif

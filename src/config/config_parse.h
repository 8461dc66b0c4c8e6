/*
 * For this room only: applying one line of options, wherever it comes from, and
 * the message when it is refused.
 */
#ifndef CONFIG_CONFIG_PARSE_H
#define CONFIG_CONFIG_PARSE_H

#include "base/arena.h"
#include "config/config_table.h"

struct parser {
    struct config *config;
    const struct config_source *source;
    struct buf *error;
    struct arena arena; /* words of the current line */
    int depth;          /* of includes */
    bool in_args;       /* the command line, not a file */
    bool nodes_in_args; /* it named nodes: those of files were dropped */
};

/* Where an option was found. */
struct place {
    const char *name; /* a file, "standard input" or "command line" */
    size_t line;      /* 0: none */
    struct bytes text;
};

/* Applies one option with its values: `words` has the name first. */
MUST_USE int parser_apply(struct parser *p, const struct place *at,
                          const struct config_words *words);
/* Reads a file, "-" for standard input; `from` is the line that names it. */
MUST_USE int parser_file(struct parser *p, const char *path,
                         const struct place *from);
/* Writes the message; returns ERR_INVALID. `o` is the option concerned, or
 * the one that may have been meant, or NULL. */
int parser_refuse(struct parser *p, const struct place *at,
                  const struct option *o, const char *reason);

#endif

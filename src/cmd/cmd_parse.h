/*
 * What the command families share: numbers, options and lookups, each with
 * the error reply that Redis gives. A function that returns false has
 * written the reply.
 */
#ifndef CMD_CMD_PARSE_H
#define CMD_CMD_PARSE_H

#include "cmd/cmd.h"

/* The longest string that a command may build: part of the state machine, so it
 * is not an option. */
#define CMD_STRING_MAX (512 * 1024 * 1024)

/* What a run parses again, as its check did. */
static inline struct cmd_args args_of(const struct cmd_call *c)
{
    return (struct cmd_args){.cmd = c->cmd,
                             .argv = c->argv,
                             .argc = c->argc,
                             .level = c->level,
                             .out = c->out};
}

MUST_USE bool parse_integer(struct resp_writer *w, struct bytes text,
                            int64_t *out);

/* What one command may look at, in bytes of pages (keyspace_scan): more would
 * hold up the loop for half a second and longer. It decides what is written,
 * so it is part of the state machine, and not an option. */
#define CMD_LOOK_MAX (128 * 1024 * 1024)
/* "NAME of more than 128 MiB" and what to do instead. */
void reply_too_long(struct cmd_call *c, const char *name, const char *instead);

void reply_syntax(struct resp_writer *w);
/* "WRONGTYPE ..." */
void reply_wrong_type(struct resp_writer *w);
/* "invalid expire time in 'x' command" */
void reply_expire_time(struct resp_writer *w, const struct cmd *cmd);

/* An argument is this word, in any case. */
static inline bool word_is(struct bytes arg, const char *word)
{
    return bytes_eq_nocase(arg, bytes_str(word));
}

enum expire_kind {
    EXPIRE_NONE,
    EXPIRE_EX,
    EXPIRE_PX,
    EXPIRE_EXAT,
    EXPIRE_PXAT,
    EXPIRE_KEEPTTL, /* SET only */
    EXPIRE_PERSIST, /* GETEX only */
};

/* An expiry as it was given. */
struct expiry {
    enum expire_kind kind;
    struct bytes arg; /* of EX PX EXAT PXAT */
    int64_t ms;       /* its number in ms: an absolute time, or from now on */
};

/* Conditions on the value that is there: equal to bytes, or to a digest
 * (cmd_digest.c). */
enum compare_kind {
    COMPARE_NONE,
    COMPARE_IFEQ,
    COMPARE_IFNE,
    COMPARE_IFDEQ,
    COMPARE_IFDNE,
};

struct comparison_of {
    enum compare_kind kind;
    struct bytes value; /* of IFDEQ and IFDNE the digest */
};

enum compare_kind compare_word(struct bytes word);
/* Of a string, or of no value (VALUE_NONE). False: the error has been written.
 */
MUST_USE bool comparison_holds(struct cmd_call *c,
                               const struct comparison_of *k,
                               const struct value *v, bool *holds);

enum set_condition { SET_ALWAYS, SET_NX, SET_XX, SET_COMPARED };

struct set_options {
    struct expiry expiry;
    enum set_condition condition;
    struct comparison_of comparison; /* of SET_COMPARED */
    bool get;
};

/* The options of SET from argv[3] on, its expiry's number included. */
MUST_USE bool parse_set_options(const struct cmd_args *a,
                                struct set_options *out);
/* Those of MSETEX, from argv[first] on. */
MUST_USE bool parse_msetex_options(const struct cmd_args *a, uint32_t first,
                                   struct set_options *out);
/* The options of GETEX from argv[2] on, without the expiry's number, because
 * Redis looks at it only if the key exists: parse_expiry() reads it then. */
MUST_USE bool parse_getex_options(const struct cmd_args *a,
                                  struct set_options *out);

/* From e->kind and e->arg to e->ms: all that can be said without a clock. */
MUST_USE bool parse_expiry(const struct cmd_args *a, struct expiry *e);
/* When a parsed expiry ends, by the time of the entry: in ms, 0 for never. */
MUST_USE bool expiry_end(struct cmd_call *c, const struct expiry *e,
                         int64_t *end_ms);

/* Nobody gets the rest of the reply, and this replica alone executes the
 * command, so it may end here. What all execute must not: what is looked at
 * counts (keyspace_entry_bytes), and writers have different limits. */
MUST_USE bool may_stop(const struct cmd_call *c);

/* Looks a string up. False: it is of another type (WRONGTYPE was answered).
 * True: out->type is VALUE_STRING, or VALUE_NONE if there is none. */
MUST_USE bool lookup_string(struct cmd_call *c, struct bytes key,
                            struct value *out);
/* The same for a command that writes and answers with what was there, which
 * Redis counts as a lookup, as it does those of reads. */
MUST_USE bool lookup_answer(struct cmd_call *c, struct bytes key,
                            struct value *out);
/* The value, or nil; v is what was looked up last. */
void reply_value(struct cmd_call *c, const struct value *v);
/* A part of a string, within its length. */
void reply_part(struct cmd_call *c, const struct value *v, uint64_t start,
                uint64_t length);
/* Sets a plain string. */
void put_string(struct cmd_call *c, struct bytes key, struct bytes data,
                int64_t expire_ms);

#endif

/*
 * What the command families share: numbers, options and lookups, each with
 * the error reply that Redis gives. A function that returns false has
 * written the reply.
 */
#ifndef CMD_CMD_PARSE_H
#define CMD_CMD_PARSE_H

#include "cmd/cmd.h"

/* The longest string that a command may build: part of the state machine,
 * so it is no option. */
#define CMD_STRING_MAX (512 * 1024 * 1024)

MUST_USE bool parse_integer(struct cmd_call *c, struct bytes text,
                            int64_t *out);

void reply_syntax(struct cmd_call *c);
/* "invalid expire time in 'x' command" */
void reply_expire_time(struct cmd_call *c);

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

enum set_condition { SET_ALWAYS, SET_NX, SET_XX, SET_IFEQ };

struct set_options {
    enum expire_kind expire;
    struct bytes expire_arg; /* of EX PX EXAT PXAT */
    enum set_condition condition;
    struct bytes comparison; /* of SET_IFEQ */
    bool get;
};

/* The options of SET from argv[3] on, of GETEX from argv[2] on. */
MUST_USE bool parse_set_options(struct cmd_call *c, struct set_options *out);
MUST_USE bool parse_getex_options(struct cmd_call *c, struct set_options *out);

/* The part of an expiry's check that needs no clock. */
MUST_USE bool check_expire_arg(struct cmd_call *c, enum expire_kind kind,
                               struct bytes arg);
/* The whole: the absolute time in ms, by the time of the entry. */
MUST_USE bool parse_expire_ms(struct cmd_call *c, enum expire_kind kind,
                              struct bytes arg, int64_t *out);

/* Looks a string up. False: it is of another type (WRONGTYPE was answered).
 * True: out->type is VALUE_STRING, or VALUE_NONE if there is none. */
MUST_USE bool lookup_string(struct cmd_call *c, struct bytes key,
                            struct value *out);
/* The value, or nil. */
void reply_value(struct cmd_call *c, const struct value *v);
/* Sets a plain string. */
void put_string(struct cmd_call *c, struct bytes key, struct bytes data,
                int64_t expire_ms);

#endif

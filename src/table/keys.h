/*
 * Where a command's keys are among its arguments, and what it does to them:
 * the key specifications of Redis 7.
 */
#ifndef TABLE_KEYS_H
#define TABLE_KEYS_H

#include "base/base.h"
#include "base/bytes.h"

/* What a command does to a key: first to the key as a whole (exactly one of
 * RO, RW, OW, RM), then to its data; in the words of Redis 7. */
enum key_flag {
    KEY_RO = 1 << 0, /* reads the value */
    KEY_RW = 1 << 1, /* changes the value by what it was */
    KEY_OW = 1 << 2, /* overwrites it, whatever it was */
    KEY_RM = 1 << 3, /* removes it */
    KEY_ACCESS = 1 << 4,
    KEY_UPDATE = 1 << 5,
    KEY_INSERT = 1 << 6,
    KEY_DELETE = 1 << 7,
    KEY_NOT_KEY = 1 << 8,    /* a name that is treated like a key */
    KEY_INCOMPLETE = 1 << 9, /* there may be keys besides */
    KEY_VARIABLE = 1 << 10,  /* the flags depend on the arguments */
};

/* Where keys are among the arguments: a place to begin, and how to go on from
 * there. KEY_AT and its like, below, write one. */
enum key_begin { KEY_BEGIN_INDEX, KEY_BEGIN_KEYWORD };
enum key_find { KEY_FIND_RANGE, KEY_FIND_KEYNUM };

struct key_spec {
    uint32_t flags; /* enum key_flag */
    enum key_begin begin;
    int index;           /* KEY_BEGIN_INDEX: of the argument to begin at */
    const char *keyword; /* KEY_BEGIN_KEYWORD: begin after this argument, */
    int start_from;      /* looked for from here; negative: from the end */
    enum key_find find;
    int last;   /* range: the last key, from the beginning; negative: */
                /* from the end of the arguments, -1 being the last */
    int limit;  /* range to the end: 2 takes half of it; 0, 1: all */
    int keynum; /* keynum: where the number of keys is, and */
    int first;  /* where the first key is, both from the beginning */
    int step;   /* from one key to the next */
    bool none;  /* keynum: there may be none */
};

/* One key, at this argument. */
#define KEY_AT(i, f)                                                           \
    {                                                                          \
        .flags = (f), .index = (i), .step = 1                                  \
    }
#define KEY_RANGE(i, l, s, f)                                                  \
    {                                                                          \
        .flags = (f), .index = (i), .last = (l), .step = (s)                   \
    }
/* The key after a word, which is looked for from an argument on. */
#define KEY_AFTER(word, from, f)                                               \
    {                                                                          \
        .flags = (f), .begin = KEY_BEGIN_KEYWORD, .keyword = (word),           \
        .start_from = (from), .step = 1                                        \
    }
/* As many keys as the argument says, which is before them. */
#define KEY_NUMBERED(i, f)                                                     \
    {                                                                          \
        .flags = (f), .index = (i), .find = KEY_FIND_KEYNUM, .first = 1,       \
        .step = 1                                                              \
    }
/* All the key specifications of a row. */
#define KEY_SPECS(...)                                                         \
    .keys = (const struct key_spec[]){__VA_ARGS__},                            \
    .key_specs = (uint32_t)(sizeof((const struct key_spec[]){__VA_ARGS__}) /   \
                            sizeof(struct key_spec))

struct cmd;

/* The keys of a command as it was sent; argv and its arity were checked. */
struct cmd_keys {
    const struct cmd *cmd;
    const struct bytes *argv;
    int64_t argc;
    bool invalid;     /* the arguments do not agree with a specification */
    uint32_t spec;    /* the next specification */
    uint32_t flags;   /* of the one being walked, ... */
    int64_t at, last; /* ... the next key and the last: none if at > last */
    int64_t step;
};

struct cmd_key {
    uint32_t index; /* of the argument */
    uint32_t flags; /* never KEY_VARIABLE */
};

void cmd_keys_begin(struct cmd_keys *k, const struct cmd *c,
                    const struct bytes *argv, uint32_t argc);
/* False: there are no more, or (k->invalid) they cannot be told. */
MUST_USE bool cmd_keys_next(struct cmd_keys *k, struct cmd_key *out);

/* The keys as three numbers, as COMMAND INFO shows them beside the
 * specifications; last counts from the first argument or, negative, from the
 * end. All 0 if no key is at a fixed place. */
struct cmd_key_range {
    int first, last, step;
};
struct cmd_key_range cmd_key_range(const struct cmd *c);

/* The argument that is the first key whatever the others are; 0: none is. */
uint32_t cmd_first_key(const struct cmd *c);

#endif

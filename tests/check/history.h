/*
 * A recorded history of client operations: what was asked, when, and what
 * came back. The linearizability checkers (check/lin.h, check/witness.h) read
 * it; the simulator, the load generators and the Tcl tests write it.
 *
 * Each operation touches one key and ends in one of three ways:
 *
 *   HISTORY_OK       answered; the reply is known.
 *   HISTORY_UNKNOWN  no answer, or one that leaves it open (a time-out, a
 *                    closed connection): it may take effect at any time after
 *                    its invocation, or never.
 *   HISTORY_FAIL     refused with a definite error: it must never take effect.
 *
 * A command that was executed and answered an error of its own (INCR on text)
 * is HISTORY_OK with REPLY_ERROR.
 *
 * Times are integers of any unit and origin, the same for all operations of a
 * history. An operation precedes another one if it returned strictly before
 * the other was invoked. Every key is missing at the start; expiry is left
 * out.
 *
 * Texts (keys, values) are kept once each and named by a number; 0 is none.
 */
#ifndef CHECK_HISTORY_H
#define CHECK_HISTORY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define HISTORY_NEVER   INT64_MAX        /* the return of an unknown outcome */
#define HISTORY_OPS_MAX (UINT32_MAX / 4) /* in one history */

/* Those from RPUSH on are of a list, which is a text: each element, and a
 * newline after it. XADD adds at its end and answers OK; LRANGE answers all of
 * it. PUT is HSET or ZADD of one element, a key by itself: it answers 1 if that
 * is new. So SADD is SETNX, SREM, HDEL and ZREM are DEL, SISMEMBER is EXISTS,
 * HGET and ZSCORE are GET, HINCRBY and ZINCRBY are INCRBY.
 *
 * name, word in the text format, number of arguments after the key */
#define HISTORY_KIND_TABLE(X)                                                  \
    X(GET, "get", 0)                                                           \
    X(SET, "set", 1)                                                           \
    X(SETNX, "setnx", 1)                                                       \
    X(CAS, "cas", 2)                                                           \
    X(CAD, "cad", 1)                                                           \
    X(DEL, "del", 0)                                                           \
    X(INCRBY, "incrby", 1)                                                     \
    X(APPEND, "append", 1)                                                     \
    X(GETSET, "getset", 1)                                                     \
    X(GETDEL, "getdel", 0)                                                     \
    X(EXISTS, "exists", 0)                                                     \
    X(STRLEN, "strlen", 0)                                                     \
    X(PUT, "put", 1)                                                           \
    X(RPUSH, "rpush", 1)                                                       \
    X(LPUSH, "lpush", 1)                                                       \
    X(LPOP, "lpop", 0)                                                         \
    X(RPOP, "rpop", 0)                                                         \
    X(XADD, "xadd", 1)                                                         \
    X(LLEN, "llen", 0)                                                         \
    X(LRANGE, "lrange", 0)

enum history_kind {
#define X(name, word, args) HISTORY_##name,
    HISTORY_KIND_TABLE(X)
#undef X
        HISTORY_KINDS
};

enum history_outcome { HISTORY_OK, HISTORY_UNKNOWN, HISTORY_FAIL };

enum history_reply {
    REPLY_NONE, /* no reply is known */
    REPLY_OK,
    REPLY_NIL,
    REPLY_INT,
    REPLY_TEXT,
    REPLY_ERROR, /* executed, and answered an error */
};

/* Where the operation stands in the log, if the reply told (check/witness.h):
 * at a position of an entry, or as a read after all entries up to `index`. */
enum history_place { PLACE_NONE, PLACE_LOG, PLACE_READ };

struct history_op {
    int64_t invoke;
    int64_t ret;       /* HISTORY_NEVER unless the outcome is known */
    int64_t increment; /* INCRBY */
    int64_t number;    /* of REPLY_INT */
    uint64_t index;    /* of PLACE_LOG, PLACE_READ */
    uint32_t pos;      /* within the entry, PLACE_LOG */
    uint32_t client;
    uint32_t key;
    uint32_t value;    /* SET, SETNX, CAS, APPEND, GETSET */
    uint32_t expected; /* CAS, CAD */
    uint32_t text;     /* of REPLY_TEXT */
    uint8_t kind;
    uint8_t outcome;
    uint8_t reply;
    uint8_t place;
};

struct history_text;

struct history {
    struct history_op *ops;
    size_t count;
    size_t cap;
    struct history_text *texts; /* text n stands at n - 1 */
    uint32_t text_count;
    uint32_t text_cap;
    uint32_t *slots; /* hash table of text numbers */
    size_t slot_cap; /* a power of two, or 0 */
    struct buf data; /* the bytes of all texts */
};

void history_init(struct history *h);
void history_release(struct history *h);

/* The number of a text; the same for equal texts, never 0. */
uint32_t history_intern(struct history *h, struct bytes text);
/* The text of a number that history_intern gave; the view lives until the
 * next call of history_intern. */
struct bytes history_text(const struct history *h, uint32_t id);

/* What is wrong with an operation, or NULL. */
const char *history_op_error(const struct history *h,
                             const struct history_op *op);
/* Adds a copy; it must be free of errors. Operations come in any order. */
void history_add(struct history *h, const struct history_op *op);

/* True for kinds that never change anything. */
bool history_kind_reads(enum history_kind kind);
/* Adds an element to a list; is about a list. */
bool history_kind_pushes(enum history_kind kind);
bool history_kind_of_list(enum history_kind kind);
const char *history_kind_word(enum history_kind kind);
/* Arguments after the key: 0 to 2. */
unsigned history_kind_args(enum history_kind kind);

/* --- the text format ----------------------------------------------------
 *
 * One operation a line, fields separated by one space:
 *
 *   CLIENT INVOKE RETURN OUTCOME OP KEY [ARGUMENT...] [= REPLY] [@PLACE]
 *
 *   CLIENT   a number of 32 bits
 *   INVOKE   time, a signed number of 64 bits
 *   RETURN   time, or - (must be - for unknown, may be - for fail)
 *   OUTCOME  ok | unknown | fail; a reply follows exactly if it is ok
 *   OP       a word of HISTORY_KIND_TABLE in any case; also incr and decr
 *            (without argument) and delifeq (as cad)
 *   REPLY    +  (OK)    _  (nil)    :N  (integer)    $TEXT    !  (error)
 *   PLACE    INDEX or INDEX.POSITION in the log, rINDEX for a read
 *
 * In a text (KEY, ARGUMENT, $TEXT) every byte but letters, digits and
 * - _ . : / is written as % and two hexadecimal digits; the empty text is a
 * lone %. Empty lines and lines that begin with # say nothing. A line stands
 * for itself, so histories are joined by joining files.
 *
 *   1 1000 1200 ok set k a%20b = + @17.0
 *   2 1100 1300 ok cas k a%20b c = :1 @18
 *   2 1400 - unknown incrby n 5
 *   1 1500 1700 ok get k = $c @r18
 */

/* Appends the line of an operation, with its newline. */
void history_write_op(const struct history *h, const struct history_op *op,
                      struct buf *out);
/* Appends a text as it stands in a line. */
void history_write_text(struct bytes text, struct buf *out);

/* Reads one line (a newline at its end is allowed). 0, or ERR_INVALID and
 * *why, a constant text, if the line is wrong; then nothing was added. */
MUST_USE int history_read_line(struct history *h, struct bytes line,
                               const char **why);
/* Reads lines until the end; *line_no is that of the wrong line. */
MUST_USE int history_read(struct history *h, struct bytes text,
                          const char **why, size_t *line_no);

#endif

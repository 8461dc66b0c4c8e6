/*
 * The table of kinds: each kind has samples here, which go to the store and
 * come back, and which are refused in every way in which they can be damaged.
 * A new kind fails the first test until it has a sample.
 */
// link: store base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/key.h"
#include "data/kinds.h"
#include "data/rows.h"
#include "data/value.h"
#include "store/store_memory.h"

#define SLOT_AND_HASH                                                          \
    "\x12\x34"                                                                 \
    "\xa1\xa2\xa3\xa4\xa5\xa6"
#define VALUE_KEY                                                              \
    "k\x03"                                                                    \
    "\0\0\0\x02" SLOT_AND_HASH "user"
#define PAGE_KEY                                                               \
    "p\x03"                                                                    \
    "\0\0\0\x02"                                                               \
    "\0\0\0\0\0\0\0\5"
#define TREE_KEY                                                               \
    "t\x03"                                                                    \
    "\0\0\0\x02"                                                               \
    "\0\0\0\0\0\0\0\5"
/* Whose rows, of a collection: the next number is 4, two are used, one is free.
 */
#define SPACE                                                                  \
    "\0\0\0\0\0\0\0\5"                                                         \
    "\0\0\0\0\4\0\0\0\0\2\1\0\0\0\0\3"
#define TIME   "\0\0\0\0\0\0\x27\x10" /* 10,000 */
#define OWN    "0123456789012345678901234567890123456789012345678901234567890123"
#define OFFSET "\xff\xff\xff\xff\xff\xff\xff\xfd"

/* Keys and values as they are on disk. */
struct sample {
    struct bytes key;
    struct bytes value;
    int64_t expire_ms;
};

#define SAMPLE(key, value, ms)                                                 \
    {                                                                          \
        BYTES_INIT(key), BYTES_INIT(value), ms                                 \
    }
#define BYTES_INIT(text)                                                       \
    {                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                              \
    }

static const struct sample samples[] = {
    SAMPLE(VALUE_KEY,
           "\1\0\0\0" TIME "\0\0\0\0\0\0\0\7"
           "data",
           10000),
    SAMPLE(VALUE_KEY,
           "\1\0\0\0"
           "\0\0\0\0\0\0\0\0"
           "\0\0\0\0\0\0\0\7",
           0),
    SAMPLE(VALUE_KEY,
           "\1\1\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\x40\1",
           10000),
    SAMPLE(PAGE_KEY "\0\0\0\0\1", "bytes", 0),
    SAMPLE(TREE_KEY "\0\0\0\0\1", "\0\0\0\1\1k\1v", 0),
    SAMPLE("g\0\0\0\0\0\0\0\1",
           "p\3\0\0\0\2"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\1\0\0\0\1\0",
           0),
    SAMPLE("g\0\0\0\0\0\0\0\2",
           "t\3\0\0\0\2"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\1\0\0\0\1\0",
           0),
    SAMPLE(TREE_KEY "\0\0\0\0\2", "\xff part of a blob", 0),
    SAMPLE(VALUE_KEY, /* a list of one element */
           "\2\0\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\7\0\0\0\1\0\1v",
           10000),
    SAMPLE(VALUE_KEY, /* a set of integers with own bytes */
           "\3\0\2\0" TIME "\0\0\0\0\0\0\0\7"
           "\2ow\0\0\0\7\0\0\0\1\1k\0",
           10000),
    SAMPLE(VALUE_KEY, /* a hash whose fields are in a page */
           "\5\1\0\0" TIME "\0\0\0\0\0\0\0\7" SPACE
           "\0\0\0\0\x0f\1\0\0\1\0\0\0\0\1\0\0\0\0\5\0"
           "\0\0\0\0",
           10000),
    SAMPLE(VALUE_KEY, /* a hash with a field that expires */
           "\5\0\x0c\0" TIME "\0\0\0\0\0\0\0\7"
           "\x08" TIME "\0\0\0\7\0\0\0\1\1k\0"
           "\0\0\0\0",
           10000),
    SAMPLE("h\x03"
           "\0\0\0\x02" SLOT_AND_HASH "user",
           "\5" TIME, 10000),
    SAMPLE("x" TIME "h\x03"
           "\0\0\0\x02" SLOT_AND_HASH "user",
           "", 0),
    SAMPLE("mseed", "\0\0\0\0\0\0\0\6", 0),
    SAMPLE("x" TIME VALUE_KEY, "", 0),
    SAMPLE("x" TIME VALUE_KEY, "\1", 0),
    SAMPLE("x" TIME "oclient", "", 0),
    SAMPLE("mnext",
           "\0\0\0\0\0\0\0\6"
           "\0\0\0\0\0\0\0\2"
           "\0\0\0\0\0\0\0\1",
           0),
    SAMPLE("s\0\0\0\x01",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\x09"
           "noncenon",
           0),
    SAMPLE("mmembers",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\6"
           "record",
           0),
    SAMPLE("mdesired",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\6"
           "record",
           0),
    SAMPLE("mcomparison", "\0\0\0\0\0\0\0\5" TIME "\0", 0),
    SAMPLE("mcomparison",
           "\0\0\0\0\0\0\0\5" TIME "\2"
           "\0\0\0\1"
           "\0\0\0\0\0\0\0\0"
           "\1"
           "hashhash"
           "\0\0\0\2"
           "\0\0\0\0\0\0\0\7"
           "\0"
           "\0\0\0\0\0\0\0\0",
           0),
    SAMPLE("mdatabases", "\1\0\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 0),
    SAMPLE("mlevel", "\0\2", 0),
    SAMPLE("oclient", "\0\0\0\0\0\0\0\5" TIME "+OK\r\n", 10000),
    SAMPLE("u\0\0\0\x01",
           "\0\0\0\0\0\0\0\1"
           "\0\0\0\0\0\0\0\x09"
           "\0\0\0\0\0\0\0\4"
           "\0\0\0\0\0\0\0\4" TIME,
           10000),
    SAMPLE("x" TIME "u\0\0\0\x01", "\1", 0),
    SAMPLE("b\0\0\0\x01"
           "\0\0\0\0\0\0\0\0",
           "part", 0),
    SAMPLE("mapplied",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\1" TIME OFFSET "chaining",
           0),
    SAMPLE("mcount\x0f",
           "\0\0\0\0\0\0\0\2"
           "\0\0\0\0\0\0\0\1"
           "\0\0\0\0"
           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5",
           0),
};

/* What must be refused, and is not only cut. */
static const struct sample damaged[] = {
    SAMPLE("k\x10"
           "\0\0\0\x02" SLOT_AND_HASH "user",
           "\1\0\0\0" TIME TIME, 0),
    SAMPLE(VALUE_KEY, "\2\0\0\0" TIME "\0\0\0\0\0\0\0\7", 0),
    SAMPLE(VALUE_KEY, "\7\0\0\0" TIME "\0\0\0\0\0\0\0\7", 0),
    SAMPLE(VALUE_KEY, "\1\0\1\0" TIME "\0\0\0\0\0\0\0\7", 0),
    SAMPLE(VALUE_KEY, /* a list with a flag of sets */
           "\2\0\2\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\7\0\0\0\1\0\1v",
           10000),
    SAMPLE(VALUE_KEY, /* its root is no page */
           "\2\0\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\7\0\0\0\2\0\1v",
           10000),
    SAMPLE(VALUE_KEY, /* its root is empty */
           "\2\0\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\4\0\0\0\0",
           10000),
    SAMPLE(VALUE_KEY, /* more behind it */
           "\2\0\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\7\0\0\0\1\0\1v\0",
           10000),
    SAMPLE(VALUE_KEY, /* too many own bytes */
           "\2\0\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\x41" OWN "o\0\0\0\7\0\0\0\1\0\1v",
           10000),
    SAMPLE(VALUE_KEY, /* pages, and nobody whose they are */
           "\5\0\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\x0f\1\0\0\1\0\0\0\0\1\0\0\0\0\5\0"
           "\0\0\0\0",
           10000),
    SAMPLE(VALUE_KEY, /* rows of nobody */
           "\2\1\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\0\0\0\0"
           "\0\0\0\0\4\0\0\0\0\2\1\0\0\0\0\3"
           "\0\0\0\0\7\0\0\0\1\0\1v",
           10000),
    SAMPLE(VALUE_KEY, /* a free number that was never given out */
           "\2\1\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\4\0\0\0\0\2\1\0\0\0\0\4"
           "\0\0\0\0\7\0\0\0\1\0\1v",
           10000),
    SAMPLE(VALUE_KEY, /* more rows than numbers */
           "\2\1\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\4\0\0\0\0\3\1\0\0\0\0\3"
           "\0\0\0\0\7\0\0\0\1\0\1v",
           10000),
    SAMPLE(VALUE_KEY, /* fields that expire at no time */
           "\5\0\x0c\0" TIME "\0\0\0\0\0\0\0\7"
           "\x08\0\0\0\0\0\0\0\0"
           "\0\0\0\7\0\0\0\1\1k\0"
           "\0\0\0\0",
           10000),
    SAMPLE(VALUE_KEY, /* and nothing says when */
           "\5\0\x0c\0" TIME "\0\0\0\0\0\0\0\7"
           "\x07"
           "0123456\0\0\0\7\0\0\0\1\1k\0"
           "\0\0\0\0",
           10000),
    SAMPLE("h\x03" /* never */
           "\0\0\0\x02" SLOT_AND_HASH "user",
           "\5\0\0\0\0\0\0\0\0", 0),
    SAMPLE("h\x03" /* of a string */
           "\0\0\0\x02" SLOT_AND_HASH "user",
           "\1" TIME, 0),
    SAMPLE("h\x03" /* more */
           "\0\0\0\x02" SLOT_AND_HASH "user",
           "\5" TIME "\0", 0),
    SAMPLE("mseed", "\0\0\0\0\0\0\0\0", 0),
    SAMPLE("g\0\0\0\0\0\0\0\1", /* of rows that have no numbers */
           "k\3\0\0\0\2"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\1\0\0\0\1\0",
           0),
    SAMPLE(VALUE_KEY, "\0\0\0\0" TIME "\0\0\0\0\0\0\0\7", 0),
    SAMPLE(VALUE_KEY, "\1\2\0\0" TIME "\0\0\0\0\0\0\0\7", 0),
    SAMPLE(VALUE_KEY, /* apart, and nothing says where */
           "\1\1\0\0" TIME "\0\0\0\0\0\0\0\7", 0),
    SAMPLE(VALUE_KEY, /* apart, and as long as a page */
           "\1\1\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\x40\0",
           0),
    SAMPLE(VALUE_KEY, /* longer than its pages can be numbered */
           "\1\1\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\0\0\0\5"
           "\0\x40\0\0\0\0\0\0",
           0),
    SAMPLE(VALUE_KEY, /* in pages of nobody */
           "\1\1\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\0\0\0\0"
           "\0\0\0\0\0\0\x40\1",
           0),
    SAMPLE(VALUE_KEY, /* more than where */
           "\1\1\0\0" TIME "\0\0\0\0\0\0\0\7"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\x40\1"
           "\0",
           0),
    SAMPLE(PAGE_KEY "\0\0\0\0\1", "", 0),
    SAMPLE(TREE_KEY "\0\0\0\0\1", "\0\0\0\2\1k\1v", 0),
    SAMPLE(TREE_KEY "\0\0\0\0\1\0", "\0\0\0\0", 0),
    SAMPLE("t\x03"
           "\0\0\0\x02"
           "\0\0\0\0\0\0\0\0" /* of nobody */
           "\0\0\0\0\1",
           "\0\0\0\0", 0),
    SAMPLE(PAGE_KEY "\0\0\0\0\1\0", "bytes", 0),
    SAMPLE("p\x10"
           "\0\0\0\x02"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\1",
           "bytes", 0),
    SAMPLE("p\x03"
           "\0\0\0\x02"
           "\0\0\0\0\0\0\0\0"
           "\0\0\0\0\1",
           "bytes", 0),
    SAMPLE("g\0\0\0\0\0\0\0\1", /* an unknown database */
           "p\x10\0\0\0\2"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\1\0\0\0\1\0",
           0),
    SAMPLE("g\0\0\0\0\0\0\0\1", /* no pages */
           "p\3\0\0\0\2"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\1\0\0\0\0\1",
           0),
    SAMPLE("g\0\0\0\0\0\0\0\1", /* nobody's */
           "p\3\0\0\0\2"
           "\0\0\0\0\0\0\0\0"
           "\0\0\0\0\1\0\0\0\1\0",
           0),
    SAMPLE("g\0\0\0\0\0\0\0\1\0",
           "p\3\0\0\0\2"
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\1\0\0\0\1\0",
           0),
    SAMPLE("x" TIME VALUE_KEY, "\2", 0),
    SAMPLE("mnext", /* the first ticket is beyond the next one */
           "\0\0\0\0\0\0\0\6"
           "\0\0\0\0\0\0\0\1"
           "\0\0\0\0\0\0\0\2",
           0),
    SAMPLE("mnext", /* 0 is nobody's number */
           "\0\0\0\0\0\0\0\0"
           "\0\0\0\0\0\0\0\1"
           "\0\0\0\0\0\0\0\1",
           0),
    SAMPLE(VALUE_KEY, "\1\0\0\1" TIME "\0\0\0\0\0\0\0\7", 0),
    SAMPLE(VALUE_KEY,
           "\1\0\0\0"
           "\x80\0\0\0\0\0\0\0" TIME,
           0),
    SAMPLE("x"
           "\0\0\0\0\0\0\0\0" VALUE_KEY,
           "", 0),
    SAMPLE("x"
           "\x80\0\0\0\0\0\0\0" VALUE_KEY,
           "", 0),
    SAMPLE("x" TIME VALUE_KEY, "more", 0),
    SAMPLE("x" TIME "k\x10"
           "\0\0\0\x02" SLOT_AND_HASH,
           "", 0),
    SAMPLE("x" TIME "s\0\0\0\x01", "", 0),
    SAMPLE("x" TIME "?", "", 0),
    SAMPLE("s\0\0\0\x01"
           "\0",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\x09",
           0),
    SAMPLE("s\0\0\0\x01",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\x09"
           "\0",
           0),
    SAMPLE("oclient",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\0"
           "+OK\r\n",
           0),
    SAMPLE("oclient",
           "\0\0\0\0\0\0\0\5"
           "\x80\0\0\0\0\0\0\0"
           "+OK\r\n",
           0),
    SAMPLE("mapplied",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\1"
           "\x80\0\0\0\0\0\0\0" OFFSET "chaining",
           0),
    SAMPLE("mapplied",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\1" TIME OFFSET "chaining+",
           0),
    SAMPLE("mapplied",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\1" TIME "chaining",
           0),
    SAMPLE("mapplied",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\1"
           "\x10\0\0\0\0\0\0\1" OFFSET "chaining",
           0),
    SAMPLE("mapplied",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\1" TIME "\x20\0\0\0\0\0\0\1"
           "chaining",
           0),
    SAMPLE("mapplied",
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0\0\0\0\1" TIME "\xdf\xff\xff\xff\xff\xff\xff\xff"
           "chaining",
           0),
    SAMPLE("mcount\x10",
           "\0\0\0\0\0\0\0\2"
           "\0\0\0\0\0\0\0\1"
           "\0\0\0\0"
           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5",
           0),
    SAMPLE("mcount\x0f",
           "\0\0\0\0\0\0\0\1"
           "\0\0\0\0\0\0\0\2"
           "\0\0\0\0"
           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5",
           0),
    SAMPLE("mcount\x0f", /* a sum without expiries */
           "\0\0\0\0\0\0\0\2"
           "\0\0\0\0\0\0\0\0"
           "\0\0\0\0"
           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5",
           0),
    SAMPLE("mcounts",
           "\0\0\0\0\0\0\0\2"
           "\0\0\0\0\0\0\0\1"
           "\0\0\0\0"
           "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5",
           0),
    SAMPLE("m", "", 0),
    SAMPLE("u\0\0\0\x01", /* that is kept forever */
           "\0\0\0\0\0\0\0\1"
           "\0\0\0\0\0\0\0\x09"
           "\0\0\0\0\0\0\0\4"
           "\0\0\0\0\0\0\0\4"
           "\0\0\0\0\0\0\0\0",
           0),
    SAMPLE("u\0\0\0\x01\0",
           "\0\0\0\0\0\0\0\1"
           "\0\0\0\0\0\0\0\x09"
           "\0\0\0\0\0\0\0\4"
           "\0\0\0\0\0\0\0\4" TIME,
           0),
    SAMPLE("b\0\0\0\x01"
           "\0\0\0\0\0\0\0\0\0",
           "part", 0),
    SAMPLE("b\0\0\0\x01"
           "\0\0\0\0\0\0\0\0",
           "", 0),
    SAMPLE("x" TIME "b\0\0\0\x01"
           "\0\0\0\0\0\0\0\0",
           "", 0),
    SAMPLE("mcomparison", "\0\0\0\0\0\0\0\0" TIME "\0", 0), /* of no entry */
    SAMPLE("mcomparison", "\0\0\0\0\0\0\0\5\xff\0\0\0\0\0\0\0\0", 0),
    SAMPLE("mcomparison", "\0\0\0\0\0\0\0\5" TIME "\0\0", 0),
    SAMPLE("mcomparison", /* a report that is cut */
           "\0\0\0\0\0\0\0\5" TIME "\1"
           "\0\0\0\1"
           "\0\0\0\0\0\0\0\0"
           "\1"
           "hash",
           0),
    SAMPLE("mcomparison", /* a hash that was not found */
           "\0\0\0\0\0\0\0\5" TIME "\1"
           "\0\0\0\1"
           "\0\0\0\0\0\0\0\0"
           "\0"
           "hashhash",
           0),
    SAMPLE("mcomparison", /* neither found nor not */
           "\0\0\0\0\0\0\0\5" TIME "\1"
           "\0\0\0\1"
           "\0\0\0\0\0\0\0\0"
           "\2"
           "hashhash",
           0),
    SAMPLE("mcomparison", /* a node twice */
           "\0\0\0\0\0\0\0\5" TIME "\2"
           "\0\0\0\1"
           "\0\0\0\0\0\0\0\0"
           "\1"
           "hashhash"
           "\0\0\0\1"
           "\0\0\0\0\0\0\0\0"
           "\1"
           "hashhash",
           0),
    SAMPLE("mdatabases", "", 0),
    SAMPLE("mdatabases", "\1\0\1\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
           0), /* one twice */
    SAMPLE("mdatabases", "\1\0\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x10",
           0), /* no database */
    SAMPLE("mdatabases", "\1\0\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e",
           0),                   /* one too few */
    SAMPLE("mlevel", "\0\1", 0), /* there without a row */
    SAMPLE("mlevel", "\0\0", 0),
    SAMPLE("mlevel", "\2", 0),
    SAMPLE("mlevel", "\0\2\0", 0),
    SAMPLE("mmembers", /* by no entry */
           "\0\0\0\0\0\0\0\0"
           "\0\0\0\6"
           "record",
           0),
    SAMPLE("mmembers", /* nothing */
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0",
           0),
    SAMPLE("mdesired", /* nothing */
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\0",
           0),
    SAMPLE("mmembers", /* more than it says */
           "\0\0\0\0\0\0\0\5"
           "\0\0\0\5"
           "record",
           0),
};

static const struct row_kind *kind_of(const struct sample *s)
{
    return row_kind_of(s->key.data[0]);
}

/* What a read through rows gives of a row that the store has. */
static int read_back(struct bytes key, struct bytes value, bool *same)
{
    struct store *s = store_memory_new();
    struct store_batch b = STORE_BATCH_INIT;
    struct rows rs;
    struct bytes got;
    store_batch_put(&b, STORE_STATE, key, value);
    assert_int_equal(store_write(s, &b, STORE_UNLOGGED), 0);
    store_batch_release(&b);
    rows_init(&rs, s);
    *same = rows_get(&rs, key, &got) && bytes_eq(got, value);
    int err = rs.error;
    rows_release(&rs);
    store_close(s);
    return err;
}

static void expect_refused(struct bytes key, struct bytes value)
{
    bool same = true;
    assert_int_equal(row_check(key, value), ERR_CORRUPT);
    assert_int_equal(read_back(key, value, &same), ERR_CORRUPT);
    assert_false(same);
}

static void each_kind_has_a_sample_and_each_sample_a_kind(void **state)
{
    UNUSED(state);
    bool sampled[ROW_LETTERS] = {false};
    for (size_t i = 0; i < ARRAY_LEN(samples); i++)
        sampled[samples[i].key.data[0]] = true;
    for (unsigned letter = 0; letter < ROW_LETTERS; letter++)
        assert_int_equal(row_kind_of((uint8_t)letter) != NULL, sampled[letter]);
}

static void each_kind_comes_back_from_the_store(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        bool same = false;
        assert_int_equal(row_check(s->key, s->value), 0);
        assert_int_equal(read_back(s->key, s->value, &same), 0);
        assert_true(same);
    }
}

static void a_key_of_no_kind_is_corrupt(void **state)
{
    UNUSED(state);
    assert_int_equal(row_check_key(BYTES_NONE), ERR_CORRUPT);
    for (unsigned letter = 0; letter < ROW_LETTERS; letter++) {
        uint8_t key[32] = {(uint8_t)letter};
        if (row_kind_of((uint8_t)letter) == NULL)
            expect_refused(bytes_of(key, sizeof(key)), BYTES_LIT("value"));
    }
}

static void a_cut_key_is_corrupt(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        for (size_t len = 0; len < kind_of(s)->key_size_min; len++) {
            struct bytes key = bytes_of(s->key.data, len);
            assert_int_equal(row_check_key(key), ERR_CORRUPT);
            if (len > 0)
                expect_refused(key, s->value);
        }
    }
}

static void a_cut_value_is_corrupt(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        size_t size = kind_of(s)->header_size;
        if (row_is(s->key, ROW_META))
            size = s->value.len;
        for (size_t len = 0; len < size; len++)
            expect_refused(s->key, bytes_of(s->value.data, len));
    }
}

static void what_was_not_written_by_us_is_corrupt(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++)
        expect_refused(damaged[i].key, damaged[i].value);
}

/* A longer string would be apart. */
static void a_plain_value_is_no_longer_than_a_page(void **state)
{
    UNUSED(state);
    static uint8_t row[VALUE_HEADER_SIZE + KEYSPACE_PAGE_SIZE + 1] = {
        VALUE_STRING};
    bool same = false;
    struct bytes longest = bytes_of(row, sizeof(row) - 1);
    assert_int_equal(read_back(BYTES_LIT(VALUE_KEY), longest, &same), 0);
    assert_true(same);
    expect_refused(BYTES_LIT(VALUE_KEY), bytes_of(row, sizeof(row)));
}

/* What the table says of a kind is true of its samples. */
static void the_table_finds_expiry_and_epoch(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        assert_int_equal(row_expire_ms(s->key, s->value), s->expire_ms);
        assert_true(s->expire_ms == 0 || row_may_expire(s->key));
        assert_int_equal(row_in_epoch(s->key), row_is(s->key, ROW_VALUE) ||
                                                   row_is(s->key, ROW_PAGE) ||
                                                   row_is(s->key, ROW_TREE) ||
                                                   row_is(s->key, ROW_DUE));
        if (!row_in_epoch(s->key))
            continue;
        assert_int_equal(row_db(s->key), 3);
        assert_int_equal(row_epoch(s->key), 2);
    }
}

static void an_expiry_leads_to_its_row(void **state)
{
    UNUSED(state);
    struct buf key = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        const struct sample *s = &samples[i];
        struct bytes of;
        int64_t time_ms = 0;
        if (!row_may_expire(s->key))
            continue;
        key_expiry(&key, 10000, s->key);
        assert_int_equal(row_check(buf_view(&key), BYTES_NONE), 0);
        assert_int_equal(key_expiry_decode(buf_view(&key), &time_ms, &of), 0);
        assert_int_equal(time_ms, 10000);
        assert_true(bytes_eq(of, s->key));
    }
    buf_release(&key);
}

/* The keys that an epoch of a database has lie between the beginnings of it
 * and of the next. */
static void an_epoch_is_a_range(void **state)
{
    UNUSED(state);
    uint8_t from[KEY_EPOCH_SIZE];
    uint8_t to[KEY_EPOCH_SIZE];
    struct buf key = BUF_INIT;
    static const uint32_t epochs[] = {0,   1,          255,
                                      256, 0x01020304, UINT32_MAX - 1};
    for (size_t i = 0; i < ARRAY_LEN(epochs); i++) {
        key_encode(&key, 7, epochs[i], BYTES_LIT("user"));
        key_epoch_first(from, ROW_VALUE, 7, epochs[i]);
        key_epoch_first(to, ROW_VALUE, 7, epochs[i] + 1);
        assert_true(bytes_cmp(bytes_of(from, sizeof(from)), buf_view(&key)) <
                    0);
        assert_true(bytes_cmp(buf_view(&key), bytes_of(to, sizeof(to))) < 0);
    }
    buf_release(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_a_sample_and_each_sample_a_kind),
        cmocka_unit_test(each_kind_comes_back_from_the_store),
        cmocka_unit_test(a_key_of_no_kind_is_corrupt),
        cmocka_unit_test(a_cut_key_is_corrupt),
        cmocka_unit_test(a_cut_value_is_corrupt),
        cmocka_unit_test(what_was_not_written_by_us_is_corrupt),
        cmocka_unit_test(a_plain_value_is_no_longer_than_a_page),
        cmocka_unit_test(the_table_finds_expiry_and_epoch),
        cmocka_unit_test(an_expiry_leads_to_its_row),
        cmocka_unit_test(an_epoch_is_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

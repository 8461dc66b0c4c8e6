/*
 * The kinds of rows in the state family. The first byte of a row's key, its
 * letter, names the kind:
 *
 *   'k' a value          's' a session        'm' counts, epoch, position
 *   'p' a page of one    'u' an upload        'g' a ticket: pages to delete
 *   't' of collections   'b' a part of one    'o' a first answer of a client
 *   'x' an expiry        'h' when elements of a collection are due
 *
 * The layout of the keys is in key.h, that of the values in value.h, meta.h
 * and below. This is the one place that knows what the letters mean: other
 * files name the constants, and ask the table. Integers are big-endian.
 *
 * README.md says how to add one.
 */
#ifndef DATA_KINDS_H
#define DATA_KINDS_H

#include "base/base.h"
#include "base/bytes.h"
#include "base/level.h"

enum row_letter {
    ROW_VALUE = 'k',
    ROW_PAGE = 'p',
    ROW_TREE = 't',
    ROW_TICKET = 'g',
    ROW_EXPIRY = 'x',
    ROW_SESSION = 's',
    ROW_ONCE = 'o',
    ROW_META = 'm',
    ROW_UPLOAD = 'u',
    ROW_PART = 'b',
    ROW_DUE = 'h',
};

/* The value of a session: 0 incarnation(8)  8 last_seq(8)  16 nonce(8). */
#define SESSION_SIZE 24

/* A first answer: 0 request_id(8)  8 expire_ms(8)  16 reply. */
#define ONCE_HEADER_SIZE   16
#define ONCE_EXPIRE_OFFSET 8

/* An upload; see upload.h: 0 number(8)  8 total(8)  16 received(8)
 * 24 part size(8)  32 expire_ms(8). */
#define UPLOAD_SIZE          40
#define UPLOAD_EXPIRE_OFFSET 32

/* Of a collection that is VALUE_FIELD_TTL, beside its value: 0 its type(1)
 * 1 expire_ms(8), of the first element that is due. */
#define DUE_SIZE          9
#define DUE_EXPIRE_OFFSET 1

/* A ticket: 0 letter(1)  1 db(1)  2 epoch(4)  6 id(8)  14 page(5)  19 end(5):
 * these pages, from one up to before the other, are to be deleted. */
#define TICKET_SIZE 24

/* The first byte of a row of the kind ROW_TREE that is no page: a part of a
 * blob (object.h). */
#define TREE_BLOB 0xff

/* An index row is empty, or this if the row that it names is apart: a value
 * with pages or with a row of the kind ROW_DUE, or an upload, of which there is
 * more to delete than that row. */
#define EXPIRY_APART BYTES_LIT("\1")

struct row_kind {
    const char *name;     /* NULL: no kind has this letter */
    uint16_t level;       /* (base/level.h) that it came with */
    size_t key_size_min;  /* the letter included */
    size_t header_size;   /* a value has at least these bytes */
    size_t expire_offset; /* of expire_ms(8) in the header; 0: no expiry */
    bool in_epoch;        /* the key begins: letter(1) db(1) epoch(4) */
    /* Whether a key and a value of the right sizes can be ours. */
    bool (*valid)(struct bytes key, struct bytes value);
};

#define ROW_LETTERS 256
/* The kind of a letter; NULL: there is none. */
const struct row_kind *row_kind_of(uint8_t letter);

static inline bool row_is(struct bytes key, enum row_letter letter)
{
    return key.len > 0 && key.data[0] == (uint8_t)letter;
}

/* ERR_CORRUPT for a key that no kind of row has. */
MUST_USE int row_check_key(struct bytes key);
/* ERR_CORRUPT for a row that this code cannot have written. */
MUST_USE int row_check(struct bytes key, struct bytes value);

/* The functions below are for rows that have been checked. */

/* Rows of its kind are written from this level on. */
uint16_t row_level(struct bytes key);
/* Whether rows of its kind may have an expiry, and a place in the index. */
bool row_may_expire(struct bytes key);
/* The expiry of a row, of which the header is enough; 0: none. */
int64_t row_expire_ms(struct bytes key, struct bytes value);
/* Whether there is more of it than the row: a value that is apart (value.h) or
 * VALUE_FIELD_TTL, or an upload. */
bool row_is_apart(struct bytes key, struct bytes value);
/* Whether the row is garbage once the epoch of its database has ended. */
bool row_in_epoch(struct bytes key);
/* The database and epoch of a row; false if rows of its kind have none. */
bool row_epoch_of(struct bytes key, uint8_t *db, uint32_t *epoch);
/* The same of a row that is known to be in an epoch. */
uint8_t row_db(struct bytes key);
uint32_t row_epoch(struct bytes key);

#endif

/*
 * What the commands on collections share: opening one, members as arguments,
 * long replies, and the options of the *SCAN commands. A function that returns
 * false has written the reply.
 */
#ifndef CMD_CMD_COLLECTION_H
#define CMD_CMD_COLLECTION_H

#include "cmd/cmd.h"
#include "data/object.h"
#include "type/cell.h"

/* The longest member or field, which is a key of a tree: part of the state
 * machine, so it is not an option. */
#define CMD_MEMBER_MAX (1024 * 1024)

/* A reply with more than that would hold up everybody else. */
#define CMD_REPLY_BYTES_MAX  (64 * 1024 * 1024)
#define CMD_REPLY_RANDOM_MAX 1000000

/* Opens the collection of a key. False: the key is of another type (WRONGTYPE
 * was answered). True: (*out)->exists says whether there is one. */
MUST_USE bool open_collection(struct cmd_call *c, struct bytes key,
                              uint8_t type, struct object **out);

/* That each `step`-th argument from `first` on may be a member or a field. */
MUST_USE bool members_fit(const struct cmd_args *a, uint32_t first,
                          uint32_t step);

/* The value of an element. */
void reply_cell(struct cmd_call *c, struct object *o, const struct cell *v);

/* A reply of many elements, which has a limit. */
struct long_reply {
    struct cmd_call *call;
    size_t from;    /* where it began */
    bool was_over;  /* the writer, then */
    uint64_t bytes; /* of its elements, by now */
};

void long_reply_begin(struct long_reply *r, struct cmd_call *c);
/* Before an element of so many bytes. False: it would be too much; the reply is
 * an error by now, which names the command to use instead. Or nobody will get
 * it. */
MUST_USE bool long_reply_add(struct long_reply *r, uint64_t bytes,
                             const char *instead);
/* The same of so many random elements, each of which has to be looked for. */
MUST_USE bool long_reply_count(struct cmd_call *c, uint64_t elements,
                               const char *instead);

/* ---- *SCAN ---- */

/* No call looks at more, whatever COUNT says. */
#define CMD_SCAN_COUNT_MAX 100000

struct scan_options {
    uint64_t count;
    struct bytes match;
    bool matches; /* there is a pattern */
    struct bytes type;
    bool typed; /* there is a type */
};

/* As strtoul reads it, which is what Redis does. */
MUST_USE bool parse_scan_cursor(const struct cmd_args *a, uint32_t arg,
                                uint64_t *cursor);
/* MATCH and COUNT, from this argument on, and TYPE, which SCAN alone has. */
MUST_USE bool parse_scan_options(const struct cmd_args *a, uint32_t arg,
                                 struct scan_options *out);
MUST_USE bool scan_wants(const struct scan_options *o, struct bytes member);
/* What a scan of nothing answers: cursor 0, no elements. */
void reply_scan_none(struct cmd_call *c);

#endif

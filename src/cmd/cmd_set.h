/*
 * What the commands on sets share.
 */
#ifndef CMD_CMD_SET_H
#define CMD_CMD_SET_H

#include "cmd/cmd_collection.h"
#include "cmd/cmd_internal.h"
#include "cmd/cmd_parse.h"
#include "type/set.h"
#include "type/set_algebra.h"

/* Closes a set that members were removed from, or not. */
void set_close_changed(struct object *o, bool changed);

#define MEMBER_LIST_HEAD 4

/* Members that are going to be told or stored, one behind the other: a copy,
 * because sets may change or be closed before. */
struct member_list {
    struct buf bytes; /* of each: length(4), bytes */
    uint64_t count;
    size_t bytes_max; /* of those; at most 4 GiB */
    bool over;        /* it would be longer: it does not have all */
};

void member_list_init(struct member_list *l, size_t bytes_max);
void member_list_release(struct member_list *l);
/* A set_visit_fn: `user` is the list. False: it is over. */
bool member_list_add(void *user, struct bytes member);
/* The next one, from *at = 0 on. */
MUST_USE bool member_list_next(const struct member_list *l, size_t *at,
                               struct bytes *member);
/* Answers with all of them: a set or an array; or with the error that they are
 * too many. */
void reply_member_list(struct cmd_call *c, const struct member_list *l,
                       bool as_set);

#endif

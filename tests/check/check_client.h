/*
 * I18, X9, X11: the trace of the requests that went through the log, seen from
 * the node that each was given to.
 *
 * A request is named by that node, its incarnation and the number it got there
 * (codec/request.h). The checker is told when it is asked, refused, executed
 * (by the fold of the log, at its place) and answered, in the order in which
 * this happens, and knows:
 *
 *   I18  nothing is executed that nobody asked for, in these very words; no
 *        reply before the request, none before it is applied, none twice; if
 *        the reply to a precedes the request b, a stands before b in the log;
 *   I17  a reply is what the fold gives at that place;
 *   X9   nothing is executed twice;
 *   X11  nothing is executed that was refused with a definite error.
 *
 * The first breach is kept: `violation` points to a constant text that begins
 * with the name; the rest is then undefined. Memory grows with the requests.
 */
#ifndef CHECK_CHECK_CLIENT_H
#define CHECK_CHECK_CLIENT_H

#include "base/map.h"
#include "raft/raft.h"

struct client_id {
    node_id node;
    uint64_t incarnation;
    uint64_t seq;
};

/* A place in the log; index 0 is before all. */
struct client_place {
    raft_index index;
    uint32_t pos;
};

struct client_ask {
    uint64_t words;            /* hash of the arguments; 0: not asked */
    struct client_place after; /* the last place answered before it began */
    struct client_place place; /* index 0: not executed */
    bool answered;
};

/* The requests of one incarnation of a node, by number. */
struct client_session {
    struct client_ask *asks;
    size_t cap;
};

struct client_check {
    struct map sessions;          /* by node and incarnation */
    struct map refused;           /* by hash of words: how many, less asked */
    struct client_place answered; /* the last place anybody was told of */
    uint64_t asked;
    uint64_t executed;
    uint64_t replied;
    const char *violation;
};

void client_check_init(struct client_check *c);
void client_check_release(struct client_check *c);

void client_check_asked(struct client_check *c, struct client_id id,
                        const struct bytes *argv, uint32_t argc);
/* Answered with an error that promises "not executed"; it has no number. The
 * words should be those of no other request, or it proves little. */
void client_check_refused(struct client_check *c, const struct bytes *argv,
                          uint32_t argc);
/* The log has it, as the next of its session. */
void client_check_executed(struct client_check *c, struct client_id id,
                           const struct bytes *argv, uint32_t argc,
                           struct client_place place);
/* Answered, while its node was applying `index` or had applied it; both
 * replies in the same protocol. */
void client_check_answered(struct client_check *c, struct client_id id,
                           raft_index index, struct bytes reply,
                           struct bytes expected);

#endif

/*
 * A cluster as the tools see it: the nodes that were given or discovered,
 * which of them to ask, what to try again and what not.
 *
 * Thread: one; others are used within cluster_ask_all() only. Everything ends
 * within the timeout given.
 */
#ifndef CLIENT_CLUSTER_H
#define CLIENT_CLUSTER_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "client/link.h"

#define CLUSTER_NODES_MAX 32
#define CLUSTER_HOST_MAX  256

struct cluster_node {
    char host[CLUSTER_HOST_MAX];
    uint16_t port;
    struct link *link; /* NULL when not connected */
    bool discovered;   /* another node named it */
    char id[16];       /* as others say, or a file; "": nobody has */
    struct buf why;    /* why it could not be asked, last time */
};

/* What cluster_ask_node() gives: the result, and the answer if it is 0. */
struct cluster_reply {
    int err;
    struct answer answer;
};

/* Starts as {0}. */
struct cluster_replies {
    struct cluster_reply of[CLUSTER_NODES_MAX];
    size_t count;
};

/* Starts with its options alone, the rest zero. */
struct cluster {
    struct cluster_node nodes[CLUSTER_NODES_MAX];
    size_t node_count;
    size_t next; /* node to ask first: the last one that answered */
    const char *password;
    int64_t timeout_ms; /* of a whole request, with all its tries */
};

/* "host:port,host,[::1]:port"; false if it is not that. */
MUST_USE bool cluster_add_list(struct cluster *c, const char *list);
/* Adds a node unless it is known; false if the address makes no sense. */
bool cluster_add(struct cluster *c, struct bytes address, bool discovered);
/* The same of a given address, and of whose it is. */
bool cluster_add_member(struct cluster *c, struct bytes address, uint64_t id);
void cluster_release(struct cluster *c);
/* One node, one try; results as link_ask. */
MUST_USE int cluster_ask_node(struct cluster *c, size_t node,
                              const struct link_request *r, int64_t timeout_ms,
                              struct answer *out);
/* The same of all nodes from `first` on, at once: it takes as long as the
 * slowest of them. No writes. out->of[0] is of the first; the caller releases
 * *out, whose old replies are gone. */
void cluster_ask_all(struct cluster *c, size_t first,
                     const struct link_request *r, int64_t timeout_ms,
                     struct cluster_replies *out);
void cluster_replies_release(struct cluster_replies *r);
/* Any node: tries the others until one answers or the time is up. 0 with the
 * answer; ERR_CLOSED: nobody could do it, it was not executed; ERR_IO: it may
 * have been. Then `out` is the last error, for a person. */
MUST_USE int cluster_ask(struct cluster *c, const struct link_request *r,
                         struct answer *out);
/* Asks one node after the other for INFO, until one answers: adds the members
 * that it names, and it is the one to ask first. */
void cluster_discover(struct cluster *c);
void cluster_take_members(struct cluster *c, struct bytes info);
/* The next line of *info that a node has about another member: its id, and
 * what is said of it; false when there is none. */
bool cluster_next_member(struct bytes *info, struct bytes *id,
                         struct bytes *value);
/* Asks all nodes at once, for at most ask_ms, which of them leads; `discover`:
 * then also the members that they name. ERR_NOT_FOUND: none leads. ERR_AUTH:
 * none does, and a node has answered with the error in `refusal`, which starts
 * as {0} and whose text the caller releases. */
MUST_USE int cluster_find_leader(struct cluster *c, int64_t ask_ms,
                                 bool discover, size_t *leader,
                                 struct answer *refusal);

#endif

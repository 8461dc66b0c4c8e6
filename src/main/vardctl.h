/*
 * vardctl: the inside of the operator's tool.
 *
 * vardctl.c          command line, help, one function per command
 * vardctl_status.c   the table of the cluster
 * vardctl_cluster.c  which node to ask, what to try again and what not
 * vardctl_link.c     one connection; the only file that knows hiredis
 *
 * Thread: one. Everything ends within the timeout given.
 */
#ifndef MAIN_VARDCTL_H
#define MAIN_VARDCTL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/bytes.h"

#define CTL_NODES_MAX 32
#define CTL_HOST_MAX  256

/* Exit statuses, also in the help. */
enum ctl_exit {
    CTL_GOOD = 0,
    CTL_NO = 1, /* key missing, not equal, cluster not healthy */
    CTL_USAGE = 2,
    CTL_NOT_DONE = 3, /* nobody could do it: definitely not executed */
    CTL_UNKNOWN = 4,  /* no answer: it may have been executed */
    CTL_REFUSED = 5,  /* an error as the answer: not executed */
};

enum answer_kind {
    ANSWER_NIL,
    ANSWER_TEXT, /* status or value */
    ANSWER_NUMBER,
    ANSWER_ERROR, /* text says which */
};

struct answer {
    enum answer_kind kind;
    struct buf text;
    long long number;
};

struct link; /* a connection */

struct ctl_node {
    char host[CTL_HOST_MAX];
    uint16_t port;
    struct link *link; /* NULL when not connected */
    bool discovered;   /* another node named it */
    char id[16];       /* as others say; "": nobody has */
    struct buf why;    /* why it could not be asked, last time */
};

struct cluster {
    struct ctl_node nodes[CTL_NODES_MAX];
    size_t node_count;
    size_t next; /* node to ask first: the last one that answered */
    const char *password;
    int64_t timeout_ms; /* of a whole request, with all its tries */
};

struct request {
    const char *const *argv;
    const size_t *lengths; /* NULL: argv are plain strings */
    size_t argc;
    bool write;
};

/* vardctl_link.c. All return 0, ERR_CLOSED if the request cannot have left,
 * ERR_IO if it may have, with a text in `why`. */
MUST_USE int link_open(struct link **out, const struct ctl_node *node,
                       int64_t timeout_ms, struct buf *why);
void link_close(struct link *l);
MUST_USE int link_ask(struct link *l, const struct request *r,
                      int64_t timeout_ms, struct answer *out, struct buf *why);

/* vardctl_cluster.c */
/* "host:port,host,[::1]:port"; false if it is not that. */
MUST_USE bool cluster_add_list(struct cluster *c, const char *list);
/* Adds a node unless it is known; false if the address makes no sense. */
bool cluster_add(struct cluster *c, struct bytes address, bool discovered);
void cluster_release(struct cluster *c);
/* One node, one try; results as link_ask. */
MUST_USE int cluster_ask_node(struct cluster *c, size_t node,
                              const struct request *r, int64_t timeout_ms,
                              struct answer *out);
/* Any node: tries the others until one answers or the time is up. 0 or the
 * exit status (then `out` is the last error, for a person). */
MUST_USE int cluster_ask(struct cluster *c, const struct request *r,
                         struct answer *out);
/* Asks for INFO of any node, and adds the members that it names. */
void cluster_discover(struct cluster *c);
void cluster_take_members(struct cluster *c, struct bytes info);
int64_t cluster_now_ms(void);

/* The value of "name:value" in INFO's text; empty if it is not there. */
struct bytes info_field(struct bytes info, const char *name);
/* The value of "name=value" among "a=b,c=d". */
struct bytes info_part(struct bytes value, const char *name);

/* vardctl_status.c; the exit status. */
int status_print(struct cluster *c);

#endif
